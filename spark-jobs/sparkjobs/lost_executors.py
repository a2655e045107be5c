"""Barrier stages on a cluster that loses executors: Spark gives up such a stage, so it is started again from here."""

import sys
import time
from collections.abc import Callable
from typing import TypeVar

from pyspark import SparkContext

Result = TypeVar("Result")

STARTS = 3
# Of a failed barrier stage Spark seldom says why: the rank whose peer is gone fails before Spark misses the executor,
# which on Kubernetes is when it next looks at the pods.
FAILED = "failed barrier"
NOTICE_S = 120.0
REPLACE_S = 600.0
POLL_S = 0.5


def again_when_lost(run: Callable[[], Result], starts: int = STARTS) -> Result:
    """Result of `run`; when it fails and an executor has gone meanwhile, of another call once that one is replaced.

    At most `starts` calls, so that an executor that dies of the work itself ends it. Whatever `run` raises without such
    a loss, or at its last call, is raised as it stands.
    """
    for start in range(1, starts + 1):
        before = executors()
        try:
            return run()
        except Exception as error:
            if start == starts or FAILED not in str(error) or not _lost_one_of(before):
                raise
            print(f"an executor was lost ({_first_line(error)}); waiting for another", file=sys.stderr, flush=True)
            if not _are_replaced(len(before)):
                raise
            print("all executors are there again; going on", file=sys.stderr, flush=True)
    raise ValueError(f"Cannot run anything {starts} times")


def executors() -> set[str]:
    """Addresses of what Spark counts as alive, the driver among them; none where the driver does the work itself."""
    context = SparkContext._active_spark_context
    if context is None or context.master == "local" or context.master.startswith("local["):
        return set()
    return {f"{info.host()}:{info.port()}" for info in context._jsc.sc().statusTracker().getExecutorInfos()}


def _lost_one_of(before: set[str]) -> bool:
    return bool(before) and _until(lambda: bool(before - executors()), NOTICE_S)


def _are_replaced(count: int) -> bool:
    return _until(lambda: len(executors()) >= count, REPLACE_S)


def _until(holds: Callable[[], bool], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:300]
