"""What is proposed: precise on answers that had no part in it, new, and unlike what functions do already."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings, strategies as st

from labelkit.errors import UsageError
from labelkit.label_models import Posterior
from labelkit.labeling.rules.rule_files import read_rules
from labelkit.suggest import Answers, EmbeddingFile, Suggestions, suggested
from labelkit.suggest.pool import where
from labelkit.suggest.precision import lower_bound
from labelkit.suggest.rule_text import add_rules

CLASSES = ("ham", "spam")


def texts(n: int, seed: int = 0) -> tuple[pa.Table, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """n texts of filler; "win" mostly tells spam, "song" mostly ham, and the filler nothing."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    rows = []
    for label in truth:
        words = rng.choice(["the", "and", "this", "so", "my", "now", "here", "with"], 4).tolist()
        if rng.random() < 0.6:
            words.append("win" if (label == 1) == (rng.random() < 0.95) else "song")
        rows.append(" ".join(words))
    return pa.table({"text": rows}), truth


def found_in(n: int = 600, answers: int = 100, seed: int = 0, **more: object) -> Suggestions:
    table, truth = texts(n, seed)
    rows = np.random.default_rng(seed).permutation(n)[:answers]
    return suggested(table, ["text"], CLASSES, Answers(rows, truth[rows], 2), **more)  # type: ignore[arg-type]


def test_words_that_tell_classes_are_proposed_first() -> None:
    """The words on which the classes depend lead, each for its class, with figures that the truth bears out."""
    found = found_in()
    said = {(rule.candidate.said, rule.label) for rule in found.rules[:2]}
    assert said == {('text has "win"', "spam"), ('text has "song"', "ham")}
    for rule in found.rules[:2]:
        assert 0.7 < rule.low <= rule.precision <= 1
        assert 0.2 < rule.coverage < 0.5
        assert rule.hits <= rule.trials <= 100


def test_labels_without_a_pattern_are_given_no_rules() -> None:
    """Answers that depend on nothing in the records suggest next to nothing, whatever their draw."""
    table, truth = texts(600)
    counts = []
    for seed in range(5):
        rows = np.random.default_rng(seed).permutation(600)[:100]
        answers = Answers(rows, np.random.default_rng(seed + 50).permutation(truth[rows]), 2)
        counts.append(len(suggested(table, ["text"], CLASSES, answers).rules))
    assert np.mean(counts) <= 1.5


def test_held_out_precision_is_honest() -> None:
    """Lower bounds hold about as often as they promise over many draws."""
    held = []
    for seed in range(6):
        table, truth = texts(600, seed)
        for rule in found_in(seed=seed).rules:
            rows = where([rule.candidate], table)[:, 0]
            held.append((truth[rows] == CLASSES.index(rule.label)).mean() >= rule.low)
    assert np.mean(held) >= 0.75


def test_near_duplicates_of_functions_are_left_out() -> None:
    """A candidate that votes as a function does is not proposed again; for another class it is no duplicate."""
    table, _ = texts(600)
    has_win = np.array(["win" in text for text in table["text"].to_pylist()])
    found = found_in(votes=np.where(has_win, 1, -1).astype(np.int8)[:, None])
    assert 'text has "win"' not in {rule.candidate.said for rule in found.rules}
    assert found.duplicates >= 1


def test_names_are_new() -> None:
    """No rule is called as a function is already, nor as another rule."""
    first = found_in()
    again = found_in(taken=[rule.name for rule in first.rules])
    names = [rule.name for rule in (*first.rules, *again.rules)]
    assert len(set(names)) == len(names)


def test_the_label_model_stands_in_for_answers() -> None:
    """Without any answer, what the label model believes of the records proposes rules."""
    table, truth = texts(600)
    probs = np.where(truth[:, None] == np.arange(2), 0.9, 0.1)
    posterior = Posterior(probs, np.ones(600, dtype=bool), pa.array([str(i) for i in range(600)]), CLASSES)
    nothing = Answers(np.empty(0, np.int64), np.empty(0, np.int64), 2)
    found = suggested(table, ["text"], CLASSES, nothing, posterior=posterior)
    assert ('text has "win"', "spam") in {(rule.candidate.said, rule.label) for rule in found.rules}
    assert found.by_model
    assert all(rule.trials == 0 for rule in found.rules)


def test_answers_of_one_class_are_not_enough() -> None:
    """Without a second class nothing can be told apart, and that is said."""
    table, _ = texts(60)
    with pytest.raises(UsageError, match=r"^3 answers of fewer than two classes: .*labelkit annotate"):
        suggested(table, ["text"], CLASSES, Answers(np.arange(3), np.zeros(3, np.int64), 2))


def test_values_that_vote_alike_become_one_rule() -> None:
    """Categories of one field that tell one class are one value set, whose figures are those of all of them."""
    rng = np.random.default_rng(0)
    state = rng.choice(["new", "used", "torn", "lost"], 800)
    truth = np.where(np.isin(state, ["torn", "lost"]), 1, 0)
    rows = np.arange(200)
    found = suggested(pa.table({"state": state}), ["state"], CLASSES, Answers(rows, truth[rows], 2))
    said = {(rule.candidate.said, rule.label): rule for rule in found.rules}
    rule = said["state is lost or torn", "spam"]
    assert rule.hits == rule.trials == int(truth[rows].sum())
    assert rule.coverage == pytest.approx(truth.mean())


