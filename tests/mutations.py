"""Accidents that happen to files."""

from __future__ import annotations

import random

TOKENS = [
    *(b"\0", b'"', b'""', b"\n", b"\r", b"\r\n", b",", b";", b"\t", b" ", b"#", b"=", b"[x]", b"''", b"'''", b"id"),
    *(b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud800", b"\x1b[2J", "\u202e".encode(), b"__proto__"),
    *(b"9" * 5_000, b"1e999", b"NaN", b"-Infinity", b"null", b"true", b'{"a": 1, "a": 2}', b"../../etc/passwd"),
    *(b"[" * 2_000, b"{" * 2_000, b"x" * 70_000),
]


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The content with one to three accidents."""
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(content) + 1)
        other = chance.randrange(len(content) + 1)
        kind = chance.randrange(7)
        if kind == 0 and content:
            flipped = bytearray(content)
            flipped[at % len(content)] ^= 1 << chance.randrange(8)
            content = bytes(flipped)
        elif kind == 1:
            content = content[:at]
        elif kind == 2:
            content = content[: min(at, other)] + content[max(at, other) :]
        elif kind == 3:
            content = content[:at] + chance.choice(TOKENS) + content[at:]
        elif kind == 4:
            content = content[:at] + content[min(at, other) : max(at, other)] + content[at:]
        elif kind == 5:
            lines = content.split(b"\n")
            chance.shuffle(lines)
            content = b"\n".join(lines)
        else:
            content = content[:at] + chance.randbytes(chance.randrange(1, 30)) + content[at:]
    return content
