"""What is done to a multi-label project class by class: whatever goes wrong says which class it went wrong with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from labelkit.errors import LabelkitError, visible


@contextlib.contextmanager
def about_class(name: str) -> Iterator[None]:
    """Name the class in an error of the block."""
    try:
        yield
    except LabelkitError as error:
        raise type(error)(f'class "{visible(name)}": {error}') from error
