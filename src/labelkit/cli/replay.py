"""`labelkit replay`."""

from __future__ import annotations

import click

from labelkit.cli.options import Place, debug_option, json_option, place_options, project_option
from labelkit.cli.show import print_report, talk


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
    place: Place,
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
    done = place.open().replay(
        run, workers=workers, master=master, remote=remote, talk=lambda said: talk(f"labelkit: {said}")
    )
    print_report(done, as_json=as_json)
    return done.exit_code
