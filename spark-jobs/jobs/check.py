"""SparkJob that runs SQL checks: settings.checks = [{name, sql}], each query must return no row."""

from sparkjobs.check import main
from sparkjobs.job import run

if __name__ == "__main__":
    run(main)
