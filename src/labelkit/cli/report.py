"""`labelkit report`."""

from __future__ import annotations

from pathlib import Path

import click

from labelkit.cli.options import Place, debug_option, project_option
from labelkit.cli.show import talk
from labelkit.errors import UsageError, visible


@click.command()
@project_option
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("report.html"),
    metavar="FILE",
    help="Where to write the page (*.html).  [default: report.html]",
)
@debug_option
def report(place: Place, out: Path) -> int:
    """Write one HTML page about the project: data, functions, labels, people, the gate, the runs.

    The page needs no network and no script, and holds no text of the records. No function is run and nothing is judged
    or changed; a part that cannot be read is left out, and the page says why.
    """
    from labelkit.files import write_bytes
    from labelkit.reports.overview import overview_html

    if out.suffix != ".html":
        raise UsageError(f"--out {visible(str(out))}: give a file name that ends in .html")
    overview = place.open().report()
    write_bytes(out, overview_html(overview).encode())
    for problem in overview.problems:
        talk(f"labelkit: not on the page: {problem}")
    click.echo(str(out))
    return 0
