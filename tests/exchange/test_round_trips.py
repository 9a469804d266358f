"""What goes out to a format and comes back is the same, but for what the format is known not to hold."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from labelkit.errors import DataError, LabelkitError
from labelkit.exchange import FORMATS, About, Format, Item, Losses, Opinion, Vote, format_of
from labelkit.exchange.rows import joined
from labelkit.records.gold_sets import GoldSets

CLASSES = ("ham", "not spam", "ümläut")
ONE = About(name="mail", classes=CLASSES, fields=("text",), id="key", functions=("short", "long"), run="0" * 16)
SEVERAL = replace(ONE, several=True)
kinds = pytest.mark.parametrize("about", [ONE, SEVERAL], ids=["one", "several"])

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
NAMES = st.sampled_from(["ana", "ben@example.org", "c d"])
TIMES = st.sampled_from(["2026-01-02T03:04:05Z", "2025-12-31T23:59:59Z"])
SETS = st.lists(st.sampled_from(CLASSES), unique=True).map(lambda names: tuple(n for n in CLASSES if n in names))


@st.composite
def items(draw: st.DrawFn, about: About) -> list[Item]:
    """A few records: some labelled by the model, some by people, some by nobody."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        bare = Item(f"r{number}", {"text": draw(TEXTS)})
        known = draw(believed(bare) if about.several else called(bare))
        people = draw(st.lists(NAMES, unique=True, max_size=3))
        said = tuple(draw(opinions(about, who, f"op-{number}-{who}")) for who in people)
        vote = st.sampled_from([None, "no", "yes"] if about.several else [None, *CLASSES])
        cast = Vote("short", "function", "f" * 64, draw(vote), "ham" if about.several else "")
        made.append(replace(known, opinions=said, votes=(cast,)))
    return made


@st.composite
def called(draw: st.DrawFn, item: Item) -> Item:
    """The record with a class that the model believes in, or with none."""
    label = draw(st.sampled_from([None, *CLASSES]))
    if label is None:
        return item
    confidence = draw(st.sampled_from([0.5, 0.75, 0.875]))
    probs = tuple(confidence if name == label else (1 - confidence) / 2 for name in CLASSES)
    return replace(item, labels=(label,), confidence=confidence, probs=probs, source="model")


@st.composite
def believed(draw: st.DrawFn, item: Item) -> Item:
    """The record with what the model believes of each class; of some nothing is known, some people settled."""
    chosen = {name: draw(st.sampled_from([None, 0.0, 0.125, 0.25, 0.75, 0.875, 1.0])) for name in CLASSES}
    undecided = tuple(name for name, p in chosen.items() if p is None)
    if len(undecided) == len(chosen):
        return replace(item, undecided=undecided)
    return replace(
        item,
        labels=tuple(name for name, p in chosen.items() if p is not None and p > 0.5),
        confidence=min(max(p, 1 - p) for p in chosen.values() if p is not None),
        probs=tuple(chosen.values()),
        source="model",
        undecided=undecided,
        settled=tuple(name for name, p in chosen.items() if p in (0.0, 1.0))[: 2 - len(undecided)],
    )


@st.composite
def opinions(draw: st.DrawFn, about: About, who: str, operation: str) -> Opinion:
    """What one person said, or that they skipped; of several classes they were not always asked about all."""
    one = st.sampled_from([(name,) for name in CLASSES])
    labels = draw(st.one_of(st.none(), SETS if about.several else one))
    unasked = draw(SETS) if about.several and labels is not None else ()
    undecided = tuple(name for name in unasked if name not in (labels or ()))
    undecided = undecided[: len(CLASSES) - 1]  # everybody was asked about something
    return Opinion(labels, who, draw(TIMES), operation=operation, undecided=undecided)


def back(name: str, made: list[Item], about: About = ONE) -> tuple[list[Item], Losses]:
    """Write and read again."""
    kind, losses = format_of(name), Losses()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{kind.endings[0]}"
        kind.write(made, path, about, losses)
        return [replace(item, place="") for item in kind.read(path, about, Losses())], losses


def told(item: Item) -> tuple[Any, ...]:
    """What a tool is told of a record, and of what the model says of it."""
    return item.id, dict(item.fields), item.labels, item.confidence


def labelled(opinions: tuple[Opinion, ...]) -> tuple[Opinion, ...]:
    """Opinions that name a class."""
    return tuple(each for each in opinions if each.labels)


def bare(opinions: tuple[Opinion, ...]) -> list[tuple[tuple[str, ...] | None, str]]:
    """Who said what."""
    return [(each.labels, each.annotator) for each in opinions]


def unasked(losses: Losses) -> int:
    """How many classes are lost that somebody was not asked about."""
    return losses.counts["classes that a person was not asked about"]


