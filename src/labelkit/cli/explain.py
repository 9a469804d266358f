"""`labelkit explain`."""

from __future__ import annotations

import click

from labelkit.cli.options import Place, debug_option, json_option, project_option
from labelkit.cli.show import print_report


@click.command()
@project_option
@click.argument("record", metavar="ID")
@click.option("--run", default="current", metavar="RUN", help="An earlier run of apply, by the beginning of its id.")
@json_option
@debug_option
def explain(place: Place, record: str, run: str, as_json: bool) -> int:  # noqa: FBT001
    """Show where the label of the record ID comes from.

    Prints the record, the vote of each function with its file and line, what each vote adds to the log odds until they
    are those of the stored probability, what people answered, and the runs behind it.
    """
    print_report(place.open().explain(record, run=run), as_json=as_json)
    return 0
