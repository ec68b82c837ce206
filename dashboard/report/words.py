"""Wordings that several parts of a report share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from dashboard.tables import method_title, percent, percent_interval
from dashboard.texts import TEXTS
from evaluation.decisions import share_interval

Said = Callable[..., str]
NOT_AVAILABLE = "n/a"
BOLD = "**"


def unmarked(key: str, language: str, **values: object) -> str:
    """Return a text that a page shows as Markdown in plain words."""
    english, korean = TEXTS[key]
    return (korean if language == "ko" else english).replace(BOLD, "").format(**values)


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
