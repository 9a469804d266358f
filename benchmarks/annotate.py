"""Several people annotate one store at once: what is lost, what is doubled, and how long anybody waits.

    python benchmarks/annotate.py [--annotators 16] [--records 500] [--think 0.5] [--pool 1000000]

Every annotator is a process of its own that takes records from the shared queue, thinks, and answers, until it has
answered --records of them. A second round without thinking reports the throughput. Then the first records of a queue of
--pool records are claimed. SQLite is measured on the disk of --folder; PostgreSQL is a server of its own there, or the
one at --url (an empty database). Ranked batches are compared with modAL's, which must pick the same records. At last
one person answers in a whole project of --pool records while a process beside retrains and ranks all of them anew.

The command exits with 1 when a target is missed:
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


WORDS = np.array(
    "song voice guitar lyrics album subscribe win free click cash visit this really so my the now".split()  # noqa: SIM905
)

FUNCTIONS = """
import labelkit as lk

music = lk.rules.keywords("music", ["guitar", "lyrics", "album"], field="text", label="ham")
voice = lk.rules.keywords("voice", ["song", "voice"], field="text", label="ham")
money = lk.rules.keywords("money", ["win", "free", "cash"], field="text", label="spam")
begs = lk.rules.keywords("begs", ["subscribe", "click"], field="text", label="spam")
"""


def make_project(root: Path, n: int) -> None:
    """A project of n short texts."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    rare = np.char.add("w", rng.integers(0, 30_000, (n, 3)).astype("U6"))
    texts = [" ".join(line) for line in np.hstack([WORDS[rng.integers(0, len(WORDS), (n, 5))], rare]).tolist()]
    pq.write_table(pa.table({"id": [f"r{i}" for i in range(n)], "text": texts}), root / "records.parquet")
    (root / "labeling_functions").mkdir()
    (root / "labeling_functions" / "rules.py").write_text(FUNCTIONS)
    (root / "labelkit.toml").write_text(
        '[project]\nname = "large"\nclasses = ["ham", "spam"]\n'
        '[data]\npath = "records.parquet"\nid = "id"\nfields = ["text"]\n[model]\nname = "majority"\n'
    )


def retraining(folder: str, n: int, rankings: int = 4, think: float = 0.2) -> bool:
    """Answer in a project of n records until the process beside has ranked them anew several times."""
    import labelkit as lk
    from labelkit.pipeline.sessions import Sessions

    root = Path(tempfile.mkdtemp(dir=folder))
    make_project(root, n)
    project = lk.Project(root)
    project.apply()
    nexts, answers, seen = [], [], set()
    began = time.perf_counter()
    with Sessions(project.folder) as sessions, sessions.open("person-large", budget=100_000) as session:
        opened = time.perf_counter() - began
        first = 0.0
        while len(seen) < rankings and time.perf_counter() - began < 1_800:
            start = time.perf_counter()
            question = session.next()
            asked = time.perf_counter()
            nexts.append((asked - start) * 1000)
            time.sleep(think)
            start = time.perf_counter()
            session.answer(question.record, "spam", f"operation-{len(answers)}")
            answers.append((time.perf_counter() - start) * 1000)
            if sessions.learned is not None:
                if sessions.learned.failure:
                    sys.exit(f"no learner: {sessions.learned.failure}")
                first = first or time.perf_counter() - began
                seen.add(sessions.learned.answers)
    p50, p99 = np.quantile(nexts, [0.5, 0.99])
    print(f"retraining beside {n:,} records: {len(answers):,} answers, opened in {opened:.1f} s")
    print(f"    learner there after {first:.0f} s; rankings after {', '.join(map(str, sorted(seen)))} answers")
    print(f"    next record  p50 {p50:7.1f} ms   p99 {p99:7.1f} ms   longest {max(nexts):7.1f} ms")
    print(f"    answer       p99 {np.quantile(answers, 0.99):7.1f} ms   longest {max(answers):7.1f} ms")
    return bool(p99 < 100 and len(seen) == rankings)


def ranked_batches(sizes: list[int]) -> bool:
    """Ranked batches of 20 beside modAL's, by processor time: the picks must be the same."""
    import warnings

    import scipy.sparse as sp
    from modAL.batch import ranked_batch as modal_ranked_batch
    from sklearn.preprocessing import normalize

    from labelkit.active.batches import ranked_batch

    class Learner:
        on_transformed = False
        X_training: Any = None

    met = True
    for n in sizes:
        rng = np.random.default_rng(0)
        columns, rows = rng.zipf(1.3, n * 12) % 20_000, np.repeat(np.arange(n), 12)
        features = normalize(sp.csr_matrix((rng.random(n * 12) + 0.1, (rows, columns)), shape=(n, 20_000))).tocsr()
        uncertainty, Learner.X_training = rng.random(n) * 0.5, features[:50]
        began = time.process_time()
        ours, _ = ranked_batch(features, uncertainty, features[:50], 20)
        middle = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs, _ = modal_ranked_batch(Learner(), features, uncertainty, 20, "euclidean", None)
        ended = time.process_time()
        same = ours.tolist() == theirs.tolist()
        ratio = (ended - middle) / (middle - began)
        print(
            f"ranked batch of 20 from {n:,}: {middle - began:.2f} s, modAL {ended - middle:.2f} s, {ratio:.1f} times; "
            f"{'the same picks' if same else 'OTHER PICKS'}"
        )
        met &= same
    return met


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
    parser.add_argument("--parts", default="stores,batches,retraining", help="what to measure")
    parser.add_argument("--stores", default="sqlite,postgres")
    parser.add_argument(
        "--folder", default=None, help="where the SQLite files are made (default: the temporary folder)"
    )
    parser.add_argument("--url", default=None, help="an empty PostgreSQL database to measure instead of a new server")
    chosen = parser.parse_args()
    met = True
    if "batches" in chosen.parts:
        met &= ranked_batches([20_000, 200_000, chosen.pool])
    if "retraining" in chosen.parts:
        with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
            met &= retraining(folder, chosen.pool)
    if "stores" in chosen.parts:
        met &= stores(chosen)
    print("all targets met" if met else "a target was missed")
    sys.exit(0 if met else 1)


def stores(chosen: argparse.Namespace) -> bool:
    """Several people at each store, and the first records of a large queue."""
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
    return met


if __name__ == "__main__":
    main()
