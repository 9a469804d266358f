"""The tools themselves read what labelkit writes for them, and labelkit reads what they write."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labelkit.exchange import About, Item, Losses, Opinion, format_of

CLASSES = ("ham", "spam")
ABOUT = About(name="mail", classes=CLASSES, fields=("text",), run="0" * 16)
ITEMS = (
    Item("c1", {"text": "Buy now ☃"}, labels=("spam",), confidence=0.75, probs=(0.25, 0.75), source="model"),
    Item("c2", {"text": "thanks\nfor this"}, labels=("ham",), confidence=1.0, probs=(1.0, 0.0), source="human",
         opinions=(Opinion(("ham",), "ana", "2026-01-02T03:04:05Z", operation="op-1"), Opinion(("spam",), "ben"))),
    Item("c3", {"text": ""}),
)  # fmt: skip


SEVERAL = replace(ABOUT, classes=("ham", "spam", "urgent"), several=True)
SETS = (
    Item("c1", {"text": "Buy now ☃"}, labels=("spam", "urgent"), confidence=0.75, probs=(0.125, 0.75, 0.875),
         source="model"),
    Item("c2", {"text": "thanks\nfor this"}, labels=("ham",), confidence=1.0, probs=(1.0, 0.0, 0.0), source="human",
         settled=SEVERAL.classes, opinions=(Opinion(("ham",), "ana"), Opinion(("ham", "spam"), "ben"))),
    Item("c3", {"text": "well"}, labels=(), confidence=0.75, probs=(0.25, 0.25, None), source="model",
         undecided=("urgent",)),
    Item("c4", {"text": ""}, undecided=SEVERAL.classes),
)  # fmt: skip


def written(name: str, folder: Path, *, several: bool = False) -> Path:
    """The items in a file of a format."""
    kind = format_of(name)
    path = folder / f"sample{kind.endings[0]}"
    kind.write(SETS if several else ITEMS, path, SEVERAL if several else ABOUT, Losses())
    return path


def read(name: str, path: Path, about: About = ABOUT) -> list[Item]:
    """The items of a file, without their places."""
    return [replace(item, place="") for item in format_of(name).read(path, about, Losses())]


@pytest.fixture(autouse=True)
def quiet() -> Any:
    """The tools' own deprecation warnings are theirs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hugging Face's library keeps its cache here and asks nobody."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.mark.slow
def test_datasets_reads_a_class_label(tmp_path: Path, offline: None) -> None:
    """`Dataset.from_parquet` knows the names of the classes."""
    from datasets import Dataset

    data = Dataset.from_parquet(str(written("huggingface", tmp_path)), cache_dir=str(tmp_path / "cache"))
    assert data.features["label"].names == ["ham", "spam"]
    assert [data.features["label"].int2str(each) for each in data["label"]] == ["spam", "ham"]
    assert data["id"][:] == ["c1", "c2"]


@pytest.mark.slow
def test_what_datasets_writes_is_read(tmp_path: Path, offline: None) -> None:
    """A ClassLabel that `datasets` wrote becomes an answer; its missing labels (-1) stay missing."""
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features({"id": Value("string"), "text": Value("string"), "label": ClassLabel(names=["ham", "spam"])})
    made = Dataset.from_dict({"id": ["a", "b"], "text": ["x", "y"], "label": [1, -1]}, features=features)
    made.to_parquet(str(tmp_path / "made.parquet"))
    items = read("huggingface", tmp_path / "made.parquet")
    assert [(item.id, dict(item.fields), [each.label for each in item.opinions]) for item in items] == [
        ("a", {"text": "x"}, ["spam"]),
        ("b", {"text": "y"}, []),
    ]


@pytest.mark.slow
def test_datasets_reads_lists_of_class_labels(tmp_path: Path, offline: None) -> None:
    """Several labels are a list whose items know the names of the classes."""
    from datasets import ClassLabel, Dataset, List

    path = written("huggingface", tmp_path, several=True)
    data = Dataset.from_parquet(str(path), cache_dir=str(tmp_path / "cache"))
    assert data.features["labels"] == List(ClassLabel(names=["ham", "spam", "urgent"]))
    assert [data.features["labels"].feature.int2str(each) for each in data["labels"]] == [
        ["spam", "urgent"], ["ham"], [],
    ]  # fmt: skip
    assert data["undecided"][:] == [[], [], ["urgent"]]
    assert data["p_urgent"][:] == [0.875, 0.0, None]


