"""Entry point of a sweep's last step: what became of every candidate, and who won."""

from sparkjobs.job import run
from sparkjobs.leaderboard import main

if __name__ == "__main__":
    run(main)
