"""Entry point of a TrainingJob: TxT against count baselines, and what of them is to score."""

from sparkjobs.job import run
from sparkjobs.training_job import main

if __name__ == "__main__":
    run(main)
