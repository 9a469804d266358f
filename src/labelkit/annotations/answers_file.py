"""Questions and answers as JSONL, for people who answer elsewhere than in the terminal.

`write_queue` writes one question a line. Adding `"label": "<class name>"` or `"skip": true` to each line makes it an
answers file; so does writing only

    {"id": "c7", "label": "spam"}
    {"id": "c9", "skip": true}

Where a record may have several classes it is `"labels": ["<class name>", ...]` in place of "label", and `classes` are
those that there were to choose from, all of the project where the line has none. A line may also say `annotator`,
`strategy` and `operation`. The reader is strict: it takes all lines or none.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from labelkit import strict_json
from labelkit.annotations.annotation import Answer, check_answer
from labelkit.annotations.label_sets import classes_in, set_text
from labelkit.errors import AnswerError, listed, named, visible
from labelkit.files import machine_errors
from labelkit.lineage import hash_json

MAX_LINE = 10_000_000  # bytes

_OF_THE_ANSWER = ("id", "label", "labels", "skip", "annotator", "strategy", "operation")
_OF_THE_QUESTION = ("score", "reason", "suggestion", "classes", "votes", "fields")
_KEYS = _OF_THE_ANSWER + _OF_THE_QUESTION


class Question(Protocol):
    """What `write_queue` writes of an item of a queue."""

    @property
    def record(self) -> str:
        """Id of the record."""

    @property
    def strategy(self) -> str:
        """Strategy that asks."""

    @property
    def score(self) -> float:
        """How much the strategy wants to know."""

    @property
    def reason(self) -> str:
        """Why the record is asked, in words."""

    @property
    def suggestion(self) -> str | None:
        """Class name, where there is one to suggest."""

    @property
    def votes(self) -> Mapping[str, str]:
        """Function name -> class name, of functions that voted."""


def write_queue(
    items: Iterable[Question],
    file: BinaryIO,
    fields_of: Callable[[str], Mapping[str, object]] | None = None,
    *,
    of_classes: Sequence[str] = (),
) -> int:
    """Write questions as JSONL, each with the record's fields where `fields_of` gives them. Returns their number.

    `of_classes` are those of which a record may have several: a suggestion is a list of them then, and the question
    names them, so that its answer says nothing of one that joins the project later.
    """
    count = 0
    for item in items:
        line: dict[str, object] = {
            "id": item.record,
            "strategy": item.strategy,
            "score": _plain(item.score),
            "reason": item.reason,
            "suggestion": list(classes_in(item.suggestion)) if of_classes and item.suggestion else item.suggestion,
            "votes": dict(item.votes),
        }
        line |= {"classes": list(of_classes)} if of_classes else {}
        if fields_of is not None:
            line["fields"] = {name: _plain(value) for name, value in fields_of(item.record).items()}
        file.write(json.dumps(line, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace") + b"\n")
        count += 1
    return count


def _plain(value: object) -> object:
    """The value as JSON can say it; what JSON has no word for becomes text."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return str(value)


