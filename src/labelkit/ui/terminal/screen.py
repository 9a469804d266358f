"""What a person sees: a state and a record become lines of text. Nothing is printed here.

Text of data, of functions and of class names goes through `visible`, and never through rich's markup.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from labelkit.active import QueueItem
from labelkit.errors import visible
from labelkit.ui.terminal.keys import class_keys
from labelkit.ui.terminal.state import State

MARGIN = 1
LEAST_BODY = 4  # lines of the record that are shown whatever else there is to show
MOST_WHY_LINES = 7
MOST_NOTICE_LINES = 3
LONGEST_NAME = 24
SHORT_VALUE = 16  # cells of a value that may stand beside another one
LEAST_TABLE = 8  # short fields from which on a record is laid out as a table
LONGEST_VALUE = 20_000  # characters of a field; more take seconds to lay out, at each key

HELP = (
    ("digits, letters", "label the record with the class beside the key, and go on"),
    ("a", "accept the suggestion"),
    ("space", "skip: no answer, and you are not asked again"),
    ("u, backspace", "take the last answer back and return to its record"),
    ("f", "flag the record for somebody else to look at, or take the flag off"),
    ("n", "write a note about the record: enter keeps it, escape drops it"),
    ("arrows, page up/down", "scroll a long record"),
    ("?", "this page"),
    ("q, Ctrl-C, Ctrl-D", "quit; everything said is stored already"),
)


@dataclass(frozen=True)
class Screen:
    """A drawn screen."""

    lines: tuple[Text, ...]  # as many as the terminal is high
    scroll: int  # first line of the record that is shown, within what there is

    @property
    def plain(self) -> str:
        """The text without colours, lines without trailing blanks."""
        return "\n".join(line.plain.rstrip() for line in self.lines)


def draw(state: State, fields: Mapping[str, object], width: int, height: int) -> Screen:
    """Draw the state, and the fields of the record that it asks about, on width x height cells."""
    head, foot = _head(state, width), _foot(state, width)
    if state.helping:
        body = _pairs([(name, Text(what)) for name, what in HELP], width, longest=width)
    elif state.current is None:
        body = [_indented(line) for line in _wrapped(Text(_ending(state), "bold"), width - 2 * MARGIN)]
    else:
        body = _record(fields, width)
        foot = [*_why(state.current, width, height - len(head) - len(foot) - LEAST_BODY), *foot]
    room = max(height - len(head) - len(foot), 1)
    scroll = min(state.scroll, max(len(body) - room, 0))
    shown = body[scroll : scroll + room]
    if len(body) > room:
        where = f" lines {scroll + 1} to {scroll + room} of {len(body)}; arrow keys scroll "
        foot[0] = _rule(width, where)
    lines = [*head, *shown, *[Text()] * (room - len(shown)), *foot]
    if len(lines) > height:  # a very small window: what was stored, or was not, is said in any case
        lines = [*lines[: height - 1], lines[-1]]
    return Screen(tuple(lines), scroll)


def _head(state: State, width: int) -> list[Text]:
    item = state.current
    title = " labelkit annotate" + (f"  {visible(item.record)}" if item else "")
    title += "  FLAGGED" if item and item.record in state.flagged else ""
    who = visible(state.annotator) + (f" · {visible(item.strategy)} " if item else " ")
    gap = width - cell_len(who)
    first = Text().append(set_cell_size(title, gap), "bold").append(who, "dim") if gap > 20 else Text(title, "bold")
    at = min(len(state.given) + 1, len(state.items))
    facts = [f"record {at}" if state.more else f"record {at} of {len(state.items)}"]
    facts += [f"budget {state.answered}/{state.budget}"]
    facts += [f"{state.skipped} skipped"] if state.skipped else []
    progress = state.progress
    facts += [f"{progress.seconds_each:.0f} s each"] if progress.seconds_each is not None else []
    facts += [f"as suggested {progress.agreed}/{progress.judged}"] if progress.judged else []
    lines = [_cut(first, width), _line(" " + " · ".join(facts), width, "dim")]
    if state.advice is not None:
        lines.append(_line(f" {visible(state.advice.why)}", width, "bold" if state.advice.stop else "dim"))
    return [*lines, _rule(width)]


def _why(item: QueueItem, width: int, room: int) -> list[Text]:
    """Say why the record is asked and what the functions voted, on as many lines as there is room."""
    if room < 2:
        return []
    pairs = [("why", Text(visible(item.reason)))]
    sides: dict[str, list[str]] = {}
    for function, label in item.votes.items():
        sides.setdefault(label, []).append(function)
    for label, functions in sorted(sides.items(), key=lambda side: -len(side[1])):
        pairs.append(("" if len(pairs) > 1 else "votes", _vote(label, functions)))
    if item.suggestion is not None:
        pairs.insert(1, ("suggested", Text(visible(item.suggestion), "bold")))
    lines = _pairs(pairs, width)
    most = min(room - 1, MOST_WHY_LINES)
    if len(lines) > most:
        lines = [*lines[: most - 1], _line(f" and {len(lines) - most + 1} more lines of votes", width, "dim")]
    return [_rule(width), *lines]


def _vote(label: str, functions: Sequence[str]) -> Text:
    return Text().append(visible(label), "bold").append(f" by {', '.join(map(visible, functions))}")


def _foot(state: State, width: int) -> list[Text]:
    item = state.current
    labels = _labels(state, item) if item is not None and not state.helping else []
    commands = "space skip · u undo · f flag · n note · ? help · q quit" if item else "u undo · q quit"
    if item is not None and item.suggestion is not None:
        commands = f"a accept · {commands}"
    if state.helping:
        commands = "any key goes back"
    if state.draft is not None:
        return [_rule(width), *_draft(state.draft, width)]
    notice = _wrapped(Text(state.notice, "bold red" if state.alarm else "green"), width - 2 * MARGIN)
    said = [_indented(line) for line in notice[:MOST_NOTICE_LINES]] or [Text()]
    return [_rule(width), *_flowed(labels, width), _line(f" {commands}", width, "dim"), *said]


def _labels(state: State, item: QueueItem) -> list[Text]:
    """Each class beside its key."""
    return [
        Text()
        .append(f" {key} ", "reverse")
        .append(f" {visible(label)}", "bold green" if label == item.suggestion else "")
        for key, label in class_keys(state.classes, state.keys).items()
    ]


def _draft(draft: str, width: int) -> list[Text]:
    """A note being written: its end, with a cursor, and what the keys do meanwhile."""
    lines = _wrapped(Text().append("note: ", "bold").append(visible(draft)).append(" ", "reverse"), width - 2 * MARGIN)
    return [*[_indented(line) for line in lines[-3:]], _line(" enter keeps it · escape drops it", width, "dim")]


def _flowed(words: Sequence[Text], width: int) -> list[Text]:
    """Set words side by side on as few lines as they need, none of them broken."""
    lines: list[Text] = []
    for word in words:
        if lines and lines[-1].cell_len + 3 + word.cell_len <= width - MARGIN:
            lines[-1].append("   ").append_text(word)
        else:
            lines.append(_cut(_indented(word), width))
    return lines


def _ending(state: State) -> str:
    if state.wanting:
        return "Waiting for the next record."
    if state.answered >= state.budget:
        return f"The budget of {state.budget} answers is spent. Press q to quit, or u to take the last answer back."
    return "That was the last record. Press q to quit, or u to take the last answer back."


def _record(fields: Mapping[str, object], width: int) -> list[Text]:
    """The fields of a record: short ones of a table side by side, the others one below the other."""
    pairs = [(visible(name), _value(value)) for name, value in fields.items()]
    cells = [pair for pair in pairs if _is_short(*pair)]
    if len(cells) < LEAST_TABLE or 2 * _cell_width(cells) > width - MARGIN:
        return _pairs(pairs, width)
    return [*_pairs([pair for pair in pairs if not _is_short(*pair)], width), *_table(cells, width)]


def _is_short(name: str, text: Text) -> bool:
    return text.cell_len <= SHORT_VALUE and "\n" not in text.plain and cell_len(name) <= LONGEST_NAME


def _cell_width(cells: Sequence[tuple[str, Text]]) -> int:
    return max(cell_len(name) for name, _ in cells) + 2 + max(text.cell_len for _, text in cells) + 3


def _table(cells: Sequence[tuple[str, Text]], width: int) -> list[Text]:
    """Names and values in as many columns as fit, read downwards."""
    column = max(cell_len(name) for name, _ in cells)
    across = max((width - MARGIN) // _cell_width(cells), 1)
    down = -(-len(cells) // across)
    lines = []
    for row in range(down):
        line = Text()
        for place, (name, text) in enumerate(cells[row::down]):
            line.append(" " * max(place * _cell_width(cells) - line.cell_len, 0))
            line.append(set_cell_size(name, column), "dim").append("  ").append_text(text)
        lines.append(_cut(_indented(line), width))
    return lines


def _value(value: object) -> Text:
    """A value of a record: line breaks stay, whatever else steers a terminal is shown as an escape."""
    if value is None:
        return Text("(nothing)", "dim italic")
    text = str(value)
    if not text:
        return Text("(empty)", "dim italic")
    shown = Text(visible(text[:LONGEST_VALUE].replace("\r\n", "\n").expandtabs(4), keep="\n"))
    rest = len(text) - LONGEST_VALUE
    return shown.append(f" ... and {rest:,} more characters", "dim italic") if rest > 0 else shown


def _pairs(pairs: Sequence[tuple[str, Text]], width: int, longest: int = LONGEST_NAME) -> list[Text]:
    """Lay out names in one column and wrapped values beside them."""
    column = min(max((cell_len(name) for name, _ in pairs), default=0), longest, width // 3)
    lines = []
    for name, value in pairs:
        if _runs_right_to_left(value.plain):
            # A terminal that turns such lines round would put the name into the sentence: it gets lines of its own.
            lines += [_cut(_indented(Text(name, "dim")), width)] if name else []
            lines += [_indented(row) for row in _wrapped(value, width - 2 * MARGIN)]
            continue
        rows = _wrapped(value, max(width - column - 2 * MARGIN - 2, 1))
        for number, row in enumerate(rows):
            label = set_cell_size(name, column) if number == 0 else " " * column
            lines.append(_indented(Text().append(label, "dim").append("  ").append_text(row)))
    return lines


def _runs_right_to_left(text: str) -> bool:
    """Whether the text, or any line of it, begins in a script that is written from right to left."""
    if text.isascii():
        return False
    return any(_first_direction(line) in {"R", "AL"} for line in text.split("\n"))


def _first_direction(line: str) -> str:
    return next((kind for kind in map(unicodedata.bidirectional, line) if kind in {"L", "R", "AL"}), "L")


def _wrapped(text: Text, width: int) -> list[Text]:
    console = Console(file=io.StringIO(), width=max(width, 1), force_terminal=False)
    return list(text.wrap(console, max(width, 1)))


def _indented(line: Text) -> Text:
    return Text(" " * MARGIN).append_text(line)


def _line(text: str, width: int, style: str = "") -> Text:
    return _cut(Text(text, style), width)


def _cut(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis")
    return line


def _rule(width: int, title: str = "") -> Text:
    return _line("──" + title + "─" * max(width - cell_len(title) - 2, 0), width, "dim")
