"""`explore` asks where the next function would help most: in regions without votes, and where functions differ."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix

from labelkit.active import Learned, Queue, select
from labelkit.active.pool import Pool
from labelkit.active.regions import Regions, regions_of
from labelkit.errors import UsageError
from labelkit.label_models import Posterior
from labelkit.learner.features import kinds_of, transformed
from labelkit.learner.model import fitted_features
from labelkit.learner.names import column_names
from labelkit.matrix import LabelMatrix

CLASSES = ("ham", "spam")


def world() -> tuple[Posterior, LabelMatrix, Learned]:
    """100 records on gifts and 40 on songs without a vote; 30 on which two functions differ, 30 on which they agree."""
    texts = ["gift card"] * 100 + ["old song"] * 40 + ["win song"] * 30 + ["win cash"] * 30
    cells = np.full((200, 2), -1, np.int8)
    cells[140:, 0] = 1
    cells[140:170, 1], cells[170:, 1] = 0, 1
    votes = LabelMatrix.from_rows(cells, names=["wins", "songs"], classes=CLASSES)
    posterior = Posterior(np.full((200, 2), 0.5), votes.covered, votes.ids, CLASSES)
    table = pa.table({"text": texts})
    features = fitted_features(table, ["text"])
    x = transformed(features, table, ["text"])
    return posterior, votes, Learned(np.full((200, 2), 0.5), x, column_names(features, ["text"]))


def asked(n: int, exclude: frozenset[str] = frozenset()) -> Queue:
    posterior, votes, learned = world()
    return select(posterior, votes, n=n, strategy="explore", learned=learned, exclude=exclude)


def topic(record: str) -> str:
    row = int(record)
    return "gifts" if row < 100 else "songs" if row < 140 else "differ" if row < 170 else "agree"


def test_regions_take_turns_by_their_size() -> None:
    """Large regions are asked more often, small ones are not forgotten, and where functions agree nobody is asked."""
    counts = Counter(topic(item.record) for item in asked(34))
    assert counts["gifts"] == pytest.approx(20, abs=2)
    assert counts["songs"] == pytest.approx(8, abs=2)
    assert counts["differ"] == pytest.approx(6, abs=2)
    assert counts["agree"] == 0


def test_reasons_name_words_and_functions() -> None:
    """A person reads what the records of a region have in common, or which functions differ on them."""
    reasons = {topic(item.record): item.reason for item in asked(34)}
    assert reasons["gifts"].endswith(", with text gift card")
    assert reasons["gifts"].startswith("nobody voted on it and 99 records like it, with ")
    assert reasons["differ"] == "wins says spam, songs says ham; 30 records like that"


def test_what_was_asked_counts() -> None:
    """A region in which many were asked waits for the others."""
    gifts = frozenset(str(row) for row in range(60))
    first = [topic(item.record) for item in asked(8, gifts)]
    assert "gifts" not in first[:4]
    assert not gifts & {item.record for item in asked(200, gifts)}


def test_every_record_that_wants_a_function_is_asked_once() -> None:
    """The queue goes on until all records without votes, or with differing ones, were asked."""
    assert sorted(int(item.record) for item in asked(500)) == list(range(170))


def test_without_a_learner_it_says_so() -> None:
    """Regions are found by what a learner sees."""
    posterior, votes, _ = world()
    with pytest.raises(UsageError, match=r'^strategy "explore" asks a learner, and there is none$'):
        select(posterior, votes, strategy="explore")


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("n", [1, 2, 30])
def test_few_and_equal_records_are_regions_too(n: int, *, sparse: bool) -> None:
    """One record, or records that a learner cannot tell apart, are a region."""
    x = np.ones((n, 3))
    learned = Learned(np.full((n, 2), 0.5), csr_matrix(x) if sparse else x)
    pool = Pool(np.full((n, 2), 0.5), np.zeros(n, dtype=bool), np.full((n, 1), -1, np.int8), learned)
    found: Regions = regions_of(pool)
    assert sorted(row for region in found.regions for row in region.rows.tolist()) == list(range(n))


def test_columns_of_all_kinds_have_names() -> None:
    """Words, values and numbers are named as a person knows them; of an embedding nothing can be said."""
    table = pa.table({
        "text": ["a b", "c"] * 50, "state": ["new", None] * 50, "size": [1.0, 2.0] * 50, "vector": [[1.0, 0.0]] * 100,
    })  # fmt: skip
    fields = table.column_names
    features = fitted_features(table, fields, {"state": "category", "text": "text"})
    names = column_names(features, fields)
    assert set(kinds_of(table, fields, {"text": "text"}).values()) == {"text", "category", "number", "embedding"}
    assert sorted(names) == ["", "", '"a b"', '"a"', '"b"', '"c"', "size", "state (none)", "state new"]
    assert len(names) == transformed(features, table, fields).shape[1]
