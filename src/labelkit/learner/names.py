"""What the columns of a learner's features are, in words: a word of a text, a value of a category, a number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np


def column_names(features: Any, fields: Sequence[str]) -> tuple[str, ...]:
    """(d,): a name for each column that `features`, fitted, makes; "" for the numbers of an embedding.

    >>> import pyarrow as pa
    >>> from labelkit.learner.model import fitted_features
    >>> table = pa.table({"text": ["so good", "bad"], "size": [1.0, 2.0]})
    >>> column_names(fitted_features(table, ["text", "size"]), ["text", "size"])
    ('"bad"', '"good"', '"so"', '"so good"', 'size')
    """
    return tuple(
        name
        for title, step, places in features.transformers_
        if title != "remainder"
        for name in _names(title.partition("_")[0], step, [fields[place] for place in np.atleast_1d(places)])
    )


def _names(kind: str, step: Any, fields: Sequence[str]) -> Iterator[str]:
    if kind == "words":
        yield from (f'"{word}"' for word in step[-1].get_feature_names_out())
    elif kind == "vectors":
        yield from [""] * step[0].kw_args["length"]
    elif kind == "values":
        for field, values in zip(fields, step[-1].categories_, strict=True):
            yield from (f"{field} {str(value).removeprefix('=') or '(none)'}" for value in values)
    else:
        yield from fields
