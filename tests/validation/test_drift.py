"""Leakage and drift: what stands on both sides of a split, what left the reference, what shifts the label."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from labelkit.errors import ArtifactError
from labelkit.validation import Evidence, fact_tables
from labelkit.validation.distances import chi_square, jensen_shannon, ks, psi
from labelkit.validation.profile import profile_of, read_profile

N = 2000
FIELDS = ("text", "size", "shop")


def records(seed: int, shift: float = 0.0, shops: tuple[float, ...] = (0.5, 0.3, 0.2)) -> pa.Table:
    """Records with a text, a number and a category."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(["word"] * length) + f" {i}" for i, length in enumerate(rng.poisson(9 + 3 * shift, N))]
    return pa.table(
        {
            "id": [str(i) for i in range(N)],
            "text": texts,
            "size": rng.normal(10 + shift, 2, N),
            "shop": rng.choice(["A", "B", "C"], N, p=shops).tolist(),
            "source": rng.choice(["web", "mail"], N).tolist(),
        }
    )


def labels(table: pa.Table, share: float | np.ndarray[Any, Any], seed: int = 5) -> pa.Table:
    """Ham with the given probability, else spam."""
    ham = np.random.default_rng(seed).random(N) < share
    return pa.table({"id": table.column("id"), "label": np.where(ham, "ham", "spam").tolist()})


def fields_of(table: pa.Table, judged: pa.Table, reference: pa.Table | None = None) -> dict[str, dict[str, Any]]:
    """The rows of `fields`, by name."""
    then = records(1) if reference is None else reference
    profile = profile_of(then, FIELDS, labels(then, 0.6).column("label").combine_chunks())
    evidence = Evidence(table, judged, ("ham", "spam"), "id", FIELDS, metadata=("source",), reference=profile)
    return {row["field"]: row for row in fact_tables(evidence, {"fields": ()})["fields"].to_pylist()}


def test_another_sample_of_the_same_population_has_not_drifted() -> None:
    """Distances are small, and p is no finding."""
    table = records(2)
    rows = fields_of(table, labels(table, 0.6))
    for name in FIELDS:
        assert rows[name]["psi"] < 0.05
        assert rows[name]["js"] < 0.1
        assert rows[name]["chi2_p"] > 0.001
        assert rows[name]["unseen"] < 0.01
    assert rows["label"]["psi"] < 0.01
    assert rows["size"]["ks_p"] > 0.001
    assert (rows["source"]["role"], rows["source"]["psi"], rows["text"]["kind"]) == ("metadata", None, "text")


def test_a_shift_is_seen_by_every_distance() -> None:
    """One standard deviation half, longer texts, another mix of shops, other labels."""
    table = records(2, shift=1.0, shops=(0.2, 0.3, 0.5))
    rows = fields_of(table, labels(table, 0.3))
    for name in (*FIELDS, "label"):
        assert rows[name]["psi"] > 0.15
        assert rows[name]["js"] > 0.15
        assert rows[name]["chi2_p"] < 1e-6
    assert rows["size"]["ks"] > 0.15
    assert rows["size"]["ks_p"] < 1e-6


def test_what_was_never_seen_is_counted() -> None:
    """A new category, numbers beyond the range, and a column that holds something else now."""
    table = records(2)
    shop = table.column("shop").to_pylist()
    shop[:200] = ["D"] * 200
    size = table.column("size").to_numpy().copy()
    size[:100] *= 100
    changed = table.set_column(3, "shop", pa.array(shop)).set_column(2, "size", pa.array(size))
    rows = fields_of(changed, labels(table, 0.6))
    assert (rows["shop"]["unseen"], round(rows["size"]["unseen"], 2)) == (0.1, 0.05)
    text = table.set_column(2, "size", pa.array([str(value) for value in size]))
    assert fields_of(text, labels(table, 0.6))["size"]["unseen"] == 1.0


def test_missing_values_are_compared() -> None:
    """A tenth of the values is gone."""
    table = records(2)
    size = [None if i % 10 == 0 else value for i, value in enumerate(table.column("size").to_pylist())]
    row = fields_of(table.set_column(2, "size", pa.array(size)), labels(table, 0.6))["size"]
    assert (row["nulls"], row["nulls_change"]) == (0.1, 0.1)
    nothing = fields_of(table.set_column(2, "size", pa.nulls(N, pa.float64())), labels(table, 0.6))["size"]
    assert (nothing["nulls"], nothing["psi"]) == (1.0, None)


def test_a_source_with_another_class_balance_is_a_selection_bias() -> None:
    """Mail is mostly ham; the size has nothing to do with it."""
    table = records(2)
    mail = np.array(table.column("source").to_pylist()) == "mail"
    rows = fields_of(table, labels(table, np.where(mail, 0.9, 0.4)))
    assert rows["source"]["label_shift"] > 0.4
    assert rows["source"]["label_shift_p"] < 1e-6
    assert rows["size"]["label_shift"] < 0.1
    assert fields_of(table, labels(table, 0.5))["source"]["label_shift"] < 0.1


