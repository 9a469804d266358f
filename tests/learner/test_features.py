"""Fields of every kind become numbers; what cannot is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from labelkit.errors import UsageError
from labelkit.learner import train
from labelkit.learner.features import kinds_of

CLASSES = ["ham", "spam"]
UNKNOWN = 'no estimator "lineal"; there are "linear", "boosted", or give a function of yours as package.module.function'
LABELS = ["ham"] * 30 + ["spam"] * 30


def says_right(table: pa.Table, fields: list[str], **options: Any) -> bool:
    labelled = table.append_column("label", pa.array(LABELS))
    said: list[str] = train(labelled, fields, CLASSES, **options).predict(table).tolist()
    return said == LABELS


def refused(message: str, table: pa.Table, fields: list[str], **options: Any) -> None:
    with pytest.raises(UsageError) as caught:
        says_right(table, fields, **options)
    assert str(caught.value) == message


def test_categories_are_learned() -> None:
    """A column of few strings, each of them often, is one column per value, and a missing value is a value."""
    table = pa.table({"state": ["new"] * 30 + [None] * 30})
    assert kinds_of(table, ["state"]) == {"state": "category"}
    assert says_right(table, ["state"])


def test_a_category_that_was_never_seen_says_nothing() -> None:
    """An unknown value is no error."""
    table = pa.table({"state": ["new"] * 30 + ["old"] * 30, "label": LABELS})
    probs = train(table, ["state"], CLASSES).predict_proba(pa.table({"state": ["odd"]}))
    np.testing.assert_allclose(probs, 0.5, atol=0.01)


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.list_(pa.float64(), 2), pa.large_list(pa.int64())])
def test_embeddings_are_learned(kind: pa.DataType) -> None:
    """Lists of numbers are vectors, whatever Arrow calls them; a missing one is no error."""
    table = pa.table({"vector": pa.array([[1, 0]] * 30 + [[0, 1]] * 30, kind)})
    assert says_right(table, ["vector"])
    learner = train(table.append_column("label", pa.array(LABELS)), ["vector"], CLASSES)
    np.testing.assert_allclose(learner.predict_proba(pa.table({"vector": pa.array([None], kind)})), 0.5, atol=0.01)


def test_fields_of_all_kinds_learn_together() -> None:
    """Text, category, number and embedding stand side by side."""
    table = pa.table(
        {
            "text": [f"word{i} same" for i in range(60)],
            "state": ["new", "old"] * 30,
            "size": [1.0] * 30 + [9.0] * 30,
            "vector": [[0.5, 0.5]] * 60,
        }
    )
    assert list(kinds_of(table, table.column_names).values()) == ["text", "category", "number", "embedding"]
    assert says_right(table, table.column_names)


def test_a_number_can_be_taken_for_a_category() -> None:
    """Codes are numbers that mean nothing as such."""
    table = pa.table({"code": [1, 3] * 15 + [2, 4] * 15})
    assert says_right(table, ["code"], kinds={"code": "category"})


def test_trees_learn_from_tables() -> None:
    """What no line can tell apart, trees can."""
    table = pa.table({"size": [1.0, 9.0] * 15 + [5.0] * 30})
    assert says_right(table, ["size"], estimator="boosted")
    assert not says_right(table, ["size"])


def test_embeddings_of_different_lengths_are_refused() -> None:
    """Vectors must have as many numbers each."""
    table = pa.table({"vector": [[1.0], [1.0, 2.0]] * 30})
    refused("one embedding has 2 numbers, another 1; all must have equally many", table, ["vector"])


def test_a_kind_that_does_not_fit_is_refused() -> None:
    """A number is no text, and there are four kinds."""
    table = pa.table({"size": [1.0] * 60})
    refused('field "size" is double, which cannot be of kind "text"', table, ["size"], kinds={"size": "text"})
    message = 'field "size": no kind "date"; kinds are "text", "category", "number", "embedding"'
    refused(message, table, ["size"], kinds={"size": "date"})
    refused('"sice" is no field; fields are "size"', table, ["size"], kinds={"sice": "number"})


def own(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> pa.Table:
    """A module `own_models` of the user's and a table to train on."""
    (folder / "own_models.py").write_text(code)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "own_models", raising=False)
    return pa.table({"text": ["good"] * 30 + ["bad"] * 30})


def test_an_estimator_of_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dotted path names a function that makes a scikit-learn classifier from a seed."""
    code = "from sklearn.naive_bayes import MultinomialNB\ndef make(seed):\n    return MultinomialNB()\n"
    table = own(tmp_path, monkeypatch, code)
    assert says_right(table, ["text"], estimator="own_models.make")


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        ("lineal", UNKNOWN),
        ("own_models.none", 'estimator "own_models.none": module "own_models" has no "none"'),
        ("no_such.make", "estimator \"no_such.make\": No module named 'no_such'; is its folder in PYTHONPATH?"),
        ("own_models.fails", 'estimator "own_models.fails": calling it with a seed failed: ValueError: no'),
        ("own_models.wrong", 'estimator "own_models.wrong": made a int, which has no "fit", "predict_proba"'),
    ],
)  # fmt: skip
def test_an_estimator_that_cannot_be_had_is_refused(
    estimator: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says which, why, and the way out."""
    code = "def fails(seed):\n    raise ValueError('no')\ndef wrong(seed):\n    return 3\n"
    refused(message, own(tmp_path, monkeypatch, code), ["text"], estimator=estimator)


def test_an_estimator_that_fails_in_training_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's bug is told as theirs, without a traceback."""
    code = (
        "class Broken:\n    def fit(self, x, y):\n        pass\n    def predict_proba(self, x):\n        pass\n"
        "def make(seed):\n    return Broken()\n"
    )
    with pytest.raises(UsageError, match=r'^estimator "own_models.make": training it failed: TypeError: '):
        says_right(own(tmp_path, monkeypatch, code), ["text"], estimator="own_models.make")
