"""One bit flipped in what labelkit wrote: every verb that reads the file refuses, or says so."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import labelkit as lk
from fault_figures import Figure, many, sizes
from kills import before
from labelkit.errors import LabelkitError
from labelkit.lineage import RunStore
from labelkit.pipeline.current import current_run
from labelkit.pipeline.sessions import Sessions
from suite_files import IN_SET, check, write_suite

PROMISE = "bad files"


def passes(look: Callable[[lk.Project], object], project: lk.Project) -> bool:
    """Whether something says that all is well: neither an error nor false."""
    try:
        return look(project) is not False
    except LabelkitError:
        return False


def asks(project: lk.Project) -> None:
    """Somebody sits down, and is shown a record."""
    with Sessions(project.folder, retrain=False) as sessions, sessions.open("ana") as session:
        assert session.next() is not None


def believed(project: lk.Project) -> object:
    """What the queue ranks by."""
    return current_run(project.folder)


def exports(project: lk.Project) -> None:
    """Another tool gets the labels."""
    project.export(project.folder.root / "out.json", to="label-studio")


def no_problems(project: lk.Project) -> bool:
    """Whether the page of a project names no damage."""
    found = project.report()
    return not found.problems and not (found.gate and found.gate.stale)


def as_written(project: lk.Project) -> bool:
    """Whether every file of every run is what the run wrote."""
    lines = [line.record for line in project.runs()]
    return all(
        run is not None and set(project.run(run.id).files.values()) == {"as written"} for run in lines if _kept(run)
    )


def _kept(run: object) -> bool:
    return run is None or getattr(run, "verb", "") in ("apply", "validate")


LOOKS: dict[str, Callable[[lk.Project], object]] = {
    "validate": lambda project: project.validate().passed,
    "verify": lambda project: project.verify().verified,
    "training_set": lambda project: project.training_set("train"),
    "queue": lambda project: project.queue(3),
    "annotate": asks,
    "explain": lambda project: project.explain("c3"),
    "diff": lambda project: project.diff(),
    "export": exports,
    "report": no_problems,
    "runs show": as_written,
}

PRESENT = ("queue", "annotate", "explain", "diff", "report", "runs show")  # what reads the run behind the labels
GATE = ("verify", "training_set", "report", "runs show")  # what reads the last verdict

READ_BY: dict[str, tuple[str, ...]] = {
    "labels.parquet": ("validate", "verify", "training_set", "export", *PRESENT[:-1]),
    "current/labels.parquet": ("diff",),
    "current/votes.arrow": ("validate", "export", *PRESENT),
    "current/model.json": PRESENT,
    "current/model.npz": PRESENT,
    "current/rules.json": ("annotate", "runs show"),
    "current/run.json": ("validate", "export", *PRESENT),
    "earlier/votes.arrow": ("diff", "runs show"),
    "earlier/model.json": ("diff", "runs show"),
    "earlier/model.npz": ("diff", "runs show"),
    "earlier/labels.parquet": ("diff", "report", "runs show"),
    "earlier/run.json": ("diff", "report", "runs show"),
    "verdict.json": ("verify", "training_set", "report"),
    "check/verdict.json": GATE,
    "check/run.json": GATE,
    "check/report.html": ("runs show",),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two runs of apply, answers, and labels that passed; its lineage is judged, too."""
    root = before(tmp_path_factory.mktemp("finished"), finished=True) / "before"
    same = check(IN_SET, column="labels_match", value_set=[1], description="labels are what their run wrote")
    write_suite(root / "expectations" / "lineage.json", same, table="runs", name="lineage")
    lk.Project(root).validate().raise_if_failed()
    return root


def place(root: Path, artifact: str) -> Path:
    """Where an artifact lies: that of the current run, of the earlier one, of the last check, or of the project."""
    project, (kind, _, name) = lk.Project(root), artifact.rpartition("/")
    if not kind:
        return root / name if name.endswith(".parquet") else root / ".labelkit" / name
    runs = root / ".labelkit" / "runs"
    run = project.background().run if kind == "check" else project.run({"earlier": "previous"}.get(kind, kind)).run.id
    return runs / run / name


