"""`labelkit runs`: list, show, diff."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labelkit.cli.options import Place, debug_option, json_option, project_option
from labelkit.cli.show import print_json, print_report, talk
from labelkit.errors import UsageError, visible
from labelkit.tables import table

if TYPE_CHECKING:
    from labelkit.lineage import Run
    from labelkit.pipeline.runs import RunLine

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def runs() -> None:
    """What was done in this project, and what came of it.

    Each execution of a verb leaves a record. A run is named by the beginning of its id, or as `current`, the one that
    wrote labels.parquet, or `previous`, the apply before it.
    """


@runs.command("list")
@project_option
@click.option("--verb", metavar="VERB", help="Only runs of apply, annotate, validate, ...")
@click.option("--limit", type=click.IntRange(min=1), default=20, metavar="N", help="At most N runs.  [default: 20]")
@json_option
@debug_option
def list_(place: Place, verb: str | None, limit: int, as_json: bool) -> int:  # noqa: FBT001
    """List the runs, latest first."""
    project = place.whole() or place.open()
    lines = [line for line in project.runs() if verb is None or (line.record and line.record.verb == verb)]
    shown = lines[:limit]
    if as_json:
        print_json([line.to_json() for line in shown])
        return 0
    click.echo(table(["run", "verb", "finished", "seconds", "outcome", "commit", ""], map(_row, shown), left=7))
    if len(lines) > limit:
        talk(f"labelkit: and {len(lines) - limit:,} earlier runs (--limit)")
    return 0


def _row(line: RunLine) -> list[str]:
    run = line.record
    if run is None:
        return [line.run, "?", "", "", "run.json is damaged or from another version of labelkit", "", ""]
    commit = str(run.git.get("commit", ""))[:10] + (" + changes" if run.git.get("dirty") else "")
    mark = "current" if line.current else ""
    return [run.id, run.verb, f"{run.finished[:19]}Z", f"{run.seconds:.1f}", _outcome(run), commit, mark]


def _outcome(run: Run) -> str:
    """What came of a run, in a few words."""
    counts = run.counts
    if run.verb == "apply":
        if run.parameters.get("kind") == "multilabel":
            classes = len(run.parameters.get("classes", ()))
            return (
                f"labels of {classes:,} {'class' if classes == 1 else 'classes'}, {counts.get('records', 0):,} records"
            )
        labelled = sum(counts.get("labels", {}).values())
        faults = f", {counts['faults']:,} faults" if counts.get("faults") else ""
        return f"{labelled:,} of {counts.get('records', 0):,} records labelled{faults}"
    if run.verb == "annotate":
        who = run.parameters.get("annotator", "?")
        return f"{who}: {counts.get('labelled', 0):,} answers, {counts.get('skipped', 0):,} skips"
    if run.verb == "validate":
        return f"{counts.get('status', '?')}: {counts.get('pass', 0):,} of {counts.get('expectations', 0):,} hold"
    if run.verb == "augment":
        return f"{counts.get('written', 0):,} new records of {counts.get('records', 0):,}"
    if "records" in counts:
        return f"{counts['records']:,} records"
    return f"{len(run.outputs):,} files written"


@runs.command()
@project_option
@click.argument("run", default="current", metavar="[RUN]")
@json_option
@debug_option
def show(place: Place, run: str, as_json: bool) -> int:  # noqa: FBT001
    """Show one run: what went in, what came out, and whether its files are still what it wrote."""
    print_report((place.whole() or place.open()).run(run), as_json=as_json)
    return 0


@runs.command()
@project_option
@click.argument("before", default="previous", metavar="[BEFORE]")
@click.argument("after", default="", metavar="[AFTER]")
@click.option("--max-flips", type=click.FloatRange(0, 1), metavar="SHARE", help="Exit with 1 if more labels flipped.")
@click.option(
    "--max-accuracy-drop",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Exit with 1 if accuracy against people's answers, or against gold, fell by more.",
)
@click.option("--markdown", type=_FILE, metavar="FILE", help="Write Markdown for a pull request to FILE (*.md).")
@click.option("--flips", type=_FILE, metavar="FILE", help="Write every flipped record to FILE (*.jsonl).")
@click.option("--workers", type=click.IntRange(0, 256), metavar="N", help="Processes; 0 means one per processor.")
@json_option
@debug_option
def diff(
    place: Place,
    before: str,
    after: str,
    *,
    max_flips: float | None,
    max_accuracy_drop: float | None,
    markdown: Path | None,
    flips: Path | None,
    workers: int | None,
    as_json: bool,
) -> int:
    """Tell which labels flipped from BEFORE to AFTER, and which function did it.

    Each of the two is a run, a git revision of the functions, or `worktree`. `labelkit runs diff` compares the previous
    run with the current one, `labelkit runs diff main` the functions of main with those in the working tree. With
    limits, in CI, that stops a change of a function that changes more than was meant.
    """
    from labelkit.files import write_bytes
    from labelkit.pipeline.texts.difference import difference_markdown

    _check_ending(markdown, "--markdown", ".md")
    _check_ending(flips, "--flips", ".jsonl")
    project = place.open()
    found = project.diff(before, after, workers=workers, talk=lambda said: talk(f"labelkit: {said}"))
    broken = found.beyond(max_flips, max_accuracy_drop)
    if flips is not None:
        write_bytes(flips, b"".join(json.dumps(row).encode() + b"\n" for row in found.rows()))
    if markdown is not None:
        write_bytes(markdown, difference_markdown(found, broken).encode())
    if as_json:
        print_json({**found.to_json(), "beyond": list(broken)})
    else:
        click.echo(str(found))
    for said in broken:
        talk(f"labelkit: NO: {said}")
    return 1 if broken else 0


def _check_ending(path: Path | None, option: str, ending: str) -> None:
    if path is not None and path.suffix != ending:
        raise UsageError(f"{option} {visible(str(path))}: give a file name that ends in {ending}")