@pytest.mark.slow
def test_lists_that_datasets_writes_are_read(tmp_path: Path, offline: None) -> None:
    """A list of ClassLabels becomes an answer, empty ones too; of a class without a name there nobody was asked."""
    from datasets import ClassLabel, Dataset, Features, List, Value

    kind = List(ClassLabel(names=["ham", "spam"]))
    features = Features({"id": Value("string"), "text": Value("string"), "labels": kind})
    made = Dataset.from_dict({"id": ["a", "b"], "text": ["x", "y"], "labels": [[1, 0], []]}, features=features)
    made.to_parquet(str(tmp_path / "made.parquet"))
    items = read("huggingface", tmp_path / "made.parquet", SEVERAL)
    assert [(item.id, [(each.labels, each.undecided) for each in item.opinions]) for item in items] == [
        ("a", [(("spam", "ham"), ("urgent",))]),
        ("b", [((), ("urgent",))]),
    ]


@pytest.mark.slow
def test_argilla_reads_records(tmp_path: Path) -> None:
    """Every record becomes a `Record` with suggestion, responses and metadata."""
    import argilla as rg

    records = [rg.Record.from_dict(each) for each in json.loads(written("argilla", tmp_path).read_text())]
    assert [record.id for record in records] == ["c1", "c2", "c3"]
    assert records[0].suggestions["label"].value == "spam"
    assert records[0].suggestions["label"].score == 0.75
    assert [response.value for response in records[1].responses["label"]] == ["ham", "spam"]


@pytest.mark.slow
def test_argilla_reads_several_labels(tmp_path: Path) -> None:
    """Values are lists as a MultiLabelQuestion has them, each label with its score; none is empty."""
    import argilla as rg

    records = [rg.Record.from_dict(each) for each in json.loads(written("argilla", tmp_path, several=True).read_text())]
    suggested = [each for record in records for each in record.suggestions]
    assert [(each.value, each.score) for each in suggested] == [(["spam", "urgent"], [0.75, 0.875])]
    assert [response.value for response in records[1].responses["label"]] == [["ham"], ["ham", "spam"]]
    assert [len(list(record.responses)) for record in records] == [0, 2, 0, 0]


@pytest.mark.slow
def test_what_argilla_writes_is_read(tmp_path: Path) -> None:
    """`Record.to_dict` gives what labelkit takes; a person is their UUID."""
    import argilla as rg

    person = "7b1b0b1e-0000-4000-8000-000000000001"
    record = rg.Record(
        id="c1",
        fields={"text": "hi"},
        metadata={"source": "mail"},
        suggestions=[rg.Suggestion("label", "spam", score=0.9, agent="model")],
        responses=[rg.Response("label", "ham", user_id=person), rg.Response("mood", "sad", user_id=person)],
    )
    path = tmp_path / "records.json"
    path.write_text(json.dumps([record.to_dict()]))
    (item,) = format_of("argilla").read(path, ABOUT, losses := Losses())
    assert (item.id, dict(item.metadata), item.label, item.confidence) == ("c1", {"source": "mail"}, "spam", 0.9)
    assert item.opinions == (Opinion(("ham",), person),)
    assert losses.counts["answers to other questions"] == 1


def trained(pipe: str, path: Path, classes: tuple[str, ...]) -> tuple[list[tuple[str, dict[str, float]]], float]:
    """The texts and categories of a DocBin, and the loss of a text categorizer of spaCy that learns from them."""
    import spacy
    from spacy.tokens import DocBin
    from spacy.training import Example

    nlp = spacy.blank("xx")
    docs = list(DocBin().from_disk(path).get_docs(nlp.vocab))
    categorizer = nlp.add_pipe(pipe)
    for name in classes:
        categorizer.add_label(name)
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
    nlp.initialize(lambda: examples)
    return [(doc.text, doc.cats) for doc in docs], nlp.update(examples)[pipe]


@pytest.mark.slow
def test_spacy_trains_on_a_doc_bin(tmp_path: Path) -> None:
    """A text categorizer of spaCy learns from the file as it is."""
    docs, loss = trained("textcat", written("spacy", tmp_path), CLASSES)
    assert docs == [
        ("Buy now ☃", {"ham": 0.0, "spam": 1.0}),
        ("thanks\nfor this", {"ham": 1.0, "spam": 0.0}),
    ]
    assert loss > 0