@kinds
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_json_lines_hold_everything(about: About, data: st.DataObject) -> None:
    """Nothing at all is lost in labelkit's own lines."""
    made = data.draw(items(about))
    again, losses = back("jsonl", made, about)
    assert again == made
    assert not losses


@kinds
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_label_studio_holds_answers_and_the_models_labels(about: About, data: st.DataObject) -> None:
    """Ids, texts, predictions with scores and annotations come back; who skipped, or chose no class, does not."""
    made = data.draw(items(about))
    again, losses = back("label-studio", made, about)
    assert [told(seen) for seen in again] == [told(item) for item in made]
    for item, seen in zip(made, again, strict=True):
        assert labelled(seen.opinions) == labelled(item.opinions)
        assert [(each.labels, each.time, each.operation) for each in seen.opinions] == [
            (each.labels, each.time, each.operation) for each in item.opinions
        ]
    silent = [each for item in made for each in item.opinions if each.labels == ()]
    assert losses.counts["names of those who chose no class"] == len(silent)
    assert unasked(losses) == sum(len(each.undecided) for each in silent)


@kinds
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_prodigy_holds_answers_and_skips(about: About, data: st.DataObject) -> None:
    """Each answer is a line with who and when, and of several classes which were offered."""

    def said(items: list[Item]) -> list[tuple[object, ...]]:
        return [
            (item.id, each.labels, each.annotator, each.time, each.undecided)
            for item in items
            for each in item.opinions
        ]

    made = data.draw(items(about))
    again, _ = back("prodigy", made, about)
    assert said(again) == said(made)
    assert {item.id: item.fields["text"] for item in again} == {item.id: item.fields["text"] for item in made}


@kinds
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_doccano_holds_the_answer_that_stands(about: About, data: st.DataObject) -> None:
    """A label in doccano is a person's, and what the model believes never comes back as an answer."""
    drawn = enumerate(data.draw(items(about)))
    made = [replace(item, source="human") if i % 2 and item.labels is not None else item for i, item in drawn]
    again, losses = back("doccano", made, about)
    people = [item.labels if item.source == "human" else None for item in made]
    assert [bare(item.opinions) for item in again] == [[(labels, "")] if labels else [] for labels in people]
    assert losses.counts["answers that name no class"] == people.count(())
    assert [(item.id, dict(item.fields)) for item in again] == [(item.id, item.fields) for item in made]


@kinds
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_argilla_holds_answers_with_names(about: About, data: st.DataObject) -> None:
    """Responses and suggestions come back; names travel beside Argilla's own ids of people. It knows no empty list."""
    made = data.draw(items(about))
    again, losses = back("argilla", made, about)
    assert [(seen.id, dict(seen.fields), seen.labels) for seen in again] == [
        (item.id, item.fields, item.labels or None) for item in made
    ]
    assert [seen.confidence for seen in again] == [least_named(item) for item in made]
    assert [bare(seen.opinions) for seen in again] == [bare(labelled(item.opinions)) for item in made]
    nothing = [labels for item in made for labels in (item.labels, *(each.labels for each in item.opinions))].count(())
    assert losses.counts["answers and suggestions of no class"] == nothing
    assert unasked(losses) == sum(len(each.undecided) for item in made for each in labelled(item.opinions))


def least_named(item: Item) -> float | None:
    """The least probability of a class that the labels name."""
    probs = dict(zip(CLASSES, item.probs, strict=False))
    return min((p for name in item.labels or () if (p := probs[name]) is not None), default=None)


@kinds
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_hugging_face_holds_labels(about: About, data: st.DataObject) -> None:
    """Labelled records come back with their classes, the others are counted as lost."""
    made = data.draw(items(about))
    again, losses = back("huggingface", made, about)
    kept = [item for item in made if item.labels is not None]
    assert [(*told(item), item.undecided) for item in again] == [(*told(item), item.undecided) for item in kept]
    assert losses.counts["records without a label"] == len(made) - len(kept)


@kinds
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_spacy_holds_texts_and_scores(about: About, data: st.DataObject) -> None:
    """Documents come back with id, text and the model's labels; an undecided class has no score."""
    made = data.draw(items(about))
    again, _ = back("spacy", made, about)
    kept = [item for item in made if item.labels is not None]
    assert [(*told(item), item.undecided) for item in again] == [(*told(item), item.undecided) for item in kept]


@kinds
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_fasttext_holds_words_and_labels(about: About, data: st.DataObject) -> None:
    """A line has labels and the words of the text; words that look like labels do not become any."""
    drawn = data.draw(items(about))
    made = [replace(item, fields={"text": f"__label__ham {item.fields['text']}"}) for item in drawn]
    again, losses = back("fasttext", made, about)
    kept = [item for item in made if item.labels]
    assert [bare(item.opinions) for item in again] == [[(item.labels, "")] for item in kept]
    words = [str(item.fields["text"]).replace("__label__", "_label__").split() for item in kept]
    assert [len(str(item.fields["text"]).split()) for item in again] == [len(each) for each in words]
    nothing = sum(item.labels == () for item in made)
    assert losses.counts["records with none of the classes"] == nothing
    assert losses.counts["records without a label"] == len(made) - len(kept) - nothing


