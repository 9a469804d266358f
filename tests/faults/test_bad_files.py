"""Files that somebody broke: each is refused in labelkit's words, or read as an independent reader reads it."""

from __future__ import annotations

import csv
import io
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelkit as lk
from fault_figures import Figure, sizes
from kills import alone, before, outcome_of
from labelkit.annotations.answers_file import read_answers
from labelkit.errors import LabelkitError
from labelkit.label_models import load_model
from labelkit.matrix import read_votes
from labelkit.pipeline.current import current_run
from labelkit.project import read_project
from labelkit.validation.profile import read_profile
from labelkit.validation.suites import load_suite
from mutations import mutated
from projects import Made, comments

PROMISE = "bad files"

Read = Callable[[Path], object]


def rows_of(path: Path) -> list[dict[str, Any]]:
    """All columns of all records, as labelkit reads them."""
    records = lk.read(path)
    columns = [column for column in records.columns if column != records.id]
    return [row for batch in records.batches(columns) for row in batch.to_pylist()]


def rows_of_csv(path: Path) -> list[dict[str, Any]]:
    """As Python's own reader reads them, which skips nothing but lines without anything on them."""
    text = path.read_bytes().decode("utf-8-sig")
    header, *rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    assert all(len(row) == len(header) for row in rows)
    return [dict(zip(header, row, strict=True)) for row in rows]


def rows_of_jsonl(path: Path) -> list[dict[str, Any]]:
    """As Python's own reader reads them."""
    lines = [line for line in path.read_bytes().decode("utf-8-sig").split("\n") if line.strip()]
    rows = [json.loads(line) for line in lines]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return [{column: row.get(column) for column in columns} for row in rows]


def rows_of_parquet(path: Path) -> list[dict[str, Any]]:
    """As it was written."""
    return list(TABLE.to_pylist())


TABLE = pa.table(
    {"id": [f"r{i}" for i in range(200)], "text": [f"text {i * i}" for i in range(200)], "n": list(range(200))}
)
TEXTS = [b'id,text,n\nr1,"a, ""quoted"" cell",1\nr2,two,2\n"r3","on\ntwo lines",3\nr4,caf\xc3\xa9,4\n',
         b"id,text,n\r\nr1,one,1\r\nr2,two,2\r\n"]  # fmt: skip
LINES = [b'{"id": "r1", "text": "one", "n": 1}\n{"id": "r2", "text": "t\\u00e9", "n": 2, "deep": null}\n{"id": "r3"}\n']


def parquet(**options: Any) -> bytes:
    """The table as a Parquet file."""
    file = io.BytesIO()
    pq.write_table(TABLE, file, write_page_checksum=True, **options)
    return file.getvalue()


FORMATS: dict[str, tuple[str, list[bytes], Callable[[Path], list[dict[str, Any]]]]] = {
    "CSV": ("records.csv", TEXTS, rows_of_csv),
    "JSON lines": ("records.jsonl", LINES, rows_of_jsonl),
    "Parquet": ("records.parquet", [parquet(), parquet(compression="zstd", data_page_version="2.0")], rows_of_parquet),
}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("n", sizes(150, 1_000, 2_000))
def test_records_are_refused_or_read_right(kind: str, n: int, tmp_path: Path, figure: Figure) -> None:
    """What labelkit reads from a mutated file is what an independent reader reads from it, value by value."""
    name, contents, independent = FORMATS[kind]
    chance, path, ends = random.Random(len(kind)), tmp_path / name, Counter[str]()
    unnamed = 0
    for _ in range(n):
        path.write_bytes(mutated(chance.choice(contents), chance))
        try:
            found = rows_of(path)
        except LabelkitError as error:
            ends["refused"] += 1
            unnamed += name not in str(error)
            continue
        ends["read"] += 1
        assert_same(found, independent(path), path)
    figure(PROMISE, f"mutated {kind} against an independent reader", n, **ends)
    assert ends["refused"] > n / 4
    assert unnamed == 0


def assert_same(found: list[dict[str, Any]], wanted: list[dict[str, Any]], path: Path) -> None:
    """Two readers agree; labelkit leaves the id to itself."""
    columns = list(found[0]) if found else []
    assert found == [{column: row[column] for column in columns} for row in wanted], path.read_bytes()[:500]


def suite(path: Path) -> object:
    return load_suite(path)


