"""Opening records: by the ending of the path, or from anything that speaks Arrow's stream interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labelkit.errors import DataError, named, shortened, visible
from labelkit.files import machine_errors
from labelkit.project import ProjectFolder
from labelkit.records.base import Records, Source, check_columns
from labelkit.records.embedded import with_embeddings
from labelkit.records.gold_sets import GoldSets, with_gold_of_class
from labelkit.records.text import PARSERS
from labelkit.settings import SPARK

if TYPE_CHECKING:
    import pyarrow as pa

ENDINGS = (".csv", ".jsonl", ".ndjson", ".parquet")


def read(
    data: object,
    *,
    id: str = "id",  # noqa: A002  the field's word
    columns: Sequence[str] | None = None,
    encoding: str = "utf-8",
    types: Mapping[str, str] | None = None,
) -> Records:
    """Records from a path (CSV, JSONL, a Parquet file or folder) or from any Arrow-speaking frame.

    `id` names the column of unique ids, `columns` the further columns to read (all, by default). A CSV file's columns
    are text unless `types` declares them ("int64", "float64", "bool"); nothing is guessed.

    Raises DataError naming file, row, column and value.

    >>> import pyarrow as pa
    >>> read(pa.table({"id": [1, 2], "text": ["a", "b"]})).to_table().column("id").to_pylist()
    ['1', '2']
    """
    source = _source(data, encoding, dict(types or {}))
    check_columns(types or {}, source.columns(), source.name)
    return _records(source, id, columns)


def read_sql(
    query: str,
    url: str,
    *,
    id: str = "id",  # noqa: A002
    columns: Sequence[str] | None = None,
) -> Records:
    """Records of a SQL query, streamed. `url` is an SQLAlchemy URL; give the query an ORDER BY to keep the order.

    Raises DataError for a query or a result that cannot be read, MachineError for a database that cannot be reached.

    >>> read_sql("SELECT 7 AS id, 'hello' AS text", "sqlite://").to_table().to_pylist()
    [{'id': '7', 'text': 'hello'}]
    """
    return _records(_sql_source(query, url), id, columns)


def _sql_source(query: str, url: str) -> Source:
    from labelkit.records.sql import SqlSource

    return SqlSource(query, url)


def _records(source: Source, key: str, columns: Sequence[str] | None) -> Records:
    """The id column and the wanted ones, or all."""
    present = source.columns()
    wanted = tuple(dict.fromkeys([key, *(present if columns is None else columns)]))
    check_columns(wanted, present, source.name)
    return Records(source, key, wanted)


def source_columns(path: Path, encoding: str = "utf-8") -> list[str]:
    """Column names of a file of records, before anybody says which one is the id. Raises DataError."""
    return _file_source(path, encoding, {}).columns()


def numbered(path: Path, types: Mapping[str, str] | None = None) -> pa.Table:
    """The records of a file in which nothing is an id, with a column `id` before the others: "1", "2", "3" and so on.

    Raises DataError for a file that cannot be read, has no records, or has a column of this name.
    """
    import pyarrow as pa

    source = _file_source(path, "utf-8", dict(types or {}))
    columns = source.columns()
    if "id" in columns:
        raise DataError(f'{source.name}: there is a column "id" already; mend what makes it no id, or rename it')
    batches = list(source.batches(columns))
    if not sum(batch.num_rows for batch in batches):
        raise DataError(f"{source.name}: no record in it")
    table = pa.Table.from_batches(batches)
    return table.add_column(0, "id", pa.array([str(i + 1) for i in range(table.num_rows)]))


def open_records(project: ProjectFolder, more: Sequence[str] = ()) -> Records:
    """The records of a project: id, fields, gold and split, as labelkit.toml names them, and `more` columns."""
    data = project.settings.data
    columns = [*data.fields, *(column for column in (data.gold, data.split) if column), *more]
    if data.url is not None:
        if data.types:
            raise DataError(f"{visible(data.path)}: types are declared for CSV files only; cast in the query")
        source: Source = _snapshot(project) if data.url == SPARK else _database(project, data.url)
    else:
        source = _file_source(project.data_path, data.encoding, dict(data.types))
        check_columns(data.types, source.columns(), source.name)
    if data.embedding_field is not None:
        file = None if data.embedding_file is None else project.root / data.embedding_file
        source = with_embeddings(source, data.id, data.embedding_field, file)
    if project.of_class is not None and data.gold is not None:
        source = with_gold_of_class(source, _gold_sets(project, project.of_class, data.gold))
    return _records(source, data.id, columns)


def _gold_sets(project: ProjectFolder, of_class: str, column: str) -> GoldSets:
    whole = project.whole.settings
    alone = bool(whole.data.gold_columns)
    return GoldSets(column, of_class, tuple(whole.project.classes), whole.data.separator, alone)


def record_columns(project: ProjectFolder) -> list[str]:
    """The columns of the records that any verb reads, the id first."""
    data = project.settings.data
    others = [*data.fields, *(column for column in (data.gold, data.split) if column), *data.metadata]
    return list(dict.fromkeys([data.id, *others]))


def _snapshot(project: ProjectFolder) -> Source:
    """What Spark gave to the query when labels were last made on it."""
    from labelkit.records.parquet import ParquetSource

    if not project.snapshot_path.is_dir():
        raise DataError(
            f"{visible(project.settings.data.path)}: Spark has not been asked yet; run `labelkit apply --engine spark`"
        )
    return ParquetSource(project.snapshot_path)


def _database(project: ProjectFolder, url: str) -> Source:
    return _sql_source(read_query(project.data_path), project.rooted(url))


def read_query(path: Path) -> str:
    """The text of a .sql file. Raises DataError when it is none."""
    with machine_errors(path):
        if not path.is_file():
            raise DataError(f"{visible(str(path))}: no such file")
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{visible(path.name)}: not UTF-8 at byte {error.start}") from error


def _source(data: object, encoding: str, types: Mapping[str, str]) -> Source:
    for column, kind in types.items():
        if kind not in PARSERS:
            raise DataError(f'no type "{shortened(kind)}" for column "{shortened(column)}"; known are {named(PARSERS)}')
    if isinstance(data, (str, Path)):
        return _file_source(Path(data), encoding, types)
    if types:
        raise DataError("types are declared for CSV files only; a frame has its own")
    if hasattr(data, "__arrow_c_stream__"):
        from labelkit.records.frame import FrameSource

        return FrameSource(data)
    raise DataError(
        f"cannot read records from {type(data).__name__}; give a path or an object with __arrow_c_stream__ "
        "(pandas, polars and pyarrow have it)"
    )


def _file_source(path: Path, encoding: str, types: Mapping[str, str]) -> Source:
    name = visible(path.name)
    with machine_errors(path):
        if not path.exists():
            raise DataError(f"{visible(str(path))}: no such file or folder")
        ending = ".parquet" if path.is_dir() else path.suffix.lower()
    if ending not in ENDINGS:
        raise DataError(f"{name}: cannot tell the format; known endings are {named(ENDINGS)}")
    if ending == ".csv":
        from labelkit.records.csv import CsvSource

        return CsvSource(path, encoding, types)
    if types:
        raise DataError(f"{name}: types are declared for CSV files only, this format has its own; remove [data.types]")
    if ending == ".parquet":
        from labelkit.records.parquet import ParquetSource

        return ParquetSource(path)
    from labelkit.records.jsonl import JsonlSource

    return JsonlSource(path, encoding)
