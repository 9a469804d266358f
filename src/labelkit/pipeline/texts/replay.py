"""What became of repeating a run, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelkit.errors import visible
from labelkit.tables import table

if TYPE_CHECKING:
    from labelkit.pipeline.replay import Replay


def replay_text(done: Replay) -> str:
    """What `labelkit replay` prints."""
    return "\n".join(_lines(done))


def _lines(done: Replay) -> list[str]:
    versions = [f"  {visible(said)}" for said in done.versions]
    if not done.repeats:
        found = [f"  {visible(said)}" for said in (*done.different, *done.versions)]
        return [f"run {done.run.id} cannot be repeated, for what goes in differs:", *found]
    rows = [
        [name, *("identical" if repeat.identical[name] else "DIFFERENT" for repeat in done.repeats)]
        for name in done.run.outputs
    ]
    on_spark = done.run.about.get("engine") == "spark"
    header = ["file", *("spark" if on_spark else f"workers {repeat.workers or '(all)'}" for repeat in done.repeats)]
    lines = [f"run {done.run.id}, functions from {done.functions}", table(header, rows, left=len(header))]
    notes = dict.fromkeys(note for repeat in done.repeats for note in repeat.notes)
    if versions:
        lines += ["versions differ:", *versions]
    if done.identical:
        return [*lines, "every byte is what the run wrote"]
    unknown = "everything that went in is the same; something in it is not determined by its inputs"
    return [*lines, "the run was NOT repeated:", *(f"  {note}" for note in notes or ([] if versions else [unknown]))]
