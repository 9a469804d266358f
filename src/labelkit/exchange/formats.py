"""The formats, by name. Their modules are imported when they are used."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from labelkit.errors import UsageError, named, visible
from labelkit.exchange.items import About, Item
from labelkit.exchange.losses import Losses

Writer: TypeAlias = Callable[[Iterable[Item], Path, About, Losses], int]
Reader: TypeAlias = Callable[[Path, About, Losses], Iterator[Item]]


@dataclass(frozen=True)
class Format:
    """A format of another tool."""

    name: str
    title: str
    endings: tuple[str, ...]
    module: str
    writer: str = "write"
    reader: str = "read"  # "" where labelkit reads none: records of that kind are read by naming them under [data]
    trains: bool = False  # whether it is for training, so that labels have to pass the gate first
    several: bool = True  # whether it holds several labels per record

    def write(self, items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
        """Write items to a path. Returns how many lines, rows or records were written.

        Raises UsageError where the format does not hold what the items may have.
        """
        self.check(several=about.several)
        writer: Writer = getattr(self._module(), self.writer)
        return writer(items, path, about, losses)

    def read(self, path: Path, about: About, losses: Losses) -> Iterator[Item]:
        """The items in a file. Raises DataError for one that does not hold, UsageError where nothing reads it."""
        if not self.reader:
            raise UsageError(f"labelkit writes {self.title} and does not read it back")
        self.check(several=about.several)
        reader: Reader = getattr(self._module(), self.reader)
        return reader(path, about, losses)

    def check(self, *, several: bool) -> None:
        """Raise UsageError for a format of one label per record where a record may have several."""
        if several and not self.several:
            raise UsageError(
                f"{self.title} holds one label per record, and a record may have several here; name one class with "
                '--class, or project["CLASS"] in Python'
            )

    def _module(self) -> object:
        return importlib.import_module(f"labelkit.exchange.{self.module}")


_ALL = (
    Format("label-studio", "Label Studio's JSON", (".json",), "label_studio"),
    Format("prodigy", "Prodigy's JSONL", (".jsonl",), "prodigy"),
    Format("doccano", "doccano's JSONL", (".jsonl",), "doccano"),
    Format("argilla", "Argilla's JSON of records", (".json",), "argilla"),
    Format("huggingface", "Parquet for Hugging Face's datasets", (".parquet",), "parquet", "write_huggingface",
           "read_huggingface", trains=True),
    Format("spacy", "spaCy's DocBin", (".spacy",), "spacy", trains=True),
    Format("fasttext", "fastText's lines", (".txt",), "fasttext", trains=True),
    Format("wrench", "a folder of WRENCH", ("",), "wrench", trains=True, several=False),
    Format("csv", "CSV", (".csv",), "csv", reader="", trains=True),
    Format("jsonl", "JSON lines", (".jsonl",), "jsonl", trains=True),
    Format("parquet", "Parquet", (".parquet",), "parquet", reader="", trains=True),
    Format("spreadsheet", "CSV for spreadsheets", (".csv",), "csv", "write_spreadsheet", reader=""),
    Format("votes", "votes as a long table", (".parquet", ".csv", ".jsonl"), "votes", reader=""),
)  # fmt: skip

FORMATS = {each.name: each for each in _ALL}


def format_of(name: str) -> Format:
    """The format of that name. Raises UsageError."""
    if name not in FORMATS:
        raise UsageError(f'no format "{visible(name[:80])}"; known are {named(FORMATS)}')
    return FORMATS[name]
