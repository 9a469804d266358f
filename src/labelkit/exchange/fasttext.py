"""fastText: one `__label__<class> text` per line, or several labels before it, as its supervised training reads it.

Format: https://fasttext.cc/docs/en/supervised-tutorial.html. A line is a record; words that begin with `__label__`
are labels wherever they stand, so that such words of a text are written with one underscore less.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from labelkit.errors import DataError, UsageError, named, visible
from labelkit.exchange.items import About, Item, Opinion, as_text, fitting
from labelkit.exchange.json_files import open_file
from labelkit.exchange.losses import Losses
from labelkit.files import atomic_write, machine_errors

PREFIX = "__label__"
_SPACES = re.compile(r"\s+")


def word_of(class_name: str) -> str:
    """A class as the one word that fastText takes for a label.

    >>> word_of("not spam")
    'not_spam'
    """
    return _SPACES.sub("_", class_name)


def write(items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
    """Write the labelled records."""
    field, words = about.text_field, [word_of(name) for name in about.classes]
    if len(set(words)) < len(words):
        raise UsageError(f"classes {named(about.classes)} would be the same word in fastText; rename one of them")
    count = 0
    with atomic_write(path) as file:
        for item in items:
            if not item.labels:
                kind = "records without a label" if item.labels is None else "records with none of the classes"
                losses.add(kind, item.id, "a line begins with its label")
                continue
            losses.add("undecided classes", item.id, "what a line does not name is no", len(item.undecided))
            text = _one_line(as_text(item.fields.get(field)), item.id, losses)
            labels = " ".join(f"{PREFIX}{word_of(name)}" for name in item.labels)
            file.write(f"{labels} {text}\n".encode("utf-8", "backslashreplace"))
            count += 1
            losses.add("ids, confidences and answers", item.id, "a line has a label and a text")
    return count


def _one_line(text: str, record: str, losses: Losses) -> str:
    words = text.split()
    line = " ".join(f"_{word.lstrip('_')}" if word.startswith(PREFIX) else word for word in words)
    if line != text:
        losses.add("spaces, line breaks and words like __label__x", record, "a record is one line of words")
    return line


def read(path: Path, about: About, losses: Losses) -> Iterator[Item]:
    """Read lines with a label, or several where a record may have them. The text is all that names a record."""
    known = {word_of(name): name for name in about.classes}
    with machine_errors(path), open_file(path).open("rb") as file:
        for number, raw in enumerate(file, 1):
            place = f"{visible(path.name)}: line {number}"
            try:
                words = raw.decode("utf-8").split()
            except UnicodeDecodeError as error:
                raise DataError(f"{place}: not UTF-8: byte 0x{error.object[error.start]:02X}") from error
            names = [word.removeprefix(PREFIX) for word in words if word.startswith(PREFIX)]
            labels = fitting([known.get(name, name) for name in names], about) if names else None
            text = " ".join(word for word in words if not word.startswith(PREFIX))
            if names and labels is None:
                losses.add("lines with several labels", place, "a record has one class")
            if words:
                said = () if labels is None else (Opinion(labels, ""),)
                yield Item("", {about.text or "text": text}, opinions=said, place=place)
