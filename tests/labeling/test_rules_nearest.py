"""Rules of kind nearest: one meaning on a record and on a column, vectors from a file or given, and what is refused."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings, strategies as st

import labelkit as lk
from labelkit import rules
from labelkit.errors import FunctionError
from labelkit.labeling import load_functions
from labelkit.labeling.functions import as_labeling_function
from labelkit.labeling.rules import RulePlan

CLASSES = ["ham", "spam"]
vector = st.lists(st.integers(-3, 3).map(float), min_size=3, max_size=3)


def table(*vectors: Any, kind: Any = None) -> pa.Table:
    """Records with these embeddings."""
    column = pa.array(vectors, kind or pa.list_(pa.float32()))
    return pa.table({"id": [f"r{i}" for i in range(len(vectors))], "embedding": column})


def votes(rule: rules.Rule, records: pa.Table) -> list[int]:
    """The rule's votes on records."""
    return [row[0] for row in lk.apply_lfs([rule], records, classes=CLASSES).votes.tolist()]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(vector.filter(any), min_size=1, max_size=4),
    st.lists(vector | st.none(), min_size=1, max_size=8),
    st.sampled_from([-1.0, -0.5, 0.0, 0.5, 0.9]),
)
def test_a_column_gets_the_votes_that_its_records_get(to: Any, vectors: Any, above: float) -> None:
    """One record at a time, all at once, and in pieces: the votes are the same."""
    rule = rules.nearest("near", to, above=above, label=1)
    one_by_one = [rule.vote_on(SimpleNamespace(embedding=found)) for found in vectors]
    records = table(*vectors, kind=pa.list_(pa.float64()))
    plan = RulePlan([rule], CLASSES)
    pieces = [plan.votes(records.slice(i, 1).to_batches()[0])[0, 0] for i in range(len(vectors))]
    assert votes(rule, records) == one_by_one == [int(vote) for vote in pieces]


def test_the_nearest_example_counts() -> None:
    """One of several is enough, and length does not matter."""
    rule = rules.nearest("near", [[1, 0], [0, 5]], above=0.99, label="spam")
    assert votes(rule, table([7.0, 0.1], [0.0, 0.2], [1.0, 1.0])) == [1, 1, -1]


@pytest.mark.parametrize("above", [0.0, -1.0])
def test_nulls_and_zeros_are_unknown(above: float) -> None:
    """Neither the rule nor its negation votes on them."""
    near = rules.nearest("near", [[1.0, 0.0]], above=above, part=True)
    for condition in (near | near, ~near):
        rule = rules.combine("r", condition, label=1)
        assert votes(rule, table(None, [0.0, 0.0])) == [-1, -1]


