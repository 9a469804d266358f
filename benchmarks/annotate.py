"""Several people annotate one store at once: what is lost, what is doubled, and how long anybody waits.

    python benchmarks/annotate.py [--annotators 16] [--records 500] [--think 0.5] [--pool 1000000]

Every annotator is a process of its own that takes records from the shared queue, thinks, and answers, until it has
answered --records of them. A second round without thinking reports the throughput. Then the first records of a queue of
--pool records are claimed. SQLite is measured on the disk of --folder; PostgreSQL is a server of its own there, or the
one at --url (an empty database). The command exits with 1 when a target is missed:
0 lost, 0 handed out twice, 0 errors, p99 of next-record and of answer under 100 ms, longest wait under 2 s.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from labelkit.active import QueueItem, in_order
from labelkit.active.handout import HandOut
from labelkit.annotations import AnnotationStore
from labelkit.annotations.durability import durability_for


@dataclass
class Work:
    """What one annotator did."""

    next_seconds: list[float] = field(default_factory=list)
    answer_seconds: list[float] = field(default_factory=list)
    given: list[str] = field(default_factory=list)  # ids of records handed out
    acknowledged: list[str] = field(default_factory=list)  # operations
    errors: list[str] = field(default_factory=list)


def items(n: int) -> Iterator[QueueItem]:
    for i in range(n):
        yield QueueItem(f"record-{i}", "margin", 0.0, "", None, {})


def annotate(say: Any, start: Any, url: str, who: int, people: int, records: int, think: float) -> None:
    """Be one annotator."""
    chance, work, store = random.Random(who), Work(), AnnotationStore.open(url)
    hand = HandOut(items(people * (records + 3)), store.leases, f"person-{who}")
    start.wait()  # nobody is timed while others still load their libraries
    time.sleep(chance.random() * think)
    while len(work.acknowledged) < records and len(work.errors) < 20:
        try:
            began = time.perf_counter()
            item = next(hand)
            work.next_seconds.append(time.perf_counter() - began)
            work.given.append(item.record)
            time.sleep(think * chance.uniform(0.5, 1.5))
            operation = f"{who}-{len(work.given)}"
            began = time.perf_counter()
            store.add(item.record, "spam", f"person-{who}", "margin", operation)
            work.answer_seconds.append(time.perf_counter() - began)
            work.acknowledged.append(operation)
        except Exception as error:  # noqa: BLE001  counted and shown
            work.errors.append(f"{type(error).__name__}: {error}")
    hand.release()
    say.send(work)


def round_of(url: str, people: int, records: int, think: float) -> tuple[list[Work], float]:
    """Let all of them work at once; what they did and how long it took."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(people + 1)
    ears, processes = [], []
    for who in range(people):
        ear, mouth = context.Pipe(duplex=False)
        processes.append(context.Process(target=annotate, args=(mouth, start, url, who, people, records, think)))
        ears.append(ear)
    for process in processes:
        process.start()
    start.wait()
    began = time.perf_counter()
    works = [ear.recv() for ear in ears]
    seconds = time.perf_counter() - began
    for process in processes:
        process.join()
    return works, seconds


def report(name: str, url: str, works: list[Work], seconds: float, *, timed: bool) -> bool:
    """Print the figures; whether the targets are met."""
    history = AnnotationStore.open(url).history()
    acknowledged = [operation for work in works for operation in work.acknowledged]
    lost = len(set(acknowledged) - {entry.operation for entry in history})
    given = Counter(record for work in works for record in work.given)
    twice = sum(count > 1 for count in given.values())
    errors = [error for work in works for error in work.errors]
    nexts = np.array([second for work in works for second in work.next_seconds]) * 1000
    answers = np.array([second for work in works for second in work.answer_seconds]) * 1000
    print(f"{name}: {len(acknowledged):,} answers in {seconds:.1f} s, {len(acknowledged) / seconds:.0f} a second")
    print(f"    lost {lost}, handed out twice {twice}, errors {len(errors)} {errors[:1] or ''}")
    for what, values in (("next record", nexts), ("answer", answers)):
        p50, p99 = np.quantile(values, [0.5, 0.99])
        print(f"    {what:12} p50 {p50:7.1f} ms   p99 {p99:7.1f} ms   longest {values.max():7.1f} ms")
    sound = lost == twice == len(errors) == 0
    if not timed:
        return sound
    quick = max(np.quantile(nexts, 0.99), np.quantile(answers, 0.99)) < 100
    return bool(sound and quick and max(nexts.max(), answers.max()) < 2000)


