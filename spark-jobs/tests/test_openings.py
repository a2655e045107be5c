import pytest

from sparkjobs import tables
from sparkjobs.job import Job
from sparkjobs.openings import Opened, before, counted, earlier_openings, opened, words
from sparkjobs.progress import Progress
from sparkjobs.training_job import EVALUATION

PERIOD = ("lines", "2017-11-01", "2018-01-01")


@pytest.mark.parametrize(
    ("case", "earlier", "times"),
    [
        ("none", [], 0),
        ("the same", [Opened(*PERIOD, 3)], 3),
        ("one that ends when it begins", [Opened("lines", "2017-09-01", "2017-11-01", 3)], 0),
        ("one that begins when it ends", [Opened("lines", "2018-01-01", "2018-02-01", 3)], 0),
        ("a day in common", [Opened("lines", "2017-09-01", "2017-11-02", 3), Opened(*PERIOD, 2)], 5),
        ("another dataset", [Opened("others", *PERIOD[1:], 3)], 0),
    ],
)
def test_evaluations_count_whose_test_period_overlaps(case, earlier, times):
    assert before(earlier, *PERIOD) == times, case


def test_an_evaluation_counts_itself_and_keeps_what_others_counted():
    other = Opened("lines", "2017-09-01", "2017-11-01", 4)

    once = counted([other], *PERIOD)
    twice = counted(once, *PERIOD)

    assert once == [other, Opened(*PERIOD, 1)]
    assert twice == [other, Opened(*PERIOD, 2)]
    rows = [one.row() for one in twice]
    assert opened((row[3], row[4]) for row in rows) == twice
    assert rows[1] == ("any", "openings", "any", "lines, 2017-11-01 to before 2018-01-01", 2.0, None, None, None, None)


def test_rows_that_are_no_openings_are_passed_over():
    assert opened([("main", 0.4)]) == []


@pytest.mark.parametrize(("times", "told"), [(0, "was not opened before"), (1, "1 time before"), (3, "3 times before")])
def test_the_words(times, told):
    assert told in words(times)


def test_the_published_evaluation_is_read_and_one_that_cannot_be_is_told(spark, tmp_path):
    rows = [("txt", "recall@10", "unknown", "main", 0.4, 0.3, 0.5, 9, 3), *(one.row() for one in counted([], *PERIOD))]
    output = {"dataset": "evaluation", "path": str(tmp_path / "made"), "format": "parquet", "columns": []}
    made = tables.write(spark.createDataFrame(rows, EVALUATION), output)
    files = [{**file, "path": f"{tmp_path}/made/{file['path']}"} for file in made["files"]]
    previous = {**output, "version": "v1", "columns": made["columns"], "files": files}

    def job(previous):
        return Job({"previous": previous}, spark, Progress(spark.sparkContext, str(tmp_path / "progress.json")))

    assert earlier_openings(job({"evaluation": previous})) == [Opened(*PERIOD, 1)]
    assert earlier_openings(job({})) == []
    gone = job({"evaluation": {**previous, "files": [{**files[0], "path": f"{tmp_path}/gone.parquet"}]}})
    assert earlier_openings(gone) == []
    assert "counted anew: Cannot read dataset evaluation" in gone.notes[0]
