"""Records of a SQL query, on a real SQLite database."""

from __future__ import annotations

import datetime as dt
import decimal
import gc
import sqlite3
import traceback
import uuid
from pathlib import Path

import pytest

from labelkit.errors import DataError, LabelkitError, MachineError
from labelkit.records import read_sql
from labelkit.records.kinds import ColumnKinds
from labelkit.records.sql import _plain

SECRET = "pa55w0rd"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database with a table of comments."""
    connection = sqlite3.connect(tmp_path / "data.db")
    connection.execute("CREATE TABLE comments (id, text, n, mixed, raw)")
    rows = [(1, "hi", 1, 1, b"a"), (2, None, None, 0.5, None), (3, "", 2**63 - 1, "x", b"")]
    connection.executemany("INSERT INTO comments VALUES (?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return f"sqlite:///{tmp_path / 'data.db'}"


def refused(query: str, url: str, kind: type[LabelkitError] = DataError) -> str:
    with pytest.raises(kind) as caught:
        read_sql(query, url).to_table()
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


def test_a_query_is_run_as_it_is_written(url: str) -> None:
    """Colons, per cent signs and quotes in a query are SQL, not parameters."""
    records = read_sql("SELECT id, ' :x %s %(y)s 12:30 ' AS text FROM comments WHERE text LIKE '%i' -- :z", url)
    assert records.to_table().to_pylist() == [{"id": "1", "text": " :x %s %(y)s 12:30 "}]


def test_columns_of_nulls_and_bytes_are_read(url: str) -> None:
    """Nulls stay nulls, bytes stay bytes, an empty text stays an empty text."""
    records = read_sql("SELECT id, text, n, raw, NULL AS empty FROM comments", url)
    assert records.to_table().to_pydict() == {
        "id": ["1", "2", "3"],
        "text": ["hi", None, ""],
        "n": [1, None, 2**63 - 1],
        "raw": [b"a", None, b""],
        "empty": [None, None, None],
    }


def test_mixed_types_are_refused(url: str) -> None:
    """A column that SQLite fills with anything is refused, with the row at fault; unless nobody asks for it."""
    assert refused("SELECT id, mixed FROM comments", url) == (
        'query on sqlite: row 3, column "mixed": text, but a number in the rows before; '
        "a column holds values of one type"
    )
    assert read_sql("SELECT * FROM comments", url, columns=["text"]).to_table().num_rows == 3


def test_no_whole_number_is_rounded(url: str) -> None:
    """Large whole numbers beside numbers with a point are refused rather than rounded."""
    assert refused("SELECT id, CASE id WHEN 1 THEN 0.5 ELSE n END AS n FROM comments", url) == (
        'query on sqlite: row 3, column "n": 9223372036854775807 would be rounded, '
        "as other rows hold numbers with a point; write it as text"
    )


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELEC id FROM comments", 'near "SELEC": syntax error'),
        ("SELECT id FROM reviews", "no such table: reviews"),
        ("SELECT key FROM comments", "no such column: key"),
        ("SELECT text AS id, id FROM comments", '2 columns are called "id"; rename them with AS'),
        ("SELECT text FROM comments", 'no column "id"; columns are "text"'),
        ("DELETE FROM comments", "the query gives no rows; it must be a SELECT"),
        ("SELECT 1 AS id; SELECT 2 AS id", "You can only execute one statement at a time."),
        ("SELECT 1 AS id, CAST(x'ff' AS TEXT) AS text", "Could not decode to UTF-8 column 'text' with text '\\ufffd'"),
        ("", "the query gives no rows; it must be a SELECT"),
    ],
)
def test_a_wrong_query_is_refused_in_the_words_of_the_database(url: str, query: str, message: str) -> None:
    """The user must change a wrong query; what the database says of it is passed on."""
    said = refused(query, url)
    assert said.replace("\ufffd", "\\ufffd") == f"query on sqlite: {message}"


def test_a_pass_may_be_broken_off(url: str) -> None:
    """A pass that nobody finishes closes its connection, whenever Python gets to it."""
    for _ in range(50):
        batches = read_sql("SELECT id FROM comments", url).batches()
        next(batches)
        cycle = [batches]
        cycle.append(cycle)  # type: ignore[arg-type]
        del batches, cycle
    gc.collect()
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0)
    connection.execute("DROP TABLE comments")
    connection.close()


def test_a_query_that_writes_changes_nothing(url: str) -> None:
    """Reading records never deletes them."""
    refused("DELETE FROM comments", url)
    assert read_sql("SELECT id FROM comments", url).to_table().num_rows == 3


def test_reading_makes_no_database(tmp_path: Path) -> None:
    """SQLite would make an empty file of a misspelt path; labelkit says that there is none."""
    path = tmp_path / "dta.db"
    assert refused("SELECT 1 AS id", f"sqlite:///{path}") == f"{path}: no such database"
    assert not path.exists()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Something else under the name of a database is named by SQLite itself."""
    (tmp_path / "data.db").write_bytes(b"id,text\n1,hello\n" * 100)
    assert refused("SELECT 1 FROM x", f"sqlite:///{tmp_path / 'data.db'}") == "query on sqlite: file is not a database"


