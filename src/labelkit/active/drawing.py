"""The learning curve as a page of a notebook shows it: a sentence, and a plot drawn with numbers alone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labelkit.active.curve import CurvePoint, LearningCurve

WIDTH, HEIGHT, LEFT, BOTTOM = 480, 200, 44, 34
STRETCH = 50  # answers over which agreement is averaged
BLUE, ORANGE = "#0072b2", "#d55e00"  # told apart by the colour-blind, too; the lines also differ in their dashes


def curve_html(curve: LearningCurve) -> str:
    """The curve as HTML with an inline SVG; nothing is loaded from anywhere."""
    head = f"<p><b>{curve.answers} answers.</b> {escape(curve.advice.why)}.</p>"
    if curve.agreement is not None:
        share, (low, high) = curve.agreement
        head += (
            f"<p>Of the latest records drawn at random the learner said beforehand what people said: {share:.0%} "
            f"({low:.0%} to {high:.0%}).</p>"
        )
    return f"<div>{head}{_plot(curve)}</div>"


def _plot(curve: LearningCurve) -> str:
    points = curve.points
    if len(points) < 2:
        return ""
    agreed = [(point.answers, share) for point, share in zip(points, _agreement(points), strict=True) if share >= 0]
    changed = [(point.answers, point.changed) for point in points if point.changed is not None]
    most = points[-1].answers
    return (
        f'<svg role="img" aria-label="agreement with people and share of records changed, by answers" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'style="font: 11px sans-serif; max-width: 100%; background: #fff; color: #222">'
        f"{_axes(most)}{_line(agreed, most, BLUE, '')}{_line(changed, most, ORANGE, '5 3')}"
        f'<text x="{LEFT + 8}" y="12" fill="{BLUE}">learner and people agree (last {STRETCH} answers)</text>'
        f'<text x="{LEFT + 260}" y="12" fill="{ORANGE}">records changed (last {STRETCH})</text></svg>'
    )


def _agreement(points: Sequence[CurvePoint]) -> list[float]:
    """Share of the latest answers that the learner had right beforehand; -1 where there are none."""
    shares = []
    for point in points:
        recent = [other for other in points if point.answers - STRETCH < other.answers <= point.answers]
        asked = sum(other.asked for other in recent)
        shares.append(sum(other.agreed for other in recent) / asked if asked else -1.0)
    return shares


def _axes(most: int) -> str:
    lines = []
    for percent in (0, 25, 50, 75, 100):
        y = _y(percent / 100)
        lines.append(f'<line x1="{LEFT}" x2="{WIDTH - 8}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end" fill="#444">{percent} %</text>')
    for answers in sorted({0, most // 2, most}):
        x = _x(answers, most)
        lines.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle" fill="#444">{answers}</text>')
    lines.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 4}" text-anchor="middle" fill="#444">answers</text>')
    return "".join(lines)


def _line(values: Sequence[tuple[int, float]], most: int, colour: str, dashes: str) -> str:
    path = " ".join(f"{_x(answers, most)},{_y(share)}" for answers, share in values)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>'


def _x(answers: int, most: int) -> float:
    return round(LEFT + (WIDTH - LEFT - 12) * answers / max(most, 1), 1)


def _y(share: float) -> float:
    return round(20 + (HEIGHT - BOTTOM - 20) * (1 - share), 1)
