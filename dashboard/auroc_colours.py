"""Colours of AUROC values in tables: orange is weak, blue is strong, darker is further out.

Orange and blue are told apart with every kind of colour blindness. Each background brings its own
text colour, so that the number is legible on a light and on a dark page alike.
"""

from __future__ import annotations

import math
from bisect import bisect_right

LIMITS = (0.7, 0.8, 0.9, 0.95, 0.99)
DARK_TEXT, LIGHT_TEXT = "#1A1A1A", "#FFFFFF"
COLOURS = (
    ("#9C4A00", LIGHT_TEXT),
    ("#E08A2E", DARK_TEXT),
    ("#F7CF9B", DARK_TEXT),
    ("#CFE1F2", DARK_TEXT),
    ("#7DB2DD", DARK_TEXT),
    ("#14599D", LIGHT_TEXT),
)


def auroc_style(value: float) -> str:
    """Return the CSS of a table cell that shows this AUROC; none where it is undefined."""
    if math.isnan(value):
        return ""
    background, text = COLOURS[bisect_right(LIMITS, value)]
    return f"background-color: {background}; color: {text}"