def flipped(content: bytes, chance: random.Random) -> bytes:
    """One bit of it; in JSON, one that makes a difference to who reads it (1e-05 and 1E-05 are the same number)."""
    while True:
        at = chance.randrange(len(content) * 8)
        changed = bytearray(content)
        changed[at // 8] ^= 1 << at % 8
        if not (content.startswith(b"{") and meaning(bytes(changed)) == meaning(content)):
            return bytes(changed)


def meaning(content: bytes) -> object:
    """What JSON says; the bytes themselves where it is none."""
    try:
        return json.loads(content)
    except ValueError:
        return content


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("n", sizes(1, 3, 8))
def test_every_verb_that_reads_it_finds_it(n: int, finished: Path, tmp_path: Path, figure: Figure) -> None:
    """Labels, votes, models, rules, records of runs, verdicts and reports, those of earlier runs among them."""
    root, chance, tried, missed = tmp_path / "project", random.Random(n), 0, list[str]()
    shutil.copytree(finished, root)
    project = lk.Project(root)
    assert [name for name, look in LOOKS.items() if name != "validate" and not passes(look, project)] == []
    for artifact, readers in READ_BY.items():
        path = place(root, artifact)
        whole = path.read_bytes()
        for reader in readers:
            for _ in range(n if reader != "validate" else max(1, n // 8)):
                path.write_bytes(flipped(whole, chance))
                tried += 1
                if passes(LOOKS[reader], project):
                    missed.append(f"{reader}: {artifact}")
                path.write_bytes(whole)
                if reader == "validate":  # which forgets the last verdict first, and leaves one of its own
                    shutil.rmtree(root)
                    shutil.copytree(finished, root)
    pairs = sum(map(len, READ_BY.values()))
    figure(PROMISE, "one bit flipped, and a verb that reads the file", tried, found=tried - len(missed), pairs=pairs)
    assert missed == []


@pytest.mark.parametrize("n", sizes(60, 400, 750))
def test_nothing_is_computed_from_it(n: int, finished: Path, tmp_path: Path, figure: Figure) -> None:
    """Many bits of the files that beliefs are computed from: none of them passes."""
    root, chance = tmp_path / "project", random.Random(6)
    shutil.copytree(finished, root)
    project, names = lk.Project(root), ("votes.arrow", "model.json", "model.npz", "run.json")
    for name in names:
        path = place(root, f"current/{name}")
        whole = path.read_bytes()
        for _ in range(n):
            path.write_bytes(flipped(whole, chance))
            assert not passes(believed, project), name
        path.write_bytes(whole)
    figure(PROMISE, "one bit flipped in votes, model or run record", n * len(names), found=n * len(names))
    assert passes(believed, project)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_each_bit_of_a_run_record(finished: Path, tmp_path: Path, figure: Figure) -> None:
    """One after the other: the record is refused, or says exactly what it said."""
    root = tmp_path / "project"
    shutil.copytree(finished, root)
    path = place(root, "current/run.json")
    store, whole = RunStore(path.parent.parent), path.read_bytes()
    record, refused, bits = store.read(path.parent.name), 0, range(0, len(whole) * 8, many(7, 1))
    for at in bits:
        changed = bytearray(whole)
        changed[at // 8] ^= 1 << at % 8
        path.write_bytes(changed)
        try:
            assert store.read(path.parent.name) == record
        except LabelkitError:
            refused += 1
    figure(
        PROMISE,
        "each bit of a run record flipped in turn",
        len(bits),
        refused=refused,
        read_as_it_was=len(bits) - refused,
    )
    assert refused > len(bits) * 0.99


def test_flipped_votes_in_the_cache_are_cast_again(finished: Path, tmp_path: Path, figure: Figure) -> None:
    """A damaged file of the cache costs its votes' time, and changes no label."""
    root, chance = tmp_path / "project", random.Random(8)
    shutil.copytree(finished, root)
    project, labels = lk.Project(root), (root / "labels.parquet").read_bytes()
    files = [path for path in (root / ".labelkit" / "cache" / "votes").rglob("*") if path.is_file()]
    for path in files:
        path.write_bytes(flipped(path.read_bytes(), chance))
    project.apply()
    figure(PROMISE, "one bit flipped in each file of the cache", len(files), labels_changed=0)
    assert files
    assert (root / "labels.parquet").read_bytes() == labels
