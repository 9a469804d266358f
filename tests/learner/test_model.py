"""The end model learns from soft labels, says what it does not know and refuses what it cannot use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from labelkit.errors import ModelError, UsageError
from labelkit.learner import Learner, train

CLASSES = ["ham", "spam"]
TEXTS = ["good thing", "good value", "bad thing", "bad value"]


def soft(p_spam: Any, texts: list[str] = TEXTS) -> pa.Table:
    p = np.asarray(p_spam, dtype=float)
    return pa.table({"text": texts, "p_ham": 1 - p, "p_spam": p})


def texts(*words: str) -> pa.Table:
    return pa.table({"text": list(words)})


def fitted(table: pa.Table, **options: Any) -> Learner:
    return train(table, fields=["text"], classes=CLASSES, **options)


def test_learns_from_class_names() -> None:
    """A column of class names is enough to train on."""
    learner = fitted(pa.table({"text": TEXTS, "label": ["ham", "ham", "spam", "spam"]}))
    assert learner.predict(texts("good", "bad")).tolist() == ["ham", "spam"]


def test_probabilities_come_before_the_label_column() -> None:
    """Where a table has both, the probabilities train the model and the label column is not looked at."""
    table = soft([0.1, 0.1, 0.9, 0.9]).append_column("label", pa.array(["spam", "spam", "ham", "ham"]))
    assert fitted(table).predict(texts("good", "bad")).tolist() == ["ham", "spam"]


def test_an_unsure_label_pulls_less_than_a_sure_one() -> None:
    """Softer labels give softer predictions on the same side."""
    sure = fitted(soft([0.02, 0.02, 0.98, 0.98])).predict_proba(texts("bad"))[0, 1]
    unsure = fitted(soft([0.4, 0.4, 0.6, 0.6])).predict_proba(texts("bad"))[0, 1]
    assert 0.5 < unsure < sure


def test_soft_labels_equal_counted_hard_labels() -> None:
    """Four records believed 3 to 1 train exactly as three records of one class and one of the other."""
    four_times = [text for text in TEXTS for _ in range(4)]
    believed = fitted(soft([0.25] * 8 + [0.75] * 8, four_times))
    counted = fitted(soft(([0, 0, 0, 1] * 2) + ([1, 1, 1, 0] * 2), four_times))
    probe = texts("good", "bad", "bad thing")
    np.testing.assert_allclose(believed.predict_proba(probe), counted.predict_proba(probe), atol=1e-3)


def test_records_without_a_label_are_left_out() -> None:
    """A null label, in either form, neither trains nor fails."""
    names = pa.table({"text": [*TEXTS, "good"], "label": ["ham", "ham", "spam", "spam", None]})
    probabilities = soft([0.0, 0.0, 1.0, 1.0, np.nan], [*TEXTS, "good"])
    without = fitted(soft([0.0, 0.0, 1.0, 1.0]))
    for table in (names, probabilities):
        np.testing.assert_allclose(fitted(table).predict_proba(texts("good")), without.predict_proba(texts("good")))


def test_a_class_without_records_has_probability_zero() -> None:
    """The columns are those of the project, also for a class that nothing was labelled with."""
    table = pa.table({"text": TEXTS, "label": ["a", "a", "c", "c"]})
    probs = train(table, ["text"], ["a", "b", "c"]).predict_proba(texts("good"))
    assert probs.shape == (1, 3)
    assert probs[0, 1] == 0.0
    assert probs.sum() == pytest.approx(1)


def test_text_and_numbers_learn_together() -> None:
    """A field of numbers counts beside a field of text, and a missing number counts as the mean."""
    table = pa.table(
        {"text": ["same"] * 6, "size": [1.0, 2.0, 3.0, 7.0, 8.0, 9.0], "label": ["ham"] * 3 + ["spam"] * 3}
    )
    learner = train(table, ["text", "size"], CLASSES)
    probe = pa.table({"text": ["same"] * 4, "size": [1.5, 8.5, None, 5.0]})
    assert learner.predict(probe)[:2].tolist() == ["ham", "spam"]
    np.testing.assert_allclose(*learner.predict_proba(probe)[2:])


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_every_arrow_text_type_is_text(kind: pa.DataType) -> None:
    """How Arrow stores a text does not matter."""
    table = soft([0.0, 0.0, 1.0, 1.0])
    stored = table.set_column(0, "text", table["text"].cast(kind))
    np.testing.assert_array_equal(fitted(stored).predict_proba(stored), fitted(table).predict_proba(table))


@settings(max_examples=15, deadline=None)
@given(arrays(float, 8, elements=st.floats(0, 1)))
def test_rows_sum_to_one(p_spam: Any) -> None:
    """Whatever the labels, predicted probabilities lie in 0 to 1 and sum to 1."""
    assume(p_spam.max() > 0)  # of one class alone nothing is learned; another test says what happens then
    assume(p_spam.min() < 1)
    probs = fitted(soft(p_spam, TEXTS * 2)).predict_proba(texts("good", "", "unseen"))
    assert ((probs >= 0) & (probs <= 1)).all()
    np.testing.assert_allclose(probs.sum(axis=1), 1)


def test_training_twice_gives_the_same_model() -> None:
    """The same table and seed give the same model, bit for bit."""
    table = soft([0.1, 0.3, 0.8, 0.6])
    np.testing.assert_array_equal(
        fitted(table, seed=3).predict_proba(table), fitted(table, seed=3).predict_proba(table)
    )


def test_score_counts_only_records_whose_class_is_known() -> None:
    """Records without gold are no part of the accuracy."""
    learner = fitted(soft([0.0, 0.0, 1.0, 1.0]))
    assert learner.score(texts("good", "bad", "bad"), ["ham", "ham", None]) == 0.5


def test_score_without_any_gold_is_refused() -> None:
    """An accuracy over nothing is an error, not a number."""
    learner = fitted(soft([0.0, 0.0, 1.0, 1.0]))
    with pytest.raises(UsageError, match=r"^no gold: accuracy is undefined where no class is known$"):
        learner.score(texts("good"), [None])


def test_no_rows_give_no_predictions() -> None:
    """An empty table is answered with an empty array."""
    assert fitted(soft([0.0, 0.0, 1.0, 1.0])).predict_proba(texts().cast(pa.schema({"text": pa.string()}))).shape == (
        0,
        2,
    )


def refused(table: pa.Table, error: type[Exception], message: str, fields: list[str] | None = None) -> None:
    with pytest.raises(error) as caught:
        train(table, fields or ["text"], CLASSES)
    assert str(caught.value) == message


def test_one_class_alone_is_refused() -> None:
    """There is nothing to tell apart in one class."""
    message = 'an end model needs records of at least two of the classes "ham", "spam"'
    refused(soft([1.0, 1.0, 1.0, 1.0]), ModelError, message)
    refused(pa.table({"text": ["a"], "label": pa.array([None], pa.string())}), ModelError, message)


def test_an_unknown_class_is_refused() -> None:
    """A class name with a typo is named."""
    table = pa.table({"text": ["a", "b"], "label": ["ham", "spma"]})
    refused(table, UsageError, 'column "label": no class "spma"; classes are "ham", "spam"')


def test_a_table_without_labels_is_refused() -> None:
    """A table that has half of the probabilities and no label says what it has."""
    table = pa.table({"text": ["a"], "p_ham": [1.0]})
    refused(table, UsageError, 'no column "label" and not all of "p_ham", "p_spam"; columns are "text", "p_ham"')


def test_a_missing_field_is_refused() -> None:
    """A field that is not in the table is named, in training and in prediction."""
    refused(
        soft([0.0, 0.0, 1.0, 1.0]), UsageError, 'no column "title"; columns are "text", "p_ham", "p_spam"', ["title"]
    )
    with pytest.raises(UsageError, match=r'^no column "text"; columns are "id"$'):
        fitted(soft([0.0, 0.0, 1.0, 1.0])).predict(pa.table({"id": ["1"]}))


def test_impossible_probabilities_are_refused() -> None:
    """A probability above 1 is no weight."""
    refused(soft([0.0, 0.0, 1.5, 1.0]), UsageError, '"p_ham", "p_spam" must lie between 0 and 1')


def test_texts_without_a_word_are_refused() -> None:
    """Texts of punctuation alone teach nothing, and the message says where."""
    message = 'nothing to learn from in "text": empty vocabulary; perhaps the documents only contain stop words'
    refused(soft([0.0, 0.0, 1.0, 1.0], ["!", "?", "...", ""]), ModelError, message)


def test_a_field_that_is_neither_text_nor_number_is_refused() -> None:
    """Lists of words, dates and bytes are named with their type."""
    table = pa.table({"tags": [["a"], ["b"]], "label": ["ham", "spam"]})
    message = 'field "tags" is list<item: string>; the end model learns from text, numbers and lists of numbers'
    with pytest.raises(UsageError) as caught:
        train(table, ["tags"], CLASSES)
    assert str(caught.value).replace("element", "item") == message


def test_an_infinite_number_is_refused() -> None:
    """Infinity is an error of the data, not a very large number."""
    table = pa.table({"size": [1.0, float("inf")], "label": ["ham", "spam"]})
    message = "a numeric field holds an infinite number; the end model cannot weigh it"
    refused(table, UsageError, message, ["size"])
