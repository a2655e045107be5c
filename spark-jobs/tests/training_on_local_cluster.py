"""Trains on two executors that are processes of their own and prints the report as JSON. Arguments: WORK EPOCHS."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from pyspark.sql import SparkSession
from training_sample import ids_of, recipe, sequences, shape

from sparkjobs.training import train, weights_digest


def main(work: str, epochs: int) -> None:
    spark = (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.executor.memory", "512m")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.scheduler.minRegisteredResourcesRatio", "1.0")
        .config("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "1s")
        .config("spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "1")
        .getOrCreate()
    )
    made = sequences()
    model, report = train(made, ids_of(made), shape(), recipe(epochs), ranks=2, work=work)
    spark.stop()
    print(json.dumps({**report, "digest": weights_digest(model)}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
