"""Comments for the benchmarks, as many as you like: word chains from the demo's review sentences, seeded.

    python benchmarks/comments.py 1000000 /tmp/comments.parquet

An order-2 Markov chain over the demo corpus (`make data`) is mixed with calls to action, names, links, accents and
emoji, so that about a fifth of the texts are not ASCII and the benchmark's functions cover between 4 and 31 % each. Ten
columns, zstd, row groups of 131,072. Texts are about 65 characters long, most of them distinct.

Where the path has no suffix it becomes a folder of files of a million comments each, made by several processes: a file
depends on seed and number alone, so that a larger folder begins with the full files of a smaller one.
"""

import argparse
import collections
import multiprocessing
import random
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "data" / "reviews.parquet"
BATCH = 131_072
CALLS = (
    "check out my channel", "please subscribe", "subscribe to my page", "click the link",
    "visit http://win.example now",
    "free gift at www.gift.example", "I make 500 dollars a day", "add me on my page", "Check this out", "my new video",
)  # fmt: skip
LIKES = ("love this song", "best song ever", "I love her voice", "great music", "this song is so good")
ACCENTS = ("😍😍", "❤", "très bien", "señor", "naïve", "EMİNEM", "größe", "Ünal", "½ price", "日本", "ſo good", "10 K")  # noqa: RUF001
NAMES = ("Ana", "Ben", "Chloé", "Deniz", "Eve", "Farid", "Grace", "Hiro", "Ines", "Jürgen")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=int)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2, help="of a folder")
    arguments = parser.parse_args()
    if arguments.path.suffix:
        write(arguments.rows, arguments.path, arguments.seed)
    else:
        write_folder(arguments.rows, arguments.path, arguments.seed, arguments.processes)


SHARD = 8 * BATCH  # comments of a file


def write_folder(rows: int, folder: Path, seed: int = 1, processes: int = 2) -> None:
    """Write a folder of Parquet files; those that are there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    make = maker(seed)
    starts = [start for start in range(0, rows, SHARD) if not shard_path(folder, start).exists()]
    jobs = [(make, start, min(SHARD, rows - start), shard_path(folder, start)) for start in starts]
    if processes == 1 or len(jobs) < 2:
        for job in jobs:
            write_shard(*job)
        return
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("fork")) as pool:
        for done in [pool.submit(write_shard, *job) for job in jobs]:
            done.result()


def shard_path(folder: Path, start: int) -> Path:
    return folder / f"comments-{start // SHARD:06d}.parquet"


def write_shard(make: "Maker", start: int, rows: int, path: Path) -> None:
    """One file, the same whoever writes it and when; it has its name when it is whole."""
    part = path.with_name(f".{path.name}.part")
    with pq.ParquetWriter(part, make.batch(0, 1).schema, compression="zstd") as writer:
        make.begin(start // SHARD)
        for first in range(start, start + rows, BATCH):
            writer.write_table(make.batch(first, min(BATCH, start + rows - first)), row_group_size=BATCH)
    part.replace(path)


def write(rows: int, path: Path, seed: int = 1) -> None:
    """Write a Parquet file of `rows` comments."""
    make = maker(seed)
    with pq.ParquetWriter(path, make.batch(0, 1).schema, compression="zstd") as writer:
        for start in range(0, rows, BATCH):
            writer.write_table(make.batch(start, min(BATCH, rows - start)), row_group_size=BATCH)


def maker(seed: int) -> "Maker":
    if not CORPUS.exists():
        sys.exit("comments.py: run `make data` first")
    return Maker(pq.read_table(CORPUS).column("text").to_pylist(), seed)


class Maker:
    """Makes batches of comments."""

    def __init__(self, texts: list[str], seed: int) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.numbers = np.random.default_rng(seed)
        chain = collections.defaultdict(list)
        self.starts = []
        for text in texts:
            words = text.split()
            self.starts.append(tuple(words[:2]))
            for i in range(len(words) - 2):
                chain[words[i], words[i + 1]].append(words[i + 2])
        self.chain = dict(chain)
        # Whole phrases are drawn from a large pool: making a million chains word by word would take minutes.
        self.pool = [self.phrase() for _ in range(200_000)]

    def begin(self, shard: int) -> None:
        """What is made from here on depends on seed and shard alone."""
        self.rng = random.Random(f"{self.seed}-{shard}")
        self.numbers = np.random.default_rng([self.seed, shard])

    def phrase(self) -> str:
        words = list(self.rng.choice(self.starts))
        for _ in range(self.rng.randrange(4, 19)):
            following = self.chain.get(tuple(words[-2:]))
            if not following:
                break
            words.append(self.rng.choice(following))
        return " ".join(words)

    def text(self) -> str:
        rng, parts = self.rng, [self.rng.choice(self.pool)]
        for phrases, share in ((CALLS, 0.35), (LIKES, 0.25), (ACCENTS, 0.23)):
            if rng.random() < share:
                parts.insert(rng.randrange(len(parts) + 1), rng.choice(phrases))
        text = " ".join(parts)
        return "" if rng.random() < 0.02 else text.upper() if rng.random() < 0.05 else text

    def batch(self, start: int, rows: int) -> pa.Table:
        numbers = self.numbers
        return pa.table(
            {
                "id": pa.array([f"c{i:09d}" for i in range(start, start + rows)]),
                "text": pa.array([self.text() for _ in range(rows)], pa.string()),
                "author": pa.array([f"{self.rng.choice(NAMES)}{self.rng.randrange(100)}" for _ in range(rows)]),
                "likes": pa.array(numbers.geometric(0.2, rows) - 1, pa.int64()),
                "stars": pa.array(numbers.integers(0, 50, rows) / 10.0),
                "polarity": pa.array(numbers.normal(0, 0.5, rows)),
                "day": pa.array(numbers.integers(0, 4000, rows), pa.int32()).cast(pa.date32()),
                "video": pa.array(numbers.integers(0, 500, rows), pa.int32()),
                "reply": pa.array(numbers.random(rows) < 0.2),
                "gold": pa.array(np.where(numbers.random(rows) < 0.5, "spam", "ham")),
            }
        )


if __name__ == "__main__":
    main()
