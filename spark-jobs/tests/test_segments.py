import math
import random

import numpy as np
import pytest
from pyspark.sql import functions as F
from segment_runs import SETTINGS, blobs, published, segmented

from sparkjobs.failure import InputError
from sparkjobs.scaling import Scale, fit_scales
from sparkjobs.segment_profile import describe
from sparkjobs.segments import Candidate, candidates, choose, ordered, scaled


@pytest.fixture
def start(spark, tmp_path):
    """Runs the job on a frame; returns the job and the model it wrote."""
    count = iter(range(100))
    return lambda frame, *args, **settings: segmented(spark, tmp_path / str(next(count)), frame, *args, **settings)


def test_segments_are_found_numbered_by_the_first_feature_and_described(spark, start):
    job, model = start(blobs(spark))

    assert (model["k"], [scale["name"] for scale in model["features"]]) == (3, ["spend", "visits"])
    assert model["input"] == {"dataset": "f", "version": "v-f"}
    rows = job.written("profile").collect()
    spend = {row["segment"]: row for row in rows if row["feature"] == "spend"}
    assert [spend[s]["size"] for s in ("s1", "s2", "s3")] == [30, 40, 60]
    assert spend["s1"]["mean"] == pytest.approx(90, abs=1)
    assert spend["s1"]["index"] == pytest.approx(100 * 90 / 40.77, abs=3)
    assert spend["s1"]["words"].startswith("spend far above average (index 2")
    assert {row["segment"] for row in job.written("segments").collect()} == {"s1", "s2", "s3"}


def test_a_second_run_writes_the_same_bytes(spark, start):
    first, _ = start(blobs(spark))
    second, _ = start(blobs(spark).orderBy("visits"))

    assert first.outputs == second.outputs


def test_when_none_passes_the_published_model_stays_and_the_reason_is_told(spark, start):
    first, before = start(blobs(spark))
    later = blobs(spark, seed=2)

    job, after = start(later, published(first), minShare=0.5, clusters={"min": 3, "max": 4})

    assert after == before
    assert job.versions == {"features": "v-f", "model": "v-old"}
    assert job.metrics["kept_previous"] == 1
    assert job.outputs["model"]["files"] == first.outputs["model"]["files"]
    assert any("version v-old of the model stays: k=3: smallest share 0.231 < 0.5" in note for note in job.notes)


def test_when_none_passes_and_nothing_is_published_the_job_fails_with_the_reasons(spark, start):
    with pytest.raises(InputError, match=r"none passes and there is no earlier model .*k=2: smallest share") as error:
        start(blobs(spark), minShare=0.5)
    assert "lower minShare" in error.value.remedy


def test_fewer_different_rows_than_segments_is_an_objection(spark, start):
    twins = spark.createDataFrame([(str(i), float(i % 2), 1.0) for i in range(40)], SETTINGS_DDL)

    job, model = start(twins)

    assert model["k"] == 2
    verdicts = {row[0]: row[-1] for row in job.tables[0]["rows"]}
    assert verdicts == {2: "passes", 3: "only 2 different rows", 4: "only 2 different rows"}
    assert "visits is 1 for all after clipping, so it tells nobody apart" in job.notes


SETTINGS_DDL = "entity string, spend double, visits double"


def test_features_that_are_the_same_for_all_are_refused(spark, start):
    with pytest.raises(InputError, match="no feature differs between entities"):
        start(spark.createDataFrame([("a", 1.0, 2.0), ("b", 1.0, 2.0)], SETTINGS_DDL))


def test_nulls_and_nans_are_filled_with_the_median_and_counted(spark, start):
    odd = spark.createDataFrame([("x", None, 2.0), ("y", float("nan"), 2.0)], SETTINGS_DDL)

    job, model = start(blobs(spark).unionByName(odd))

    assert job.metrics["values_filled"] == 2
    assert any(note.startswith("spend is null for 2 entities; the median ") for note in job.notes)
    assert math.isfinite(sum(map(sum, model["centroids"])))


def test_a_feature_that_is_missing_null_for_all_or_text_is_named(spark, start):
    frame = spark.createDataFrame([("a", None, "x")], "entity string, spend double, visits string")
    with pytest.raises(InputError, match=r"Cannot use features\[0\]: input features has no column spent"):
        start(frame, features=["spent"])
    with pytest.raises(InputError, match="Cannot cluster on spend: it is null for everybody"):
        start(frame, features=["spend"])
    with pytest.raises(InputError, match="column visits of input features is string, not a number"):
        start(frame, features=["visits"])


