"""Casting votes, side by side with Snorkel: the same functions on the same comments, votes compared cell by cell.

    python benchmarks/apply.py [--rows 1000000] [--rival-rows 100000] [--large 10000000] [--parts rows,rules,...]

Every part runs rival and labelkit in the same process mix on the same machine and prints a ratio; times are wall clock,
CPU seconds stand beside them because they suffer less from neighbours. Rivals are too slow to be run on everything:
Snorkel casts on `--rival-rows` of the same comments, and its time per record is what is compared.

rows      15 Python functions, unmodified: PandasLFApplier against labelkit with 1 and 2 workers; DaskLFApplier beside
rules     the same 15 as rules, casting only, 1 worker
hundred   100 rules (75 keyword rules of three words, 13 patterns, 12 thresholds), casting only, 1 worker
process   whole processes: `labelkit apply` (empty cache, fsync, all checks) against a script with pandas and Snorkel
large     records streamed by 2 workers, votes to labels written, against reading the Parquet columns; memory
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import comment_functions as functions
import comments
import labelkit as lk
from labelkit.labeling import VoteCaster
from labelkit.labeling.functions import checked_functions

HERE = Path(__file__).resolve().parent
PARTS = ("rows", "rules", "hundred", "process", "large")
COLUMNS = ["id", *functions.FIELDS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rival-rows", type=int, default=100_000)
    parser.add_argument("--large", type=int, default=10_000_000)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--folder", type=Path, help="where the comments are kept (default: a temporary folder)")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="labelkit-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    wanted = arguments.parts.split(",")
    data = made(folder, arguments.rows)
    print(f"{arguments.rows:,} comments; {described(data)}")
    rival = None
    if {"rows", "rules"} & set(wanted):
        rival = pandas_applier(data, functions.ROWS, arguments.rival_rows)
    if "rows" in wanted and rival is not None:
        rows(data, rival, arguments.rival_rows)
    if "rules" in wanted and rival is not None:
        casting("15 rules", data, functions.rules(), rival)
    if "hundred" in wanted:
        hundred(data, max(1000, arguments.rival_rows // 10))
    if "process" in wanted:
        process(folder, data, arguments.rows)
    if "large" in wanted:
        large(folder, arguments.large)
    if arguments.folder is None:
        shutil.rmtree(folder)


def made(folder: Path, rows: int) -> Path:
    path = folder / f"comments-{rows}.parquet"
    if not path.exists():
        comments.write(rows, path)
    return path


def described(data: Path) -> str:
    import pyarrow.compute as pc

    text = pq.read_table(data, columns=["text"]).column("text")
    ascii_share = pc.mean(pc.string_is_ascii(text).cast(pa.int8())).as_py()
    length = pc.mean(pc.utf8_length(text)).as_py()
    return (
        f"{length:.0f} characters each, {1 - ascii_share:.0%} not ASCII, {len(text.unique()) / len(text):.0%} distinct"
    )


class Timed:
    """Wall and CPU seconds per record of the best of a few rounds."""

    def __init__(self, run, rows: int, rounds: int = 1) -> None:
        self.wall = self.cpu = float("inf")
        for _ in range(rounds):
            wall, cpu = time.perf_counter(), cpu_seconds()
            self.result = run()
            self.wall = min(self.wall, (time.perf_counter() - wall) / rows)
            self.cpu = min(self.cpu, (cpu_seconds() - cpu) / rows)

    def line(self, name: str, rival: "Timed | None" = None) -> str:
        ratio = "" if rival is None else f"{rival.wall / self.wall:>9.1f}x{rival.cpu / self.cpu:>9.1f}x"
        return f"  {name:44}{self.wall * 1e6:>9.3f}{self.cpu * 1e6:>9.3f}{ratio}"


HEADER = f"  {'':44}{'us wall':>9}{'us cpu':>9}{'wall':>10}{'cpu':>10}"


def cpu_seconds() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def pandas_applier(data: Path, given: list, rows: int) -> Timed:
    from snorkel.labeling import PandasLFApplier, labeling_function

    frame = pq.read_table(data, columns=COLUMNS).slice(0, rows).to_pandas()
    lfs = [labeling_function()(function) for function in given]
    return Timed(lambda: PandasLFApplier(lfs).apply(frame, progress_bar=False), rows)


def rows(data: Path, rival: Timed, rival_rows: int) -> None:
    print(f"\nrow functions, unmodified\n{HEADER}\n{rival.line('Snorkel PandasLFApplier')}")
    dask(data, rival, rival_rows)
    count = pq.read_metadata(data).num_rows
    for workers in (1, 2):

        def run(workers: int = workers):
            records = lk.read(data, columns=list(functions.FIELDS))
            return lk.apply_lfs(functions.row_functions(), records, classes=functions.CLASSES, workers=workers)

        timed = Timed(run, count, rounds=2)
        same = np.array_equal(timed.result.votes[:rival_rows], rival.result)
        print(
            timed.line(f"labelkit, {workers} worker(s), reading included", rival), "identical" if same else "DIFFERENT"
        )


def dask(data: Path, rival: Timed, rows: int) -> None:
    try:
        import dask.dataframe as dd
        from snorkel.labeling.apply.dask import DaskLFApplier
    except ImportError:
        print("  Snorkel DaskLFApplier: dask is not installed")
        return
    frame = dd.from_pandas(pq.read_table(data, columns=COLUMNS).slice(0, rows).to_pandas(), npartitions=2)
    applier = DaskLFApplier(functions.snorkel_functions())
    # fault_tolerant: dask first runs every function on a made-up row of missing values.
    timed = Timed(lambda: applier.apply(frame, scheduler="processes", fault_tolerant=True), rows)
    print(timed.line("Snorkel DaskLFApplier, 2 processes", rival))


def casting(name: str, data: Path, given: list, rival: Timed, classes=functions.CLASSES) -> None:
    table = pq.read_table(data, columns=COLUMNS)
    chunks = table.to_batches(max_chunksize=65_536)
    caster = VoteCaster(checked_functions(given), classes)
    names = list(functions.FIELDS)

    def run():
        return np.concatenate([caster.cast(chunk.column(0), chunk.select(names))[0] for chunk in chunks])

    timed = Timed(run, table.num_rows, rounds=3)
    same = np.array_equal(timed.result[: len(rival.result)], rival.result)
    print(f"\n{name}, casting only\n{HEADER}\n{rival.line('Snorkel PandasLFApplier, as functions')}")
    print(timed.line("labelkit, 1 worker", rival), "identical" if same else "DIFFERENT")


def hundred(data: Path, rival_rows: int) -> None:
    given, lfs = hundred_rules(), hundred_functions()
    rival = pandas_applier(data, lfs, rival_rows)
    casting("100 rules", data, given, rival)


def vocabulary() -> list[str]:
    import collections

    texts = pq.read_table(comments.CORPUS).column("text").to_pylist()
    counts = collections.Counter(
        word for text in texts for word in text.lower().split() if word.isalpha() and len(word) > 2
    )
    return [word for word, _ in counts.most_common(425)][200:]


PATTERNS = (
    r"\d+ (?:dollars|bucks)", r"https?://\S+", r"w+\.[a-z]+\.example",
    r"check.{0,20}out", r"(?:so|very) good", r"[A-Z]{5,}",
    r"!!+", r"\bsub\w*", r"my (?:new )?(?:song|video|page)", r"\$ ?\d+", r"gr(?:e|ö)(?:a|ß)", r"^i ", r"\.$",
)  # fmt: skip


def hundred_rules() -> list:
    words, r = vocabulary(), lk.rules
    made = [r.keywords(f"k{i}", words[3 * i : 3 * i + 3], field="text", label=i % 2) for i in range(75)]
    made += [r.pattern(f"p{i}", pattern, field="text", label=i % 2) for i, pattern in enumerate(PATTERNS)]
    made += [
        r.threshold(f"t{i}", field=("likes", "stars", "polarity")[i % 3], above=i / 4, label=i % 2) for i in range(12)
    ]
    return made


def hundred_functions() -> list:
    import re

    def finds(name: str, expression: str, flags: int, label: int):
        search = re.compile(expression, flags).search

        def function(x):
            return label if search(x.text) else -1

        function.__name__ = name
        return function

    def above(name: str, field: str, limit: float, label: int):
        def function(x):
            return label if x[field] > limit else -1

        function.__name__ = name
        return function

    words = vocabulary()
    made = [
        finds(f"k{i}", rf"(?<!\w)(?:{'|'.join(words[3 * i : 3 * i + 3])})(?!\w)", re.IGNORECASE, i % 2)
        for i in range(75)
    ]
    made += [finds(f"p{i}", pattern, 0, i % 2) for i, pattern in enumerate(PATTERNS)]
    made += [above(f"t{i}", ("likes", "stars", "polarity")[i % 3], i / 4, i % 2) for i in range(12)]
    return made


SCRIPT = """
import sys
sys.path.insert(0, {here!r})
import comment_functions as functions
import pandas as pd
from snorkel.labeling import PandasLFApplier
from snorkel.labeling.model import LabelModel

