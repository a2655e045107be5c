import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from generated_histories import day, frame, habits

from sparkjobs.baselines import Baseline, popularity
from sparkjobs.context import Context
from sparkjobs.export import export
from sparkjobs.models import model_class
from sparkjobs.neighbours import neighbours
from sparkjobs.next_visit import Shape
from sparkjobs.onnx_session import session
from sparkjobs.scorer import ModelScorer, load_scorer, save_baseline, save_model
from sparkjobs.sequences import day_number, sequences_of
from sparkjobs.windows import scoring

CATEGORIES = [f"c{i:02d}" for i in range(6)]
HISTORIES = frame(habits(entities=12, visits=20, categories=6))
AS_OF = day(60)


@pytest.fixture
def baseline(tmp_path):
    sequences = sequences_of(HISTORIES, CATEGORIES)
    near = neighbours(sequences)
    made = Baseline("b", popularity(sequences), 1.0, np.inf, 3.0, neighbour_weight=2.0, near=near)
    save_baseline(made, CATEGORIES, tmp_path, {"gate": {"reason": "txt is refused"}})
    return made


@pytest.fixture
def txt(tmp_path):
    return model_saved("txt", tmp_path)


@pytest.fixture
def gru(tmp_path):
    return model_saved("gru", tmp_path)


def model_saved(name, tmp_path):
    torch.manual_seed(0)
    shape = Shape(6, (2, 1), (7.0, 60.0), window=5, dim=8, layers=1, heads=2)
    sequences = sequences_of(HISTORIES, CATEGORIES)
    inputs = scoring(sequences, np.zeros((9, 2), dtype=np.int64), shape.half_lives, 5, np.arange(9))
    path = tmp_path / "trained.onnx"
    signature = export(model_class(name)(shape, torch.tensor(popularity(sequences))).eval(), inputs, path)
    context = Context({"hour": [9, 12], "place": ["p"]})
    made = ModelScorer(session(path), CATEGORIES, context, [7.0, 60.0], 5, name)
    save_model(made, signature, path, tmp_path, {"lineage": {"run": "r1"}})
    return made


@pytest.mark.parametrize("kind", ["baseline", "txt", "gru"])
def test_a_loaded_scorer_scores_as_it_did_before_it_was_saved(kind, request, tmp_path):
    made = request.getfixturevalue(kind)

    loaded = load_scorer(tmp_path)
    found = loaded.score(HISTORIES, AS_OF)

    assert loaded.name == made.name
    sequences, visits = sequences_of(HISTORIES, CATEGORIES).followed_by(day_number(AS_OF))
    expected = made(sequences, visits) if kind == "baseline" else made.score_visits(sequences, visits, known=False)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert (found.shape, found.dtype) == ((12, 6), np.float32)


@pytest.mark.parametrize("kind", ["baseline", "txt"])
def test_a_scorer_takes_rows_in_any_order_and_entities_without_history(kind, request, tmp_path):
    request.getfixturevalue(kind)
    scorer = load_scorer(tmp_path)
    nobody = frame({"new": []})

    whole = scorer.score(HISTORIES, AS_OF)

    np.testing.assert_allclose(scorer.score(HISTORIES[::-1], AS_OF)[::-1], whole, rtol=1e-4, atol=1e-5)
    assert np.isfinite(scorer.score(nobody, AS_OF)).all()
    assert scorer.score(nobody[:0], AS_OF).shape == (0, 6)


@pytest.mark.usefixtures("baseline")
def test_a_scorer_refuses_to_see_the_day_it_scores(tmp_path):
    with pytest.raises(
        ValueError, match=r"Cannot score as of 2024-01-21: the histories hold visits on that day or later"
    ):
        load_scorer(tmp_path).score(HISTORIES, day(20))


def test_context_is_used_only_where_it_is_known(txt):
    sequences = sequences_of(HISTORIES, CATEGORIES)
    visits = np.arange(5, 15)

    known, unknown = (txt.score_visits(sequences, visits, known=known) for known in (True, False))

    assert not np.allclose(known, unknown)
    elsewhere = ModelScorer(txt.runtime, CATEGORIES, Context({"hour": [1, 2], "place": ["q"]}), [7.0, 60.0], 5)
    np.testing.assert_array_equal(elsewhere.score_visits(sequences, visits, known=True), unknown)


def test_load_scorer_loads_once_and_again_when_the_content_changed(baseline, tmp_path):
    first = load_scorer(tmp_path)
    assert load_scorer(tmp_path) is first

    save_baseline(Baseline("other", baseline.popularity), CATEGORIES, tmp_path, {})

    assert load_scorer(tmp_path).name == "other"


@pytest.mark.usefixtures("txt")
def test_load_scorer_refuses_another_format_and_changed_files(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ValueError, match=r"Cannot load .*model.onnx: its sha256 is"):
        load_scorer(tmp_path)

    document = json.loads((tmp_path / "scorer.json").read_text())
    (tmp_path / "scorer.json").write_text(json.dumps({**document, "format": "sparkwright.dev/scorer/v2"}))
    with pytest.raises(ValueError, match=r"its format is 'sparkwright.dev/scorer/v2', this release reads"):
        load_scorer(tmp_path)


@pytest.mark.usefixtures("baseline")
def test_load_scorer_refuses_a_kind_it_does_not_know(tmp_path):
    document = json.loads((tmp_path / "scorer.json").read_text())
    (tmp_path / "scorer.json").write_text(json.dumps({**document, "kind": "bert4rec"}))

    with pytest.raises(ValueError, match="its kind is 'bert4rec', this release knows baseline, txt, gru, gru-latent"):
        load_scorer(tmp_path)


@pytest.mark.usefixtures("baseline")
def test_scorer_json_carries_the_facts_it_was_given(tmp_path):
    document = json.loads((tmp_path / "scorer.json").read_text())

    assert document["gate"] == {"reason": "txt is refused"}
    assert document["kind"] == "baseline"
    assert document["parameters"]["half_life"] == "inf"


def test_scoring_does_not_load_torch():
    """Offers are scored in every executor; torch takes seconds and half a gigabyte there."""
    program = "import sys, jobs.offers, sparkjobs.scorer; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[1], check=True)
