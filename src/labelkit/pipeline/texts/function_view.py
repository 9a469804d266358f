"""One function, and the records that it got wrong, as text."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from labelkit.errors import shortened, visible
from labelkit.tables import table

if TYPE_CHECKING:
    from labelkit.pipeline.function_view import Doubtful, FunctionView

WIDTH = 100  # of running text
LONGEST_RECORD, LONGEST_RULE = 70, 200  # characters that are shown


def function_text(view: FunctionView) -> str:
    """What `labelkit lf show` prints; text from data is made visible."""
    parts = [_head(view), _conflicts(view), _alone(view), _mistakes(view), _without(view)]
    return "\n\n".join("\n".join(part) for part in parts)


def doubtful_text(listed: Sequence[Doubtful]) -> str:
    """Records as `labelkit lf errors` lists them."""
    rows = []
    for one in listed:
        text = " | ".join(str(value) for value in one.fields.values() if value is not None)
        rows.append(
            [one.record, one.vote, one.instead, one.by, f"{one.probability:.2f}", shortened(text, LONGEST_RECORD)]
        )
    return table(["record", "vote", "instead", "say", "p(vote)", "fields"], rows, left=6)


def _head(view: FunctionView) -> list[str]:
    figures, row = view.row.figures, view.row
    lines = [f"{visible(figures.name)}  {visible(row.place)}".rstrip()]
    if view.definition is not None:
        lines.append(f"  {'rule':10}{shortened(json.dumps(view.definition, ensure_ascii=False), LONGEST_RULE)}")
    lines.append(
        f"  {'coverage':10}{figures.coverage:.3f}, overlaps {figures.overlaps:.3f}, conflicts {figures.conflicts:.3f}"
    )
    if figures.accuracy is not None and figures.interval is not None:
        judged = (figures.correct or 0) + (figures.incorrect or 0)
        low, high = figures.interval
        said = f"{figures.accuracy:.3f} ({low:.2f} to {high:.2f}), {figures.correct:,} of {judged:,} votes"
        lines.append(f"  {'accuracy':10}{said}; {view.basis}")
    if row.weight is not None:
        lines.append(f"  {'weight':10}{row.weight:+.2f} log odds where nobody else votes")
    lines.append(f"  {'faults':10}{figures.faults:,}")
    if row.seconds is not None:
        lines.append(f"  {'seconds':10}{row.seconds:.3f}")
    return lines + ([f"  {'remark':10}{visible(figures.remark)}"] if figures.remark else [])


def _conflicts(view: FunctionView) -> list[str]:
    if not view.conflicts:
        return ["conflicts with no other function"]
    header = ["conflicts with", "both vote", "differ", "it is right", "the other is"]
    rows = [
        [one.function, f"{one.together:,}", f"{one.differ:,}", f"{one.right:,}", f"{one.other_right:,}"]
        for one in view.conflicts
    ]
    return [table(header, rows)]


def _alone(view: FunctionView) -> list[str]:
    first = f": {visible(', '.join(view.alone_first))}" if view.alone_first else ""
    more = " ..." if view.alone > len(view.alone_first) else ""
    return [f"only it votes on {view.alone:,} records{first}{more}"]


def _mistakes(view: FunctionView) -> list[str]:
    said = f"people contradict {view.wrong:,} of its votes; the label model without it would {view.doubtful:,} others"
    return [said, *([doubtful_text(view.worst)] if view.worst else [])]


def _without(view: FunctionView) -> list[str]:
    without = view.without
    moves = "; ".join(
        f"{count:,} {visible(old) or '(no label)'} to {visible(new) or '(no label)'}"
        for old, new, count in without.moves
    )
    lines = [f"without it {without.flips:,} labels would be others{f': {moves}' if moves else ''}"]
    if without.judged:
        before, after = (f"{right / without.judged:.1%}" for right in (without.right_with, without.right_without))
        lines.append(f"labels right: {before} with it, {after} without it, of {without.judged:,}; {without.basis}")
    return [line for one in lines for line in textwrap.wrap(one, WIDTH, subsequent_indent="  ", break_on_hyphens=False)]
