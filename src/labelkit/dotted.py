"""Code of the user's that is named by its dotted path."""

from __future__ import annotations

import importlib
from typing import Any

from labelkit.errors import UsageError, visible


def named_by(path: str, what: str) -> Any:
    """What the path names, such as mypackage.module.function. Raises UsageError, calling it `what`, for nothing there.

    >>> named_by("math.sqrt", "strategy")(4.0)
    2.0
    """
    module, _, name = path.rpartition(".")
    shown = f'{what} "{visible(path[:200])}"'
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, ValueError, TypeError) as error:
        raise UsageError(f"{shown}: {visible(str(error))}; is its folder in PYTHONPATH?") from error
    except AttributeError as error:
        raise UsageError(f'{shown}: module "{visible(module)}" has no "{visible(name)}"') from error