def large_pool(name: str, url: str, n: int) -> bool:
    """Claim the first records of a queue of n, ranked by the strategy "mixed"."""
    import pyarrow as pa

    from labelkit.label_models import MajorityLabelModel
    from labelkit.matrix import LabelMatrix

    classes = ("ham", "spam")
    rng = np.random.default_rng(0)
    cells = np.where(rng.random((n, 15)) < 0.2, rng.integers(0, 2, (n, 15)), -1).astype(np.int8)
    votes = LabelMatrix(cells, pa.array([f"r{i}" for i in range(n)]), tuple(f"f{j}" for j in range(15)), classes)
    posterior = MajorityLabelModel(classes).predict_proba(votes)
    store = AnnotationStore.open(url)
    began = time.perf_counter()
    hand = HandOut(in_order(posterior, votes, strategy="mixed"), store.leases, "person-large")
    ranked = time.perf_counter() - began
    times = []
    for _ in range(300):
        began = time.perf_counter()
        next(hand)
        times.append((time.perf_counter() - began) * 1000)
    hand.release()
    p99 = float(np.quantile(times, 0.99))
    print(f"{name}: pool of {n:,}: ranked in {ranked:.2f} s, then next record p99 {p99:.1f} ms")
    return p99 < 100


@contextlib.contextmanager
def postgres(url: str | None, folder: str | None) -> Iterator[list[str]]:
    """URLs of three empty places."""
    if url:
        yield [url] * 3
        return
    from postgres_cluster import cluster

    with cluster(folder or tempfile.gettempdir()) as server:
        yield [server.create(name) for name in ("thinking", "hurried", "large")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--annotators", type=int, default=16)
    parser.add_argument("--records", type=int, default=500, help="records that each annotator answers")
    parser.add_argument("--think", type=float, default=0.5, help="mean seconds between seeing and answering")
    parser.add_argument("--pool", type=int, default=1_000_000, help="records of the large queue")
    parser.add_argument("--stores", default="sqlite,postgres")
    parser.add_argument(
        "--folder", default=None, help="where the SQLite files are made (default: the temporary folder)"
    )
    parser.add_argument("--url", default=None, help="an empty PostgreSQL database to measure instead of a new server")
    chosen = parser.parse_args()
    met = True
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=chosen.folder))
        places = {}
        if "sqlite" in chosen.stores:
            mode = durability_for(sqlite3.sqlite_version_info)
            name = f"SQLite {sqlite3.sqlite_version}, {mode.journal_mode} + {mode.synchronous}"
            places[name] = [f"sqlite:///{folder}/{kind}.db" for kind in ("thinking", "hurried", "large")]
        if "postgres" in chosen.stores:
            places["PostgreSQL"] = stack.enter_context(postgres(chosen.url, chosen.folder))
        for name, (thinking, hurried, large) in places.items():
            AnnotationStore.open(thinking)
            AnnotationStore.open(hurried)
            works, seconds = round_of(thinking, chosen.annotators, chosen.records, chosen.think)
            met &= report(
                f"{name}, {chosen.annotators} people thinking {chosen.think:g} s", thinking, works, seconds, timed=True
            )
            works, seconds = round_of(hurried, chosen.annotators, max(chosen.records // 5, 10), 0.0)
            met &= report(f"{name}, {chosen.annotators} people without thinking", hurried, works, seconds, timed=False)
            met &= large_pool(name, large, chosen.pool)
    print("all targets met" if met else "a target was missed")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