def test_outliers_are_clipped_before_the_logarithm_and_the_scale(spark):
    values = [float(i) for i in range(100)] + [1e9]
    frame = spark.createDataFrame([(str(i), value) for i, value in enumerate(values)], "entity string, spend double")

    [scale] = fit_scales(frame, ["spend"], 0.0, 0.99, 1)

    assert (scale.lower, scale.upper, scale.log) == (0.0, 99.0, False)
    assert scaled(frame, "entity", [scale]).collect()[100]["x"] == [pytest.approx((99 - scale.mean) / scale.std)]


def test_only_skewed_columns_without_negatives_get_the_logarithm(spark):
    rows = [(float(2**i), float(2**i) - 2, float(i)) for i in range(12)]
    frame = spark.createDataFrame(rows, "skewed double, negative double, even double")

    scales = fit_scales(frame, ["skewed", "negative", "even"], 0.0, 1.0, 1)

    assert [scale.log for scale in scales] == [True, False, False]
    z = scaled(frame.withColumnRenamed("even", "entity"), "entity", scales[:1]).collect()
    assert float(np.mean([row["x"][0] for row in z])) == pytest.approx(0)
    assert float(np.std([row["x"][0] for row in z])) == pytest.approx(1)


def test_clusterings_that_change_with_the_seed_are_objected_to(spark):
    draw = random.Random(5)
    cloud = [(str(i), [draw.random(), draw.random()]) for i in range(200)]
    points = spark.createDataFrame(cloud, "entity string, x array<double>").coalesce(1).cache()
    stability = {"seeds": 4, "minMedianAri": 0.99}

    found = candidates(points, {**SETTINGS, "clusters": {"min": 7, "max": 7}, "stability": stability}, lambda _: None)

    assert [c.silhouette for c in found] == [None]
    assert found[0].objections[-1].startswith("median ARI ")
    assert choose(found) is None


def test_centroids_of_a_sample_settle_amid_all(spark):
    draw = np.random.default_rng(4)
    places = np.repeat([[0.0, 0.0], [6.0, 1.0], [1.0, 7.0]], 200, axis=0) + draw.normal(size=(600, 2))
    rows = [(str(at), place) for at, place in enumerate(places.tolist())]
    points = spark.createDataFrame(rows, "entity string, x array<double>").coalesce(1).cache()
    settings = {**SETTINGS, "clusters": {"min": 3, "max": 3}}

    [found] = candidates(points, settings, lambda _: None, compared=60)

    labels = np.linalg.norm(places[:, None] - np.array(found.centroids), axis=2).argmin(axis=1)
    means = [places[labels == at].mean(axis=0).tolist() for at in range(3)]
    assert found.centroids == [pytest.approx(mean, abs=1e-3) for mean in means]
    assert found.smallest_share == np.bincount(labels).min() / 600
    assert found.objections == []
    assert found.silhouette > 0.7


def test_a_segment_that_is_large_enough_in_the_sample_alone_is_objected_to(spark):
    # By their hashes the first two are half of the sample and a thirtieth of all.
    names = [row[0] for row in spark.range(60).selectExpr("string(id) n").orderBy(F.xxhash64("n")).collect()]
    rows = [(name, [10.0 if at < 2 else 0.0, at / 1000]) for at, name in enumerate(names)]
    points = spark.createDataFrame(rows, "entity string, x array<double>").coalesce(1).cache()
    settings = {**SETTINGS, "clusters": {"min": 2, "max": 2}}

    [found] = candidates(points, settings, lambda _: None, compared=4)

    assert found.objections == ["smallest share of all 0.033 < 0.05"]


def test_the_best_silhouette_among_those_that_pass_wins():
    def candidate(k, silhouette, *objections):
        return Candidate(k, 1, [], 0.1, 0.9, silhouette, list(objections))

    assert choose([candidate(2, 0.3), candidate(3, 0.4), candidate(4, 0.4), candidate(5, None, "x")]).k == 3


def test_words_name_the_three_features_furthest_from_all():
    words = describe(["a", "b", "c", "d"], [0.1, -1.5, 0.6, 0.3], [101.0, 20.0, None, 120.0])

    assert words == "b far below average (index 20), c above average, d somewhat above average (index 120)"
    # A mean that outliers pull up makes an index of 42 of what is about average.
    assert describe(["a", "b"], [0.1, 0.6], [42.0, 130.0]) == "b above average (index 130)"
    assert describe(["a"], [0.1], [101.0]) == "about average in everything"


def test_centroids_are_ordered_by_the_first_feature():
    assert ordered([[1.0, 9.0], [3.0, 0.0], [1.0, 10.0]]) == [[3.0, 0.0], [1.0, 10.0], [1.0, 9.0]]
    assert Scale("a", 0, 1, 1, False, 1, 1).constant
