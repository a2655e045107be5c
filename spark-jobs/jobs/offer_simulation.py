"""SparkJob that tries the score of the offers in a closed loop, on made-up businesses whose response is known."""

from sparkjobs.job import run
from sparkjobs.offer_simulation import main

if __name__ == "__main__":
    run(main)
