import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from generated_histories import frame, habits, rounds

from sparkjobs.baselines import Baseline, popularity
from sparkjobs.export import export
from sparkjobs.gru import GRU
from sparkjobs.models import MODELS, model_class
from sparkjobs.next_visit import INPUTS, Serving, Shape, loss_of
from sparkjobs.onnx_session import run, session
from sparkjobs.sequences import sequences_of
from sparkjobs.windows import batches, scoring, windows

SHAPE = Shape(6, (3, 2), (7.0, 120.0), window=8, dim=8, layers=2, heads=2, dropout=0.0)
CATEGORIES = [f"c{i:02d}" for i in range(6)]


@pytest.fixture(params=MODELS)
def model(request):
    torch.manual_seed(0)
    made = model_class(request.param)(SHAPE, torch.rand(6)).eval()
    with torch.no_grad():
        for parameter in made.parameters():  # as if trained: no part is still zero
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return made


def window(seed=0, steps=5):
    torch.manual_seed(seed)
    ids = torch.stack([torch.randint(0, 4, (2, steps)), torch.randint(0, 3, (2, steps))], dim=-1)
    bags, gaps = (torch.rand(2, steps - 1, 6) > 0.5).float(), torch.rand(2, steps - 1) * 9
    return bags, gaps, ids, torch.rand(2, steps, 6, 2), torch.rand(2, steps, 2) + 3


def test_forward_never_looks_ahead(model):
    bags, gaps, ids, counts, visits = window()
    before = model(bags, gaps, ids, counts, visits)
    for changed in (bags, gaps, ids, counts, visits):
        changed[:, 3:] = 1

    after = model(bags, gaps, ids, counts, visits)

    torch.testing.assert_close(after[:, :3], before[:, :3])
    assert not torch.allclose(after[:, 4:], before[:, 4:])


def test_serving_gives_what_training_gave_at_each_step(model):
    bags, gaps, ids, counts, visits = window()
    trained = model(bags, gaps, ids, counts, visits)

    for step in range(5):
        served = Serving(model)(bags, gaps, torch.full((2,), step), ids[:, step], counts[:, step], visits[:, step])
        torch.testing.assert_close(served, trained[:, step], atol=1e-5, rtol=1e-4)


def test_serving_ignores_padding(model):
    bags, gaps, ids, counts, visits = window()
    rest = (torch.tensor([2, 4]), ids[:, 0], counts[:, 0], visits[:, 0])
    before = Serving(model)(bags, gaps, *rest)
    bags[0, 2:], gaps[0, 2:] = 1, 99

    torch.testing.assert_close(Serving(model)(bags, gaps, *rest), before)


def test_context_changes_the_scores_of_those_that_see_it(model):
    bags, gaps, ids, counts, visits = window()
    hidden = model(bags, gaps, torch.zeros_like(ids), counts, visits)

    assert torch.allclose(model(bags, gaps, ids, counts, visits), hidden) == (type(model) is GRU)


def test_the_models_are_of_about_the_same_size():
    shape = Shape(300, (24, 7, 400), (7.0, 30.0, 120.0, 365.0), window=20)
    sizes = {name: sum(p.numel() for p in model_class(name)(shape, torch.rand(300)).parameters()) for name in MODELS}
    of_places = 64 * (24 + 7 + 400 + 3)

    assert sizes["gru-latent-cross"] == sizes["gru"] + of_places
    assert 0.5 < sizes["gru-latent-cross"] / sizes["txt"] < 1


