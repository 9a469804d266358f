"""Growth: time and memory of `labelkit apply` as records become ten times as many, on one machine and on Spark.

    python benchmarks/scale.py [--sizes 1e5,1e6,1e7] [--engines local,spark] [--parts grow,rival] [--functions rules]

grow     whole processes, start-up to labels on disk, for each size and engine: wall and CPU seconds, and the peak of
         memory of everything that runs, of the driver (the labelkit process), of Spark's JVMs, of Python workers
rival    casting votes on the same Spark: Snorkel's SparkLFApplier against labelkit, the same Python functions, the same
         Parquet, master, memory and partitions, each in a process of its own; start of the session left out; votes are
         compared cell by cell. Then labelkit with the same functions as rules.

Memory is the proportional set size of a process and all below it, looked at twice a second; CPU is that of all of
them. With --standalone Spark is a cluster of its own on this machine, so that the driver's JVM and the executors are
different processes, as they are elsewhere. 1e8 records are measured when --sizes names them: 4 GB of data, which
two busy processors make in ten minutes, and 2.2 GB of votes and labels, in four locally and in eleven on Spark.
--folder keeps the data for the next time.
"""

import argparse
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import comments
from apply import COLUMNS, HERE, descendants, make_project

LOOK = 0.5  # seconds between two looks at the memory
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1e5,1e6,1e7")
    parser.add_argument("--engines", default="local,spark")
    parser.add_argument("--parts", default="grow,rival")
    parser.add_argument("--functions", choices=("rules", "rows"), default="rules", help="of the part grow")
    parser.add_argument("--workers", type=int, default=2, help="processes of the local engine, and threads of Spark")
    parser.add_argument("--master", help="where Spark runs  (default: local[workers])")
    parser.add_argument("--memory", default="2g", help="of Spark's driver, on one machine the executor, too")
    parser.add_argument("--standalone", action="store_true", help="in grow: executors are processes apart")
    parser.add_argument("--rival-rows", type=float, default=1e6)
    parser.add_argument("--rounds", type=int, default=1, help="the fastest counts")
    parser.add_argument("--folder", type=Path, help="where the comments are kept  (default: a temporary folder)")
    chosen = parser.parse_args()
    chosen.master = chosen.master or f"local[{chosen.workers}]"
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="labelkit-scale-"))
    print(json.dumps({"cpus": os.cpu_count(), "load": os.getloadavg()[0], "master": chosen.master}))
    try:
        if "grow" in chosen.parts:
            sizes = [int(float(size)) for size in chosen.sizes.split(",")]
            for engine in chosen.engines.split(","):
                with contextlib.ExitStack() as stack:
                    where = Where(chosen.master)
                    if chosen.standalone and engine == "spark":
                        where = stack.enter_context(standalone(chosen.workers, folder))
                    grow(folder, engine, sizes, chosen, where)
        if "rival" in chosen.parts:
            rival(folder, int(chosen.rival_rows), chosen)
    finally:
        if chosen.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


