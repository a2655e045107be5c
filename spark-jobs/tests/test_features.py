from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from sparkjobs.failure import InputError, classify
from sparkjobs.features import features
from sparkjobs.lines import (
    as_instant,
    as_number,
    categories,
    check_settings,
    clean_lines,
    drop_counts,
    normalised,
    sampled,
)
from sparkjobs.unchanged import carried, fingerprints

AS_OF = "2024-04-01"
DAYPARTS = [{"name": "morning", "from": 6, "until": 10}, {"name": "night", "from": 22, "until": 6}]
LINE = (
    "entity string, visit string, local_time timestamp_ntz, item string, category string, "
    "amount double, discount double, place string"
)
SETTINGS = {
    "zones": {"source": "UTC", "business": "America/New_York"},
    "columns": {
        "entity": "who",
        "visit": "basket",
        "time": "at",
        "item": "what",
        "amount": "paid",
        "discounts": ["off"],
    },
}


def lines(spark, rows):
    frame = spark.createDataFrame(rows, LINE)
    return frame.withColumns({"date": F.to_date("local_time"), "hour": F.hour("local_time")})


def only(frame):
    [row] = frame.collect()
    return row.asDict()


def line(day, hour=12, entity="ann", visit=None, category="bread", amount=1.0, discount=0.0, place="p"):
    at = datetime.fromisoformat(day) + timedelta(hours=hour)
    return (entity, visit or f"{entity} {at}", at, "item", category, amount, discount, place)


def test_a_window_holds_its_days_and_ends_the_day_before(spark):
    rows = [line("2024-03-24", amount=1.0), line("2024-03-25", amount=10.0), line("2024-03-31", 23, amount=100.0)]
    rows += [line("2024-04-01", 0, amount=1000.0)]

    found = only(features(lines(spark, rows), AS_OF, [7, 28], DAYPARTS))

    assert (found["spend_7d"], found["spend_28d"]) == (110.0, 111.0)
    assert (found["recency_days"], found["tenure_days"], found["as_of"]) == (1, 8, date(2024, 4, 1))


def test_every_feature_of_a_window(spark):
    rows = [
        line("2024-03-30", 7, visit="a", category="bread", amount=3.0, discount=1.0, place="x"),
        line("2024-03-30", 7, visit="a", category=None, amount=2.0, place="x"),
        line("2024-03-31", 23, visit="b", category="milk", amount=4.0, place="y"),
        line("2024-03-31", 5, visit="c", category="bread", amount=0.1, place="x"),
    ]

    found = only(features(lines(spark, rows), AS_OF, [28], DAYPARTS))

    assert list(found)[:4] == ["entity", "as_of", "recency_days", "tenure_days"]
    assert {name: value for name, value in found.items() if name.endswith("_28d")} == {
        "spend_28d": 9.1,
        "visits_28d": 3,
        "items_28d": 4,
        "ticket_28d": pytest.approx(9.1 / 3),
        "discount_share_28d": pytest.approx(1 / 10.1),
        "categories_28d": 2,
        "places_28d": 2,
        "top_place_share_28d": pytest.approx(2 / 3),
        "morning_28d": pytest.approx(1 / 3),
        "night_28d": pytest.approx(2 / 3),
    }


def test_without_visits_in_a_window_counts_are_zero_and_shares_null(spark):
    rows = [line("2024-01-01", category=None, place=None)]

    found = only(features(lines(spark, rows), AS_OF, [7], DAYPARTS))

    zero = ["spend_7d", "visits_7d", "items_7d", "categories_7d", "places_7d"]
    assert [found[name] for name in zero] == [0, 0, 0, 0, 0]
    null = ["ticket_7d", "discount_share_7d", "top_place_share_7d", "morning_7d"]
    assert [found[name] for name in null] == [None, None, None, None]


def test_money_adds_up_alike_in_any_order(spark):
    rows = [line("2024-03-30", visit=str(i), amount=amount) for i, amount in enumerate([0.1, 0.2, 0.3, 1e9, 0.7] * 9)]

    found = [only(features(lines(spark, part), AS_OF, [28], []).coalesce(1)) for part in (rows, rows[::-1])]

    assert found[0] == found[1]
    assert found[0]["spend_28d"] == 9_000_000_011.7


events = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob"]),
        st.integers(0, 3),
        st.integers(0, 60),
        st.integers(0, 23),
        st.sampled_from(["bread", "milk", None]),
        st.floats(0, 100).map(lambda amount: round(amount, 2)),
    ),
    min_size=1,
    max_size=6,
)


def drawn(named, past, future):
    """Past events lie on days before the as-of date, future ones on it or after it; names begin with `named`."""
    first, cut = datetime(2024, 1, 1), datetime.fromisoformat(AS_OF)
    rows = []
    for entity, visit, day, hour, category, amount in past:
        rows.append(
            (
                named + entity,
                f"{named}v{visit}",
                first + timedelta(days=day, hours=hour),
                "i",
                category,
                amount,
                0.1,
                "p",
            )
        )
    for entity, visit, day, hour, category, amount in future:
        rows.append(
            (named + entity, f"{named}v{visit}", cut + timedelta(days=day, hours=hour), "i", category, amount, 0.1, "q")
        )
    return rows


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(past=events, one=events, other=events)
# The first moment that must not count, said outright: a failure is told at once and not shrunk on Spark.
@example(past=[("ann", 0, 10, 9, "bread", 5.0)], one=[("ann", 1, 0, 0, "milk", 1.0)], other=[])
def test_nothing_on_or_after_the_as_of_date_changes_a_feature(spark, past, one, other):
    # Three worlds of the same entities, in one query under names of their own.
    worlds = drawn("0", past, []) + drawn("1", past, one) + drawn("2", past, one + other)
    made = features(lines(spark, worlds), AS_OF, [28, 91], DAYPARTS).orderBy("entity").collect()
    found = [
        [{**row.asDict(), "entity": row["entity"][1:]} for row in made if row["entity"][0] == world] for world in "012"
    ]

    assert found[0] == found[1] == found[2] != []


def test_a_line_before_the_as_of_date_changes_them(spark):
    rows = [line("2024-03-30")]
    changed = [*rows, line("2024-03-31", 23, amount=0.01)]

    assert only(features(lines(spark, rows), AS_OF, [7], [])) != only(features(lines(spark, changed), AS_OF, [7], []))


@pytest.mark.parametrize(
    ("utc", "local"),
    [
        ("2017-03-12 06:59:59", "2017-03-12 01:59:59"),  # the last second before the clocks go forward
        ("2017-03-12 07:00:00", "2017-03-12 03:00:00"),
        ("2017-03-13 03:59:59", "2017-03-12 23:59:59"),  # that day ends an hour earlier
        ("2017-03-13 04:00:00", "2017-03-13 00:00:00"),
        ("2017-11-05 05:30:00", "2017-11-05 01:30:00"),  # half past one comes twice
        ("2017-11-05 06:30:00", "2017-11-05 01:30:00"),
        ("2017-11-06 04:59:59", "2017-11-05 23:59:59"),
    ],
)
def test_days_and_hours_follow_daylight_saving(spark, utc, local):
    raw = spark.createDataFrame([(1, 2, datetime.fromisoformat(utc), 3, 1.0, 0.0)], RAW)

    found = only(clean_lines(normalised(raw, SETTINGS), None, "America/New_York"))

    expected = datetime.fromisoformat(local)
    assert (found["local_time"], found["date"], found["hour"]) == (expected, expected.date(), expected.hour)


RAW = "who bigint, basket bigint, at timestamp_ntz, what bigint, paid double, off double"


def test_wall_clocks_of_another_source_zone_become_instants(spark):
    frame = spark.createDataFrame([("2024-07-01 08:00",), ("2024-01-01 08:00",)], "at string")

    instants = frame.select(as_instant("at", "string", "Europe/Berlin", "yyyy-MM-dd HH:mm").cast("string")).collect()

    assert [row[0] for row in instants] == ["2024-07-01 06:00:00", "2024-01-01 07:00:00"]


def test_an_instant_is_not_moved_again(spark):
    frame = spark.sql("SELECT TIMESTAMP '2024-07-01 08:00:00' AS at")

    assert (
        frame.select(as_instant("at", "timestamp", "Europe/Berlin", None).cast("string"))
        .first()[0]
        .endswith("08:00:00")
    )


