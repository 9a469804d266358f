"""Fetch the demo's records: sentences of real product reviews, each rated by twenty people.

    .venv/bin/python examples/demo_data.py        writes data/reviews.parquet and data/reviews_ratings.parquet

The texts are the Amazon review sentences of Hutto and Gilbert (2014), "VADER: A Parsimonious Rule-based Model for
Sentiment Analysis of Social Media Text", ICWSM-14, which travel in the source archive of vaderSentiment 3.3.2 (MIT).
Twenty people rated each sentence from -4 (very negative) to 4 (very positive).

data/reviews.parquet           id, text, rating (mean of the ratings), gold, split; one row per sentence
data/reviews_ratings.parquet   id, rater, rating; one row per single rating

What is decided here:

- gold is "positive" from a mean of 0.5 upwards, "negative" from -0.5 downwards, and null in between: those people saw
  the sentence as neutral, so there is no right answer. Neutral sentences stay among the records, as they would in a
  project without ratings; a person who is asked about one may skip it.
- Of equal texts (ignoring case and white space) only the first is kept.
- The texts contain HTML entities, some escaped twice ("&amp;", "&amp;#38;"); both become the "&" that people read.
- The two files list the sentences in different orders. They are joined by id, and the means must agree.
- Splits keep the sentences of one review together, so that test reviews are unseen: `test` is at least 1,000 sentences,
  `dev` exactly 500 for writing labeling functions (what is left of its last review goes to `train`), `train` the rest.
- `rater` is only the position in a sentence's list. The source is anonymous: rater 3 of one sentence and rater 3 of
  another need not be the same person.
"""

from __future__ import annotations

import hashlib
import html
import io
import json
import math
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements-demo.txt"
CACHE = ROOT / ".cache" / "demo"
ARCHIVE = "vaderSentiment-3.3.2.tar.gz"
OUTER_MEMBER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
TEXTS_MEMBER = "hutto_ICWSM_2014/amazonReviewSnippets_GroundTruth.txt"
RATINGS_MEMBER = "hutto_ICWSM_2014/amazonReviewSnippets_anonDataRatings.txt"
RECORDS = ROOT / "data" / "reviews.parquet"
RATINGS = ROOT / "data" / "reviews_ratings.parquet"

MEMBER_LIMIT = 20_000_000  # bytes; the largest member we read has 2.4 million
NEUTRAL_BELOW = 0.5
DEV, TEST = 500, 1000
SEED = 2014
STAMP = b"labelkit.demo"


class SourceError(Exception):
    """The source is not what this script was written for; it stops rather than guess."""


@dataclass(frozen=True)
class Sentence:
    """One rated sentence."""

    id: str  # "<review>_<number of the sentence in the review>"
    text: str
    rating: float  # mean of `ratings`
    ratings: tuple[int, ...]  # -4 to 4, one per person

    @property
    def gold(self) -> str | None:
        """The class that people see in it, or None where they see neither."""
        if abs(self.rating) < NEUTRAL_BELOW:
            return None
        return "positive" if self.rating > 0 else "negative"

    @property
    def review(self) -> str:
        """The review that the sentence is part of."""
        return self.id.partition("_")[0]


def main() -> None:
    """Make the two Parquet files, unless they are there and were made by this very script from this very archive."""
    recipe = hashlib.sha256(Path(__file__).read_bytes() + REQUIREMENTS.read_bytes()).hexdigest().encode()
    if all(stamp_of(path) == recipe for path in (RECORDS, RATINGS)):
        print(f"{RECORDS.relative_to(ROOT)} is up to date")
        return
    resources = member(fetch(), OUTER_MEMBER)
    rated = sentences(member(resources, TEXTS_MEMBER), member(resources, RATINGS_MEMBER))
    kept = distinct(rated)
    write(ratings_table(kept), RATINGS, recipe)
    write(records_table(kept), RECORDS, recipe)
    neutral = sum(sentence.gold is None for sentence in kept)
    print(
        f"{RECORDS.relative_to(ROOT)}: {len(kept):,} sentences ({neutral:,} neutral, gold null); "
        f"{len(rated) - len(kept)} repeated texts left out"
    )


def fetch() -> bytes:
    """The archive's bytes, from the cache or through pip; its hash is checked in both cases.

    pip compares the hash in requirements-demo.txt before it opens the archive. After that it runs the archive's
    setup.py to learn its name and version; by then the file is the one that was pinned. --no-build-isolation keeps pip
    from downloading a build tool without a hash for that, and --no-deps from downloading anything else. Nothing is
    installed.
    """
    cached = CACHE / ARCHIVE
    if not (cached.is_file() and hashlib.sha256(cached.read_bytes()).hexdigest() in REQUIREMENTS.read_text()):
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
            flags = ["--require-hashes", "--no-deps", "--no-binary", ":all:", "--no-build-isolation"]
            subprocess.run([*pip, *flags, "--dest", folder, "--requirement", str(REQUIREMENTS)], check=True)
            Path(folder, ARCHIVE).replace(cached)
    return cached.read_bytes()


