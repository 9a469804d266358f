"""`labelkit store`: where answers are kept."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from labelkit.cli.options import Place, debug_option, json_option, project_option
from labelkit.cli.show import print_json, progress, talk
from labelkit.errors import named, visible
from labelkit.tables import table

if TYPE_CHECKING:
    from labelkit.annotations.soundness import Soundness
    from labelkit.pipeline.store import Migration

_HASH = 16  # characters of a hash that people compare
_URL = "The store to look at.  [default: that of labelkit.toml]"


@click.group()
def store() -> None:
    """Where answers are kept: move them, check them, say who may do what.

    A URL is `sqlite:///` and the path of a file, or `postgresql://user@host:port/database`. Leave passwords to
    PGPASSWORD or ~/.pgpass.
    """


@store.command()
@project_option
@click.option("--to", required=True, metavar="URL", help="An empty database, or one that holds these answers already.")
@click.option("--from", "source", metavar="URL", help="Where the answers are.  [default: what labelkit.toml says]")
@click.option("--late", is_flag=True, help="Both went on since an earlier call: append what only the source has.")
@json_option
@debug_option
def migrate(place: Place, to: str, source: str | None, late: bool, as_json: bool) -> int:  # noqa: FBT001
    """Copy every answer into another database, SQLite or PostgreSQL, and verify the copy.

    The source is only read. Killed anywhere, the same command goes on where it stopped; until it says that it is done
    nothing opens the target. Every row is compared by count and hash, and no answer is lost or doubled. People may
    answer meanwhile: run the command again for what they said after it ended.
    """
    from labelkit.pipeline import store as verb

    with progress("copying answers") as show:
        done = verb.migrate(place.find(), to, source=source, late=late, progress=show)
    if as_json:
        print_json(done.to_json())
    else:
        _print_migration(done)
    _talk_of_migration(done)
    return 0


def _print_migration(done: Migration) -> None:
    rows = [
        [each.contents.table, f"{each.contents.rows:,}", f"{each.new:,}", each.contents.sha256[:_HASH], "equal"]
        for each in done.transfer.tables
    ]
    click.echo(table(["table", "rows", "copied", "sha256", "in both"], rows))
    click.echo(f"\nput this into labelkit.toml:\n\n[store]\n{visible(done.line)}")


def _talk_of_migration(done: Migration) -> None:
    moved = done.transfer
    late, beyond = sum(each.late for each in moved.tables), sum(each.beyond for each in moved.tables)
    if late:
        talk(f"labelkit: {late:,} rows came late and stand after what was in the target; the hashes leave them out")
    if beyond:
        talk(f"labelkit: {beyond:,} rows were stored in {moved.target} since; they stay")
    if moved.present:
        talk(
            f"labelkit: note: {named(moved.present)} is answering into {moved.source} at this moment: stop it, change "
            "labelkit.toml, and run this command again with --from for the rest"
        )
    talk(f"labelkit: done: all of {moved.source} is in {moved.target}; the source is as it was")


@store.command()
@project_option
@click.option("--url", metavar="URL", help=_URL)
@json_option
@debug_option
def check(place: Place, url: str | None, as_json: bool) -> int:  # noqa: FBT001
    """Count and hash what is in the store, and see whether what keeps it safe is in place.

    Stores with the same hashes hold the same answers: compare before and after a backup. Exits with 1 when something
    is wrong.
    """
    from labelkit.pipeline import store as verb

    found = verb.check(place.find(), url)
    if as_json:
        print_json(asdict(found))
    else:
        _print_soundness(found)
    for problem in found.problems:
        talk(f"labelkit: {found.store}: {problem}")
    return 1 if found.problems else 0


def _print_soundness(found: Soundness) -> None:
    click.echo(found.store)
    present = f", at this moment {named(found.present)}" if found.present else ""
    click.echo(f"{found.people:,} people have answered{present}")
    if found.role is not None:
        click.echo(f'role "{visible(found.role)}" may {", ".join(found.rights) or "do nothing"}')
    rows = [[each.table, f"{each.rows:,}", f"{each.last:,}", each.sha256[:_HASH]] for each in found.tables]
    click.echo("\n" + table(["table", "rows", "last", "sha256"], rows))


@store.command()
@project_option
@click.option("--url", metavar="URL", help=_URL)
@click.option("--owner", metavar="ROLE", help="Gets the tables; nobody annotates as this role.")
@click.option("--annotator", "annotators", multiple=True, metavar="ROLE", help="May read and answer.")
@click.option("--reader", "readers", multiple=True, metavar="ROLE", help="May read, to apply or to back up.")
@click.option("--execute", is_flag=True, help="Run the statements instead of printing them.")
@debug_option
def setup(
    place: Place,
    url: str | None,
    owner: str | None,
    annotators: tuple[str, ...],
    readers: tuple[str, ...],
    execute: bool,  # noqa: FBT001
) -> int:
    """Print the SQL that gives roles of a PostgreSQL server what they need and nothing else.

    Annotators append answers and remarks and keep leases; they cannot change or delete an answer, choose its place in
    the order, or touch the schema. The roles must exist. With --execute the tables are made where they are missing,
    the statements are run, all or none, and the rights are looked at; the login of the URL must be allowed to do that.
    """
    from labelkit.annotations.privileges import Roles
    from labelkit.pipeline import store as verb

    roles = Roles(owner, annotators, readers)
    statements = verb.setup(place.find(), roles, url=url, execute=execute)
    if execute:
        talk("labelkit: done: each role may do what it should and nothing else")
        return 0
    click.echo("\n".join(["BEGIN;", *(f"{statement};" for statement in statements), "COMMIT;"]))
    return 0
