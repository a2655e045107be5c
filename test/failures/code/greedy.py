"""Wants more heap than the driver has."""

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
spark.sparkContext._jvm.java.util.ArrayList(2_000_000_000)
