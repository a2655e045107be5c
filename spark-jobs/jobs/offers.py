"""Entry point of an InferenceJob: the offers of each entity as of a day."""

from sparkjobs.job import run
from sparkjobs.offering import make_offers

if __name__ == "__main__":
    run(make_offers)
