"""FeatureJob: raw purchases to clean lines, dated and partitioned in the business zone, and features per entity."""

from sparkjobs.feature_job import main
from sparkjobs.job import run

if __name__ == "__main__":
    run(main)
