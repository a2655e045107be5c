"""A job for the contract of backends on real Spark: behaves as its params document asks (see `Behaviour` in backend.contract.ts)."""

import json
import os
import signal
import sys
import time

from contract_words import LAST_WORDS
from pyspark.sql import SparkSession


def say(line: object) -> None:
    print(line, flush=True)


with open(sys.argv[1]) as document:
    behaviour = json.load(document)["behaviour"]

say("started")
say(f"pid {os.getpid()}")
spark = SparkSession.builder.getOrCreate()
say(f"pid {spark._jvm.java.lang.ProcessHandle.current().pid()}")
workers = spark.sparkContext.parallelize([0]).map(lambda _: (len(LAST_WORDS), os.getpid(), os.getppid())).collect()
for _, worker, daemon in workers:
    say(f"pid {worker}")
    say(f"pid {daemon}")

if behaviour == "fails":
    say(LAST_WORDS)
    sys.exit(3)
if behaviour == "dies":
    os.kill(os.getpid(), signal.SIGKILL)
if behaviour == "stays":
    time.sleep(600)
