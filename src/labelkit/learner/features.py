"""From the fields of records to numbers.

text         TF-IDF of words and word pairs (a string column)
category     one column per value (a string column of few values, see `kinds_of`)
number       standardised; a missing number counts as the mean (a column of numbers or true and false)
embedding    scaled to length 1; a missing one counts as nothing (a column of lists of numbers, all of one length)

Each text and each embedding has length 1, whatever it says, so that they weigh alike beside one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import UsageError, named, visible

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["text", "category", "number", "embedding"]
KINDS: tuple[Kind, ...] = ("text", "category", "number", "embedding")

WORDS = r"\w[\w']*"  # keeps "don't" whole: its second half decides the meaning
CHANGES = {("text", "category"), ("category", "text"), ("number", "category")}  # what a field can also be taken for
MOST_VALUES, RECORDS_PER_VALUE = 100, 20  # a string column of so few values, each so often, is a category
AT_ONCE = 20_000  # records that are turned into numbers together


def kinds_of(table: pa.Table, fields: Sequence[str], given: Mapping[str, str] | None = None) -> dict[str, Kind]:
    """What each field is: as given, or by its type and, for strings, its values.

    >>> import pyarrow as pa
    >>> table = pa.table({"title": ["a b", "c"], "state": ["new", "old"], "size": [1.5, 2.0], "vector": [[1.0], [2.0]]})
    >>> kinds_of(table, table.column_names, {"state": "category"})
    {'title': 'text', 'state': 'category', 'size': 'number', 'vector': 'embedding'}
    """
    wanted = dict(given or {})
    strangers = sorted(set(wanted) - set(fields))
    if strangers:
        raise UsageError(f"{named(strangers)} is no field; fields are {named(fields)}")
    return {field: _kind(table, field, wanted.get(field)) for field in fields}


def _kind(table: pa.Table, field: str, wanted: str | None) -> Kind:
    found = _kind_by_type(table, field)
    if wanted is None:
        return found
    kind = next((name for name in KINDS if name == wanted), None)
    if kind is None:
        raise UsageError(f'field "{visible(field)}": no kind "{visible(wanted)}"; kinds are {named(KINDS)}')
    if kind != found and (found, kind) not in CHANGES:
        type_ = table.schema.field(field).type
        raise UsageError(f'field "{visible(field)}" is {type_}, which cannot be of kind "{kind}"')
    return kind


def _kind_by_type(table: pa.Table, field: str) -> Kind:
    import pyarrow as pa

    type_ = table.schema.field(field).type
    if pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_dictionary(type_):
        values = len(table.column(field).unique())
        return "category" if 1 < values <= min(MOST_VALUES, len(table) / RECORDS_PER_VALUE) else "text"
    if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_boolean(type_):
        return "number"
    lists = pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_)
    if lists and (pa.types.is_floating(type_.value_type) or pa.types.is_integer(type_.value_type)):
        return "embedding"
    raise UsageError(
        f'field "{visible(field)}" is {type_}; the end model learns from text, numbers and lists of numbers'
    )


def features(table: pa.Table, kinds: Mapping[str, Kind]) -> Any:
    """What turns cells into numbers, not yet fitted: a scikit-learn transformer of (n, f) object arrays."""
    import pyarrow.compute as pc
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, Normalizer, OneHotEncoder, StandardScaler

    steps: list[tuple[str, Any, Any]] = []
    places = {kind: [i for i, found in enumerate(kinds.values()) if found == kind] for kind in KINDS}
    for place in places["text"]:
        words = TfidfVectorizer(token_pattern=WORDS, ngram_range=(1, 2))
        steps.append((f"words_{place}", make_pipeline(FunctionTransformer(_as_text), words), place))
    for place in places["embedding"]:
        length = pc.max(pc.list_value_length(table.column(list(kinds)[place]))).as_py() or 1
        vectors = FunctionTransformer(_as_vectors, kw_args={"length": length})
        steps.append((f"vectors_{place}", make_pipeline(vectors, Normalizer()), place))
    if places["category"]:
        values = make_pipeline(FunctionTransformer(_as_names), OneHotEncoder(handle_unknown="ignore"))
        steps.append(("values", values, places["category"]))
    if places["number"]:
        fill = FunctionTransformer(np.nan_to_num)  # a missing number counts as the mean, which is now 0
        numbers = make_pipeline(FunctionTransformer(_as_numbers), StandardScaler(), fill)
        steps.append(("numbers", numbers, places["number"]))
    return ColumnTransformer(steps)


def cells_of(table: pa.Table, fields: Sequence[str]) -> NDArray[np.object_]:
    """(n, f) object: the fields' values as Python objects, None where null. Raises UsageError for a missing field."""
    check_fields(table, fields)
    cells = np.empty((len(table), len(fields)), dtype=object)
    for place, field in enumerate(fields):
        column = np.empty(len(table), dtype=object)
        column[:] = table.column(field).to_pylist()
        cells[:, place] = column
    return cells


def check_fields(table: pa.Table, fields: Sequence[str]) -> None:
    """Raise UsageError when a field is no column of the table."""
    missing = [field for field in fields if field not in table.column_names]
    if missing:
        raise UsageError(f"no column {named(missing)}; columns are {named(table.column_names)}")


def transformed(fitted: Any, table: pa.Table, fields: Sequence[str]) -> Any:
    """(n, d) CSR matrix or dense array of the records, made block by block to save memory."""
    from scipy.sparse import issparse, vstack

    check_fields(table, fields)
    starts = range(0, max(len(table), 1), AT_ONCE)
    blocks = [fitted.transform(cells_of(table.slice(start, AT_ONCE), fields)) for start in starts]
    return vstack(blocks).tocsr() if issparse(blocks[0]) else np.vstack(blocks)


def mean_square(x: Any) -> float:
    """Mean squared length of the rows of a CSR matrix or array; 1 where there is nothing."""
    squares = x.multiply(x).sum() if hasattr(x, "multiply") else (np.asarray(x) ** 2).sum()
    return float(squares) / max(x.shape[0], 1) or 1.0


def _as_text(column: NDArray[np.object_]) -> list[str]:
    return ["" if text is None else str(text) for text in column]


def _as_names(columns: NDArray[np.object_]) -> NDArray[np.object_]:
    """Categories as strings; a missing value is a category of its own."""
    return np.array([["" if value is None else f"={value}" for value in row] for row in columns], dtype=object)


def _as_numbers(columns: NDArray[np.object_]) -> NDArray[np.float64]:
    numbers = columns.astype(np.float64)  # None becomes NaN
    if np.isinf(numbers).any():
        raise UsageError("a numeric field holds an infinite number; the end model cannot weigh it")
    return numbers


def _as_vectors(column: NDArray[np.object_], length: int) -> NDArray[np.float64]:
    """(n, length): the lists of numbers of a column, zeros where there is none."""
    other = next((len(vector) for vector in column if vector is not None and len(vector) != length), None)
    if other is not None:
        raise UsageError(f"one embedding has {length:,} numbers, another {other:,}; all must have equally many")
    nothing = [0.0] * length
    vectors = np.array([nothing if vector is None else vector for vector in column], dtype=np.float64)
    if not np.isfinite(vectors).all():
        raise UsageError("an embedding holds a missing or infinite number; the end model cannot weigh it")
    return vectors
