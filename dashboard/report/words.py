"""Wordings that several parts of a report share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from dashboard.tables import method_title, percent, percent_interval
from evaluation.decisions import share_interval

Said = Callable[..., str]
NOT_AVAILABLE = "n/a"


def method_names(methods: Iterable[str]) -> str:
    """Return the methods' names for people, separated by commas."""
    return ", ".join(method_title(method) for method in methods)


def digits(value: float, places: int) -> str:
    """Return a number with fixed places, ``n/a`` for NaN or None."""
    return NOT_AVAILABLE if value is None or math.isnan(value) else f"{value:.{places}f}"


def share(count: int, total: int, said: Said) -> str:
    """Return a count with its share and 95 % interval, ``n/a`` of nothing."""
    if total == 0:
        return NOT_AVAILABLE
    low, high = share_interval(count, total)
    return said(
        "report_share",
        count=count,
        total=total,
        share=percent(count / total),
        interval=percent_interval(low, high),
    )