def member(archive: bytes, name: str) -> bytes:
    """The content of one named regular file of a gzipped tar archive, read in memory; nothing is unpacked to disk."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            found = [info for info in tar.getmembers() if info.name == name]
            if len(found) != 1 or not found[0].isreg() or found[0].size > MEMBER_LIMIT:
                raise SourceError(f"{name}: not exactly one regular file of at most {MEMBER_LIMIT:,} bytes")
            content = tar.extractfile(found[0])
            assert content is not None  # a regular file has content
            return content.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise SourceError(f"{name}: the archive around it cannot be read: {error}") from error


def sentences(texts: bytes, ratings: bytes) -> list[Sentence]:
    """Join the two files by id, in the order of the texts. Raises SourceError for anything that does not fit."""
    rated = {row[0]: row for row in rows(ratings, columns=4)}
    told = {row[0]: row for row in rows(texts, columns=3)}
    if rated.keys() != told.keys():
        raise SourceError(f"ids of one file only: {sorted(rated.keys() ^ told.keys())[:5]}")
    return [sentence(*row, rated[row[0]][3]) for row in told.values()]


def rows(content: bytes, columns: int) -> Iterator[list[str]]:
    """The tab-separated rows of a file with CRLF line ends and, in one of the two, a byte order mark."""
    try:
        lines = content.decode("utf-8-sig").split("\r\n")
    except UnicodeDecodeError as error:
        raise SourceError(f"byte {error.start:,} is not UTF-8") from error
    seen: set[str] = set()
    for number, line in enumerate(lines, start=1):
        if not line and number == len(lines):
            return
        row = line.split("\t")
        if len(row) != columns or not row[0] or row[0] in seen:
            raise SourceError(f"line {number}: not {columns} columns with a new id: {line[:80]!r}")
        seen.add(row[0])
        yield row


def sentence(key: str, mean: str, text: str, listed: str) -> Sentence:
    """One sentence from its cells: the stated mean must be that of the listed ratings."""
    try:
        ratings = tuple(json.loads(listed))
        stated = float(mean)
    except (ValueError, TypeError) as error:
        raise SourceError(f"{key}: no ratings in {listed[:80]!r}, {mean[:80]!r}") from error
    if not ratings or not all(type(rating) is int and -4 <= rating <= 4 for rating in ratings):
        raise SourceError(f"{key}: ratings must be whole numbers from -4 to 4, not {listed[:80]!r}")
    rating = sum(ratings) / len(ratings)
    if not math.isclose(rating, stated, abs_tol=1e-6):
        raise SourceError(f"{key}: the stated mean is {stated}, that of the ratings {rating}")
    clear = html.unescape(html.unescape(text)).strip()
    if not clear or not clear.isprintable():
        raise SourceError(f"{key}: no printable text: {text[:80]!r}")
    return Sentence(key, clear, rating, ratings)


def distinct(rated: Iterable[Sentence]) -> list[Sentence]:
    """The first sentence of each text, ignoring case and white space."""
    first: dict[str, Sentence] = {}
    for one in rated:
        first.setdefault(" ".join(one.text.casefold().split()), one)
    return list(first.values())


def splits(kept: list[Sentence]) -> list[str]:
    """Name the split of each sentence; reviews are drawn in an order that only SEED and their ids decide."""
    by_review: dict[str, list[int]] = {}
    for i, one in enumerate(kept):
        by_review.setdefault(one.review, []).append(i)
    drawn = sorted(by_review, key=lambda review: hashlib.sha256(f"{SEED}/{review}".encode()).digest())
    test: list[int] = []
    while len(test) < TEST and drawn:
        test += by_review[drawn.pop()]
    dev = [i for review in drawn for i in by_review[review]][:DEV]
    split = ["train"] * len(kept)
    for name, members in (("test", test), ("dev", dev)):
        for i in members:
            split[i] = name
    return split


def records_table(kept: list[Sentence]) -> pa.Table:
    """The records: one row per sentence, in the order of the source."""
    return pa.table(
        {
            "id": pa.array([one.id for one in kept], pa.string()),
            "text": pa.array([one.text for one in kept], pa.string()),
            "rating": pa.array([one.rating for one in kept], pa.float64()),
            "gold": pa.array([one.gold for one in kept], pa.string()),
            "split": pa.array(splits(kept), pa.string()),
        }
    )


def ratings_table(kept: list[Sentence]) -> pa.Table:
    """Every single rating of the records."""
    single = [(one.id, rater, rating) for one in kept for rater, rating in enumerate(one.ratings)]
    ids, raters, ratings = zip(*single, strict=True)
    return pa.table(
        {"id": pa.array(ids), "rater": pa.array(raters, pa.int16()), "rating": pa.array(ratings, pa.int8())}
    )


def write(table: pa.Table, path: Path, recipe: bytes) -> None:
    """Write a Parquet file that remembers what made it; a reader never sees half of it."""
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    pq.write_table(table.replace_schema_metadata({STAMP: recipe}), unfinished, compression="zstd")
    unfinished.replace(path)


def stamp_of(path: Path) -> bytes | None:
    """What made the file, or None where there is no such file."""
    try:
        return (pq.read_schema(path).metadata or {}).get(STAMP)
    except (OSError, pa.ArrowException):
        return None


if __name__ == "__main__":
    try:
        main()
    except SourceError as error:
        sys.exit(f"demo_data.py: {error}")
    except subprocess.CalledProcessError:
        sys.exit("demo_data.py: pip could not fetch the archive; its message is above. Nothing was changed.")
