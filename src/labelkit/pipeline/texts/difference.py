"""The difference between two sets of labels as people read it: text for a terminal, Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from labelkit.errors import visible
from labelkit.tables import table

if TYPE_CHECKING:
    from labelkit.pipeline.difference import Difference, Group, SideName

MOST = 20  # causes that are shown
NO_LABEL = "(no label)"

Table = tuple[Sequence[str], list[list[str]], int]
"""Header, rows, and how many columns are aligned left."""


def difference_text(difference: Difference) -> str:
    """What `labelkit runs diff` prints."""
    parts = ["\n".join(_head(difference))]
    if difference.flips:
        parts.append(_text(_causes(difference)) + _hidden(difference))
    parts += [_text(_totals(difference)), _conflicts(difference)]
    if difference.conflicts.pairs:
        parts[-1] += "\n" + _text(_pairs(difference))
    parts.append(_text(_accuracies(difference)) if difference.accuracies else _unmeasured())
    return "\n\n".join(parts)


def difference_markdown(difference: Difference, beyond: Iterable[str] = ()) -> str:
    """The difference for a pull request. Text from data is literal."""
    from labelkit.reports.markdown import literal

    broken = list(beyond)
    title = "Labels changed more than allowed" if broken else "Labels before and after"
    head = _head(difference)
    blocks = [f"## {'❌' if broken else '🔀'} {title}", "\n".join(f"- **{literal(said)}**" for said in broken)]
    blocks += ["\n".join(f"- {literal(line)}" for line in head if line)]
    if difference.flips:
        blocks.append(_markdown(_causes(difference)) + literal(_hidden(difference)))
    blocks += [_markdown(_totals(difference)), literal(_conflicts(difference))]
    if difference.conflicts.pairs:
        blocks.append(_markdown(_pairs(difference)))
    blocks.append(_markdown(_accuracies(difference)) if difference.accuracies else _unmeasured())
    return "\n\n".join(block for block in blocks if block) + "\n"


def _head(difference: Difference) -> list[str]:
    lines = [
        f"before: {_side(difference.before)}",
        f"after: {_side(difference.after)}",
        *(visible(item) for item in difference.changed or ("the same went in",)),
        *_faults(*difference.faults),
        "",
        f"{difference.flips:,} of {difference.records:,} labels flipped ({difference.share:.2%})",
    ]
    if difference.removed or difference.added:
        lines[-1] += f"; {difference.removed:,} records are only before, {difference.added:,} only after"
    return lines


def _faults(before: int, after: int) -> list[str]:
    return [f"functions failed {before:,} times before, {after:,} after"] if before or after else []


def _side(side: SideName) -> str:
    return visible(side.shown) + (f", commit {side.commit[:12]}" if side.commit else "")


def _causes(difference: Difference) -> Table:
    rows = [[_who(group), _moves(group), _examples(group), f"{group.flips:,}"] for group in difference.groups[:MOST]]
    return ["caused by", "from -> to", "such as", "flips"], rows, 3


def _who(group: Group) -> str:
    """Functions with file and line; of those joined by "or" each one alone is enough."""
    if group.functions:
        names = [f"{name} ({_line(place)})" for name, place in zip(group.functions, group.places, strict=True)]
        if group.kind == "model":
            return f"the weight of {names[0]}"
        joint = " or " if group.kind == "function" else " with "
        return joint.join(names[:3]) + (f"{joint}{len(names) - 3} more" if len(names) > 3 else "")
    words = {"model": "(the label model's weights)", "people": "(people's answers)", "classes": "(other classes)"}
    return words[group.kind]


def _line(place: str) -> str:
    """File and line without the folder that all functions are in."""
    return place.removeprefix("labeling_functions/") or "?"


def _moves(group: Group) -> str:
    moves = [f"{old or NO_LABEL} -> {new or NO_LABEL} {count:,}" for (old, new), count in group.moves.items()]
    return ", ".join(moves[:3]) + (", ..." if len(moves) > 3 else "")


def _examples(group: Group) -> str:
    return ", ".join(group.examples)


def _hidden(difference: Difference) -> str:
    hidden = difference.groups[MOST:]
    if not hidden:
        return ""
    return f"\nand {len(hidden):,} more causes of {sum(group.flips for group in hidden):,} flips (--json)"


def _totals(difference: Difference) -> Table:
    rows = [
        [name or NO_LABEL, f"{before:,}", f"{after:,}", _signed(after - before)]
        for name, (before, after) in difference.totals.items()
    ]
    return ["label", "before", "after", "change"], rows, 1


def _conflicts(difference: Difference) -> str:
    found = difference.conflicts
    before, after = f"{found.before:,} records before", f"{found.after:,} after"
    return f"functions contradict one another on {before}, {after}: {found.new:,} new, {found.gone:,} gone"


def _pairs(difference: Difference) -> Table:
    rows = [[f"{one} and {other}", f"{count:,}"] for one, other, count in difference.conflicts.pairs]
    return ["newly against each other", "records"], rows, 1


def _accuracies(difference: Difference) -> Table:
    rows = [
        [
            item.basis,
            f"{item.records:,}",
            f"{item.right_before / item.records:.1%}",
            f"{item.right_after / item.records:.1%}",
            f"{item.change:+.1%}",
            f"{item.lost:,}",
            f"{item.won:,}",
        ]
        for item in difference.accuracies
    ]
    return ["label model against", "records", "before", "after", "change", "lost", "won"], rows, 1


def _unmeasured() -> str:
    return "no answers of people and no gold to measure accuracy with"


def _signed(number: int) -> str:
    return f"{number:+,}" if number else "0"


def _text(content: Table) -> str:
    header, rows, left = content
    return table(header, rows, left=left)


def _markdown(content: Table) -> str:
    from labelkit.reports.markdown import literal

    header, rows, left = content
    rule = [":--" if i < left else "--:" for i in range(len(header))]
    lines = [list(header), rule, *([literal(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
