"""What a condition on the shown samples says in words."""

from __future__ import annotations

import math

from dashboard.state import said
from evaluation.measure.conditions import ABOVE, BETWEEN, SIZE, WITHIN


def wording(show: str, count: int) -> str:
    """Return what a condition that is one says, as plain words."""
    name, *values = show.split(":")
    if name == ABOVE:
        return said("shown_above", count=count, low=float(values[0]))
    if name in (BETWEEN, WITHIN):
        low, high = map(float, values[:2])
        key = f"shown_{'below' if low == -math.inf else 'over' if high == math.inf else 'score'}"
        kind = said("label_good" if values[2] == "good" else "roc_scores_defective")
        return said(key, count=count, low=low, high=high, kind=kind)
    if name == SIZE:
        return said(f"shown_size_{int(values[0])}", count=count)
    return said(f"shown_{name}", count=count)
