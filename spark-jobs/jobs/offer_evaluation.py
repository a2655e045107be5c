"""SparkJob that evaluates how well offers are ranked, those unknown before among them."""

from sparkjobs.job import run
from sparkjobs.offer_evaluation_job import main

if __name__ == "__main__":
    run(main)
