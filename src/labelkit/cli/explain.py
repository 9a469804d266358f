"""`labelkit explain`."""

from __future__ import annotations

import click

from labelkit.cli.options import Place, debug_option, json_option, project_option
from labelkit.cli.show import print_report
from labelkit.errors import UsageError


@click.command()
@project_option
@click.argument("record", metavar="ID")
@click.option("--run", default="current", metavar="RUN", help="An earlier run of apply, by the beginning of its id.")
@json_option
@debug_option
def explain(place: Place, record: str, run: str, as_json: bool) -> int:  # noqa: FBT001
    """Show where the label of the record ID comes from.

    Prints the record, the vote of each function with its file and line, what each vote adds to the log odds until they
    are those of the stored probability, what people answered, and the runs behind it. Where a record may have several
    classes, that is done for one class after another.
    """
    whole = place.whole()
    if whole is not None and run != "current":
        raise UsageError("--run is for one class, for each has runs of its own; name it with --class")
    print_report(place.open().explain(record, run=run) if whole is None else whole.explain(record), as_json=as_json)
    return 0
