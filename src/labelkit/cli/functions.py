"""`labelkit lf list`, `show`, `errors` and `prune`."""

from __future__ import annotations

import click

from labelkit.cli.options import Place, debug_option, json_option, project_option
from labelkit.cli.show import print_json, print_report, talk
from labelkit.errors import visible


@click.command("list")
@project_option
@click.option("--slice", "within", metavar="NAME", help="Figures on the records of this slice alone.")
@json_option
@debug_option
def list_(place: Place, within: str | None, as_json: bool) -> int:  # noqa: FBT001
    """List the functions of the current run with their figures.

    Snorkel's figures, then Weight: the log odds that a vote adds in the label model where nobody else votes, and
    Seconds: what casting the votes took (rules share a scan, and its time).
    """
    found = place.open().functions(within)
    print_report(found, as_json=as_json)
    if not as_json:
        where = "" if within is None else f" on slice {within}"
        talk(f"labelkit: run {found.run}{where}; accuracy against {found.basis or 'nothing: no gold and no answers'}")
    return 0


@click.command()
@project_option
@click.argument("name", metavar="NAME")
@json_option
@debug_option
def show(place: Place, name: str, as_json: bool) -> int:  # noqa: FBT001
    """Show one function: figures, conflicts, mistakes, and the labels without it.

    For the last of these the label model is fitted anew without the function; nothing of the project is imported.
    """
    print_report(place.open().function(name), as_json=as_json)
    return 0


@click.command()
@project_option
@click.argument("name", metavar="NAME")
@click.option("--limit", type=click.IntRange(min=1), default=20, metavar="N", help="At most N records.  [default: 20]")
@json_option
@debug_option
def errors(place: Place, name: str, limit: int, as_json: bool) -> int:  # noqa: FBT001
    """List the records that a function probably got wrong.

    First those that people answered otherwise; then those on which the label model, fitted without the function,
    believes its vote least.
    """
    found = place.open().function_errors(name, limit=limit)
    if as_json:
        print_json(found.to_json())
        return 0
    if found.listed:
        click.echo(str(found))
    said = f"people contradict {found.wrong:,} votes of it, the label model without it {found.doubtful:,} others"
    talk(f"labelkit: {said}; shown are {len(found.listed):,}")
    return 0


@click.command()
@project_option
@json_option
@debug_option
def prune(place: Place, as_json: bool) -> int:  # noqa: FBT001
    """Tell which functions cost accuracy.

    Each function is left out in turn, and the label model foretells people's answers that it has not seen. `change` is
    how much more often it is right without the function, in points, with an interval that holds for all functions
    together: only what lies beyond it is called harm.
    """
    found = place.open().prune()
    print_report(found, as_json=as_json)
    if as_json:
        return 0
    talk(f"labelkit: label model {found.model}, right on {found.accuracy:.1%} of {found.answers:,} held-out answers")
    harmful = ", ".join(visible(name) for name in found.harmful)
    talk(
        f"labelkit: {f'labels are better without {harmful}' if harmful else 'no function costs accuracy beyond doubt'}"
    )
    return 0
