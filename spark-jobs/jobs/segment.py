"""SegmentationJob: one row of features per entity to segments, their model and their profile."""

from sparkjobs.job import run
from sparkjobs.segment_job import main

if __name__ == "__main__":
    run(main)