def test_numbers_and_pairs_are_proposed() -> None:
    """A class that needs two fields to tell is told by a rule on both."""
    rng = np.random.default_rng(1)
    size, state = rng.integers(0, 100, 1500), rng.choice(["new", "old"], 1500)
    truth = ((size > 60) & (state == "old")).astype(np.int64)
    rows = np.arange(300)
    table = pa.table({"size": size, "state": state})
    found = suggested(table, ["size", "state"], CLASSES, Answers(rows, truth[rows], 2))
    spam = next(rule for rule in found.rules if rule.label == "spam")
    assert spam.candidate.kind == "all"
    assert {part.field for part in spam.candidate.parts} == {"size", "state"}
    assert truth[where([spam.candidate], table)[:, 0]].mean() > 0.9


def test_nearness_is_proposed_and_read_back(tmp_path: Path) -> None:
    """Where an embedding tells classes, rules are near to examples, and a rule file says the same of each record."""
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 2, 400)
    vectors = rng.normal(size=(400, 8)) + 2.5 * np.where(truth[:, None] == 1, 1, -1) * np.eye(8)[0]
    ids = [f"r{row}" for row in range(400)]
    table = pa.table({"id": ids, "vector": vectors.tolist()})
    pq.write_table(table, tmp_path / "vectors.parquet")
    answers, source = Answers(np.arange(100), truth[:100], 2), EmbeddingFile("vectors.parquet", "id", "vector")
    found = suggested(table, ["vector"], CLASSES, answers, ids=ids, embeddings=source)
    assert {rule.candidate.kind for rule in found.rules} == {"nearest"}
    assert {rule.label for rule in found.rules} == set(CLASSES)
    add_rules(tmp_path / "rules.toml", found.rules, found)
    read = read_rules(tmp_path / "rules.toml")
    assert [rule.definition()[0] for rule in read] == [rule.candidate.condition.definition() for rule in found.rules]
    holds = where([rule.candidate for rule in found.rules], table)
    right = [(truth[rows] == CLASSES.index(rule.label)).mean() for rule, rows in zip(found.rules, holds.T, strict=True)]
    assert np.mean(right) > 0.9


def test_an_example_is_no_evidence_for_itself() -> None:
    """Where an embedding says nothing of the classes, no record speaks for the rule that it is the example of."""
    rng = np.random.default_rng(4)
    ids, vectors = [f"r{row}" for row in range(300)], rng.normal(size=(300, 4))
    table, source = pa.table({"vector": vectors.tolist()}), EmbeddingFile("v.parquet", "id", "vector")
    answers = Answers(np.arange(60), rng.integers(0, 2, 60), 2)
    assert len(suggested(table, ["vector"], CLASSES, answers, ids=ids, embeddings=source).rules) <= 2


def test_fields_that_no_rule_reads_are_passed_over() -> None:
    """Dates, and true and false, are no obstacle to rules on the other fields; nulls are everywhere."""
    table, truth = texts(300)
    texts_with_nulls = [None if row % 10 == 0 else text for row, text in enumerate(table["text"].to_pylist())]
    table = pa.table({
        "text": texts_with_nulls, "day": [dt.date(2026, 1, 1)] * 300, "sure": [True, None, False] * 100,
        "size": [None, 1.5, float("nan")] * 100, "state": ["new", None, "old"] * 100,
        "empty": pa.nulls(300, pa.string()),
    })  # fmt: skip
    found = suggested(table, table.column_names, CLASSES, Answers(np.arange(100), truth[:100], 2))
    assert ('text has "win"', "spam") in {(rule.candidate.said, rule.label) for rule in found.rules}
    with pytest.raises(UsageError, match=r'no rule can be suggested on "day"$'):
        suggested(table, ["day"], CLASSES, Answers(np.arange(100), truth[:100], 2))
    nothing = suggested(table, ["empty"], CLASSES, Answers(np.arange(100), truth[:100], 2))
    assert nothing.rules == ()


def test_more_classes_are_told_apart() -> None:
    """Each of three classes gets the word that tells it."""
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 3, 600)
    words = np.array(["apple", "pear", "plum"])[truth]
    table = pa.table({"text": [f"{word} {rng.integers(0, 50)}" for word in words]})
    rows = np.arange(90)
    found = suggested(table, ["text"], ("a", "b", "c"), Answers(rows, truth[rows], 3))
    told = {rule.candidate.said: rule.label for rule in found.rules}
    assert {told[f'text has "{word}"'] for word in ("apple", "pear", "plum")} == {"a", "b", "c"}


def test_the_same_answers_give_the_same_rules() -> None:
    """Nothing depends on chance but by the seed."""
    assert found_in() == found_in()


@given(st.integers(0, 30), st.integers(0, 30), st.floats(0, 1))
@settings(deadline=None)
def test_lower_bounds_are_below_what_was_seen_and_rise_with_hits(hits: int, misses: int, prior: float) -> None:
    """A lower bound lies between 0 and 1, and one more hit never lowers it."""

    def bound(right: float) -> float:
        return float(lower_bound(np.array(right), np.array(float(hits + misses + 1)), np.array(prior)))

    assert 0 <= bound(hits) <= bound(hits + 1) <= 1
