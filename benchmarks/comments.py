"""Comments for the benchmarks, as many as you like: word chains from the demo's review sentences, seeded.

    python benchmarks/comments.py 1000000 /tmp/comments.parquet

An order-2 Markov chain over the demo corpus (`make data`) is mixed with calls to action, names, links, accents and
emoji, so that about a fifth of the texts are not ASCII and the benchmark's functions cover between 4 and 31 % each. Ten
columns, zstd, row groups of 131,072. Texts are about 65 characters long, most of them distinct.
"""

import argparse
import collections
import random
import sys
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
    arguments = parser.parse_args()
    write(arguments.rows, arguments.path, arguments.seed)


def write(rows: int, path: Path, seed: int = 1) -> None:
    """Write a Parquet file of `rows` comments."""
    if not CORPUS.exists():
        sys.exit("comments.py: run `make data` first")
    make = Maker(pq.read_table(CORPUS).column("text").to_pylist(), seed)
    with pq.ParquetWriter(path, make.batch(0, 1).schema, compression="zstd") as writer:
        for start in range(0, rows, BATCH):
            writer.write_table(make.batch(start, min(BATCH, rows - start)), row_group_size=BATCH)


class Maker:
    """Makes batches of comments."""

    def __init__(self, texts: list[str], seed: int) -> None:
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