frame = pd.read_parquet({data!r}, columns={columns!r})
L = PandasLFApplier(functions.snorkel_functions()).apply(frame, progress_bar=False)
model = LabelModel(cardinality=2, verbose=False)
model.fit(L, seed=1, progress_bar=False)
probs = model.predict_proba(L)
labels = pd.DataFrame({{"id": frame["id"], "label": probs.argmax(axis=1), "p_ham": probs[:, 0], "p_spam": probs[:, 1]}})
labels.to_parquet({out!r})
"""

TOML = """
[project]
name = "benchmark"
classes = ["ham", "spam"]
[data]
path = {data!r}
fields = {fields!r}
[model]
seed = 1
"""


def make_project(root: Path, data: Path) -> None:
    (root / "labeling_functions").mkdir(parents=True, exist_ok=True)
    (root / "labelkit.toml").write_text(TOML.format(data=str(data), fields=list(functions.FIELDS)).replace("'", '"'))
    source = (HERE / "comment_functions.py").read_text()
    (root / "labeling_functions" / "_comment_functions.py").write_text(source)
    (root / "labeling_functions" / "all.py").write_text(
        "from _comment_functions import rules\n\nfor _rule in rules():\n    globals()[_rule.name] = _rule\n"
    )


def run_process(command: list[str], cwd: Path, *, memory: bool = False) -> tuple[float, float, int]:
    """Wall seconds, CPU seconds and, where asked for, the peak memory in MiB of a process and its children together.

    Asking for a process's memory holds it up, so that times are taken in runs that nobody asks.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start, peak = time.perf_counter(), 0
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        while memory and running.poll() is None:
            peak = max(peak, tree_memory(running.pid))
            time.sleep(0.02)
        running.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if running.returncode:
        sys.exit(f"{command} ended with {running.returncode}")
    return time.perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak


def tree_memory(pid: int) -> int:
    """Proportional set size in MiB of a process and those below it."""
    total = 0
    for each in [pid, *descendants(pid)]:
        try:
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total // 1024


def descendants(pid: int) -> list[int]:
    try:
        children = [
            int(each)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for each in (task / "children").read_text().split()
        ]
    except OSError:
        return []
    return [grand for child in children for grand in (child, *descendants(child))]


def labelkit_apply(root: Path, workers: int, rounds: int = 3) -> tuple[float, float, int]:
    """The fastest of some rounds, and the peak memory of one more."""
    command = [sys.executable, "-m", "labelkit", "apply", "--workers", str(workers)]
    found = []
    for round_ in range(rounds + 1):
        shutil.rmtree(root / ".labelkit", ignore_errors=True)
        (root / "labels.parquet").unlink(missing_ok=True)
        found.append(run_process(command, root, memory=round_ == rounds))
    wall, cpu, _ = min(found[:-1])
    return wall, cpu, found[-1][2]


def process(folder: Path, data: Path, rows: int) -> None:
    root = folder / "project"
    make_project(root, data)
    out = folder / "snorkel.parquet"
    script = folder / "snorkel_script.py"
    script.write_text(SCRIPT.format(here=str(HERE), data=str(data), columns=COLUMNS, out=str(out)))
    print(f"\nwhole processes, {rows:,} records, 15 functions against 15 rules (seconds, MiB of all processes)")
    rival = run_process([sys.executable, str(script)], folder)
    print(f"  {'pandas + Snorkel script':44}{rival[0]:>9.2f}{rival[1]:>9.2f}")
    for workers in (1, 2):
        ours = labelkit_apply(root, workers)
        ratio = f"{rival[0] / ours[0]:>9.1f}x wall{rival[1] / ours[1]:>9.1f}x cpu"
        print(f"  {f'labelkit apply --workers {workers}':44}{ours[0]:>9.2f}{ours[1]:>9.2f}{ours[2]:>8,} MiB{ratio}")
    theirs, labels = pq.read_table(out), pq.read_table(root / "labels.parquet")
    gap = np.nanmax(np.abs(theirs["p_spam"].to_numpy() - labels["p_spam"].to_numpy()))
    print(f"  largest difference of a probability on records with votes: {gap:.1e}")


def large(folder: Path, rows: int) -> None:
    print(f"\nstreamed with 2 workers, votes to labels written ({rows:,} records beside a tenth of them)")
    for count in (rows // 10, rows):
        data = made(folder, count)
        root = folder / f"large-{count}"
        make_project(root, data)
        scan = "import sys, pyarrow.parquet as pq; pq.read_table(sys.argv[1], columns=sys.argv[2:])"
        reading = min(run_process([sys.executable, "-c", scan, str(data), *COLUMNS], folder) for _ in range(3))
        ours = labelkit_apply(root, 2, rounds=2)
        bare = ours[2] - 16 * count / 2**20
        print(
            f"  {count:>12,}: apply {ours[0]:.1f} s ({count / ours[0] / 1e6:.2f} M records/s), reading the columns "
            f"{reading[0]:.2f} s: {reading[0] / ours[0]:.1%}; {ours[2]:,} MiB, {bare:,.0f} beyond 16 bytes a record"
        )
        shutil.rmtree(root)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    print(json.dumps({"cpus": os.cpu_count(), "python": sys.version.split()[0]}))
    main()
