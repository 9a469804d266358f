"""What every label model does, whatever its algorithm."""

from __future__ import annotations

import json
import os
import pickle
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from labelkit.errors import ArtifactError, ModelError, UsageError
from labelkit.label_models import LabelModel, load_model, make_model, save_model
from labelkit.label_models.shares import majority_probs
from labelkit.label_models.storage import LABEL_MODELS
from labelkit.matrix import ABSTAIN, FAULT, LabelMatrix
from labelkit.matrix.counts import VoteCounts

Make = Callable[..., LabelModel]
CLASSES = ["ham", "spam", "eggs"]


@pytest.fixture(params=list(LABEL_MODELS))
def make(request: pytest.FixtureRequest) -> Make:
    """A function that makes the model under test."""
    name: str = request.param

    def made(classes: Any = CLASSES, seed: Any = 7) -> LabelModel:
        return make_model(name, classes, seed)

    return made


def planted(n: int = 400, m: int = 6, k: int = 3, seed: int = 0, right: float = 0.8) -> tuple[Any, NDArray[np.int64]]:
    """Votes of independent functions that abstain half of the time, and the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    rows = np.where(rng.random((n, m)) < right, truth[:, None], rng.integers(0, k, (n, m)))
    rows[rng.random((n, m)) < 0.5] = ABSTAIN
    return LabelMatrix.from_rows(rows, classes=CLASSES[:k] if k <= 3 else None), truth


def saved(model: LabelModel, folder: Path) -> tuple[bytes, bytes]:
    save_model(model, folder)
    return (folder / "model.json").read_bytes(), (folder / "model.npz").read_bytes()


def check(probs: NDArray[np.float64], k: int) -> None:
    assert probs.shape[1] == k
    assert probs.dtype == np.float64
    assert np.isfinite(probs).all()
    assert (probs >= 0).all()
    np.testing.assert_allclose(probs.sum(axis=1), 1, atol=1e-9)


def test_probabilities_are_probabilities(make: Make) -> None:
    """One row per record in record order: finite, not negative, summing to one, and better than guessing."""
    votes, truth = planted()
    posterior = make().fit(votes).predict_proba(votes)
    check(posterior.probs, 3)
    assert posterior.classes == tuple(CLASSES)
    assert posterior.ids.equals(votes.ids)
    covered = posterior.covered
    assert (posterior.probs.argmax(axis=1) == truth)[covered].mean() > 0.75


def test_a_record_that_nobody_voted_on_says_so(make: Make) -> None:
    """It is not covered, and its row is uniform; a fault is no vote."""
    votes, _ = planted()
    model = make().fit(votes)
    empty = LabelMatrix.from_rows([[ABSTAIN] * 6, [FAULT] * 6, [0] + [ABSTAIN] * 5], classes=CLASSES)
    posterior = model.predict_proba(empty)
    assert posterior.covered.tolist() == [False, False, True]
    assert (posterior.probs[:2] == 1 / 3).all()


def test_faults_count_as_abstains(make: Make) -> None:
    """In fitting and in predicting, byte for byte."""
    votes, _ = planted()
    rng = np.random.default_rng(1)
    faulty = np.where((votes.votes == ABSTAIN) & (rng.random(votes.votes.shape) < 0.5), FAULT, votes.votes)
    assert (faulty == FAULT).any()
    one, other = make().fit(votes), make().fit(LabelMatrix.from_rows(faulty, classes=CLASSES))
    assert one.notes == other.notes
    probs = one.predict_proba(votes).probs
    assert np.array_equal(probs, other.predict_proba(LabelMatrix.from_rows(faulty, classes=CLASSES)).probs)


def test_predicting_changes_nothing(make: Make, tmp_path: Path) -> None:
    """Neither the model nor the votes, and a second time gives the same bytes."""
    votes, _ = planted()
    model, before = make().fit(votes), votes.votes.copy()
    state = saved(model, tmp_path / "before")
    first = model.predict_proba(votes).probs
    model.predict_proba(LabelMatrix.from_rows([[0] * 6], classes=CLASSES))
    assert np.array_equal(model.predict_proba(votes).probs, first)
    assert saved(model, tmp_path / "after") == state
    assert np.array_equal(votes.votes, before)


def test_the_same_seed_gives_the_same_bytes(make: Make, tmp_path: Path) -> None:
    """Fitted twice, or fitted after something else: nothing is left of an earlier fit."""
    votes, _ = planted()
    others, _ = planted(seed=5)
    one, again = make().fit(votes), make().fit(others).fit(votes)
    assert saved(one, tmp_path / "one") == saved(again, tmp_path / "again")
    assert np.array_equal(one.predict_proba(votes).probs, again.predict_proba(votes).probs)


def test_each_row_depends_on_its_votes_alone(make: Make) -> None:
    """Records one by one, in another order, or in chunks: bit for bit the same."""
    votes, _ = planted(n=60)
    model = make().fit(votes)
    probs = model.predict_votes(votes.votes)
    order = np.random.default_rng(2).permutation(60)
    assert np.array_equal(model.predict_votes(votes.votes[order]), probs[order])
    assert np.array_equal(np.concatenate([model.predict_votes(votes.votes[i : i + 1]) for i in range(60)]), probs)
    assert np.array_equal(model.predict_votes(np.asfortranarray(votes.votes)), probs)


def test_order_of_records_does_not_matter(make: Make, tmp_path: Path) -> None:
    """Fitted on shuffled records, the parameters are the same."""
    votes, _ = planted()
    order = np.random.default_rng(3).permutation(len(votes.ids))
    shuffled = LabelMatrix.from_rows(votes.votes[order], classes=CLASSES)
    assert saved(make().fit(votes), tmp_path / "a") == saved(make().fit(shuffled), tmp_path / "b")


def test_counts_of_votes_will_do(make: Make, tmp_path: Path) -> None:
    """Fitted on counts, gathered in two parts, the parameters are those of the votes themselves."""
    votes, _ = planted()
    counts = VoteCounts.of(votes.votes[:150], 3) + VoteCounts.of(votes.votes[150:], 3)
    on_votes, on_counts = make().fit(votes), make().fit(counts, names=votes.names)
    assert saved(on_votes, tmp_path / "a") == saved(on_counts, tmp_path / "b")


def test_settled_classes_can_be_given(make: Make) -> None:
    """Gold for some records, for none, or for all: still probabilities."""
    votes, truth = planted()
    nothing = np.full(len(truth), -1)
    some = np.where(np.arange(len(truth)) < 40, truth, -1)
    for gold in (some, truth, some.tolist(), some.astype(np.int8)):
        check(make().fit(votes, gold=gold).predict_proba(votes).probs, 3)
    without = make().fit(votes).predict_proba(votes).probs
    assert np.array_equal(make().fit(votes, gold=nothing).predict_proba(votes).probs, without)


@pytest.mark.parametrize("gold", [[0, 1], [[0]] * 400, [3] * 400, [-2] * 400, [0.5] * 400, ["ham"] * 400])
def test_gold_that_does_not_fit_is_refused(make: Make, gold: Any) -> None:
    """One class index or -1 per record."""
    votes, _ = planted()
    with pytest.raises(ValueError, match=r"^gold must be \(400,\) whole numbers from -1 to 2$"):
        make().fit(votes, gold=gold)


def test_votes_for_other_classes_are_refused(make: Make) -> None:
    """Other names, another order, or more of them; in fitting and in predicting."""
    votes, _ = planted()
    for classes in (["spam", "ham", "eggs"], ["a", "b", "c"], ["ham", "spam", "eggs", "more"]):
        other = LabelMatrix.from_rows(votes.votes, classes=classes)
        with pytest.raises(
            ModelError, match=r"^the votes are for .*, the label model is for \"ham\", \"spam\", \"eggs\"$"
        ):
            make().fit(other)
        with pytest.raises(ModelError, match=r"^the votes are for .*, the label model is for"):
            make().fit(votes).predict_proba(other)


def test_votes_whose_classes_are_only_numbered_fit_any_names(make: Make) -> None:
    """Snorkel's matrices have no class names."""
    votes, _ = planted()
    numbered = LabelMatrix.from_rows(votes.votes)
    assert numbered.classes == ("0", "1", "2")
    named = make().fit(votes).predict_proba(votes).probs
    assert np.array_equal(make().fit(numbered).predict_proba(numbered).probs, named)
    fewer = LabelMatrix.from_rows([[0, 1, 1, 0, 1, 0]])
    assert fewer.classes == ("0", "1")
    check(make().fit(votes).predict_proba(fewer).probs, 3)
    with pytest.raises(ModelError):
        make(["ham", "spam"]).fit(numbered)


