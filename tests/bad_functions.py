"""Everything that a labeling function can do wrong, each as a function of nothing."""

from __future__ import annotations

import array
import asyncio
import contextlib
import ctypes
import decimal
import enum
import faulthandler
import fractions
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import numpy as np

Deed = Callable[[], Any]


class Silent(Exception):
    """Cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class Leaving(Exception):
    """Ends the program when it is asked what it is."""

    def __str__(self) -> str:
        raise SystemExit(0)


class Unpicklable(Exception):
    """Holds what cannot be sent to another process."""

    def __init__(self) -> None:
        super().__init__(lambda: 0, threading.Lock())


class NeedsTwo(Exception):
    """Cannot be made again from its arguments."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


class Odd(BaseException):
    """Not an Exception."""


def _raising(error: BaseException) -> Deed:
    def fails() -> NoReturn:
        raise error

    fails.__name__ = type(error).__name__
    return fails


def _deep(x: int = 0) -> int:
    return _deep(x + 1) + 1


def _chained() -> NoReturn:
    try:
        raise KeyError("first")
    except KeyError as error:
        raise ValueError("second") from error


RAISING: list[Deed] = [
    *map(
        _raising,
        [
            ValueError("no\nmore"),
            ValueError(),
            ValueError("\x1b[2J" * 100_000),
            TypeError("type"),
            KeyError("word"),
            IndexError(3),
            AssertionError(),
            MemoryError("much"),
            OSError(2, "gone", "file"),
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
            StopIteration(1),
            StopAsyncIteration(),
            GeneratorExit("bye"),
            SystemExit(0),
            KeyboardInterrupt(),
            asyncio.CancelledError(),
            ExceptionGroup("two", [ValueError(), TypeError()]),
            BaseExceptionGroup("odd", [Odd()]),
            UserWarning("careful"),
            Odd("odd"),
            Silent(),
            Leaving(),
            Unpicklable(),
            NeedsTwo("a", "b"),
            type("Named\x1b\n", (Exception,), {})("odd name"),
        ],
    ),
    _deep,
    _chained,
    sys.exit,
    lambda: 1 / 0,
    lambda: [].lower,  # type: ignore[attr-defined]
]


class Word(enum.Enum):
    SPAM = 1


class Refuses:
    """Will not be looked at."""

    def __getattribute__(self, name: str) -> NoReturn:
        raise SystemExit(1)


class Number(int):
    """Says that it is another number."""

    def __index__(self) -> int:
        return 1


class Text(str):
    """Leaves when it is compared."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise SystemExit(0)

    __hash__ = None  # type: ignore[assignment]


WRONG: list[Any] = [
    0.7, 1.0, -1.0, 0.0, float("nan"), float("inf"), -float("inf"), 1e300, 5e-324, 1j,
    2, 99, 127, 128, 255, 256, -2, -3, -7, -128, -129, 2**31, 2**63, 2**64, 2**70, -(2**70), 10**5000,
    "", "Spam", "spam ", "0", "1", "ABSTAIN", "nothing", "\x1b[31mspam", "\ud800", "spam" * 100_000,
    b"spam", bytearray(b"1"), [], [1], [0, 1], (1,), {}, {"spam": 1}, set(), frozenset({1}), range(2), iter([1]),
    object(), Word.SPAM, Word, int, len, lambda: 1, Ellipsis, NotImplemented,
    decimal.Decimal(1), fractions.Fraction(1), datetime(2020, 1, 1, tzinfo=UTC), timedelta(1),
    np.float64(1), np.float32(0.5), np.array(1.5), np.array([1]), np.array([0, 1]), np.int64(7), np.uint64(2**63),
    np.timedelta64(1, "s"), np.datetime64("2020-01-01"), np.str_("Spam"), np.bytes_(b"spam"), np.nan, np.void(b"1"),
    array.array("b", [1]), memoryview(b"1"), Refuses(), Text("spam"), Number(9),
]  # fmt: skip
"""Values that are no vote where the classes are ham and spam."""


def wrong_value(i: int) -> Any:
    """One of them; a function that held it would be hard to fingerprint."""
    return globals()["WRONG"][i]


def _loop() -> NoReturn:
    while True:
        pass


def _swallow() -> NoReturn:
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(3600)


def _sum() -> int:
    return sum(range(10**12))


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


HANGING: list[Deed] = [_loop, _swallow, _sum, _stop, lambda: threading.Event().wait()]
"""What never ends: in Python, asleep, in C without letting Python run, stopped by a signal."""


def _quietly(crash: Callable[..., Any], *arguments: Any) -> None:
    """Crash without the report that pytest has asked for."""
    faulthandler.disable()
    crash(*arguments)


DYING: list[Deed] = [
    lambda: os._exit(0),
    lambda: os._exit(3),
    lambda: _quietly(ctypes.string_at, 0),
    lambda: _quietly(os.abort),
    lambda: os.kill(os.getpid(), signal.SIGKILL),
    lambda: os.kill(os.getpid(), signal.SIGTERM),
]


def _print() -> None:
    os.write(1, b"x" * 1_000_000)
    print("y" * 10_000)
    print("z" * 10_000, file=sys.stderr)


HARMLESS: list[Deed] = [
    os.fork,  # the child goes on in the function, and must go no further than that
    lambda: os.system("true"),  # noqa: S605
    lambda: os.chdir("/"),
    lambda: np.random.seed(1),
    os.environ.clear,
    lambda: sys.setrecursionlimit(500),
    _print,
]
"""What does odd things and votes all the same."""