def read_answers(
    path: Path, classes: Sequence[str], known_ids: Collection[str], annotator: str, *, several: bool = False
) -> list[Answer]:
    """Read an answers file; `annotator` is who answered where a line does not say it.

    With `several` a record may have several classes, and labels are texts of sets of them (see `label_sets`).

    An answer without an operation id gets one made of annotator, id and label, so that storing the same file twice
    stores nothing twice. Raises AnswerError listing what is wrong, line by line; then no line counts.
    """
    answers: dict[tuple[str, str], Answer] = {}
    operations: dict[str, Answer] = {}
    problems = []
    for number, raw in _lines(path):
        try:
            line = _json(raw)
            label = _labels(line, classes) if several else _label(line, classes)
            answer = _answer(line, label, known_ids, annotator)
            earlier = answers.setdefault((answer.annotator, answer.record), answer)
            if earlier.label != answer.label:
                raise AnswerError(f'"{visible(answer.record)}" is answered differently further up')
            if operations.setdefault(answer.operation, answer) != answer:
                raise AnswerError(f'operation "{visible(answer.operation)}" stands for another answer further up')
        except AnswerError as error:
            problems.append(f"{visible(path.name)}: line {number}: {error}")
    if problems:
        raise AnswerError(listed(problems))
    return list(answers.values())


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that hold something, numbered from 1 as an editor numbers them."""
    if not path.is_file():
        raise AnswerError(f"{visible(str(path))}: no such file")
    with machine_errors(path), path.open("rb") as file:
        number = 0
        while raw := file.readline(MAX_LINE + 1):
            number += 1
            if raw.strip():
                yield number, raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw


def _json(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_LINE:
        raise AnswerError(f"longer than {MAX_LINE:,} bytes")
    try:
        value = strict_json.loads(raw.decode("utf-8").rstrip("\r\n"))
    except UnicodeDecodeError as error:
        raise AnswerError(f"not UTF-8: byte 0x{error.object[error.start]:02X} at offset {error.start}") from error
    except json.JSONDecodeError as error:
        raise AnswerError(f"not JSON: {error.msg} (column {error.colno})") from error
    except strict_json.Refused as error:
        raise AnswerError(error.what) from error
    except RecursionError as error:
        raise AnswerError("nested too deeply") from error
    if not isinstance(value, dict):
        raise AnswerError('not a JSON object; write {"id": "...", "label": "..."}')
    return value


def _answer(line: dict[str, Any], label: str | None, known_ids: Collection[str], annotator: str) -> Answer:
    if "id" not in line:
        raise AnswerError('no "id"')
    record = _text(line, "id", "")
    if record not in known_ids:
        raise AnswerError(f'no record has the id "{visible(record[:80])}"')
    who = _text(line, "annotator", annotator)
    same_again = f"file-{hash_json([who, record, label])[:32]}"
    answer = Answer(record, label, who, _text(line, "strategy", ""), _text(line, "operation", same_again))
    check_answer(answer)
    return answer


def _label(line: dict[str, Any], classes: Sequence[str]) -> str | None:
    """The class that a line gives; None for a skip."""
    _check_keys(line, "label", "labels")
    label = _text(line, "label", "") if "label" in line else None
    _check_skip(line, "label", '"<class name>"')
    if label is not None:
        _check_class(label, classes)
    return label


def _labels(line: dict[str, Any], classes: Sequence[str]) -> str | None:
    """The set of classes that a line gives, as a text; None for a skip."""
    _check_keys(line, "labels", "label")
    labels, asked = _texts(line, "labels", []), _texts(line, "classes", classes)
    _check_skip(line, "labels", '["<class name>", ...]')
    for label in labels:
        _check_class(label, classes)
    said = [name for name in classes if name in asked or name in labels]
    if not said:
        raise AnswerError(f"none of its classes is one of the project any more; known are {named(classes)}")
    return set_text(labels, said) if "labels" in line else None


def _texts(line: dict[str, Any], key: str, default: Sequence[str]) -> Sequence[str]:
    value = line.get(key, default)
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
        raise AnswerError(f'"{key}" must be a list of classes, not {_shown(value)}')
    return value


def _check_keys(line: dict[str, Any], key: str, other: str) -> None:
    """Refuse a key that means nothing; of `key` and `other` the first is this project's way to answer."""
    known = [name for name in _OF_THE_ANSWER if name != other]
    for name in line:
        if name == other or name not in _KEYS:
            hint = f'write "{key}"' if name == other else _nearest(name, known)
            raise AnswerError(f'unknown key "{visible(name[:80])}"; {hint}')


def _check_skip(line: dict[str, Any], key: str, answer: str) -> None:
    skip = line.get("skip", False)
    if not isinstance(skip, bool):
        raise AnswerError(f'"skip" must be true or false, not {_shown(skip)}')
    if skip and key in line:
        raise AnswerError(f'both "{key}" and "skip"; write one of them')
    if not skip and key not in line:
        raise AnswerError(f'no answer; write "{key}": {answer} or "skip": true')


def _check_class(label: str, classes: Sequence[str]) -> None:
    if label not in classes:
        raise AnswerError(f'unknown class "{visible(label[:80])}"; {_nearest(label, classes)}')


def _text(line: dict[str, Any], key: str, default: str) -> str:
    value = line.get(key, default)
    if not isinstance(value, str):
        raise AnswerError(f'"{key}" must be text, not {_shown(value)}')
    return value


def _shown(value: object) -> str:
    return visible(json.dumps(value, ensure_ascii=False)[:80])


def _nearest(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f'did you mean "{visible(near[0])}"?' if near else f"known are {named(known)}"