@pytest.mark.parametrize("classes", [[], ["ham"], ["ham", "ham"], "ham", ["ham", ""], ["ham", 1]])
def test_classes_that_are_none_are_refused(make: Make, classes: Any) -> None:
    """Two different names at least."""
    with pytest.raises(UsageError, match=r"^classes must be a list of 2 to 127 different names"):
        make(classes)


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, "7", None, True])
def test_seeds_that_are_none_are_refused(make: Make, seed: Any) -> None:
    """A whole number from 0 to 2**32 - 1."""
    with pytest.raises(UsageError, match=r"^the seed must be a whole number from 0 to 4294967295, not "):
        make(CLASSES, seed)


def test_an_unknown_model_is_named() -> None:
    """With those that there are."""
    with pytest.raises(ModelError, match=r'^no label model is called "snorkle"; there are "majority", "snorkel"'):
        make_model("snorkle", CLASSES, 0)


@pytest.mark.parametrize(
    "cells",
    [np.array([[0, 1]]), np.array([0, 1, 0, 1, 0, 1], np.int8), np.array([[3] * 6], np.int8)],
)
def test_cells_that_are_no_votes_are_refused(make: Make, cells: Any) -> None:
    """Another dtype, shape or class."""
    votes, _ = planted()
    with pytest.raises(ValueError, match=r"^votes must be"):
        make().fit(votes).predict_votes(cells)


