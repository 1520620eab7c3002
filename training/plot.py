"""Draws a run's log as SVG: one small chart for each figure, over the steps of all stages."""

import json
from pathlib import Path

WIDTH, HEIGHT, GAP, COLUMNS = 300, 140, 50, 3
HIDDEN = frozenset({"stage", "step"})


def read_log(file: Path) -> dict[str, list[tuple[int, float]]]:
    """Of each figure its points; the steps of a stage go on where those of the one before ended."""
    series: dict[str, list[tuple[int, float]]] = {}
    stage, before, last = None, 0, 0
    for line in file.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry["stage"] != stage:
            stage, before = entry["stage"], last
        last = before + entry["step"]
        for name, value in entry.items():
            if name not in HIDDEN:
                series.setdefault(name, []).append((last, value))
    return series


def plot(log: Path, output: Path) -> None:
    series = sorted(read_log(log).items())
    rows = -(-len(series) // COLUMNS)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{COLUMNS * (WIDTH + GAP) + GAP}" '
        f'height="{rows * (HEIGHT + GAP) + GAP}" font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for i, (name, points) in enumerate(series):
        x, y = GAP + i % COLUMNS * (WIDTH + GAP), GAP + i // COLUMNS * (HEIGHT + GAP)
        parts.append(f'<g transform="translate({x},{y})">{chart(name, points)}</g>')
    output.write_text("\n".join([*parts, "</svg>", ""]), encoding="utf-8")


def chart(name: str, points: list[tuple[int, float]]) -> str:
    steps, values = [step for step, _ in points], [value for _, value in points]
    low, high, first, last = min(values), max(values), min(steps), max(steps)
    spread, length = (high - low) or 1, (last - first) or 1
    path = " ".join(
        f"{(step - first) / length * WIDTH:.1f},{HEIGHT - (value - low) / spread * HEIGHT:.1f}"
        for step, value in points
    )
    return (
        f'<text y="-8" font-weight="bold">{name}: {values[-1]:.4g}</text>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#ccc"/>'
        f'<polyline points="{path}" fill="none" stroke="#1667c7" stroke-width="1.5"/>'
        f'<text x="-4" y="8" text-anchor="end">{high:.3g}</text>'
        f'<text x="-4" y="{HEIGHT}" text-anchor="end">{low:.3g}</text>'
        f'<text y="{HEIGHT + 14}">{first}</text><text x="{WIDTH}" y="{HEIGHT + 14}" text-anchor="end">{last}</text>'
    )