def test_incomplete_lines_are_dropped_and_counted_by_the_first_reason(spark):
    at = datetime(2024, 1, 1)
    rows = [
        (1, 2, at, 3, None, 0.0),
        (None, None, at, 3, 1.0, 0.0),
        (1, None, None, 3, 1.0, 0.0),
        (1, 2, at, None, 1.0, 0.0),
    ]
    normal = normalised(spark.createDataFrame(rows, RAW), SETTINGS)

    counts = only(normal.agg(*drop_counts()))

    expected = {"rows_in": 4, "dropped_no_entity": 1, "dropped_no_visit": 1, "dropped_no_time": 0, "dropped_no_item": 1}
    assert counts == expected
    assert [row.item for row in clean_lines(normal, None, "UTC").collect()] == ["3"]


def test_an_unknown_item_has_no_category_and_one_listed_twice_doubles_no_line(spark):
    at = datetime(2024, 1, 1)
    raw = spark.createDataFrame([(1, 2, at, 3, 1.0, 0.0), (1, 2, at, 4, 1.0, 0.0)], RAW)
    items = spark.createDataFrame([(3, "milk"), (3, "bread"), (None, "x")], "id bigint, kind string")

    found = clean_lines(normalised(raw, SETTINGS), categories(items, "id", "kind"), "UTC")

    assert sorted((row.item, row.category) for row in found.collect()) == [("3", "bread"), ("4", None)]


def test_numbers_in_text_may_have_decimal_commas(spark):
    frame = spark.createDataFrame([("1.234,50",), (" 7 ",), ("",)], "n string")

    assert [row[0] for row in frame.select(as_number("n", "string", True)).collect()] == [1234.5, 7.0, None]
    with pytest.raises(Exception) as error:  # noqa: PT011 - what Spark raises is judged by classify
        frame.select(as_number("n", "string", False)).collect()
    assert classify(error.value).message == "Cannot read column n of the lines: '1.234,50' is not a number"


def test_settings_that_name_no_zone_or_column_are_refused():
    columns = ["who", "basket", "at", "what", "paid"]
    with pytest.raises(InputError, match=r"Cannot use columns\.discounts\[0\]: input lines has no column off"):
        check_settings(SETTINGS, columns)
    wrong = {**SETTINGS, "zones": {"source": "UTC", "business": "Mars/Olympus"}}
    with pytest.raises(InputError, match=r"zones\.business: Mars/Olympus is not a time zone"):
        check_settings(wrong, [*columns, "off"])


def test_a_sample_keeps_whole_entities_and_is_always_the_same(spark):
    frame = spark.range(2000).selectExpr("CAST(id % 1000 AS STRING) AS entity", "id")

    kept = [sorted(sampled(frame, {"fraction": 0.2, "seed": 1}).collect()) for _ in range(2)]

    assert kept[0] == kept[1]
    by_entity = {row.entity for row in kept[0]}
    assert 150 < len(by_entity) < 250
    assert len(kept[0]) == 2 * len(by_entity)
    assert kept[0] != sorted(sampled(frame, {"fraction": 0.2, "seed": 2}).collect())


def test_a_fingerprint_sees_values_copies_and_where_a_null_is_but_not_order(spark):
    def of(*rows):
        return fingerprints(
            spark.createDataFrame([("d", *row) for row in rows], "day string, a string, b string"), "day"
        )

    base = of(("x", None), ("y", "z"))
    assert of(("y", "z"), ("x", None)) == base
    for other in (
        [(None, "x"), ("y", "z")],
        [("x", None)],
        [("x", None), ("x", None), ("y", "z")],
        [("x", "q"), ("y", "z")],
    ):
        assert of(*other) != base


def test_a_published_version_that_cannot_be_read_only_costs_the_saving(spark):
    output = {"columns": [], "partitionBy": ["day"], "format": "parquet"}
    gone = [{"path": "/nowhere/day=1/part-0.parquet", "size": 1, "etag": "-", "partition": {"day": "1"}}]
    frame = spark.createDataFrame([("1", 1)], "day string, a int")

    kept = carried(spark, frame, output, {**output, "dataset": "made", "version": "v1", "files": gone})

    assert (kept.files, kept.values) == ([], [])
    assert "version v1 of made can't be read" in kept.reason
