"""A job that ends as its spec asks: one behaviour for each failure class that a job can bring about."""

import os
import signal
import time
from pathlib import Path

from sparkjobs.job import Job, run

BLOCK = 64 * 1024 * 1024


def main(job: Job) -> None:
    behaviour = job.settings["behaviour"]
    print(f"behaviour: {behaviour}", flush=True)
    BEHAVIOURS[behaviour](job)
    job.write("out", job.spark.range(10).withColumnRenamed("id", "n"))


def raises(_job: Job) -> None:
    raise ValueError("the till of shop 7 has no receipts")


def eats_memory(_job: Job) -> None:
    kept = []
    while True:
        kept.append(b"x" * BLOCK)
        print(f"{len(kept) * 64} MiB", flush=True)


def loses_executors(job: Job) -> None:
    job.spark.sparkContext.parallelize([0], 1).foreach(kill_own_executor)


def kill_own_executor(_: int) -> None:
    """The worker's parent is the daemon, and that one's is the virtual machine of the executor.

    Its last words are written where that machine writes: what a worker prints reaches the log through a thread of the
    machine, and is lost when that ends first.
    """
    stat = Path(f"/proc/{os.getppid()}/stat").read_text()
    machine = int(stat.rpartition(")")[2].split()[1])
    with Path(f"/proc/{machine}/fd/2").open("a") as log:
        log.write("a task ends its executor\n")
    os.kill(machine, signal.SIGKILL)
    time.sleep(60)


def writes_nothing(_job: Job) -> None:
    os._exit(0)


def stays(job: Job) -> None:
    for second in range(int(job.settings["seconds"])):
        print(f"second {second}", flush=True)
        time.sleep(1)


BEHAVIOURS = {
    "raises": raises,
    "eats memory": eats_memory,
    "loses executors": loses_executors,
    "writes nothing": writes_nothing,
    "stays": stays,
}

if __name__ == "__main__":
    run(main)