@pytest.mark.slow
def test_spacy_trains_on_several_labels(tmp_path: Path) -> None:
    """So does that for several labels; an undecided class is missing, which it takes for neither yes nor no."""
    docs, loss = trained("textcat_multilabel", written("spacy", tmp_path, several=True), SEVERAL.classes)
    assert docs == [
        ("Buy now ☃", {"ham": 0.0, "spam": 1.0, "urgent": 1.0}),
        ("thanks\nfor this", {"ham": 1.0, "spam": 0.0, "urgent": 0.0}),
        ("well", {"ham": 0.0, "spam": 0.0}),
    ]
    assert loss > 0


@pytest.mark.slow
def test_what_spacy_writes_is_read(tmp_path: Path) -> None:
    """Categories of 1 and 0 are answers, others are a model's; documents have no ids of their own.

    Where a record may have several classes, those with a score of a half and more are its labels.
    """
    import spacy
    from spacy.tokens import DocBin

    nlp = spacy.blank("en")
    sure, unsure = nlp("Free cash!"), nlp("Well, perhaps")
    sure.cats, unsure.cats = {"ham": 0, "spam": 1}, {"ham": 0.6, "spam": 0.4}
    DocBin(docs=[sure, unsure]).to_disk(tmp_path / "made.spacy")
    items = read("spacy", tmp_path / "made.spacy")
    assert [(item.id, item.fields["text"], item.label, len(item.opinions)) for item in items] == [
        ("", "Free cash!", None, 1),
        ("", "Well, perhaps", "ham", 0),
    ]
    certain, unsure_of = read("spacy", tmp_path / "made.spacy", SEVERAL)
    assert certain.opinions == (Opinion(("spam",), "", undecided=("urgent",)),)
    assert (unsure_of.labels, unsure_of.confidence, unsure_of.undecided) == (("ham",), 0.6, ("urgent",))


def test_what_label_studio_writes_is_read(tmp_path: Path) -> None:
    """A raw export: its own numbers of tasks and people, a skip, a span, two choices, a prediction."""
    region = {"id": "x1", "from_name": "sentiment", "to_name": "text", "type": "choices", "origin": "manual"}
    task = {
        "id": 101, "inner_id": 1, "data": {"id": "c1", "text": "hello"}, "meta": {}, "project": 3,
        "annotations": [
            {"id": 7, "completed_by": {"id": 2, "email": "ana@example.org"}, "was_cancelled": False,
             "created_at": "2026-01-02T03:04:05.123456Z", "lead_time": 2.5, "unique_id": "5d2a",
             "result": [region | {"value": {"choices": ["spam"]}}]},
            {"id": 8, "completed_by": 5, "was_cancelled": True, "result": []},
            {"id": 9, "completed_by": 6, "was_cancelled": False,
             "result": [region | {"value": {"choices": ["ham", "spam"]}}]},
            {"id": 10, "completed_by": 6, "was_cancelled": False,
             "result": [{"type": "labels", "value": {"start": 0, "end": 2, "labels": ["x"]}}]},
        ],
        "predictions": [{"model_version": "v1", "score": 0.25, "result": [region | {"value": {"choices": ["ham"]}}]}],
    }  # fmt: skip
    path = tmp_path / "export.json"
    path.write_text(json.dumps([task]))
    (item,) = format_of("label-studio").read(path, ABOUT, losses := Losses())
    assert (item.id, item.label, item.confidence) == ("c1", "ham", 0.25)
    assert item.opinions == (
        Opinion(("spam",), "ana@example.org", "2026-01-02T03:04:05.123456Z", operation="5d2a"),
        Opinion(None, "5"),
    )
    assert dict(losses.counts) == {"answers with several choices": 1, "regions": 1}
    (item,) = format_of("label-studio").read(path, SEVERAL, losses := Losses())
    assert [each.labels for each in item.opinions] == [("spam",), None, ("ham", "spam")]
    assert dict(losses.counts) == {"regions": 1}


