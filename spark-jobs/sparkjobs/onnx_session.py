"""A model in ONNX Runtime. Needs no torch, which takes seconds and half a gigabyte in each process that loads it."""

from pathlib import Path

import numpy as np
import onnxruntime

from sparkjobs.windows import Arrays

OUTPUT = "scores"


def session(path: Path) -> onnxruntime.InferenceSession:
    """ONNX Runtime on one thread: Spark already runs a task per core, more threads would only fight over them."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(runtime: onnxruntime.InferenceSession, inputs: Arrays) -> np.ndarray:
    """Scores float32 [batch, categories]. Inputs the graph lacks (ids of a model without context) are left out."""
    asked = [node.name for node in runtime.get_inputs()]
    return runtime.run([OUTPUT], {name: np.ascontiguousarray(inputs[name]) for name in asked})[0]