def test_saving_and_loading_gives_the_same_predictions(make: Make, tmp_path: Path) -> None:
    """Byte for byte, notes and all; saved again, the files are the same."""
    votes, truth = planted()
    model = make().fit(votes, gold=np.where(np.arange(len(truth)) < 40, truth, -1))
    files = saved(model, tmp_path / "run")
    loaded = load_model(tmp_path / "run")
    assert type(loaded) is type(model)
    assert loaded.notes == model.notes
    assert np.array_equal(loaded.predict_proba(votes).probs, model.predict_proba(votes).probs)
    assert saved(loaded, tmp_path / "again") == files


def test_a_saved_model_is_json_and_plain_arrays(make: Make, tmp_path: Path) -> None:
    """Readable without labelkit; no pickle in it."""
    votes, _ = planted()
    saved(make().fit(votes), tmp_path)
    about = json.loads((tmp_path / "model.json").read_text())
    assert about["classes"] == CLASSES
    assert about["seed"] == 7
    with zipfile.ZipFile(tmp_path / "model.npz") as file:
        assert all(name.endswith(".npy") for name in file.namelist())
    with np.load(tmp_path / "model.npz", allow_pickle=False) as arrays:
        assert all(arrays[name].dtype == np.float64 for name in arrays.files)


def test_no_damage_to_a_saved_model_goes_unnoticed(make: Make, tmp_path: Path) -> None:
    """Whatever bit is flipped in whichever file."""
    votes, _ = planted()
    whole = saved(make().fit(votes), tmp_path)
    rng = np.random.default_rng(9)
    for name, content in zip(("model.json", "model.npz"), whole, strict=True):
        for bit in rng.choice(len(content) * 8, size=min(300, len(content) * 8), replace=False):
            damaged = bytearray(content)
            damaged[bit // 8] ^= 1 << (bit % 8)
            (tmp_path / name).write_bytes(damaged)
            try:
                changed = json.loads((tmp_path / "model.json").read_bytes()) != json.loads(whole[0])
            except ValueError:
                changed = True
            if changed or name == "model.npz":
                with pytest.raises(ArtifactError):
                    load_model(tmp_path)
        (tmp_path / name).write_bytes(content)
    load_model(tmp_path)


def edited(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], Any]:
    def damage(folder: Path) -> None:
        about = json.loads((folder / "model.json").read_text())
        (folder / "model.json").write_text(json.dumps(change(about)))

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "model.json").unlink(),
        lambda folder: (folder / "model.npz").unlink(),
        lambda folder: (folder / "model.json").write_bytes(b""),
        lambda folder: (folder / "model.npz").write_bytes(b""),
        lambda folder: (folder / "model.json").write_bytes(b"\xff"),
        lambda folder: (folder / "model.json").write_text("[" * 100_000),
        lambda folder: (folder / "model.json").write_text("5"),
        lambda folder: (folder / "model.json").write_text("null"),
        lambda folder: np.savez(folder / "model.npz", log_mu=np.zeros(3)),
        lambda folder: (folder / "model.npz").write_bytes(pickle.dumps({"log_mu": 1})),
        edited(lambda about: {**about, "schema": 2}),
        edited(lambda about: {**about, "seed": 8}),
        edited(lambda about: {**about, "classes": ["ham", "spam"]}),
        edited(lambda about: {**about, "notes": ["all is well"]}),
        edited(lambda about: {**about, "name": "other"}),
        edited(lambda about: {name: value for name, value in about.items() if name != "digest"}),
        edited(lambda about: {**about, "digest": ""}),
    ],
)
def test_a_model_that_was_changed_is_an_artifact_error(
    make: Make, tmp_path: Path, damage: Callable[[Path], Any]
) -> None:
    """Named by its run, with the way out."""
    folder = tmp_path / "0123456789abcdef"
    votes, _ = planted()
    saved(make().fit(votes), folder)
    damage(folder)
    with pytest.raises(ArtifactError) as caught:
        load_model(folder)
    message = "run 0123456789abcdef: no whole label model in it; run `labelkit apply` again"
    assert str(caught.value) == message


