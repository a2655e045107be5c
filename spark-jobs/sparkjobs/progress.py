"""Tells how far a job is: one small document, replaced about once a second."""

import sys
import threading

from py4j.protocol import Py4JError
from pyspark import SparkContext

from sparkjobs.documents import write_document

INTERVAL_S = 1.0


class Progress:
    """Writes the progress document from Spark's status tracker until stopped; a context manager.

    Progress is a courtesy: when it cannot be written the job goes on and says so once on stderr.
    """

    def __init__(self, context: SparkContext, path: str):
        self._tracker = context.statusTracker()
        self._path = path
        self._stage = "starting"
        self._last_stage_id = -1
        self._stopped = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="progress", daemon=True)

    def __enter__(self) -> "Progress":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._wake.set()
        self._thread.join(timeout=5)

    def stage(self, word: str) -> None:
        """Say in the job's own word what it does now; shows at once."""
        self._stage = word
        self._wake.set()

    def snapshot(self) -> dict[str, object]:
        """What the progress document says now. Stage ids count upwards, so the highest tells how many there were."""
        active = list(self._tracker.getActiveStageIds())
        infos = [info for info in map(self._tracker.getStageInfo, active) if info is not None]
        self._last_stage_id = max([self._last_stage_id, *active])
        return {
            "stage": self._stage,
            "stages_done": self._last_stage_id + 1 - len(active),
            "stages_active": len(active),
            "tasks_done": sum(info.numCompletedTasks for info in infos),
            "tasks_total": sum(info.numTasks for info in infos),
        }

    def _follow(self) -> None:
        try:
            while not self._stopped.is_set():
                write_document(self._path, self.snapshot(), durable=False)
                self._wake.wait(INTERVAL_S)
                self._wake.clear()
            write_document(self._path, self.snapshot(), durable=False)
        except (OSError, Py4JError) as error:
            if not self._stopped.is_set():
                print(f"Cannot write progress to {self._path}: {error}", file=sys.stderr)
