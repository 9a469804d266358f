"""`labelkit lf suggest`."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labelkit.cli.options import Place, debug_option, json_option, project_option
from labelkit.cli.show import print_json, talk
from labelkit.errors import UsageError, shortened

if TYPE_CHECKING:
    from labelkit.pipeline import Project
    from labelkit.suggest import Suggestion, Suggestions

ALL, NONE = "all", "none"


@click.command()
@project_option
@click.option(
    "-n", "most", type=click.IntRange(1, 200), default=20, metavar="N", help="At most N rules.  [default: 20]"
)
@click.option("--answers", "only_answers", is_flag=True, help="Learn from people's answers alone, not the label model.")
@click.option(
    "--accept", metavar="NUMBERS", help='Write these down, such as 1,3-5, or "all"; at a terminal you are asked.'
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Rule file to add them to.  [default: labeling_functions/suggested.toml]",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), metavar="N", help="[default: [model] seed]")
@json_option
@debug_option
def suggest(
    place: Place,
    most: int,
    only_answers: bool,  # noqa: FBT001
    accept: str | None,
    out: Path | None,
    seed: int | None,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Propose rules from people's answers.

    Words, patterns, lengths, thresholds, values and pairs of these are tried on answers that had no part in proposing
    them: `right` says how often they were, `at least` what their precision is above with a probability of 0.95. The
    worthiest come first: precise, and on records where functions say little. With few answers the label model of the
    current run is asked as well. Exits with 1 when nothing can be proposed.
    """
    project = place.open()
    found = project.suggest_rules(most, only_answers=only_answers, seed=seed)
    if as_json and accept is None:
        print_json(found.to_json())
    elif not as_json:
        click.echo(str(found) if found.rules else "no rule is precise enough to propose")
    _talk(found)
    at_terminal = not as_json and sys.stdin.isatty() and sys.stdout.isatty()
    chosen = _asked(found) if accept is None and at_terminal and found.rules else numbered(accept or NONE, found)
    if chosen:
        _write(project, found, chosen, out)
    if as_json and accept is not None:
        print_json({**found.to_json(), "accepted": [rule.name for rule in chosen]})
    return int(not found.rules)


def _asked(found: Suggestions) -> list[Suggestion]:
    """Ask the person at the terminal until what they say means something."""

    def meant(text: str) -> list[Suggestion]:
        try:
            return numbered(text, found)
        except UsageError as error:
            raise click.BadParameter(str(error)) from error

    asked: list[Suggestion] = click.prompt("accept which? 1,3-5, all or none", default=NONE, err=True, value_proc=meant)
    return asked


def _talk(found: Suggestions) -> None:
    source = f"{found.answers:,} answers and what the label model believes" if found.by_model else None
    said = f"from {source or f'{found.answers:,} answers'}, looking at {found.records:,} records"
    left_out = f"; {found.duplicates:,} left out that vote nearly as functions do" if found.duplicates else ""
    talk(f"labelkit: {said}{left_out}")


def _write(project: Project, found: Suggestions, chosen: Sequence[Suggestion], out: Path | None) -> None:
    path = project.accept_rules(found, chosen, out)
    count = "1 rule" if len(chosen) == 1 else f"{len(chosen):,} rules"
    talk(f"labelkit: added {count} to {project.folder.relative(path.absolute())}; the next `labelkit apply` uses them")


def numbered(text: str, found: Suggestions) -> list[Suggestion]:
    """The rules that a text such as "1,3-5" names. Raises UsageError for anything else."""
    if text.strip().lower() in {ALL, NONE}:
        return list(found.rules) if text.strip().lower() == ALL else []
    numbers = set[int]()
    for piece in re.split(r"[\s,]+", text.strip()):
        match = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", piece)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= len(found.rules):
            raise UsageError(
                f'"{shortened(piece)}" names no rule: give numbers from 1 to {len(found.rules)}, such as 1,3-5, or all'
            )
        numbers |= set(range(first, last + 1))
    return [found.rules[number - 1] for number in sorted(numbers)]
