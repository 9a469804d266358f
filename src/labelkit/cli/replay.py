"""`labelkit replay`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from labelkit.cli.options import debug_option, json_option, place_options, project_option
from labelkit.cli.show import print_json, talk
from labelkit.errors import visible
from labelkit.tables import table

if TYPE_CHECKING:
    from labelkit.pipeline.replay import Replay


@click.command()
@project_option
@click.argument("run", default="current", metavar="[RUN]")
@click.option(
    "--workers",
    multiple=True,
    type=click.IntRange(0, 256),
    metavar="N",
    help="Repeat with N processes; may be given several times.",
)
@place_options
@json_option
@debug_option
def replay(
    folder: str,
    run: str,
    workers: tuple[int, ...],
    master: str | None,
    remote: str | None,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Repeat a run of apply from its record and compare every byte.

    Takes settings and answers of then, and the functions from the working tree or else from the commit that the run
    names. Exits with 0 when labels, votes and model are byte for byte what the run wrote; else with 1, and says which
    input differs. Nothing of the project is changed. A run that was made on Spark is repeated on Spark.
    """
    from labelkit.pipeline import Project

    done = Project(folder).replay(
        run, workers=workers, master=master, remote=remote, talk=lambda said: talk(f"labelkit: {said}")
    )
    if as_json:
        print_json(done.to_json())
    else:
        click.echo("\n".join(_lines(done)))
    return done.exit_code


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