class Payload:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("ran",)


def test_no_code_in_a_model_file_is_run(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickle in place of an array is refused, also by one who writes a fitting digest."""
    from labelkit.label_models import storage

    monkeypatch.chdir(tmp_path)
    votes, _ = planted()
    saved(make().fit(votes), tmp_path)
    np.savez(tmp_path / "model.npz", log_mu=np.array([Payload()], dtype=object), log_prior=np.zeros(3))
    about = json.loads((tmp_path / "model.json").read_text())
    del about["digest"]
    about["digest"] = storage._digest(about, (tmp_path / "model.npz").read_bytes())
    (tmp_path / "model.json").write_text(json.dumps(about))
    with pytest.raises(ArtifactError):
        load_model(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_global_generators_and_threads_are_left_alone(make: Make) -> None:
    """Fitting and predicting draw from no generator but their own, and leave torch's threads as they were."""
    import torch

    votes, truth = planted()
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    threads = torch.get_num_threads()
    before = random.getstate(), str(np.random.get_state()), torch.random.get_rng_state().tolist()
    make().fit(votes, gold=truth).predict_proba(votes)
    after = random.getstate(), str(np.random.get_state()), torch.random.get_rng_state().tolist()
    assert after == before
    assert torch.get_num_threads() == threads


def test_every_process_fits_the_same_model(make: Make, tmp_path: Path) -> None:
    """Also with another hash seed and another number of threads."""
    votes, _ = planted(m=10)
    here = saved(make().fit(votes), tmp_path / "here")
    np.save(tmp_path / "votes.npy", votes.votes)
    program = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from labelkit.label_models import make_model, save_model; from labelkit.matrix import LabelMatrix\n"
        f"votes = LabelMatrix.from_rows(np.load(sys.argv[1]), classes={CLASSES})\n"
        f"save_model(make_model({make().name!r}, {CLASSES}, 7).fit(votes), Path(sys.argv[2]))\n"
    )
    for threads in ("1", "4"):
        there = tmp_path / threads
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "votes.npy"), str(there)],
            env={**os.environ, "PYTHONHASHSEED": threads, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads},
            check=True,
        )
        assert ((there / "model.json").read_bytes(), (there / "model.npz").read_bytes()) == here


def rows_of(n: int, m: int, value: int) -> NDArray[np.int64]:
    return np.full((n, m), value)


