"""Suites guessed from one half of the data pass the other half, and refuse what was damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from labelkit.validation import Evidence, Suite, Verdict, fact_tables, judge, load_suites, read_by
from labelkit.validation.facts.drift import reference_profile
from labelkit.validation.inference import Roles, fields_suite, guess_roles, records_suite

N = 4000
SHOPS = ["Paris", "Lyon", "Nice", "Lille"]
GOOD = ["great", "love", "perfect", "délicieux", "works", "happy"]
BAD = ["broken", "awful", "refund", "waste", "cassé", "slow"]
NEUTRAL = [
    "the",
    "a",
    "this",
    "it",
    "was",
    "for",
    "my",
    "with",
    "and",
    "on",
    "after",
    "before",
    "two",
    "days",
    "box",
    "from",
    "shop",
    "they",
    "said",
    "again",
]


@cache
def population() -> pa.Table:
    """Reviews with everything a table can hold: ids, texts, whole and other numbers, categories, dates, nulls, gold."""
    rng = np.random.default_rng(11)
    gold = rng.random(N) < 0.55
    stars = np.clip(np.where(gold, rng.normal(4.2, 0.8, N), rng.normal(2.0, 0.9, N)).round(), 1, 5).astype(int)
    texts = [
        " ".join([*rng.choice(NEUTRAL, rng.integers(5, 25)), str(rng.choice(GOOD if good else BAD)), f"n{i}"])
        for i, good in enumerate(gold)
    ]
    weight = rng.lognormal(0, 0.5, N).round(3)
    days = rng.integers(0, 28, N)
    return pa.table(
        {
            "review_id": [f"r{i:05d}" for i in range(N)],
            "text": texts,
            "stars": stars,
            "price": rng.lognormal(3, 0.4, N).round(2),
            "weight": [None if missing else value for missing, value in zip(rng.random(N) < 0.1, weight, strict=True)],
            "shop": rng.choice(SHOPS, N, p=[0.4, 0.3, 0.2, 0.1]).tolist(),
            "day": [f"2026-{1 + day % 12:02d}-{1 + day:02d}" for day in days],
            "verified": (rng.random(N) < 0.7).tolist(),
            "gold": np.where(gold, "good", "bad").tolist(),
        }
    )


def halves() -> tuple[pa.Table, pa.Table]:
    """Two random halves."""
    order = np.random.default_rng(12).permutation(N)
    return population().take(np.sort(order[: N // 2])), population().take(np.sort(order[N // 2 :]))


ROLES = Roles("review_id", ("text", "stars", "price", "weight", "shop", "day", "verified"), "gold")


def evidence(table: pa.Table) -> Evidence:
    """Records whose labels are the gold ones."""
    present = set(table.schema.names)
    labels = pa.table({"id": table.column("review_id"), "label": table.column("gold")})
    fields = tuple(name for name in ROLES.fields if name in present)
    return Evidence(table, labels, ("bad", "good"), "review_id", fields, gold="gold")


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Callable[[pa.Table], Verdict]:
    """What the suites guessed from the first half say of a table."""
    folder = tmp_path_factory.mktemp("expectations")
    seen = evidence(halves()[0])
    profile = reference_profile(seen)
    assert guess_roles(halves()[0], "x") == ROLES
    contents = {"records": records_suite(seen.records, ROLES, duplicates=0.0), "fields": fields_suite(profile)}
    for name, content in contents.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    suites: tuple[Suite, ...] = load_suites(folder)

    def verdict(table: pa.Table) -> Verdict:
        from dataclasses import replace

        return judge(suites, fact_tables(replace(evidence(table), reference=profile), read_by(suites)))

    return verdict


def sample(seed: int) -> pa.Table:
    """Three quarters of the other half."""
    other = halves()[1]
    rows = np.random.default_rng(seed).choice(len(other), len(other) * 3 // 4, replace=False)
    return other.take(np.sort(rows))


def test_the_guess_passes_clean_samples_of_the_other_half(gate: Callable[[pa.Table], Verdict]) -> None:
    """At least 19 of 20; those that fail are printed with their cause."""
    verdicts = [gate(sample(seed)) for seed in range(20)]
    for verdict in verdicts:
        print(*(str(outcome) for outcome in verdict.blocking), sep="\n", end="")
    assert sum(verdict.passed for verdict in verdicts) >= 19


def changed(column: str, change: Callable[[list[Any], np.random.Generator], Any]) -> Callable[[pa.Table], pa.Table]:
    """Damage to one column."""

    def damage(table: pa.Table) -> pa.Table:
        values = change(table.column(column).to_pylist(), np.random.default_rng(1))
        return table.set_column(table.schema.names.index(column), column, pa.array(values))

    return damage


def some(share: float, change: Callable[[Any], Any]) -> Callable[[list[Any], np.random.Generator], list[Any]]:
    """Change a share of the values."""

    def damage(values: list[Any], rng: np.random.Generator) -> list[Any]:
        hit = rng.random(len(values)) < share
        return [change(value) if now else value for value, now in zip(values, hit, strict=True)]

    return damage


def shuffled(values: list[Any], rng: np.random.Generator) -> list[Any]:
    """All values, in another order."""
    return [values[i] for i in rng.permutation(len(values))]


def copied(table: pa.Table) -> pa.Table:
    """A tenth of the records again, under new ids."""
    again = table.slice(0, len(table) // 10)
    ids = pa.array([f"x{i:05d}" for i in range(len(again))])
    return pa.concat_tables([table, again.set_column(0, "review_id", ids)])


def swapped(table: pa.Table) -> pa.Table:
    """The contents of two columns, exchanged."""
    names = ["weight" if name == "price" else "price" if name == "weight" else name for name in table.schema.names]
    return table.rename_columns(names).select(table.schema.names)


CORRUPTIONS: dict[str, Callable[[pa.Table], pa.Table]] = {
    "nulls in a text": changed("text", some(0.02, lambda _: None)),
    "nulls in a number": changed("price", some(0.02, lambda _: None)),
    "many more nulls in a number": changed("weight", some(0.3, lambda _: None)),
    "blank texts": changed("text", some(0.01, lambda _: "  ")),
    "empty texts": changed("text", some(0.01, lambda _: "")),
    "the word nan for nothing": changed("text", some(0.01, lambda _: "nan")),
    "an id twice": changed("review_id", lambda ids, _: [ids[1], *ids[1:]]),
    "ids of another shape": changed("review_id", some(0.01, lambda value: value.replace("r", "r-x-"))),
    "no id": changed("review_id", lambda ids, _: [None, *ids[1:]]),
    "records twice under new ids": copied,
    "numbers as text": changed("price", lambda values, _: [str(value) for value in values]),
    "whole numbers as floats": changed("stars", lambda values, _: [float(value) for value in values]),
    "a unit changed everywhere": changed("price", lambda values, _: [value * 1.6 for value in values]),
    "a unit changed in one row of fifty": changed("price", some(0.02, lambda value: value * 100)),
    "negative prices": changed("price", some(0.01, lambda value: -value)),
    "numbers beyond the scale": changed("stars", some(0.01, lambda _: 10)),
    "a scale turned round": changed("stars", lambda values, _: [6 - value for value in values]),
    "a new category": changed("shop", some(0.01, lambda _: "Nantes")),
    "a category spelt otherwise": changed("shop", some(0.01, lambda value: value.lower())),
    "a category that swallowed another": changed(
        "shop", lambda values, _: ["Paris" if v == "Lyon" else v for v in values]
    ),
    "dates of another form": changed("day", some(0.02, lambda value: "/".join(reversed(value.split("-"))))),
    "UTF-8 read as Latin-1": changed("text", lambda values, _: [v.encode().decode("latin-1") for v in values]),
    "replacement characters": changed("text", lambda values, _: [v.replace("é", "\ufffd") for v in values]),
    "HTML in texts": changed("text", some(0.01, lambda value: f"<b>{value}</b>")),
    "control characters": changed("text", some(0.01, lambda value: f"{value}\x00")),
    "texts cut off": changed("text", lambda values, _: [value[:20] for value in values]),
    "texts run together": changed("text", some(0.01, lambda value: f"{value} " * 9)),
    "texts in capitals": changed("text", lambda values, _: [value.upper() for value in values]),
    "labels shuffled": changed("gold", shuffled),
    "labels of one class": changed("gold", some(0.5, lambda _: "good")),
    "a label with a typo": changed("gold", some(0.01, lambda _: "godo")),
    "one label in twenty turned round": changed("gold", some(0.05, lambda v: "bad" if v == "good" else "good")),
    "a column shuffled": changed("stars", shuffled),
    "a column gone": lambda table: table.drop_columns(["weight"]),
    "a column more": lambda table: table.append_column("note", pa.array(["x"] * len(table))),
    "two columns exchanged": swapped,
    "a third of the records": lambda table: table.slice(0, len(table) // 3),
    "records of one shop only": lambda table: table.filter(pa.compute.equal(table.column("shop"), "Paris")),
    "no records": lambda table: table.slice(0, 0),
}


def test_planted_corruptions_are_caught(gate: Callable[[pa.Table], Verdict]) -> None:
    """At least 20 kinds; the share caught and the missed ones are printed."""
    clean = sample(100)
    assert gate(clean).passed
    missed = [name for name, damage in CORRUPTIONS.items() if gate(damage(clean)).passed]
    caught = len(CORRUPTIONS) - len(missed)
    print(f"caught {caught} of {len(CORRUPTIONS)} corruptions ({caught / len(CORRUPTIONS):.0%}); missed: {missed}")
    assert caught >= 30
    assert set(missed) <= {"texts in capitals", "one label in twenty turned round"}