def test_of_several_questions_label_studio_has_one_called_label(tmp_path: Path) -> None:
    """Of several groups of choices that called "label" is read, else none; nothing chosen is an answer."""

    def region(name: str, *choices: str) -> dict[str, object]:
        return {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": list(choices)}}

    results = [
        [region("mood", "sad"), region("label", "ham", "spam")],
        [region("mood", "sad"), region("tone", "low")],
        [],
    ]
    task = {"data": {"id": "c1", "text": "x"}, "annotations": [{"result": each} for each in results]}
    (tmp_path / "tasks.json").write_text(json.dumps([task]))
    (item,) = format_of("label-studio").read(tmp_path / "tasks.json", SEVERAL, losses := Losses())
    assert [each.labels for each in item.opinions] == [("ham", "spam"), ()]
    assert dict(losses.counts) == {"answers to several questions": 1}


def test_what_prodigy_writes_is_read(tmp_path: Path) -> None:
    """Lines of textcat.manual and of a binary textcat: accepted, rejected, ignored."""
    lines = [
        {"text": "a", "accept": ["spam"], "answer": "accept", "_annotator_id": "mail-ana", "_timestamp": 1767323045,
         "meta": {"id": "c1"}, "_input_hash": 1, "_task_hash": 2, "_view_id": "choice"},
        {"text": "b", "label": "ham", "answer": "accept", "_session_id": "mail-ben", "meta": {"id": "c2"}},
        {"text": "c", "label": "ham", "answer": "reject", "_session_id": "mail-ben", "meta": {"id": "c3"}},
        {"text": "d", "accept": [], "answer": "ignore", "_session_id": "mail-ben"},
    ]  # fmt: skip
    path = tmp_path / "prodigy.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    items = list(format_of("prodigy").read(path, ABOUT, losses := Losses()))
    assert [(item.id, *((each.label, each.annotator) for each in item.opinions)) for item in items] == [
        ("c1", ("spam", "ana")),
        ("c2", ("ham", "ben")),
        ("c3",),
        ("", (None, "ben")),
    ]
    assert items[0].opinions[0].time == "2026-01-02T03:04:05Z"
    assert dict(losses.counts) == {"rejections": 1}


def test_prodigy_asks_of_several_classes_one_by_one_or_at_once(tmp_path: Path) -> None:
    """An accepted or rejected label is about one class alone; of choices, those that were offered count."""
    offered = [{"id": "ham", "text": "ham"}, {"id": "spam", "text": "spam"}]
    lines = [
        {"text": "a", "label": "spam", "answer": "accept"},
        {"text": "b", "label": "spam", "answer": "reject"},
        {"text": "c", "label": "eggs", "answer": "reject"},
        {"text": "d", "label": "spam", "answer": "ignore"},
        {"text": "e", "accept": ["spam"], "answer": "accept", "options": offered},
        {"text": "f", "accept": [], "answer": "accept"},
        {"text": "g", "accept": ["ham"], "answer": "reject", "options": offered},
    ]
    path = tmp_path / "prodigy.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    items = list(format_of("prodigy").read(path, SEVERAL, losses := Losses()))
    assert [(each.labels, each.undecided) for item in items for each in item.opinions] == [
        (("spam",), ("ham", "urgent")),
        ((), ("ham", "urgent")),
        (("eggs",), SEVERAL.classes),  # for the project to refuse
        (None, ()),
        (("spam",), ("urgent",)),
        ((), ()),
    ]
    assert dict(losses.counts) == {"rejections": 1}


def test_what_doccano_writes_is_read(tmp_path: Path) -> None:
    """Its numbers are no ids of records; what labelkit sent along is."""
    lines = [
        {"id": 1, "text": "a", "label": ["spam"], "record_id": "c1", "model_label": "ham", "Comments": []},
        {"id": 2, "text": "b", "label": [], "record_id": "c2"},
        {"id": 3, "text": "c", "label": [[0, 1, "PER"]]},
        {"id": 4, "data": "d", "label": ["ham", "spam"]},
    ]
    path = tmp_path / "all.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    items = list(format_of("doccano").read(path, ABOUT, losses := Losses()))
    assert [(item.id, item.fields["text"], [each.label for each in item.opinions]) for item in items] == [
        ("c1", "a", ["spam"]),
        ("c2", "b", []),
        ("", "c", []),
        ("", "d", []),
    ]
    assert dict(losses.counts) == {"spans": 1, "records with several labels": 1}
    items = list(format_of("doccano").read(path, SEVERAL, losses := Losses()))
    assert [[each.labels for each in item.opinions] for item in items] == [[("spam",)], [], [], [("ham", "spam")]]
    assert dict(losses.counts) == {"spans": 1}
