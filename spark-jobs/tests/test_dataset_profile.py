from datetime import date

from sparkjobs.dataset_profile import profile


def test_each_column_with_nulls_values_and_ends(spark):
    rows = [("ann", 1.5, date(2017, 1, 2), [1]), ("bob", None, date(2017, 1, 1), [2]), ("x" * 99, 9.0, None, None)]
    frame = spark.createDataFrame(rows, "entity string, spend double, day date, `a.b` array<int>")

    assert profile(frame) == [
        {"column": "entity", "nulls": 0, "distinct": 3, "min": "ann", "max": "x" * 60},
        {"column": "spend", "nulls": 1, "distinct": 2, "min": "1.5", "max": "9.0"},
        {"column": "day", "nulls": 1, "distinct": 2, "min": "2017-01-01", "max": "2017-01-02"},
        {"column": "a.b", "nulls": 1, "distinct": 2, "min": None, "max": None},
    ]


def test_a_column_of_nulls_has_no_ends(spark):
    frame = spark.createDataFrame([(None,)], "a int")

    assert profile(frame) == [{"column": "a", "nulls": 1, "distinct": 0, "min": None, "max": None}]


def test_an_estimate_is_never_more_than_the_values_there_are(spark):
    # Of these 200 the estimate alone says 207.
    frame = spark.range(200).selectExpr("concat('E', cast(id AS string)) AS a")

    assert profile(frame)[0]["distinct"] == 200