def made(folder: Path, rows: int, processes: int = 2) -> Path:
    """A folder of `rows` comments, as labelkit and Spark read it."""
    path = folder / f"comments-{rows}"
    finished = folder / f"comments-{rows}.finished"
    if not finished.exists():
        began = time.perf_counter()
        comments.write_folder(rows, path, processes=processes)
        finished.touch()
        print(f"made {rows:,} comments in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return path


@dataclass(frozen=True)
class Where:
    """Where Spark runs."""

    master: str
    executors: int | None = None  # pid of the process below which executors run, if it is not the driver


@contextlib.contextmanager
def standalone(workers: int, folder: Path) -> Iterator[Where]:
    """A Spark cluster on this machine: a master, and a worker with one executor of `workers` threads."""
    import pyspark

    program = str(Path(pyspark.__file__).parent / "bin" / "spark-class")
    env = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    url, parts = f"spark://127.0.0.1:{port}", "org.apache.spark.deploy"
    master = [f"{parts}.master.Master", "--host", "127.0.0.1", "--port", port, "--webui-port", "0"]
    worker = [f"{parts}.worker.Worker", "-c", str(workers), "-m", "4g", "-d", str(folder / "work"), "--webui-port", "0"]
    running = []
    try:
        with (folder / "cluster.log").open("w") as log:
            for command in (master, [*worker, url]):
                running.append(subprocess.Popen([program, *command], env=env, stdout=log, stderr=log))
                time.sleep(1)
        yield Where(url, running[-1].pid)
    finally:
        for each in running:
            each.terminate()
            each.wait()


@dataclass
class Watched:
    """What a process and all below it took."""

    wall: float = 0.0
    cpu: float = 0.0
    peaks: Counter = field(default_factory=Counter)  # kind -> MiB; "all" is the peak of the sum
    output: str = ""

    @property
    def line(self) -> str:
        kinds = ("all", "driver", "jvm", "python", "executors")
        return f"{self.wall:>9.1f}{self.cpu:>9.1f}" + "".join(f"{self.peaks[kind]:>9,.0f}" for kind in kinds)


def watch(command: list[str], cwd: Path, env: dict[str, str], executors: int | None = None) -> Watched:
    """Run a command to its end and look meanwhile at it, and at its executors elsewhere. Exits where it fails."""
    found, before = Watched(), tree_cpu(executors) if executors else 0.0
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as talk:
        running = subprocess.Popen(command, cwd=cwd, stdout=said, stderr=talk, env={**os.environ, **env})
        while running.poll() is None:
            look(running.pid, found, executors)
            time.sleep(LOOK)
        found.wall = time.perf_counter() - began
        said.seek(0)
        talk.seek(0)
        found.output = said.read()
        if running.returncode:
            sys.exit(f"{command} ended with {running.returncode}:\n{talk.read()[-3000:]}")
    found.cpu -= before
    return found


def look(root: int, found: Watched, executors: int | None) -> None:
    """Add one look: memory by kind, and the CPU seconds so far."""
    now = Counter()
    elsewhere = descendants(executors) if executors else []
    for pid in [root, *descendants(root), *elsewhere]:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            name = Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            continue
        memory = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
        kind = "executors" if pid in elsewhere else "driver" if pid == root else "jvm" if name == "java" else "python"
        now[kind] += memory
    now["all"] = sum(now.values())
    for kind, memory in now.items():
        found.peaks[kind] = max(found.peaks[kind], memory)
    found.cpu = max(found.cpu, tree_cpu(root) + (tree_cpu(executors) if executors else 0.0))


def tree_cpu(root: int) -> float:
    """CPU seconds of a process and all below it, those included that have ended and were waited for."""
    total = 0
    for pid in [root, *descendants(root)]:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / TICKS


HEADER = f"{'s wall':>9}{'s cpu':>9}{'MiB all':>9}{'driver':>9}{'jvm':>9}{'python':>9}{'executor':>9}"


def grow(folder: Path, engine: str, sizes: list[int], chosen: argparse.Namespace, where: Where) -> None:
    print(f"\n{engine}, 15 {chosen.functions}, start-up to labels on disk; at the end what each further record takes")
    print(f"{'records':>14}{HEADER}{'us cpu':>9}{'B':>7}")
    before: tuple[int, Watched] | None = None
    for rows in sizes:
        root = project(folder, rows, chosen)
        place = ["--master", where.master] if engine == "spark" else ["--workers", str(chosen.workers)]
        command = [sys.executable, "-m", "labelkit", "apply", "--engine", engine, *place]
        rounds = []
        for _ in range(chosen.rounds):
            for left in (".labelkit", "labels.parquet"):
                remove(root / left)
            rounds.append(watch(command, root, {"PYSPARK_PYTHON": sys.executable}, where.executors))
        ours = min(rounds, key=lambda each: each.wall)
        more = ""
        if before is not None:  # of each further record: what start-up costs is left out
            further = rows - before[0]
            micros = (ours.cpu - before[1].cpu) / further * 1e6
            space = (ours.peaks["all"] - before[1].peaks["all"]) / further * 2**20
            more = f"{micros:>9.2f}{space:>7.1f}"
        print(f"{rows:>14,}{ours.line}{more}", flush=True)
        before = rows, ours
        shutil.rmtree(root)


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def project(folder: Path, rows: int, chosen: argparse.Namespace) -> Path:
    """A project with the benchmark's fifteen functions."""
    root = folder / f"project-{rows}"
    make_project(root, made(folder, rows, chosen.workers))
    if chosen.functions == "rows":
        (root / "labeling_functions" / "all.py").write_text(
            "from _comment_functions import row_functions\n\n"
            "for _function in row_functions():\n    globals()[_function.name] = _function\n"
        )
    with (root / "labelkit.toml").open("a") as toml:
        settings = {"spark.driver.memory": chosen.memory, "spark.executor.memory": chosen.memory}
        toml.write("[engine.spark]\n" + "".join(f'"{name}" = "{value}"\n' for name, value in settings.items()))
    return root


SNORKEL = """
import os, sys, time
sys.path.insert(0, {here!r})
import comment_functions as functions
import numpy as np
from scale import tree_cpu
from pyspark.sql import SparkSession
from snorkel.labeling.apply.spark import SparkLFApplier

spark = SparkSession.builder.master({master!r}).config("spark.driver.memory", {memory!r}).config(
    "spark.driver.host", "127.0.0.1").config("spark.ui.enabled", "false").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
spark.sparkContext.addPyFile({here!r} + "/comment_functions.py")
spark.range(100).rdd.map(lambda row: row.id).sum()  # workers are there
cpu, began = tree_cpu(os.getpid()), time.perf_counter()
rows = spark.read.parquet({data!r}).select({columns!r}).rdd
L = SparkLFApplier(functions.snorkel_functions()).apply(rows)
seconds, cpu = time.perf_counter() - began, tree_cpu(os.getpid()) - cpu
ids = spark.read.parquet({data!r}).select("id").toPandas().id  # Spark reads the largest file first
np.save({out!r}, L.astype(np.int8)[np.argsort(ids.to_numpy(str))])
print(rows.getNumPartitions(), seconds, cpu)
"""

LABELKIT = """
import os, sys, time
sys.path.insert(0, {here!r})
import comment_functions as functions
import labelkit as lk
from scale import tree_cpu
import numpy as np
from labelkit.engines.spark import SparkEngine, SparkPlace
from labelkit.labeling.functions import checked_functions

engine = SparkEngine(SparkPlace({master!r}, settings={{"spark.driver.memory": {memory!r}}}), partitions={partitions},
                     block={block})
engine.session.range(100).rdd.map(lambda row: row.id).sum()  # workers are there
cpu, began = tree_cpu(os.getpid()), time.perf_counter()
records = lk.read({data!r}, id="id", columns=list(functions.FIELDS))
given = checked_functions(functions.{functions}())
chunks = list(engine.cast(given, records, functions.FIELDS, functions.CLASSES))
L = np.concatenate([chunk.votes for chunk in chunks])
seconds, cpu = time.perf_counter() - began, tree_cpu(os.getpid()) - cpu
ids = np.concatenate([np.asarray(chunk.ids.to_pylist(), str) for chunk in chunks])
np.save({out!r}, L[np.argsort(ids)])
print({partitions}, seconds, cpu)
"""


def rival(folder: Path, rows: int, chosen: argparse.Namespace) -> None:
    data = made(folder, rows, chosen.workers)
    print(f"\ncasting {rows:,} records on Spark ({chosen.master}), session started before; then the whole process")
    print(f"{'':32}{'s cast':>9}{'s cpu':>9}{HEADER}")
    common = {
        "here": str(HERE), "master": chosen.master, "memory": chosen.memory, "data": str(data), "columns": COLUMNS,
        "partitions": chosen.workers, "block": max(1, -(-rows // 65_536) // chosen.workers),
    }  # fmt: skip
    theirs = cast(folder, "snorkel", SNORKEL, common, chosen)
    print(f"{'Snorkel SparkLFApplier':32}{theirs.line}", flush=True)
    for name, which in (("labelkit, the same functions", "row_functions"), ("labelkit, as rules", "rules")):
        ours = cast(folder, which, LABELKIT, {**common, "functions": which}, chosen)
        same = "identical" if np.array_equal(ours.votes, theirs.votes) else "DIFFERENT"
        ratio = f"{theirs.seconds / ours.seconds:>8.1f}x wall{theirs.cpu / ours.cpu:>7.1f}x cpu"
        print(f"{name:32}{ours.line}{ratio}, {same}", flush=True)


@dataclass
class Cast:
    """Votes, and what casting them took."""

    seconds: float
    cpu: float
    watched: Watched  # the whole process
    votes: np.ndarray

    @property
    def line(self) -> str:
        return f"{self.seconds:>9.1f}{self.cpu:>9.1f}{self.watched.line}"


def cast(folder: Path, name: str, script: str, values: dict, chosen: argparse.Namespace) -> Cast:
    """The fastest of some rounds, by CPU seconds, which neighbours disturb least."""
    out, path = folder / f"votes_{name}.npy", folder / f"cast_{name}.py"
    path.write_text(script.format(**values, out=str(out)))
    rounds = []
    for _ in range(chosen.rounds):
        watched = watch([sys.executable, str(path)], folder, {"PYSPARK_PYTHON": sys.executable})
        partitions, seconds, cpu = watched.output.split()[-3:]
        if int(partitions) != values["partitions"]:
            print(f"  ({name}: {partitions} partitions)", file=sys.stderr)
        rounds.append(Cast(float(seconds), float(cpu), watched, np.load(out)))
    return min(rounds, key=lambda each: each.cpu)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main()
