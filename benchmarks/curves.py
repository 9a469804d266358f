"""Learning curves as an SVG picture, one panel per set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP, ACROSS = 300, 190, 44, 34, 4
COLOURS = ("#2563eb", "#9ca3af", "#dc2626", "#d97706", "#7c3aed")

Curve = Sequence[tuple[int, float, float]]  # answers, mean, standard error


def draw(path: Path, panels: Mapping[str, Mapping[str, Curve]]) -> None:
    """Write panels of named curves, each with a band of one standard error, as one picture."""
    rows = -(-len(panels) // ACROSS)
    arms = list(dict.fromkeys(arm for curves in panels.values() for arm in curves))
    colours = {arm: COLOURS[i % len(COLOURS)] for i, arm in enumerate(arms)}
    width, height = ACROSS * (WIDTH + LEFT), rows * (HEIGHT + 2 * TOP) + 30
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="12"><rect width="100%" height="100%" fill="white"/>'
    )
    parts = [head]
    for i, arm in enumerate(arms):
        parts.append(f'<text x="{LEFT + 190 * i}" y="18" fill="{colours[arm]}" font-weight="bold">{escape(arm)}</text>')
    for i, (name, curves) in enumerate(panels.items()):
        x, y = (i % ACROSS) * (WIDTH + LEFT) + LEFT, (i // ACROSS) * (HEIGHT + 2 * TOP) + 30 + TOP
        parts.append(f'<g transform="translate({x},{y})">{panel(name, curves, colours)}</g>')
    path.write_text("\n".join([*parts, "</svg>\n"]))


def panel(name: str, curves: Mapping[str, Curve], colours: Mapping[str, str]) -> str:
    """One set: axes, bands, lines."""
    points = [point for curve in curves.values() for point in curve]
    most = max(n for n, _, _ in points)
    low = 10 * (min(mean - error for _, mean, error in points) // 10)
    high = min(100.0, 10 * (max(mean + error for _, mean, error in points) // 10 + 1))

    def place(n: int, value: float) -> str:
        return f"{(n / most) ** 0.5 * (WIDTH - 20):.1f},{HEIGHT * (high - value) / (high - low):.1f}"

    parts = [f'<text y="-10" font-weight="bold">{escape(name)}</text>']
    for value in range(int(low), int(high) + 1, 10):
        at = place(0, value).split(",")[1]
        parts.append(f'<line x2="{WIDTH - 20}" y1="{at}" y2="{at}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="-8" y="{at}" dy="4" text-anchor="end" fill="#4b5563">{value}</text>')
    for n in sorted({n for n, _, _ in points}):
        at = place(n, low).split(",")[0]
        parts.append(f'<text x="{at}" y="{HEIGHT + 16}" text-anchor="middle" fill="#4b5563">{n}</text>')
    for arm, curve in curves.items():
        band = [place(n, mean + error) for n, mean, error in curve]
        band += [place(n, mean - error) for n, mean, error in reversed(curve)]
        line = " ".join(place(n, mean) for n, mean, _ in curve)
        parts.append(f'<polygon points="{" ".join(band)}" fill="{colours[arm]}" opacity="0.15"/>')
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colours[arm]}" stroke-width="2"/>')
    return "".join(parts)