def test_a_locked_database_may_be_tried_again(url: str) -> None:
    """A database that somebody else keeps locked is the machine's trouble, not the user's."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.execute("BEGIN EXCLUSIVE")
    try:
        assert refused("SELECT id FROM comments", f"{url}?timeout=0.01", MachineError) == (
            "query on sqlite: database is locked"
        )
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "the database URL is not one that SQLAlchemy can open; sqlite:///file.db is one"),
        ("", "the database URL is not one that SQLAlchemy can open; sqlite:///file.db is one"),
        (
            f"nosuch://me:{SECRET}@host/db",
            "the database URL is not one that SQLAlchemy can open; sqlite:///file.db is one",
        ),
        (
            f"postgresql://me:x@{SECRET}:port/db",
            "the database URL is not one that SQLAlchemy can open; sqlite:///file.db is one",
        ),
        (f"oracle+cx_oracle://me:{SECRET}@host/db", "the database's driver is not installed: no module cx_Oracle"),
    ],
)
def test_a_url_is_never_repeated(url: str, message: str) -> None:
    """What is wrong with a URL is said without the URL: it may hold a password."""
    assert refused("SELECT 1", url) == message


def test_a_password_in_what_the_database_says_is_hidden(url: str) -> None:
    """An error text of the database that quotes the password is shown without it."""
    import sqlalchemy as sa

    from labelkit.records.sql import SqlSource

    source = SqlSource(f"SELECT {SECRET} FROM comments", url)  # noqa: S608
    source._url = sa.make_url(f"postgresql://me:{SECRET}@host/db")
    with pytest.raises(DataError) as caught:
        source.columns()
    assert str(caught.value) == "query on sqlite: no such column: ***"


def test_values_of_drivers_become_plain() -> None:
    """Decimals, UUIDs, durations and buffers become what other formats have."""
    values = [
        decimal.Decimal("12345678901234567890"),
        decimal.Decimal("1E+2"),
        decimal.Decimal("1.50"),
        uuid.UUID(int=7),
        dt.timedelta(minutes=1),
        memoryview(b"x"),
        bytearray(b"y"),
    ]
    assert [_plain(value) for value in values] == [
        12345678901234567890, 100, 1.5, "00000000-0000-0000-0000-000000000007", 60.0, b"x", b"y",
    ]  # fmt: skip


def test_times_have_types_of_their_own() -> None:
    """Dates, times and times with a zone are not mixed with one another."""
    kinds = ColumnKinds("query")
    zone = dt.timezone(dt.timedelta(hours=2))
    values = {
        "date": dt.date(2020, 1, 2),
        "time": dt.datetime(2020, 1, 2, 3, 4),  # noqa: DTZ001  without zone
        "zone": dt.datetime(2020, 1, 2, 3, 4, tzinfo=zone),
        "day": dt.time(3, 4),
    }
    for column, value in values.items():
        kinds.add(column, value, 1)
    assert [str(kind) for kind in kinds.types(list(values))] == [
        "date32[day]", "timestamp[us]", "timestamp[us, tz=UTC]", "time64[us]",
    ]  # fmt: skip
    kinds.add("date", values["time"], 2)
    with pytest.raises(DataError) as caught:
        kinds.types(["date"])
    assert str(caught.value) == (
        'query: row 2, column "date": a time, but a date in the rows before; a column holds values of one type'
    )
