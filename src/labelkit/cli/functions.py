"""`labelkit lf list`, `show`, `errors` and `prune`."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from labelkit.cli.options import debug_option, json_option, project_option
from labelkit.cli.show import print_json, talk
from labelkit.errors import shortened, visible
from labelkit.tables import table

if TYPE_CHECKING:
    from labelkit.pipeline.function_view import Doubtful, FunctionView

WIDTH = 100  # of running text
LONGEST_RECORD, LONGEST_RULE = 70, 200  # characters that are shown


@click.command("list")
@project_option
@click.option("--slice", "within", metavar="NAME", help="Figures on the records of this slice alone.")
@json_option
@debug_option
def list_(folder: str, within: str | None, as_json: bool) -> int:  # noqa: FBT001
    """List the functions of the current run with their figures.

    Snorkel's figures, then Weight: the log odds that a vote adds in the label model where nobody else votes, and
    Seconds: what casting the votes took (rules share a scan, and its time).
    """
    from labelkit.pipeline import Project

    found = Project(folder).functions(within)
    if as_json:
        print_json(found.to_json())
    else:
        click.echo(str(found))
        where = "" if within is None else f" on slice {within}"
        talk(f"labelkit: run {found.run}{where}; accuracy against {found.basis or 'nothing: no gold and no answers'}")
    return 0


@click.command()
@project_option
@click.argument("name", metavar="NAME")
@json_option
@debug_option
def show(folder: str, name: str, as_json: bool) -> int:  # noqa: FBT001
    """Show one function: figures, conflicts, mistakes, and the labels without it.

    For the last of these the label model is fitted anew without the function; nothing of the project is imported.
    """
    from labelkit.pipeline import Project

    view = Project(folder).function(name)
    if as_json:
        print_json(view.to_json())
    else:
        click.echo("\n\n".join("\n".join(part) for part in _parts(view) if part))
    return 0


@click.command()
@project_option
@click.argument("name", metavar="NAME")
@click.option("--limit", type=click.IntRange(min=1), default=20, metavar="N", help="At most N records.  [default: 20]")
@json_option
@debug_option
def errors(folder: str, name: str, limit: int, as_json: bool) -> int:  # noqa: FBT001
    """List the records that a function probably got wrong.

    First those that people answered otherwise; then those on which the label model, fitted without the function,
    believes its vote least.
    """
    from labelkit.pipeline import Project

    found = Project(folder).function_errors(name, limit=limit)
    if as_json:
        print_json(found.to_json())
        return 0
    if found.listed:
        click.echo(_doubtful(found.listed))
    said = f"people contradict {found.wrong:,} votes of it, the label model without it {found.doubtful:,} others"
    talk(f"labelkit: {said}; shown are {len(found.listed):,}")
    return 0


@click.command()
@project_option
@json_option
@debug_option
def prune(folder: str, as_json: bool) -> int:  # noqa: FBT001
    """Tell which functions cost accuracy.

    Each function is left out in turn, and the label model foretells people's answers that it has not seen. `change` is
    how much more often it is right without the function, in points, with an interval that holds for all functions
    together: only what lies beyond it is called harm.
    """
    from labelkit.pipeline import Project

    found = Project(folder).prune()
    if as_json:
        print_json(found.to_json())
        return 0
    click.echo(str(found))
    talk(f"labelkit: label model {found.model}, right on {found.accuracy:.1%} of {found.answers:,} held-out answers")
    harmful = ", ".join(visible(name) for name in found.harmful)
    talk(
        f"labelkit: {f'labels are better without {harmful}' if harmful else 'no function costs accuracy beyond doubt'}"
    )
    return 0


def _parts(view: FunctionView) -> list[list[str]]:
    return [_head(view), _conflicts(view), _alone(view), _mistakes(view), _without(view)]


def _head(view: FunctionView) -> list[str]:
    figures, row = view.row.figures, view.row
    lines = [f"{visible(figures.name)}  {visible(row.place)}".rstrip()]
    if view.definition is not None:
        lines.append(f"  {'rule':10}{shortened(json.dumps(view.definition, ensure_ascii=False), LONGEST_RULE)}")
    lines.append(
        f"  {'coverage':10}{figures.coverage:.3f}, overlaps {figures.overlaps:.3f}, conflicts {figures.conflicts:.3f}"
    )
    if figures.accuracy is not None and figures.interval is not None:
        judged = (figures.correct or 0) + (figures.incorrect or 0)
        low, high = figures.interval
        said = f"{figures.accuracy:.3f} ({low:.2f} to {high:.2f}), {figures.correct:,} of {judged:,} votes"
        lines.append(f"  {'accuracy':10}{said}; {view.basis}")
    if row.weight is not None:
        lines.append(f"  {'weight':10}{row.weight:+.2f} log odds where nobody else votes")
    lines.append(f"  {'faults':10}{figures.faults:,}")
    if row.seconds is not None:
        lines.append(f"  {'seconds':10}{row.seconds:.3f}")
    return lines + ([f"  {'remark':10}{visible(figures.remark)}"] if figures.remark else [])


def _conflicts(view: FunctionView) -> list[str]:
    if not view.conflicts:
        return ["conflicts with no other function"]
    header = ["conflicts with", "both vote", "differ", "it is right", "the other is"]
    rows = [
        [one.function, f"{one.together:,}", f"{one.differ:,}", f"{one.right:,}", f"{one.other_right:,}"]
        for one in view.conflicts
    ]
    return [table(header, rows)]


def _alone(view: FunctionView) -> list[str]:
    first = f": {visible(', '.join(view.alone_first))}" if view.alone_first else ""
    more = " ..." if view.alone > len(view.alone_first) else ""
    return [f"only it votes on {view.alone:,} records{first}{more}"]


def _mistakes(view: FunctionView) -> list[str]:
    said = f"people contradict {view.wrong:,} of its votes; the label model without it would {view.doubtful:,} others"
    return [said, *([_doubtful(view.worst)] if view.worst else [])]


def _doubtful(listed: Sequence[Doubtful]) -> str:
    rows = []
    for one in listed:
        text = " | ".join(str(value) for value in one.fields.values() if value is not None)
        rows.append(
            [one.record, one.vote, one.instead, one.by, f"{one.probability:.2f}", shortened(text, LONGEST_RECORD)]
        )
    return table(["record", "vote", "instead", "say", "p(vote)", "fields"], rows, left=6)


def _without(view: FunctionView) -> list[str]:
    without = view.without
    moves = "; ".join(
        f"{count:,} {visible(old) or '(no label)'} to {visible(new) or '(no label)'}"
        for old, new, count in without.moves
    )
    lines = [f"without it {without.flips:,} labels would be others{f': {moves}' if moves else ''}"]
    if without.judged:
        before, after = (f"{right / without.judged:.1%}" for right in (without.right_with, without.right_without))
        lines.append(f"labels right: {before} with it, {after} without it, of {without.judged:,}; {without.basis}")
    return [line for one in lines for line in textwrap.wrap(one, WIDTH, subsequent_indent="  ", break_on_hyphens=False)]
