"""The hybrid starts from weak labels, follows people, and notices functions that are junk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from labelkit.errors import ModelError, UsageError
from labelkit.learner import WeakLearner, weak_learner

CLASSES = ["ham", "spam"]
N = 600


def pool(p_spam: NDArray[np.float64], texts: list[str]) -> pa.Table:
    return pa.table({"text": texts, "p_ham": 1 - p_spam, "p_spam": p_spam})


def texts_and_gold(seed: int = 0) -> tuple[list[str], NDArray[np.int64]]:
    """Texts of five words; in each class, some words are commoner."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 2, N)
    words = np.array([f"w{i}" for i in range(60)])
    weights = np.stack([np.linspace(1, 3, 60), np.linspace(3, 1, 60)]) / 120
    return [" ".join(rng.choice(words, 5, p=weights[c])) for c in gold], gold


def noisy(gold: NDArray[np.int64], right: float, seed: int = 1) -> NDArray[np.float64]:
    """Probabilities of spam that are on the right side in this share of the records."""
    hit = np.random.default_rng(seed).random(len(gold)) < right
    return np.where(gold == 1, np.where(hit, 0.8, 0.2), np.where(hit, 0.2, 0.8))


def started(right: float = 0.9) -> tuple[WeakLearner, NDArray[np.int64]]:
    texts, gold = texts_and_gold()
    return weak_learner(pool(noisy(gold, right), texts), ["text"], CLASSES), gold


def right_share(weak: WeakLearner, gold: NDArray[np.int64], answers: int) -> tuple[float, float]:
    """Accuracy on the pool after answers about random records, and how far the functions are trusted."""
    rows = np.random.default_rng(5).permutation(N)[:answers]
    hybrid = weak.learn(rows, gold[rows], np.ones(answers, dtype=bool))
    return float((weak.pool_probabilities(hybrid).argmax(axis=1) == gold).mean()), hybrid.trust


def test_without_answers_it_is_the_weak_learner() -> None:
    """Nothing is changed before somebody has answered."""
    weak, _ = started()
    hybrid = weak.learn(np.empty(0, np.int64), np.empty(0, np.int64))
    np.testing.assert_allclose(weak.pool_probabilities(hybrid), np.exp(weak.logs), atol=1e-12)
    assert (hybrid.trust, hybrid.answers) == (1.0, 0)


def test_good_functions_are_kept_and_answers_add_to_them() -> None:
    """Where the functions are good, few answers do no harm and the functions are trusted."""
    weak, gold = started(right=0.85)
    before = float((weak.logs.argmax(axis=1) == gold).mean())
    for answers in (10, 50):
        accuracy, trust = right_share(weak, gold, answers)
        assert trust > 0.9
        assert accuracy > before - 0.02


@pytest.mark.parametrize("right", [0.1, 0.5])
def test_junk_functions_are_noticed(right: float) -> None:
    """Functions that are mostly wrong, or say nothing, are left aside, and the answers alone speak."""
    weak, gold = started(right)
    accuracy, trust = right_share(weak, gold, 150)
    assert trust < 0.3
    assert accuracy > 0.6


def test_a_few_answers_about_chosen_records_do_not_condemn_the_functions() -> None:
    """Records that were asked because the learner doubted are no fair exam of the functions."""
    weak, gold = started(right=0.85)
    wrong = np.flatnonzero(weak.logs.argmax(axis=1) != gold)
    right = np.flatnonzero(weak.logs.argmax(axis=1) == gold)
    rows = np.concatenate([wrong[:5], right[:10]])
    assert weak.learn(rows, gold[rows]).trust > 0.9


def test_learning_changes_nothing_and_may_run_in_threads() -> None:
    """Many threads learn from one weak learner at once and get the same hybrid, and it stays as it was."""
    weak, gold = started()
    logs, rows = weak.logs.copy(), np.arange(40)
    with ThreadPoolExecutor(4) as threads:
        hybrids = list(threads.map(lambda _: weak.learn(rows, gold[rows]), range(8)))
    for hybrid in hybrids[1:]:
        np.testing.assert_array_equal(weak.pool_probabilities(hybrid), weak.pool_probabilities(hybrids[0]))
    np.testing.assert_array_equal(weak.logs, logs)


def test_new_records_get_what_records_of_the_pool_get() -> None:
    """A table is judged as the same records in the pool are."""
    weak, gold = started()
    hybrid = weak.learn(np.arange(30), gold[:30])
    texts, _ = texts_and_gold()
    probs = hybrid.predict_proba(pa.table({"text": texts[:50]}))
    np.testing.assert_allclose(probs, weak.pool_probabilities(hybrid)[:50])
    np.testing.assert_allclose(probs.sum(axis=1), 1)
    assert hybrid.predict(pa.table({"text": texts[:50]})).tolist() == [CLASSES[c] for c in probs.argmax(axis=1)]


def test_answers_of_one_class_alone_are_learned_from() -> None:
    """The first answers are often all alike."""
    weak, _ = started()
    hybrid = weak.learn(np.arange(3), np.zeros(3, dtype=np.int64))
    assert np.isfinite(weak.pool_probabilities(hybrid)).all()


def test_three_classes_and_one_that_nobody_answered_with() -> None:
    """A class without answers keeps what the functions say of it."""
    texts = [f"{word} thing" for word in ("red", "green", "blue")] * 40
    gold = np.tile([0, 1, 2], 40)
    probs = np.full((120, 3), 0.1)
    probs[np.arange(120), gold] = 0.8
    table = pa.table({"text": texts, **{f"p_{name}": probs[:, c] for c, name in enumerate("rgb")}})
    weak = weak_learner(table, ["text"], list("rgb"))
    rows = np.flatnonzero(gold < 2)[:40]
    hybrid = weak.learn(rows, gold[rows], np.ones(40, dtype=bool))
    assert (weak.pool_probabilities(hybrid).argmax(axis=1) == gold).all()


def test_records_that_nobody_voted_on_are_learned_about() -> None:
    """A record without a weak label is part of the pool all the same, and its words are known."""
    texts, gold = texts_and_gold()
    p_spam = noisy(gold, 0.9)
    p_spam[:200] = np.nan
    weak = weak_learner(pool(p_spam, texts), ["text"], CLASSES)
    assert len(weak.logs) == N
    assert np.isfinite(weak.logs).all()


def test_a_pool_of_one_class_is_refused() -> None:
    """There is nothing to start from when the functions know one class only."""
    with pytest.raises(ModelError, match=r'^an end model needs records of at least two of the classes "ham", "spam"$'):
        weak_learner(pool(np.ones(4), ["a", "b", "c", "d"]), ["text"], CLASSES)


def test_a_missing_field_is_refused() -> None:
    """A field that is no column is named."""
    with pytest.raises(UsageError, match=r'^no column "title"; columns are "text", "p_ham", "p_spam"$'):
        weak_learner(pool(np.array([0.0, 1.0]), ["a", "b"]), ["title"], CLASSES)
