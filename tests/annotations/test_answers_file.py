"""Questions out, answers in: the JSONL files of people who answer elsewhere."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from labelkit.annotations import AnnotationStore, Answer, read_answers, write_queue
from labelkit.errors import AnswerError

CLASSES = ("ham", "spam")
IDS = frozenset({"c1", "c2", "c3", "c7"})


@dataclass(frozen=True)
class Item:
    record: str
    strategy: str = "margin"
    score: float = 0.04
    reason: str = "undecided between ham and spam (0.52 / 0.48)"
    suggestion: str | None = "ham"
    votes: dict[str, str] = field(default_factory=lambda: {"links": "spam"})


def read(folder: Path, content: str | bytes) -> list[Answer]:
    path = folder / "answers.jsonl"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_answers(path, CLASSES, IDS, "ana")


def test_labels_and_skips_are_read(tmp_path: Path) -> None:
    """A label, a skip, and a line that says everything."""
    answers = read(
        tmp_path,
        '{"id": "c1", "label": "spam"}\n{"id": "c2", "skip": true}\n'
        '{"id": "c3", "label": "ham", "annotator": "ben", "strategy": "margin", "operation": "op-3"}\n',
    )
    assert [(a.record, a.label, a.annotator, a.strategy) for a in answers] == [
        ("c1", "spam", "ana", ""),
        ("c2", None, "ana", ""),
        ("c3", "ham", "ben", "margin"),
    ]
    assert answers[2].operation == "op-3"


def test_same_file_twice_stores_nothing_twice(tmp_path: Path) -> None:
    """The default operation id is made of person, record and label."""
    store = AnnotationStore.open(f"sqlite:///{tmp_path / 'annotations.db'}")
    content = '{"id": "c1", "label": "spam"}\n{"id": "c2", "skip": true}\n'
    store.add_all(read(tmp_path, content))
    store.add_all(read(tmp_path, content))
    assert store.last_sequence == 2
    store.add_all(read(tmp_path, '{"id": "c1", "label": "ham"}\n'))
    assert store.answers()["c1"].label == "ham"


def test_what_is_not_said_differently_may_be_said_twice(tmp_path: Path) -> None:
    """A repeated line is one answer; blank lines and a byte order mark say nothing."""
    answers = read(tmp_path, b'\xef\xbb\xbf{"id": "c1", "label": "spam"}\r\n\r\n{"id": "c1", "label": "spam"}')
    assert [a.record for a in answers] == ["c1"]


def test_two_people_may_disagree_in_one_file(tmp_path: Path) -> None:
    """The same record with different labels is a contradiction only within one person."""
    answers = read(tmp_path, '{"id": "c1", "label": "spam"}\n{"id": "c1", "label": "ham", "annotator": "ben"}\n')
    assert [(a.annotator, a.label) for a in answers] == [("ana", "spam"), ("ben", "ham")]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"id": "c9", "label": "spam"}', 'no record has the id "c9"'),
        ('{"id": "c1", "label": "spma"}', 'unknown class "spma"; did you mean "spam"?'),
        ('{"id": "c1", "label": "xyz"}', 'unknown class "xyz"; known are "ham", "spam"'),
        ('{"id": "c1", "label": 1}', '"label" must be text, not 1'),
        ('{"id": "c1", "label": null}', '"label" must be text, not null'),
        ('{"id": 1, "label": "spam"}', '"id" must be text, not 1'),
        ('{"label": "spam"}', 'no "id"'),
        ('{"id": "c1"}', 'no answer; write "label": "<class name>" or "skip": true'),
        ('{"id": "c1", "skip": false}', 'no answer; write "label": "<class name>" or "skip": true'),
        ('{"id": "c1", "skip": 1}', '"skip" must be true or false, not 1'),
        ('{"id": "c1", "skip": true, "label": "spam"}', 'both "label" and "skip"; write one of them'),
        ('{"id": "c1", "lable": "spam"}', 'unknown key "lable"; did you mean "label"?'),
        (
            '{"id": "c1", "zzz": 1}',
            'unknown key "zzz"; known are "id", "label", "skip", "annotator", "strategy", "operation"',
        ),
        ('{"id": "c1", "label": "spam", "label": "ham"}', 'key "label" stands twice'),
        ('{"id": "c1", "label": "spam", "votes": {"a": 1, "a": 2}}', 'key "a" stands twice'),
        ('{"id": "c1", "label": "spam", "score": NaN}', "NaN is no JSON value"),
        ('{"id": "c1", "label": "spam", "score": -Infinity}', "-Infinity is no JSON value"),
        ('{"id": "c1", "label": "spam"', "not JSON: Expecting ',' delimiter (column 29)"),
        ("spam", "not JSON: Expecting value (column 1)"),
        ('["c1", "spam"]', 'not a JSON object; write {"id": "...", "label": "..."}'),
        ("[" * 100_000, "nested too deeply"),
        ('{"id": "c1", "score": ' + "9" * 5000 + "}", f"{'9' * 40}… does not fit 64 bits"),
        ('{"id": "c1", "label": "spam", "annotator": ""}', "the annotator is empty"),
        ('{"id": "c1", "label": "spam", "operation": ""}', "the operation is empty"),
        (
            '{"id": "c1", "label": "spam", "annotator": "a\\u0000"}',
            'the annotator "a\\x00" holds a NUL or half a surrogate pair; no database keeps it',
        ),
        (
            '{"id": "c1", "label": "spam", "annotator": "a\\ud800"}',
            'the annotator "a\\ud800" holds a NUL or half a surrogate pair; no database keeps it',
        ),
        ('{"id": "\\u001b[2J", "label": "spam"}', 'no record has the id "\\x1b[2J"'),
    ],
)
def test_bad_line_is_named(tmp_path: Path, line: str, problem: str) -> None:
    """A line that is not an answer is refused with its number, its value and the way out."""
    with pytest.raises(AnswerError) as caught:
        read(tmp_path, '{"id": "c7", "label": "spam"}\n\n' + line + "\n")
    assert str(caught.value) == f"answers.jsonl: line 3: {problem}"


def test_byte_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    """Latin-1 is not guessed."""
    with pytest.raises(AnswerError) as caught:
        read(tmp_path, b'{"id": "c1", "label": "sp\xe9m"}\n')
    assert str(caught.value) == "answers.jsonl: line 1: not UTF-8: byte 0xE9 at offset 25"


def test_contradictions_within_a_file_are_named(tmp_path: Path) -> None:
    """One person with two labels for a record, and one operation for two answers."""
    with pytest.raises(AnswerError) as caught:
        read(
            tmp_path,
            '{"id": "c1", "label": "spam", "operation": "op-1"}\n{"id": "c1", "label": "ham"}\n'
            '{"id": "c2", "label": "ham", "operation": "op-1"}\n',
        )
    assert str(caught.value) == (
        'answers.jsonl: line 2: "c1" is answered differently further up\n'
        'answers.jsonl: line 3: operation "op-1" stands for another answer further up'
    )


def test_many_problems_are_listed_and_counted(tmp_path: Path) -> None:
    """Twenty problems are shown, the others counted."""
    with pytest.raises(AnswerError) as caught:
        read(tmp_path, '{"id": "c1"}\n' * 50)
    lines = str(caught.value).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "and 30 more"


def test_overlong_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without line ends does not fill the memory."""
    monkeypatch.setattr("labelkit.annotations.answers_file.MAX_LINE", 50)
    with pytest.raises(AnswerError, match=r"answers\.jsonl: line 1: longer than 50 bytes"):
        read(tmp_path, '{"id": "c1", "annotator": "' + "a" * 100 + '"}')


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A folder or nothing at all is no answers file."""
    for path in (tmp_path, tmp_path / "none.jsonl"):
        with pytest.raises(AnswerError) as caught:
            read_answers(path, CLASSES, IDS, "ana")
        assert str(caught.value) == f"{path}: no such file"


def test_queue_with_labels_added_is_an_answers_file(tmp_path: Path) -> None:
    """What `write_queue` writes comes back when a person adds a label to each line."""
    file = io.BytesIO()
    fields = {"text": "buy now\n\x1b[2J", "stars": 4, "ratio": float("nan"), "seen": None}
    assert write_queue([Item("c1"), Item("c2", suggestion=None)], file, lambda record: fields) == 2
    lines = [json.loads(line) for line in file.getvalue().splitlines()]
    assert lines[0] == {
        "id": "c1",
        "strategy": "margin",
        "score": 0.04,
        "reason": "undecided between ham and spam (0.52 / 0.48)",
        "suggestion": "ham",
        "votes": {"links": "spam"},
        "fields": {"text": "buy now\n\x1b[2J", "stars": 4, "ratio": "nan", "seen": None},
    }
    answered = "".join(json.dumps({**line, "label": "spam"}) + "\n" for line in lines)
    assert [(a.record, a.label, a.strategy) for a in read(tmp_path, answered)] == [
        ("c1", "spam", "margin"),
        ("c2", "spam", "margin"),
    ]


def test_queue_without_fields_holds_no_text(tmp_path: Path) -> None:
    """Without `fields_of` a line has no fields."""
    file = io.BytesIO()
    write_queue([Item("c1")], file)
    assert "fields" not in json.loads(file.getvalue())


@given(st.binary(max_size=200))
def test_any_bytes_are_answers_or_an_answer_error(content: bytes) -> None:
    """No content of a file leads to anything but answers or an AnswerError."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        try:
            problem = str(read(Path(folder), content) and "")
        except AnswerError as error:
            problem = str(error)
    assert problem in {"", "[]"} or problem.startswith("answers.jsonl: line ")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["c1", "spam", "ham"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=3,
)


@given(st.dictionaries(st.sampled_from(["id", "label", "skip", "annotator", "operation", "strategy", "votes"]), _json))
def test_any_json_is_an_answer_about_a_known_record_or_refused(line: dict[str, object]) -> None:
    """An accepted line names a known record and a known class or a skip, as text."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        try:
            answers = read(Path(folder), json.dumps(line))
        except AnswerError:
            return
    (answer,) = answers
    assert answer.record in IDS
    assert answer.label in {*CLASSES, None}
    assert (answer.label is None) == (line.get("skip") is True)
