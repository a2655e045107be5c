# The stand-in for spark-submit does the work.
