"""What a person sees: a state and a record become lines of text. Nothing is printed here.

Text of data, of functions and of class names goes through `visible`, and never through rich's markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from labelkit.active import QueueItem
from labelkit.active.session import Spans
from labelkit.annotations.label_sets import set_text
from labelkit.errors import visible
from labelkit.ui.label_sets import shown_label, votes_by_class
from labelkit.ui.terminal.keys import class_keys
from labelkit.ui.terminal.layout import MARGIN, cut, indented, line_of, pairs_of, rule, wrapped
from labelkit.ui.terminal.record import record_lines
from labelkit.ui.terminal.state import State

LEAST_BODY = 4  # lines of the record that are shown whatever else there is to show
MOST_WHY_LINES = 7
MOST_NOTICE_LINES = 3

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
HELP_OF_SEVERAL = (
    ("digits, letters", "choose the class beside the key, or choose it no longer"),
    ("enter", "store the classes chosen, or that there are none, and go on"),
    ("a", "choose what is suggested; enter stores it"),
    *HELP[2:],
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


def draw(
    state: State, fields: Mapping[str, object], width: int, height: int, highlights: Spans = MappingProxyType({})
) -> Screen:
    """Draw the state, and the fields of the record that it asks about, on width x height cells."""
    head, foot = _head(state, width), _foot(state, width)
    if state.helping:
        helped = HELP_OF_SEVERAL if state.several else HELP
        body = pairs_of([(name, Text(what)) for name, what in helped], width, longest=width)
    elif state.current is None:
        body = [indented(line) for line in wrapped(Text(_ending(state), "bold"), width - 2 * MARGIN)]
    else:
        body = record_lines(fields, highlights, width)
        foot = [*_why(state, state.current, width, height - len(head) - len(foot) - LEAST_BODY), *foot]
    room = max(height - len(head) - len(foot), 1)
    scroll = min(state.scroll, max(len(body) - room, 0))
    shown = body[scroll : scroll + room]
    if len(body) > room:
        where = f" lines {scroll + 1} to {scroll + room} of {len(body)}; arrow keys scroll "
        foot[0] = rule(width, where)
    lines = [*head, *shown, *[Text()] * (room - len(shown)), *foot]
    if len(lines) > height:  # a very small window: what was stored, or was not, or would be, is said in any case
        choice = _choice(state, width)
        before = [line for line in lines[:-1] if line not in choice]
        lines = [*before[: height - len(choice) - 1], *choice, lines[-1]]
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
    lines = [cut(first, width), line_of(" " + " · ".join(facts), width, "dim")]
    if state.advice is not None:
        lines.append(line_of(f" {visible(state.advice.why)}", width, "bold" if state.advice.stop else "dim"))
    return [*lines, rule(width)]


def _why(state: State, item: QueueItem, width: int, room: int) -> list[Text]:
    """Say why the record is asked and what the functions voted, on as many lines as there is room."""
    if room < 2:
        return []
    pairs = [("why", Text(visible(item.reason)))]
    if item.suggestion is not None:
        pairs.append(("suggested", Text(shown_label(item.suggestion, several=state.several), "bold")))
    votes = _votes_on_classes(item, state.classes) if state.several else _votes(item)
    pairs += [("" if number else "votes", vote) for number, vote in enumerate(votes)]
    lines = pairs_of(pairs, width)
    most = min(room - 1, MOST_WHY_LINES)
    if len(lines) > most:
        lines = [*lines[: most - 1], line_of(f" and {len(lines) - most + 1} more lines of votes", width, "dim")]
    return [rule(width), *lines]


def _votes(item: QueueItem) -> list[Text]:
    """Each class that was voted for, and by which functions."""
    sides: dict[str, list[str]] = {}
    for function, label in item.votes.items():
        sides.setdefault(label, []).append(function)
    most_first = sorted(sides.items(), key=lambda side: -len(side[1]))
    return [Text().append(visible(label), "bold").append(_by(functions)) for label, functions in most_first]


def _votes_on_classes(item: QueueItem, classes: Sequence[str]) -> list[Text]:
    """Each class that was voted on, and which functions say yes and which no."""
    lines = []
    for side in votes_by_class(item.votes, classes):
        said = [f"{word}{_by(functions)}" for word, functions in (("yes", side.yes), ("no", side.no)) if functions]
        lines.append(Text().append(visible(side.name), "bold").append(f"  {'; '.join(said)}"))
    return lines


def _by(functions: Sequence[str]) -> str:
    return f" by {', '.join(map(visible, functions))}"


def _foot(state: State, width: int) -> list[Text]:
    item = state.current
    labels = _labels(state, item) if item is not None and not state.helping else []
    commands = "space skip · u undo · f flag · n note · ? help · q quit" if item else "u undo · q quit"
    if item is not None and item.suggestion is not None:
        commands = f"{'a as suggested' if state.several else 'a accept'} · {commands}"
    if state.helping:
        commands = "any key goes back"
    if state.draft is not None:
        return [rule(width), *_draft(state.draft, width)]
    notice = wrapped(Text(state.notice, "bold red" if state.alarm else "green"), width - 2 * MARGIN)
    said = [indented(line) for line in notice[:MOST_NOTICE_LINES]] or [Text()]
    return [rule(width), *_flowed(labels, width), *_choice(state, width), line_of(f" {commands}", width, "dim"), *said]


def _labels(state: State, item: QueueItem) -> list[Text]:
    """Each class beside its key; where a record may have several, with a box that says whether it is chosen."""
    if state.several:
        return _boxes(state)
    return [
        Text()
        .append(f" {key} ", "reverse")
        .append(f" {visible(label)}", "bold green" if label == item.suggestion else "")
        for key, label in class_keys(state.classes, state.keys).items()
    ]


def _boxes(state: State) -> list[Text]:
    boxes = []
    for key, label in class_keys(state.classes, state.keys).items():
        mark, style = ("x", "bold green") if label in state.chosen else (" ", "")
        boxes.append(Text().append(f" {key} ", "reverse").append(f" [{mark}] {visible(label)}", style))
    return boxes


def _choice(state: State, width: int) -> list[Text]:
    """What enter stores as things are; nothing where it stores nothing."""
    if not state.several or state.current is None or state.helping or state.draft is not None:
        return []
    stored = shown_label(set_text(state.chosen, state.classes), several=True)
    return [cut(Text().append(" enter stores  ", "dim").append(stored, "bold"), width)]


def _draft(draft: str, width: int) -> list[Text]:
    """A note being written: its end, with a cursor, and what the keys do meanwhile."""
    lines = wrapped(Text().append("note: ", "bold").append(visible(draft)).append(" ", "reverse"), width - 2 * MARGIN)
    return [*[indented(line) for line in lines[-3:]], line_of(" enter keeps it · escape drops it", width, "dim")]


def _flowed(words: Sequence[Text], width: int) -> list[Text]:
    """Set words side by side on as few lines as they need, none of them broken."""
    lines: list[Text] = []
    for word in words:
        if lines and lines[-1].cell_len + 3 + word.cell_len <= width - MARGIN:
            lines[-1].append("   ").append_text(word)
        else:
            lines.append(cut(indented(word), width))
    return lines


def _ending(state: State) -> str:
    if state.wanting:
        return "Waiting for the next record."
    if state.answered >= state.budget:
        return f"The budget of {state.budget} answers is spent. Press q to quit, or u to take the last answer back."
    return "That was the last record. Press q to quit, or u to take the last answer back."