@pytest.mark.parametrize("name", ["label-studio", "prodigy", "doccano", "argilla", "fasttext"])
def test_classes_of_which_nothing_is_known_are_counted(name: str) -> None:
    """Where what is not named reads as no, each undecided class of a labelled record is counted as lost."""
    labels, probs = ("ham",), (0.75, None, None)
    known = Item(
        "r0", {"text": "x"}, labels=labels, confidence=0.75, probs=probs, source="model", undecided=CLASSES[1:]
    )
    _, losses = back(name, [known, Item("r1", {"text": "y"}, undecided=CLASSES)], SEVERAL)
    assert losses.counts["undecided classes"] == 2


@given(items(ONE))
@settings(max_examples=15, deadline=None)
def test_wrench_holds_votes(made: list[Item]) -> None:
    """Weak labels come back as votes of numbered functions, the label as gold."""
    again, _ = back("wrench", made)
    assert [(item.id, dict(item.fields)) for item in again] == [(item.id, item.fields) for item in made]
    votes = [[vote.label for vote in item.votes if vote.label is not None] for item in made]
    assert [[vote.label for vote in item.votes] for item in again] == votes
    assert [item.metadata["gold"] for item in again] == [item.label for item in made]


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_names_in_one_column_are_read_as_gold(data: st.DataObject) -> None:
    """Whatever classes are called: what a column of a CSV file says is what `[data] gold` reads of it."""
    separator = data.draw(st.sampled_from([",", ";", " | "]))
    classes = tuple(data.draw(st.lists(st.sampled_from(["a", "b, c", "[d", " e", "f;g", '"h"']), unique=True)))
    text = joined(classes, replace(SEVERAL, separator=separator))
    for name in ("a", "b, c", "[d", " e", "f;g", '"h"'):
        gold = GoldSets("tags", name, (*classes, name), separator, alone=False)
        assert gold.seen(text) == ("yes" if name in classes else "no")


READABLE = [name for name, kind in FORMATS.items() if kind.reader]


@pytest.mark.parametrize(
    ("name", "about"),
    [(name, about) for name in READABLE for about in (ONE, SEVERAL) if FORMATS[name].several or not about.several],
)
@given(st.data())
@settings(max_examples=25, deadline=None)
def test_a_damaged_file_is_refused_by_name(name: str, about: About, data: st.DataObject) -> None:
    """Whatever happened to a file: labelkit reads it or says what is wrong, and never fails in another way."""
    kind = format_of(name)
    sample = [Item("r0", {"text": "hello"}, labels=("ham",), confidence=1.0, probs=(1.0, 0.0, 0.0), source="human",
                   opinions=(Opinion(("ham",), "ana", "2026-01-02T03:04:05Z"),))]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{kind.endings[0]}"
        kind.write(sample, path, about, Losses())
        victim = path / "train.json" if path.is_dir() else path
        victim.write_bytes(damaged(victim.read_bytes(), data))
        problem = refusal(kind, path, about)
        assert problem is None or victim.name in problem or path.name in problem


def refusal(kind: Format, path: Path, about: About) -> str | None:
    """What reading says against a file, if anything."""
    try:
        list(kind.read(path, about, Losses()))
    except DataError as error:
        return str(error)
    return None


def damaged(content: bytes, data: st.DataObject) -> bytes:
    """Some bytes replaced, or some value of the JSON by one of another type."""
    if data.draw(st.booleans()):
        start = data.draw(st.integers(0, len(content)))
        return content[:start] + data.draw(st.binary(max_size=5)) + content[start + data.draw(st.integers(0, 5)) :]
    try:
        text = content.decode()
        places = list(values_in(text))
    except UnicodeDecodeError:
        return content[::-1]
    if not places:
        return content
    value = data.draw(st.sampled_from(places))
    other = data.draw(
        st.sampled_from(["null", "7", '"x"', "[]", "{}", "[1]", '[{"a": 1}]', "true", "-1e999", '"\\ud800"'])
    )
    return text.replace(value, other, 1).encode()


def values_in(text: str) -> Iterator[str]:
    """Each value of some lines of JSON, as it stands there."""
    pending: list[object] = []
    for line in text.splitlines():
        try:
            pending.append(json.loads(line.rstrip(",")))
        except ValueError:
            continue
    while pending:
        value = pending.pop()
        yield json.dumps(value, ensure_ascii=False)
        pending += list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def test_unknown_formats_are_refused_by_name() -> None:
    """A format that labelkit does not know is answered with those that it knows."""
    with pytest.raises(LabelkitError, match=r'no format "excel"; known are "label-studio"'):
        format_of("excel")