def test_it_is_combined_with_rules_on_text() -> None:
    """Like any other rule."""
    near = rules.nearest("near", [[1.0, 0.0]], above=0.9, part=True)
    free = rules.keywords("free", ["free"], field="text", part=True)
    rule = rules.combine("both", near & ~free, label=1)
    records = table([1.0, 0.0], [1.0, 0.0], [0.0, 1.0]).append_column("text", pa.array(["a", "free", "a"]))
    assert votes(rule, records) == [1, -1, -1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of functions beside a file of embeddings."""
    found = pa.array([[1.0, 0.0], [0.0, 1.0], None, [0.0, 0.0]], pa.list_(pa.float32(), 2))
    pq.write_table(pa.table({"id": ["a", "b", "c", "d"], "embedding": found}), tmp_path / "embeddings.parquet")
    (tmp_path / "labeling_functions").mkdir()
    return tmp_path / "labeling_functions"


def test_examples_are_named_by_id_in_python_and_in_toml(folder: Path) -> None:
    """Both say the same, whatever the order of the ids."""
    (folder / "a.py").write_text(
        "import labelkit as lk\n"
        "near = lk.rules.nearest('near', ids=['b', 'a'], file='../embeddings.parquet', above=0.9, label=1)\n"
    )
    (folder / "b.toml").write_text(
        '[near_too]\nkind = "nearest"\nids = ["a", "b"]\nfile = "../embeddings.parquet"\nabove = 0.9\nlabel = "spam"\n'
    )
    one, two = load_functions(folder, ["embedding"], CLASSES)
    assert one.rule is not None
    assert two.rule is not None
    assert one.rule.condition == two.rule.condition
    assert lk.apply_lfs([one, two], table([2.0, 0.1]), classes=CLASSES).votes.tolist() == [[1, 1]]


def test_the_vectors_are_in_the_fingerprint(folder: Path) -> None:
    """A file that changed makes another function, though its name and ids are the same."""

    def fingerprint(**more: Any) -> str:
        file = folder.parent / "embeddings.parquet"
        rule = rules.nearest("near", **{"ids": ["a"], "file": file, "above": 0.9, "label": 1, **more})
        made = as_labeling_function(rule)
        assert made is not None
        return made.fingerprint

    first = fingerprint()
    assert fingerprint() == first
    assert len({first, fingerprint(ids=["b"]), fingerprint(above=0.8), fingerprint(field="v", column="embedding")}) == 4
    pq.write_table(pa.table({"id": ["a"], "embedding": [[0.5, 0.5]]}), folder.parent / "embeddings.parquet")
    assert fingerprint() != first


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"to": [[1.0]], "above": 1.0}, "above must be a cosine similarity, from -1 to below 1"),
        ({"above": 0.5}, "give to= some vectors, or ids= and file= that has their embeddings"),
        ({"to": [[1.0]], "ids": ["a"], "file": "f", "above": 0}, "give to= some vectors, or ids= and file="),
        ({"ids": "c17", "file": "f", "above": 0}, "ids must be a list"),
        ({"to": [[1.0], [1.0, 2.0]], "above": 0}, "to= must be a list of embeddings, all of one length"),
        ({"to": [[0.0, 0.0]], "above": 0}, "an example is all zeros, or holds a number that is not finite"),
        ({"to": [[float("nan")]], "above": 0}, "an example is all zeros, or holds a number that is not finite"),
    ],
)
def test_what_a_rule_cannot_mean_is_refused(given: dict[str, Any], said: str) -> None:
    """Where it is written."""
    with pytest.raises(FunctionError) as caught:
        rules.nearest("near", **given, label=1)
    assert str(caught.value).startswith(f'rule "near": {said}')


@pytest.mark.parametrize(
    ("ids", "column", "said"),
    [
        (["a", "x"], "embedding", 'embeddings.parquet: no record "x"'),
        (["a", "c"], "embedding", 'embeddings.parquet: no embedding of "c"'),
        (["d"], "embedding", "an example is all zeros, or holds a number that is not finite"),
        (["a"], "other", 'embeddings.parquet: no column "other"; columns are "id", "embedding"'),
        (["a"], "id", 'embeddings.parquet: column "id" is'),
    ],
)
def test_ids_without_an_embedding_are_refused(folder: Path, ids: list[str], column: str, said: str) -> None:
    """By name."""
    file = folder.parent / "embeddings.parquet"
    with pytest.raises(FunctionError) as caught:
        rules.nearest("near", ids=ids, file=file, column=column, above=0.5, label=1)
    assert str(caught.value).startswith(f'rule "near": {said}')


def test_a_column_of_another_length_is_refused() -> None:
    """The examples have two numbers, the records three."""
    rule = rules.nearest("near", [[1.0, 0.0]], above=0.5, label=1)
    with pytest.raises(FunctionError, match='field "embedding": an embedding holds 3 numbers, where others have 2'):
        votes(rule, table([1.0, 2.0, 3.0]))


def test_a_column_of_text_is_refused() -> None:
    """A rule on a column that it cannot read would fail on every record."""
    rule = rules.nearest("near", [[1.0, 0.0]], above=0.5, label=1)
    with pytest.raises(FunctionError, match='needs lists of numbers, but field "embedding" is large_string'):
        votes(rule, table("x", kind=pa.string()))


def test_votes_do_not_depend_on_how_many_are_multiplied_at_once() -> None:
    """A limit that is met exactly is not passed, in blocks of any size."""
    rng = np.random.default_rng(7)
    examples = rng.normal(size=(5, 64))
    rule = rules.nearest("near", examples.tolist(), above=0.999999999, label=1)
    records = table(*(examples.repeat(40, axis=0) * 3).tolist(), kind=pa.list_(pa.float64()))
    plan = RulePlan([rule], CLASSES)
    at_once = plan.votes(records.to_batches()[0])[:, 0]
    singly = [plan.votes(records.slice(i, 1).combine_chunks().to_batches()[0])[0, 0] for i in range(len(records))]
    assert at_once.tolist() == [int(vote) for vote in singly] == [1] * 200
