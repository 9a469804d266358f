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

CLASSES = ("ham", "not spam", "ümläut")
ABOUT = About(name="mail", classes=CLASSES, fields=("text",), id="key", functions=("short", "long"), run="0" * 16)

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
NAMES = st.sampled_from(["ana", "ben@example.org", "c d"])
TIMES = st.sampled_from(["2026-01-02T03:04:05Z", "2025-12-31T23:59:59Z"])


@st.composite
def items(draw: st.DrawFn) -> list[Item]:
    """A few records: some labelled by the model, some by people, some by nobody."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        label = draw(st.sampled_from([None, *CLASSES]))
        confidence = draw(st.sampled_from([0.5, 0.75, 0.875]))
        rest = (1 - confidence) / 2
        people = draw(st.lists(NAMES, unique=True, max_size=3))
        opinions = tuple(
            Opinion(
                draw(st.sampled_from([None, *[(name,) for name in CLASSES]])),
                who,
                draw(TIMES),
                operation=f"op-{number}-{who}",
            )
            for who in people
        )
        made.append(
            Item(
                f"r{number}",
                {"text": draw(TEXTS)},
                labels=None if label is None else (label,),
                confidence=None if label is None else confidence,
                probs=() if label is None else tuple(confidence if name == label else rest for name in CLASSES),
                source="none" if label is None else "model",
                opinions=opinions,
                votes=tuple(
                    Vote(name, "function", "f" * 64, draw(st.sampled_from([None, *CLASSES]))) for name in ("short",)
                ),
            )
        )
    return made


def back(name: str, made: list[Item]) -> tuple[list[Item], Losses]:
    """Write and read again."""
    kind, losses = format_of(name), Losses()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{kind.endings[0]}"
        kind.write(made, path, ABOUT, losses)
        return [replace(item, place="") for item in kind.read(path, ABOUT, Losses())], losses


def told(item: Item) -> tuple[Any, ...]:
    """What a tool is told of a record, and of what the model says of it."""
    return item.id, dict(item.fields), item.label, item.confidence


def labelled(opinions: tuple[Opinion, ...]) -> tuple[Opinion, ...]:
    """Opinions that are no skips."""
    return tuple(each for each in opinions if each.label is not None)


def bare(opinions: tuple[Opinion, ...]) -> list[tuple[str | None, str]]:
    """Who said what."""
    return [(each.label, each.annotator) for each in opinions]


@given(items())
@settings(max_examples=15, deadline=None)
def test_json_lines_hold_everything(made: list[Item]) -> None:
    """Nothing at all is lost in labelkit's own lines."""
    again, losses = back("jsonl", made)
    assert again == made
    assert not losses


@given(items())
@settings(max_examples=15, deadline=None)
def test_label_studio_holds_answers_and_the_models_label(made: list[Item]) -> None:
    """Ids, texts, predictions with scores and annotations come back; who skipped does not."""
    again, _ = back("label-studio", made)
    assert [told(seen) for seen in again] == [told(item) for item in made]
    for item, seen in zip(made, again, strict=True):
        assert labelled(seen.opinions) == labelled(item.opinions)
        assert len(seen.opinions) == len(item.opinions)


@given(items())
@settings(max_examples=15, deadline=None)
def test_prodigy_holds_answers_and_skips(made: list[Item]) -> None:
    """Each answer is a line with who and when."""
    again, _ = back("prodigy", made)
    said = [(item.id, each.label, each.annotator, each.time) for item in made for each in item.opinions]
    assert [(item.id, each.label, each.annotator, each.time) for item in again for each in item.opinions] == said
    assert {item.id: item.fields["text"] for item in again} == {item.id: item.fields["text"] for item in made}


@given(items())
@settings(max_examples=15, deadline=None)
def test_doccano_holds_the_answer_that_stands(made: list[Item]) -> None:
    """A label in doccano is a person's, and what the model believes never comes back as an answer."""
    made = [replace(item, source="human") if i % 2 and item.label else item for i, item in enumerate(made)]
    again, _ = back("doccano", made)
    assert [bare(item.opinions) for item in again] == [
        [(item.label, "")] if item.source == "human" else [] for item in made
    ]
    assert [(item.id, dict(item.fields)) for item in again] == [(item.id, item.fields) for item in made]