_rng = np.random.default_rng(11)
DEGENERATE: dict[str, tuple[NDArray[np.int64], int]] = {
    "no rows": (np.empty((0, 4), np.int64), 2),
    "no rows, no functions": (np.empty((0, 0), np.int64), 2),
    "no functions": (np.empty((3, 0), np.int64), 2),
    "one row": (np.array([[0, 1, 0, -1]]), 2),
    "one row, one vote": (np.array([[0, -1, -1, -1]]), 2),
    "all abstain": (rows_of(5, 4, ABSTAIN), 2),
    "all fail": (rows_of(5, 4, FAULT), 2),
    "one function": (_rng.integers(-1, 2, (30, 1)), 2),
    "two functions": (_rng.integers(-1, 2, (30, 2)), 2),
    "two of three functions silent": (np.c_[_rng.integers(-1, 2, (30, 1)), rows_of(30, 2, ABSTAIN)], 2),
    "functions never meet": (np.where(np.eye(4, dtype=bool), [0, 1, 0, 1], ABSTAIN), 2),
    "identical functions": (np.repeat(_rng.integers(-1, 2, (40, 1)), 5, axis=1), 2),
    "opposite functions": (np.c_[np.tile([[0, 1, 0, 1]], (20, 1)), np.tile([[1, 0]], (20, 1))], 2),
    "a function that never votes": (np.c_[_rng.integers(-1, 2, (40, 4)), rows_of(40, 1, ABSTAIN)], 2),
    "a function that always votes alike": (np.c_[_rng.integers(-1, 2, (40, 4)), rows_of(40, 1, 1)], 2),
    "a class that nobody votes for": (_rng.integers(-1, 2, (40, 5)), 3),
    "votes for one class only": (np.where(_rng.random((40, 5)) < 0.5, 1, ABSTAIN), 2),
    "all votes the same": (rows_of(40, 5, 1), 2),
    "a hundred classes": (_rng.integers(-1, 100, (150, 6)), 100),
    "127 classes, few votes": (_rng.integers(120, 127, (10, 3)), 127),
    "a thousand functions, few rows": (_rng.integers(-1, 2, (8, 1000)), 2),
    "more than Snorkel's model can hold": (_rng.integers(-1, 100, (5, 101)), 100),
}
UNDEFINED = {
    "no rows": "no function voted on any record",
    "no rows, no functions": "it needs at least 3 labeling functions, there are 0",
    "no functions": "it needs at least 3 labeling functions, there are 0",
    "one row, one vote": "no two functions voted on the same record",
    "all abstain": "no function voted on any record",
    "all fail": "no function voted on any record",
    "one function": "it needs at least 3 labeling functions, there are 1",
    "two functions": "it needs at least 3 labeling functions, there are 2",
    "two of three functions silent": "no two functions voted on the same record",
    "functions never meet": "no two functions voted on the same record",
    "votes for one class only": "all votes are for one class",
    "all votes the same": "all votes are for one class",
    "a thousand functions, few rows": "its optimiser diverged, as it may with hundreds of functions",
    "more than Snorkel's model can hold": "101 functions times 100 classes are more than the 10,000 that it can hold",
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_votes_have_a_documented_result(make: Make, case: str, tmp_path: Path) -> None:
    """Never NaN, never a traceback: the model itself, or majority vote and a note that says why."""
    rows, k = DEGENERATE[case]
    votes = LabelMatrix.from_rows(rows, classes=[f"class {c}" for c in range(k)])
    model = make(votes.classes).fit(votes)
    posterior = model.predict_proba(votes)
    check(posterior.probs, k)
    assert np.array_equal(posterior.covered, (rows >= 0).any(axis=1))
    assert (posterior.probs[~posterior.covered] == 1 / k).all()
    majority = majority_probs(np.maximum(rows, ABSTAIN).astype(np.int8), k)
    if model.name == "majority" or (model.name == "snorkel" and case in UNDEFINED):
        assert np.array_equal(posterior.probs, majority)
    if model.name == "snorkel":
        expected = f"Snorkel's label model is undefined here: {UNDEFINED.get(case)}; majority vote was used instead"
        assert (expected in model.notes) == (case in UNDEFINED)
    saved(model, tmp_path)
    assert np.array_equal(load_model(tmp_path).predict_proba(votes).probs, posterior.probs)
    check(make(votes.classes).fit(votes, gold=np.zeros(len(rows), np.int64)).predict_proba(votes).probs, k)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_votes_at_all_have_a_result(data: st.DataObject) -> None:
    """Every model on every small matrix, with any gold."""
    name = data.draw(st.sampled_from(list(LABEL_MODELS)))
    n, m, k = data.draw(st.integers(0, 8)), data.draw(st.integers(0, 6)), data.draw(st.integers(2, 4))
    rows = data.draw(hnp.arrays(np.int8, (n, m), elements=st.integers(FAULT, k - 1)))
    gold = data.draw(hnp.arrays(np.int64, n, elements=st.integers(-1, k - 1)))
    votes = LabelMatrix.from_rows(rows, classes=[str(c) for c in range(k)])
    posterior = make_model(name, votes.classes, data.draw(st.integers(0, 5))).fit(votes, gold).predict_proba(votes)
    check(posterior.probs, k)
    assert (posterior.probs[~posterior.covered] == 1 / k).all()