def test_without_a_reference_nothing_is_said_of_drift() -> None:
    """The gate calls it vacuous."""
    table = records(1)
    evidence = Evidence(table, labels(table, 0.5), ("ham", "spam"), "id", FIELDS)
    rows = fact_tables(evidence, {"fields": ()})["fields"].to_pylist()
    assert {row[name] for row in rows for name in ("psi", "js", "chi2_p", "ks", "unseen")} == {None}


def test_records_on_both_sides_of_the_split_are_found() -> None:
    """The same text in other letters, and a near-duplicate; a split of its own is no leak."""
    long = "a review of a dozen words that says why the camera is worth its price"
    table = pa.table(
        {
            "id": ["a", "b", "c", "d", "e"],
            "text": ["Same text", "same  TEXT", long, f"{long}!", "other"],
            "split": ["train", "test", "train", "test", "train"],
        }
    )
    evidence = Evidence(table, pa.table({"id": ["a"]}), ("x", "y"), "id", ("text",), split="split")
    found = fact_tables(evidence, {"records": ["splits_of_same_text", "splits_of_near_text"]})["records"]
    assert found.column("splits_of_same_text").to_pylist() == [2, 2, 1, 1, 1]
    assert found.column("splits_of_near_text").to_pylist() == [2, 2, 2, 2, 1]
    alone = fact_tables(replace(evidence, split=None), {"records": ["splits_of_same_text"]})["records"]
    assert alone.column("splits_of_same_text").to_pylist() == [None] * 5


counts = st.lists(st.integers(0, 500), min_size=2, max_size=8).filter(lambda found: sum(found) > 0)


@given(st.data())
def test_distances_are_those_of_scipy(data: st.DataObject) -> None:
    """Jensen-Shannon to base 2 and Pearson's chi-square, on any counts; PSI is never negative."""
    a = np.array(data.draw(counts), dtype=np.float64)
    b = np.array(data.draw(st.lists(st.integers(0, 500), min_size=len(a), max_size=len(a))), dtype=np.float64)
    b[0] += 1
    assert jensen_shannon(a, b) == pytest.approx(jensenshannon(a, b, base=2), abs=1e-6)
    assert psi(a, b) >= 0
    table = np.stack([a, b])[:, (a + b) > 0]
    if table.shape[1] > 1:
        found = stats.chi2_contingency(table, correction=False)
        assert chi_square(np.stack([a, b])) == pytest.approx((found.statistic, found.pvalue), abs=1e-9)


@given(st.integers(0, 50), st.floats(-2, 2))
def test_ks_is_that_of_scipy_to_the_resolution_of_the_quantiles(seed: int, shift: float) -> None:
    """101 quantiles tell the distance to 0.01, and never more than it is."""
    rng = np.random.default_rng(seed)
    then, now = rng.normal(0, 1, 800), rng.normal(shift, 1, 500)
    quantiles = np.quantile(then, np.linspace(0, 1, 101), method="inverted_cdf")
    distance = stats.ks_2samp(then, now).statistic
    assert distance - 0.03 <= ks(quantiles, 800, now)[0] <= distance + 0.001


def test_a_profile_survives_its_file(tmp_path: Path) -> None:
    """JSON and back."""
    profile = profile_of(records(1), FIELDS, labels(records(1), 0.6).column("label").combine_chunks())
    profile.write(tmp_path / "reference.json")
    assert read_profile(tmp_path / "reference.json") == profile


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("[]", "list indices must be integers or slices, not str"),
        ('{"schema": 2}', "schema 2, not 1"),
        ('{"schema": 1, "rows": -1}', "rows -1 is no count"),
        ('{"schema": 1, "rows": 1, "labels": {"a": 0.5}, "fields": {}}', "labels: shares do not sum to one"),
        ('{"schema": 1, "rows": 1, "labels": {}, "fields": {"a": {"kind": "x", "nulls": 0}}}', "a: no kind 'x'"),
        (
            '{"schema": 1, "rows": 1, "labels": {}, "fields": {"a": {"kind": "text", "nulls": 0, "quantiles": [2,1]}}}',
            "a: quantiles do not rise",
        ),
    ],
)
def test_what_is_no_profile_is_refused(tmp_path: Path, content: str, said: str) -> None:
    """With what is wrong and how to write one."""
    (tmp_path / "r.json").write_text(content)
    with pytest.raises(ArtifactError) as caught:
        read_profile(tmp_path / "r.json")
    assert str(caught.value) == f"r.json: no reference profile ({said}); write one with `labelkit validate --infer`"


def test_a_profile_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """[data] reference names a file."""
    with pytest.raises(ArtifactError, match=r"^r.json: no such file; write a reference profile with"):
        read_profile(tmp_path / "r.json")
