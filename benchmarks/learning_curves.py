"""Learning curves that ``evaluate.py --train-counts`` has measured, as tables and as a picture."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from dashboard.figures.style import method_colour
from dashboard.tables import method_title
from evaluation.measure.operating_points import DEFAULT_FALSE_ALARMS
from evaluation.training_set.curve_table import CURVE_NAME, over_draws, read_curve

TITLES = {
    "image_auroc": "image AUROC",
    "pixel_auroc": "pixel AUROC",
    "missed": "missed defects, %",
    "false_alarms": "realised false alarms, %",
}
PERCENT = ("missed", "false_alarms")
PANEL_PX, ROW_PX, WIDTH_PX, HEIGHT_PX = 270, 190, 160, 120
TICKS = 4


def main() -> None:
    """Print a table and a sentence for each curve; draw them if asked to."""
    parser = argparse.ArgumentParser(description=str(__doc__))
    parser.add_argument("--outputs", type=Path, required=True)
    parser.add_argument("--categories", nargs="+", metavar="NAME")
    parser.add_argument("--false-alarms", type=float, default=DEFAULT_FALSE_ALARMS)
    parser.add_argument("--svg", type=Path, metavar="FILE")
    given = parser.parse_args()
    found = sorted(path.parent.name for path in given.outputs.glob(f"*/{CURVE_NAME}.json"))
    curves = []
    for name in given.categories or found:
        curve = read_curve(given.outputs, name)
        curves.append(curve)
        table = over_draws(curve, given.false_alarms)
        print(f"\n{name}\n{table.to_string(index=False, float_format='%.3f', na_rep='n/a')}")
        print("\n".join(map(str, curve["enough"])))
    if given.svg:
        given.svg.write_text(drawing(curves, given.false_alarms), encoding="utf-8")


def drawing(curves: Sequence[dict[str, Any]], false_alarms: float) -> str:
    """Return an SVG with a row of four panels for each curve."""
    width, height = PANEL_PX * len(TITLES), ROW_PX * len(curves)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" fill="none">']
    parts.append(f'<rect width="{width}" height="{height}" fill="white"/>')
    parts.append('<g font-size="10" font-family="sans-serif">')
    for row, curve in enumerate(curves):
        table = over_draws(curve, false_alarms)
        for column, measured in enumerate(TITLES):
            parts.append(f'<g transform="translate({PANEL_PX * column + 45},{ROW_PX * row + 30})">')
            title = f"{curve['category']}: {TITLES[measured]}"
            parts += [*panel(table, measured, title, false_alarms), "</g>"]
    return "\n".join([*parts, "</g></svg>\n"])


def panel(table: pd.DataFrame, measured: str, title: str, false_alarms: float) -> Iterator[str]:
    """Yield the elements of one panel: axes, and a line with its spread for each method."""
    scale = 100 if measured in PERCENT else 1
    mean, spread = scale * table[f"{measured}_mean"], scale * table[f"{measured}_std"].fillna(0)
    low, high = float((mean - spread).min()), float((mean + spread).max())
    if measured == "false_alarms":
        low, high = min(low, 100 * false_alarms), max(high, 100 * false_alarms)
    low, high = (max(0.0, low), high) if scale > 1 else (low, min(1.0, high))
    counts = sorted(set(table["count"]))
    span = math.log(counts[-1] / counts[0]) or 1.0

    def x(count: int) -> float:
        return round(WIDTH_PX * math.log(count / counts[0]) / span, 1)

    def y(value: float) -> float:
        inside = min(max(value, low), high)
        return round(HEIGHT_PX * (high - inside) / ((high - low) or 1.0), 1)

    yield f'<text y="-12" fill="black">{escape(title)}</text>'
    for value in (low + (high - low) * step / (TICKS - 1) for step in range(TICKS)):
        label = f"{value:.0f}" if scale > 1 else f"{value:.3f}"
        yield f'<text x="-6" y="{y(value) + 4}" text-anchor="end" fill="gray">{label}</text>'
        yield f'<path d="M0,{y(value)}h{WIDTH_PX}" stroke="lightgray"/>'
    for count in counts:
        place = f'x="{x(count)}" y="{HEIGHT_PX + 16}"'
        yield f'<text {place} text-anchor="middle" fill="gray">{count}</text>'
    if measured == "false_alarms":
        level = f"M0,{y(100 * false_alarms)}h{WIDTH_PX}"
        yield f'<path d="{level}" stroke="gray" stroke-dasharray="4 3"/>'
    for number, (method, rows) in enumerate(table.groupby("method", sort=False)):
        colour = method_colour(str(method))
        across = {at: int(count) for at, count in rows["count"].items()}
        there = [at for at in rows.index if not math.isnan(mean[at])]
        points = " ".join(f"{x(across[at])},{y(mean[at])}" for at in there)
        yield f'<polyline points="{points}" stroke="{colour}" stroke-width="1.5"/>'
        for at in there:
            right, up, down = x(across[at]), mean[at] + spread[at], mean[at] - spread[at]
            yield f'<path d="M{right},{y(up)}V{y(down)}" stroke="{colour}"/>'
            yield f'<circle cx="{right}" cy="{y(mean[at])}" r="3" fill="{colour}"/>'
        place = f'x="{WIDTH_PX + 4}" y="{14 * number + 10}"'
        yield f'<text {place} fill="{colour}">{method_title(str(method))}</text>'


if __name__ == "__main__":
    main()
