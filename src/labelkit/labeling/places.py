"""How messages name a line of code: folder, file and line, never the path to the project."""

from __future__ import annotations

from pathlib import Path


def place_of(file: str, line: int) -> str:
    """A line of a file as a person of the project knows it.

    >>> place_of("/home/ana/spam/labeling_functions/words.py", 12)
    'labeling_functions/words.py:12'
    """
    return f"{'/'.join(Path(file).parts[-2:])}:{line}"