def test_a_spec_may_name_each_model_and_no_other():
    schema = json.loads(Path(__file__, "../../../job-specs/schema/training-job.json").resolve().read_text())

    assert schema["properties"]["spec"]["properties"]["model"]["anyOf"][0]["enum"] == list(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_an_untrained_model_ranks_nearly_like_decayed_frequency(name):
    sequences = sequences_of(frame(habits(entities=30, categories=6)), CATEGORIES)
    share, wanted = popularity(sequences), np.arange(200, sequences.visits)
    torch.manual_seed(0)
    model = model_class(name)(SHAPE, torch.tensor(share)).eval()
    inputs = scoring(sequences, np.zeros((len(wanted), 2), dtype=np.int64), [7.0, 120.0], 8, wanted)
    with torch.inference_mode():
        found = Serving(model)(*(torch.from_numpy(inputs[name]) for name in INPUTS)).numpy()

    expected = Baseline("decayed", share, half_life=120.0, popularity_weight=3.0)(sequences, wanted)

    assert np.mean(found.argmax(1) == expected.argmax(1)) > 0.75  # by chance it would be one in six


def test_loss_weighs_every_target_of_a_visit_alike_and_skips_empty_rows():
    logits = torch.tensor([[0.0, 0.0, 0.0, 0.0], [5.0, 1.0, 0.0, 0.0], [9.0, 0.0, 0.0, 0.0]])
    targets = torch.tensor([[1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]).bool()

    expected = (np.log(4) + np.log(1 + 3 * np.exp(-9))) / 2
    assert loss_of(logits, targets).item() == pytest.approx(expected, rel=1e-5)
    assert loss_of(logits, torch.zeros_like(targets)).item() == 0.0


def test_windows_hold_every_visit_once_and_differ_between_epochs():
    sequences = sequences_of(
        frame({"ann": [(d, ["c00"]) for d in range(25)], "bob": [], "cyd": [(1, ["c01"])]}), ["c00"]
    )
    draws = np.random.default_rng(0)

    cuts = [windows(sequences, 8, draws) for _ in range(5)]

    for first, size in cuts:
        covered = np.concatenate([np.arange(f, f + s) for f, s in zip(first, size, strict=True)])
        assert sorted(covered.tolist()) == list(range(26))
        assert size.max() <= 8
    assert len({tuple(first.tolist()) for first, _ in cuts}) > 1


def test_batches_carry_the_same_state_as_scoring():
    sequences = sequences_of(frame(rounds(entities=6, visits=20, categories=6)), CATEGORIES)
    ids = np.arange(2 * sequences.visits).reshape(-1, 2)
    whole = scoring(sequences, ids, [7.0, 120.0], 8, np.arange(sequences.visits))

    made = list(batches(sequences, ids, [7.0, 120.0], 8, 3, np.random.default_rng(0)))

    assert len(made) == 3
    seen = []
    for arrays in made:
        for row, step in zip(*arrays["targets"].any(-1).nonzero(), strict=True):
            visit = arrays["ids"][row, step, 0] // 2  # ids were made to tell which visit it is
            seen.append(visit)
            np.testing.assert_allclose(arrays["counts"][row, step], whole["counts"][visit], rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(arrays["visits"][row, step], whole["visits"][visit], rtol=1e-4)
            np.testing.assert_array_equal(arrays["targets"][row, step], sequences.bags(np.array([visit]))[0])
    assert sorted(seen) == list(range(sequences.visits))


def test_export_writes_a_file_any_batch_can_use_and_its_signature(model, tmp_path):
    sequences = sequences_of(frame(rounds(entities=5, visits=20, categories=6)), CATEGORIES)
    wanted = np.arange(sequences.visits)
    inputs = scoring(sequences, wanted[:, None] % [4, 3], [7.0, 120.0], 8, wanted)

    signature = export(model, {name: array[:7] for name, array in inputs.items()}, tmp_path / "model.onnx")

    seen = [name for name in INPUTS if name != "ids" or type(model) is not GRU]
    assert [node["name"] for node in signature["inputs"]] == seen
    assert signature["outputs"] == [{"name": "scores", "type": "tensor(float)", "shape": ["batch", 6]}]
    assert signature["opset"] == 17
    assert signature["difference"] <= 1e-4
    json.dumps(signature)
    with torch.inference_mode():
        expected = Serving(model)(*(torch.from_numpy(inputs[name]) for name in INPUTS)).numpy()
    np.testing.assert_allclose(run(session(tmp_path / "model.onnx"), inputs), expected, atol=1e-4)


def test_export_refuses_a_file_that_scores_differently(model, tmp_path):
    sequences = sequences_of(frame(rounds(entities=5, visits=20, categories=6)), CATEGORIES)
    inputs = scoring(sequences, np.zeros((9, 2), dtype=np.int64), [7.0, 120.0], 8, np.arange(9))

    with pytest.raises(ValueError, match=r"ONNX Runtime and torch differ by .* \(> -1\)"):
        export(model, inputs, tmp_path / "model.onnx", tolerance=-1)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_without_context_needs_no_ids(name, tmp_path):
    model = model_class(name)(Shape(6, (), (7.0,), window=8, dim=8, layers=1, heads=2), torch.rand(6)).eval()
    sequences = sequences_of(frame(rounds(entities=2, visits=9, categories=6)), CATEGORIES)
    inputs = scoring(sequences, np.zeros((9, 0), dtype=np.int64), [7.0], 8, np.arange(9))

    signature = export(model, inputs, tmp_path / "model.onnx")

    assert "ids" not in [node["name"] for node in signature["inputs"]]
    assert isinstance(session(tmp_path / "model.onnx"), onnxruntime.InferenceSession)
