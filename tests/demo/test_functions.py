"""The demo's labeling functions say what a person meant by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import labelkit as lk
from labelkit.labeling import Row, load_functions

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ("negative", "positive")
DATA = ROOT / "data" / "reviews.parquet"


@pytest.fixture(scope="module")
def functions() -> dict[str, Any]:
    loaded = load_functions(ROOT / "labeling_functions", ["text"], CLASSES)
    return {function.name: function for function in loaded}


@pytest.fixture(scope="module")
def records() -> pa.Table:
    if not DATA.is_file():
        pytest.fail("the demo's data is not there; run `make data`")
    return pq.read_table(DATA)


@pytest.mark.parametrize(
    ("name", "text", "label"),
    [
        ("praises", "the picture is good", "positive"),
        ("praises", "the picture is not very good", None),
        ("denies_praise", "the picture is not very good", "negative"),
        ("denies_praise", "not cheap, but good", None),
        ("denies_trouble", "i never had any problems", "positive"),
        ("reports_trouble", "i had problems at once", "negative"),
        ("reports_trouble", "no problems", None),
        ("easy_or_not", "easy to use", "positive"),
        ("easy_or_not", "it isn't easy to use", "negative"),
        ("stars", "4.5 stars", "positive"),
        ("stars", "i give it 1 star", "negative"),
        ("stars", "many stars", None),
        ("junk", "what a piece of JUNK!", "negative"),
        ("junk", "junkyard", None),
        ("warns_others", "Don't buy this.", "negative"),
        ("goes_back", "i sent it right back", "negative"),
    ],
)
def test_votes(functions: dict[str, Any], name: str, text: str, label: str | None) -> None:
    """Each function votes as its author would."""
    vote = functions[name](Row(text=text))
    assert (None if vote == lk.ABSTAIN else CLASSES[vote]) == label


def test_every_function_earns_its_place_on_dev(functions: dict[str, Any], records: pa.Table) -> None:
    """On the 500 records it was written on, each function votes and is right more often than not."""
    dev = records.filter(pc.equal(records["split"], "dev"))
    votes = lk.apply_lfs(list(functions.values()), lk.read(dev.select(["id", "text"])), classes=CLASSES)
    gold = [-1 if name is None else CLASSES.index(name) for name in dev["gold"].to_pylist()]
    summary = lk.lf_summary(votes, gold)
    assert len(summary) >= 12
    assert sum(row.faults for row in summary) == 0
    assert all(row.accuracy is not None and row.accuracy > 0.5 for row in summary)


def test_the_data_page_says_what_the_data_is(records: pa.Table) -> None:
    """The sizes on the page about the data are those of the file."""
    page = (ROOT / "docs" / "demo-data.md").read_text().replace("\n  ", " ")
    gold, split = records["gold"].to_pylist(), records["split"].to_pylist()
    assert (
        f"Of the {len(gold):,}, people see {gold.count('positive'):,} as positive, {gold.count('negative'):,} as "
        f"negative and {gold.count(None):,} as neither."
    ) in page
    assert (
        f"`dev` {split.count('dev')}, `test` {split.count('test'):,}, `train` {split.count('train'):,}, seeded" in page
    )
