import pytest

from sparkjobs.check import CheckError, main
from sparkjobs.failure import InputError


class Notebook:
    """What a check needs of a job, with its inputs in memory and its outputs kept."""

    def __init__(self, spark, checks, **inputs):
        self.spark = spark
        self.settings = {"checks": checks}
        self.document = {"inputs": inputs}
        self.metrics, self.written = {}, {}

    def input(self, role):
        return self.document["inputs"][role]

    def stage(self, word):
        pass

    def metric(self, name, value):
        self.metrics[name] = value

    def write(self, role, frame):
        self.written[role] = sorted(frame.collect())

    def table(self, title, columns, rows):
        pass


@pytest.fixture
def offers(spark):
    return spark.createDataFrame([("ann", 1), ("bob", 5), ("cid", 6), ("dan", 7), ("eve", 8)], "entity string, n int")


def check(name, sql):
    return {"name": name, "sql": sql}


def test_checks_without_rows_pass_and_are_written(spark, offers):
    job = Notebook(spark, [check("few", "SELECT * FROM all_offers WHERE n > 9")], **{"all-offers": offers})

    main(job)

    assert job.written == {"checks": [("few", 0)]}


def test_a_check_with_rows_fails_names_the_first_three_and_writes_nothing(spark, offers):
    checks = [check("fine", "SELECT 1 WHERE false"), check("few", "SELECT * FROM offers WHERE n > 4 ORDER BY n DESC")]
    job = Notebook(spark, checks, offers=offers)

    with pytest.raises(CheckError) as error:
        main(job)

    expected = "check few finds 4 rows, such as (entity=bob, n=5), (entity=cid, n=6), (entity=dan, n=7)"
    assert str(error.value) == f"Cannot accept the data: {expected}"
    assert job.written == {}
    assert job.metrics == {"rows_fine": 0, "rows_few": 4}


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        ([], "settings.checks is empty"),
        (None, "settings.checks is empty"),
        ([{"name": "a"}], r"settings.checks\[0\] lacks a name or a query"),
        ([check("a", "SELECT 1"), check("a", "SELECT 2")], "two checks are named a"),
        ([check("a", "SELECT * FROM nowhere")], "Cannot run check a: .*nowhere"),
        ([check("a", "SELEKT")], "Cannot run check a: .*PARSE_SYNTAX_ERROR"),
    ],
)
def test_checks_that_would_look_at_nothing_are_refused(spark, offers, checks, message):
    with pytest.raises(InputError, match=message):
        main(Notebook(spark, checks, offers=offers))
