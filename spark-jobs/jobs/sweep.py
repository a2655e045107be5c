"""Entry point of a step of a sweep: one candidate, trained at its rung's budget and scored on the tuning period."""

from sparkjobs.job import run
from sparkjobs.sweep import main

if __name__ == "__main__":
    run(main)