@given(items())
@settings(max_examples=15, deadline=None)
def test_argilla_holds_answers_with_names(made: list[Item]) -> None:
    """Responses and suggestions come back; names travel beside Argilla's own ids of people."""
    again, _ = back("argilla", made)
    assert [told(seen) for seen in again] == [told(item) for item in made]
    assert [bare(seen.opinions) for seen in again] == [bare(labelled(item.opinions)) for item in made]


@given(items())
@settings(max_examples=15, deadline=None)
def test_hugging_face_holds_labels(made: list[Item]) -> None:
    """Labelled records come back with their class, the others are counted as lost."""
    again, losses = back("huggingface", made)
    kept = [item for item in made if item.label is not None]
    assert [(item.id, dict(item.fields), item.label) for item in again] == [
        (item.id, item.fields, item.label) for item in kept
    ]
    assert losses.counts["records without a label"] == len(made) - len(kept)


@given(items())
@settings(max_examples=15, deadline=None)
def test_spacy_holds_texts_and_scores(made: list[Item]) -> None:
    """Documents come back with id, text and the model's label."""
    again, _ = back("spacy", made)
    kept = [item for item in made if item.label is not None]
    assert [(item.id, item.fields["text"], item.label) for item in again] == [
        (item.id, item.fields["text"], item.label) for item in kept
    ]


@given(items())
@settings(max_examples=15, deadline=None)
def test_fasttext_holds_words_and_labels(made: list[Item]) -> None:
    """A line has a label and the words of the text; words that look like labels do not become any."""
    made = [replace(item, fields={"text": f"__label__ham {item.fields['text']}"}) for item in made]
    again, _ = back("fasttext", made)
    kept = [item for item in made if item.label is not None]
    assert [bare(item.opinions) for item in again] == [[(item.label, "")] for item in kept]
    words = [str(item.fields["text"]).replace("__label__", "_label__").split() for item in kept]
    assert [len(str(item.fields["text"]).split()) for item in again] == [len(each) for each in words]


@given(items())
@settings(max_examples=15, deadline=None)
def test_wrench_holds_votes(made: list[Item]) -> None:
    """Weak labels come back as votes of numbered functions, the label as gold."""
    again, _ = back("wrench", made)
    assert [(item.id, dict(item.fields)) for item in again] == [(item.id, item.fields) for item in made]
    votes = [[vote.label for vote in item.votes if vote.label is not None] for item in made]
    assert [[vote.label for vote in item.votes] for item in again] == votes
    assert [item.metadata["gold"] for item in again] == [item.label for item in made]


READABLE = [name for name, kind in FORMATS.items() if kind.reader]


@pytest.mark.parametrize("name", READABLE)
@given(st.data())
@settings(max_examples=25, deadline=None)
def test_a_damaged_file_is_refused_by_name(name: str, data: st.DataObject) -> None:
    """Whatever happened to a file: labelkit reads it or says what is wrong, and never fails in another way."""
    kind = format_of(name)
    sample = [Item("r0", {"text": "hello"}, labels=("ham",), confidence=1.0, probs=(1.0, 0.0, 0.0), source="human",
                   opinions=(Opinion(("ham",), "ana", "2026-01-02T03:04:05Z"),))]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{kind.endings[0]}"
        kind.write(sample, path, ABOUT, Losses())
        victim = path / "train.json" if path.is_dir() else path
        victim.write_bytes(damaged(victim.read_bytes(), data))
        problem = refusal(kind, path)
        assert problem is None or victim.name in problem or path.name in problem


def refusal(kind: Format, path: Path) -> str | None:
    """What reading says against a file, if anything."""
    try:
        list(kind.read(path, ABOUT, Losses()))
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
