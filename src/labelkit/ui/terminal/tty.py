"""The terminal itself: one key at a time, no echo, the alternate screen, and always back to how it was."""

from __future__ import annotations

import contextlib
import io
import os
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

from rich.console import Console
from rich.text import Text

from labelkit.errors import UsageError
from labelkit.ui.terminal.keys import ESCAPE, HANGUP, OTHER, next_key

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?2004h"  # alternate screen, no cursor, pasted text is marked as such
_LEAVE = "\x1b[?2004l\x1b[?25h\x1b[?1049l"
_PLAIN = str.maketrans({"─": "-", "·": "-", "…": "."})

_REST_SECONDS = 0.05  # the rest of an escape sequence arrives within
_PASTE_SECONDS = 1.0


class Terminal:
    """A terminal in use: draws lines of text and reads keys."""

    def __init__(self, keyboard: int, display: int, encoding: str) -> None:
        self._keyboard, self._display, self._encoding = keyboard, display, encoding
        self._typed = b""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in cells; 80 x 24 where the terminal does not say."""
        try:
            columns, rows = os.get_terminal_size(self._display)
        except OSError:
            columns, rows = 0, 0
        return columns or 80, rows or 24

    def forget(self) -> None:
        """Drop keys that were typed but not read: they were no answer to what is only now to be shown."""
        self._typed = b""
        with contextlib.suppress(termios.error):
            termios.tcflush(self._keyboard, termios.TCIFLUSH)

    def show(self, lines: Sequence[Text]) -> None:
        """Draw lines from the top. A line is cleared before it is drawn: after it, its last cell would go too."""
        rows = [f"\x1b[2K{row}" for row in _coloured(lines, self.size[0])]
        self.write("\x1b[H" + "\n".join(rows) + "\x1b[J")

    def write(self, text: str) -> None:
        """Write to the display, whatever its encoding. A display that is gone is noticed when reading."""
        if not self._encoding.lower().startswith("utf"):
            text = text.translate(_PLAIN)
        content = text.encode(self._encoding, "backslashreplace")
        with contextlib.suppress(OSError):
            while content:
                content = content[os.write(self._display, content) :]

    def key(self, seconds: float) -> str | None:
        """Wait for a key; None when none came."""
        deadline = time.monotonic() + seconds
        while True:
            if self._typed:
                name, self._typed = next_key(self._typed)
                if name is not None:
                    return name
                deadline = time.monotonic() + (_PASTE_SECONDS if b"\x1b[200~" in self._typed else _REST_SECONDS)
            if not self._waits(max(deadline - time.monotonic(), 0)):
                unfinished, self._typed = self._typed, b""
                return ESCAPE if unfinished == b"\x1b" else OTHER if unfinished else None
            try:
                more = os.read(self._keyboard, 4096)
            except OSError:
                more = b""
            if not more:
                return HANGUP
            self._typed += more

    def _waits(self, seconds: float) -> bool:
        return bool(select.select([self._keyboard], [], [], seconds)[0])


@contextlib.contextmanager
def terminal() -> Iterator[Terminal]:
    """Take the terminal for the block. Raises UsageError where there is none."""
    keyboard, display = _descriptors()
    before = termios.tcgetattr(keyboard)
    restored = False
    used = Terminal(keyboard, display, getattr(sys.stdout, "encoding", None) or "utf-8")

    def restore() -> None:
        nonlocal restored
        if restored:
            return
        restored = True
        used.write(_LEAVE)
        with contextlib.suppress(termios.error):
            termios.tcsetattr(keyboard, termios.TCSAFLUSH, before)

    with _restored_when_terminated(restore):
        try:
            termios.tcsetattr(keyboard, termios.TCSAFLUSH, _one_key_at_a_time(before))
            used.write(_ENTER)
            yield used
        finally:
            restore()


def _descriptors() -> tuple[int, int]:
    """File descriptors of keyboard and display."""
    try:
        keyboard, display = sys.stdin.fileno(), sys.stdout.fileno()
        usable = os.isatty(keyboard) and os.isatty(display) and os.environ.get("TERM") not in {"dumb", "unknown"}
    except (AttributeError, ValueError, OSError):  # closed, or replaced by something that is no file
        usable = False
    if not usable:
        raise UsageError(
            "there is no terminal to ask at; write questions with --queue N --out FILE "
            "and read answers with --answers FILE"
        )
    return keyboard, display


def _one_key_at_a_time(attributes: list[Any]) -> list[Any]:
    """Terminal attributes without echo, line editing and signals of keys; output stays as it is."""
    iflag, oflag, cflag, lflag, ispeed, ospeed, characters = attributes
    lflag &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
    characters = list(characters)
    characters[termios.VMIN], characters[termios.VTIME] = 1, 0
    return [iflag & ~termios.IXON, oflag | termios.OPOST | termios.ONLCR, cflag, lflag, ispeed, ospeed, characters]


@contextlib.contextmanager
def _restored_when_terminated(restore: Callable[[], None]) -> Iterator[None]:
    """Restore the terminal when the process is told to end, then let it end as it would have."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    before = {number: handler or signal.SIG_DFL for number, handler in before.items() if handler != signal.SIG_IGN}

    def ending(number: int, _frame: FrameType | None) -> None:
        restore()
        signal.signal(number, before[signal.Signals(number)])
        os.kill(os.getpid(), number)

    for number in before:
        signal.signal(number, ending)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _coloured(lines: Sequence[Text], width: int) -> list[str]:
    """Lines with the colours that the terminal has, none where NO_COLOR asks for none."""
    console = Console(file=io.StringIO(), force_terminal=True, width=width, highlight=False, markup=False, emoji=False)
    coloured = []
    for line in lines:
        with console.capture() as capture:
            console.print(line, end="", no_wrap=True, overflow="crop")
        coloured.append(capture.get().replace("\n", ""))
    return coloured