def settings(path: Path) -> object:
    return read_project(path.parent)


def answers(path: Path) -> object:
    return read_answers(path, ["ham", "spam"], {f"c{i}" for i in range(60)}, "ana")


@pytest.mark.parametrize("n", sizes(60, 400, 700))
def test_labelkits_own_files(n: int, made: Made, figure: Figure) -> None:
    """Settings, suites, answers, profiles, votes, models and runs: refused in labelkit's words or read, never a bug."""
    run = made.project.apply().run
    folder = made.root / ".labelkit" / "runs" / run
    lines = [json.dumps({"id": row["id"], "label": row["gold"]}) for row in comments(60, seed=3)[10:30]]
    made.write("answers.jsonl", "\n".join(lines) + "\n")
    readers: list[tuple[Path, Read]] = [
        (made.root / "labelkit.toml", settings),
        (made.root / "expectations" / "labels.json", suite),
        (made.root / "answers.jsonl", answers),
        (folder / "votes.arrow", read_votes),
        (folder / "model.json", lambda path: load_model(path.parent)),
        (folder / "model.npz", lambda path: load_model(path.parent)),
        (folder / "run.json", lambda path: current_run(made.project.folder)),
        (made.root / "labels.parquet", lambda path: made.project.labels()),
    ]
    chance, ends = random.Random(5), Counter[str]()
    for path, read in readers:
        whole = path.read_bytes()
        for _ in range(n):
            path.write_bytes(mutated(whole, chance))
            try:
                read(path)
                ends["read"] += 1
            except LabelkitError:
                ends["refused"] += 1
        path.write_bytes(whole)
    figure(PROMISE, "mutated settings, suites, answers, votes, models, runs, labels", n * len(readers), **ends)
    assert ends["refused"] > n * len(readers) / 4


BOMB = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))
import labelkit as lk
from labelkit.errors import LabelkitError
try:
    print(sum(batch.num_rows for batch in lk.read(sys.argv[1]).batches(["text"])))
except LabelkitError as error:
    print("refused:", error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("bomb", ["dictionary", "zeros", "line", "cell"])
def test_a_small_file_that_unpacks_to_gigabytes(bomb: str, tmp_path: Path, figure: Figure) -> None:
    """Under a limit of 3 GB such a file is read piece by piece or refused: no traceback, no machine brought down."""
    path = tmp_path / ("bomb.parquet" if bomb in ("dictionary", "zeros") else "bomb.csv")
    if bomb == "dictionary":
        n = 2_000
        words = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array(["x" * 2_500_000]))
        pq.write_table(pa.table({"id": [str(i) for i in range(n)], "text": words}), path)
    elif bomb == "zeros":
        pq.write_table(pa.table({"id": ["a", "b"], "text": ["\x01" * 900_000_000] * 2}), path, compression="zstd")
    else:
        with path.open("wb") as file:
            file.write(b"id,text\na," + (b'"' if bomb == "cell" else b""))
            for _ in range(200):
                file.write(b"x" * 10_000_000)
    done = subprocess.run(
        [sys.executable, "-c", BOMB.format(limit=3 * 2**30), str(path)],
        capture_output=True, text=True, check=False, timeout=280, env=alone(),
    )  # fmt: skip
    figure(PROMISE, "bombs of 2 to 5 GB under a limit of 3 GB", 1, megabytes_on_disk=path.stat().st_size >> 20)
    path.unlink()
    assert "Traceback" not in done.stderr
    assert done.returncode == 0, done.stderr[-500:]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("root")
def test_through_the_command_line(memory: Path, figure: Figure) -> None:
    """The same with whole commands: an exit code that tells the truth, and never a traceback."""
    outcome = outcome_of("bad_projects.py", before(memory, finished=True), 300, 1)
    figure(PROMISE, "mutated files through the command line", outcome["tried"], **outcome["codes"])
    assert outcome["wrong"] == []


def test_profiles(tmp_path: Path, figure: Figure) -> None:
    """A reference profile that is none."""
    path, chance = tmp_path / "reference.json", random.Random(7)
    for _ in range(100):
        path.write_bytes(mutated(b'{"schema": 1, "records": 3, "columns": {"text": {"kind": "string"}}}', chance))
        with pytest.raises(LabelkitError):
            read_profile(path, path.name)
    figure(PROMISE, "mutated reference profiles", 100)
