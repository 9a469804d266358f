"""What lineage costs: hashing records beside reading them, and comparing two runs of a million.

    python benchmarks/lineage.py [--rows 1000000] [--rounds 5]

Hashing is measured in processor time beside reading the same columns of the same Parquet file in the same process, in
turns; the best round of each counts. Aim: at most as much. A million labels of ten functions, one of them changed, are
compared as `labelkit runs diff` does it, from the files of the two runs to the printed table. Aim: seconds.
"""

import argparse
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import comments
import labelkit as lk
from labelkit.lineage import CHUNK_ROWS, DataFingerprint
from labelkit.pipeline.texts.difference import difference_text
from labelkit.records.base import rechunk

FUNCTIONS = """
import labelkit as lk

calls = lk.rules.keywords("calls", ["check out", "subscribe", "click"], field="text", label="spam")
links = lk.rules.pattern("links", r"https?://|www\\\\.", field="text", label="spam")
money = lk.rules.keywords("money", ["free", "win", "dollars"], field="text", label="spam")
loves = lk.rules.keywords("loves", ["love", "best", "great"{more}], field="text", label="ham")
music = lk.rules.keywords("music", ["song", "music", "voice"], field="text", label="ham")
short = lk.rules.length("short", field="text", below=25, label="ham")
long = lk.rules.length("long", field="text", above=120, label="spam")
asks = lk.rules.contains("asks", ["?"], field="text", label="ham")
shouts = lk.rules.contains("shouts", ["!!"], field="text", label="spam")
names = lk.rules.keywords("names", ["ana", "ben", "eve"], field="text", label="ham")
"""
SETTINGS = """
[project]
name = "comments"
classes = ["ham", "spam"]
[data]
path = "comments.parquet"
fields = ["text"]
[model]
name = "dawid_skene"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only-hashing", action="store_true")
    arguments = parser.parse_args()
    pa.set_cpu_count(1)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "comments.parquet"
        comments.write(arguments.rows, data)
        for columns in (["id", "text"], ["text"], None):
            hashing(data, columns, arguments.rounds)
        if not arguments.only_hashing:
            comparing(Path(folder), arguments.rows)


def hashing(data: Path, columns: list[str] | None, rounds: int) -> None:
    """Seconds of one processor: reading the columns, and hashing what was read."""
    reading, spent = [], []
    for _ in range(rounds):
        started = time.process_time()
        table = pq.ParquetFile(data).read(columns=columns, use_threads=False)
        chunks = list(rechunk(table.to_batches(CHUNK_ROWS)))
        read = time.process_time()
        made = DataFingerprint()
        for chunk in chunks:
            made.add(chunk)
        reading.append(read - started)
        spent.append(time.process_time() - read)
    size = table.nbytes / 2**20
    ratio = min(spent) / min(reading)
    said = ", ".join(table.column_names)
    print(
        f"{said}: read {min(reading):.3f} s, hashed {min(spent):.3f} s ({size / min(spent):,.0f} MiB/s), {ratio:.2f}x"
    )


def comparing(folder: Path, rows: int) -> None:
    """Seconds from two runs on disk to the table."""
    (folder / "labelkit.toml").write_text(SETTINGS)
    (folder / "labeling_functions").mkdir()
    for more in ("", ', "nice", "good"'):
        (folder / "labeling_functions" / "rules.py").write_text(FUNCTIONS.replace("{more}", more))
        lk.Project(folder).apply()
    started, clock = time.process_time(), time.perf_counter()
    found = lk.Project(folder).diff()
    text = difference_text(found)
    print(f"\ncompared {rows:,} labels: {time.process_time() - started:.1f} s of processor time, ", end="")
    print(f"{time.perf_counter() - clock:.1f} s by the clock; {found.flips:,} flips\n\n{text}")


if __name__ == "__main__":
    main()
