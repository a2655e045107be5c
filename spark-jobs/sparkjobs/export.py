"""A trained model as an ONNX file with its signature."""

import hashlib
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch

from sparkjobs.next_visit import INPUTS, NextVisitModel, Serving
from sparkjobs.onnx_session import OUTPUT, run, session
from sparkjobs.windows import Arrays

OPSET = 17
TOLERANCE = 1e-4
DYNAMIC = {"bags": {0: "batch", 1: "visits"}, "gaps": {0: "batch", 1: "visits"}}


def export(model: NextVisitModel, example: Arrays, path: Path, tolerance: float = TOLERANCE) -> dict[str, object]:
    """Writes `model` to `path` and returns its signature: inputs, outputs, opset, sha256 and the largest difference.

    The file is run on `example` (inputs as `windows.scoring` makes them) and held against torch; raises ValueError when
    a score differs by more than `tolerance`, because then not the model that was evaluated would be served.
    """
    serving = Serving(model).eval()
    tensors = tuple(torch.from_numpy(np.ascontiguousarray(example[name])) for name in INPUTS)
    axes = {name: DYNAMIC.get(name, {0: "batch"}) for name in (*INPUTS, OUTPUT)}
    with warnings.catch_warnings():
        # The newer exporter needs onnxscript and half a minute; this one takes half a second and gives the same graph.
        warnings.simplefilter("ignore", DeprecationWarning)
        # Of GRUs, whose first state takes its size from the input here; that other batches can be scored is tested.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        warnings.filterwarnings("ignore", "Exporting a model to ONNX with a batch_size other than 1")
        torch.onnx.export(
            serving, tensors, str(path), dynamo=False, opset_version=OPSET,
            input_names=list(INPUTS), output_names=[OUTPUT], dynamic_axes=axes,
        )  # fmt: skip
    onnx.checker.check_model(str(path))
    with torch.inference_mode():
        expected = serving(*tensors).numpy()
    difference = float(np.abs(run(session(path), example) - expected).max(initial=0.0))
    if not difference <= tolerance:
        raise ValueError(
            f"Cannot export {path.name}: ONNX Runtime and torch differ by {difference:g} (> {tolerance:g})"
        )
    return {**_signature(path), "opset": OPSET, "difference": difference}


def _signature(path: Path) -> dict[str, object]:
    runtime = session(path)
    describe = lambda nodes: [{"name": n.name, "type": n.type, "shape": n.shape} for n in nodes]  # noqa: E731
    return {
        "file": path.name,
        "inputs": describe(runtime.get_inputs()),
        "outputs": describe(runtime.get_outputs()),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
