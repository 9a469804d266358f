"""What functions print: talk, never data, and not more of it than a person can read."""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import sys
import threading
from collections.abc import Iterator

from labelkit.errors import visible

SHOWN = 65_536  # bytes of a pass


@contextlib.contextmanager
def printed() -> Iterator[int]:
    """A descriptor for the block that workers can print to: the beginning of it goes to stderr, the rest nowhere."""
    read, write = os.pipe()
    stop_read, stop_write = os.pipe()
    drain = threading.Thread(target=_drain, args=(read, stop_read), daemon=True)
    drain.start()
    try:
        yield write
    finally:
        os.close(stop_write)
        drain.join()
        for descriptor in (read, write, stop_read):
            os.close(descriptor)


def print_to(descriptor: int) -> None:
    """Let all that this process prints, also from C and from programs that it starts, go to the descriptor."""
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115
    sys.stdout, sys.stderr = (
        open(standard, "w", buffering=1, errors="backslashreplace", closefd=False, encoding="utf-8")  # noqa: SIM115
        for standard in (1, 2)
    )


def _drain(read: int, stop: int) -> None:
    text, left, more = codecs.getincrementaldecoder("utf-8")("replace"), SHOWN, 0
    while True:
        ready = select.select([read, stop], [], [])[0]
        if read not in ready:
            break  # nothing is left to be read, and nobody is going to print
        content = os.read(read, 65_536)
        shown = content[:left]
        left -= len(shown)
        more += len(content) - len(shown)
        if shown:
            _say(text.decode(shown))
    if more:
        _say(f"\nlabelkit: functions printed {more:,} bytes more than is shown here\n")


def _say(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # whoever listened has gone
        sys.stderr.write(visible(text, keep="\n\t\r"))
        sys.stderr.flush()
