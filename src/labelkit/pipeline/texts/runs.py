"""One run, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from labelkit.errors import visible
from labelkit.tables import table

if TYPE_CHECKING:
    from labelkit.pipeline.runs import ShownRun


def run_text(shown: ShownRun) -> str:
    """What `labelkit runs show` prints; hashes are cut short."""
    run = shown.run
    lines = [f"run {run.id} of {run.verb}", f"  {run.started} to {run.finished} ({run.seconds:.1f} s)"]
    if run.git:
        changed = ", ".join(run.git.get("changed", ()))
        lines.append(f"  commit {run.git['commit']}" + (f", with changes to {visible(changed)}" if changed else ""))
    lines += [f"  after run {parent}" for parent in run.parents]
    for title, content in (("inputs", run.inputs), ("parameters", run.parameters), ("versions", run.versions)):
        lines += ["", title, *_pairs(content)]
    states = [[name, run.outputs[name][:16], shown.files[name]] for name in run.outputs]
    lines += ["", "outputs", *(f"  {line}" for line in table(["file", "SHA-256", ""], states, left=3).splitlines())]
    lines += ["", "counts", *_pairs(run.counts)]
    lines += [f"\nnote: {visible(note)}" for note in run.about.get("notes", ())]
    return "\n".join(lines)


def _pairs(content: Mapping[str, Any], indent: str = "  ") -> list[str]:
    """Names and values, nested ones indented; hashes cut short, and what is empty left out."""
    content = {name: value for name, value in content.items() if value not in ({}, [], "")}
    if not content:
        return [f"{indent}(none)"]
    width, lines = max(len(visible(str(name))) for name in content), []
    for name, value in content.items():
        title = visible(str(name))
        if isinstance(value, dict):
            lines += [f"{indent}{title}", *_pairs(value, indent + "  ")]
        else:
            said = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            is_hash = len(said) == 64 and set(said) <= set("0123456789abcdef")
            lines.append(f"{indent}{title.ljust(width)}  {visible(said[:16] if is_hash else said)}")
    return lines
