"""The summary as tables for people."""

from __future__ import annotations

import math

import pandas as pd

from detectors.registry import METHODS

MEAN_COLUMNS = [
    "image_auroc",
    "pixel_auroc",
    "aupro",
    "fit_s",
    "score_s",
    "runtime_s",
    "ms_per_image",
    "model_mb",
    "peak_memory_mb",
]


def means_per_method(summary: pd.DataFrame) -> pd.DataFrame:
    """Return one row per method with its means over categories.

    Demo and real data, other settings and other weights are never averaged together: each
    combination has a row of its own. NaN values are left out; a mean of nothing is NaN.

    Returns
    -------
    DataFrame
        Columns ``method, demo_data, settings_id, weights, categories`` and the mean columns.
    """
    keys = ["method", "demo_data", "settings_id", "weights"]
    if summary.empty:
        return pd.DataFrame(columns=[*keys, "categories", *MEAN_COLUMNS])
    grouped = summary.groupby(keys, sort=False)
    means = grouped[MEAN_COLUMNS].mean()
    means.insert(0, "categories", grouped.size())
    order = {key: position for position, key in enumerate(METHODS)}
    return means.reset_index().sort_values(
        ["demo_data", "settings_id", "method"],
        key=lambda column: column.map(order) if column.name == "method" else column,
        ignore_index=True,
    )


def method_title(key: str) -> str:
    """Return the method's name for people, or the key itself if it is not known."""
    return METHODS[key].title if key in METHODS else key


def number(value: float, digits: int = 3) -> str:
    """Return a number with fixed digits, ``n/a`` for NaN."""
    return "n/a" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def interval(low: float, high: float) -> str:
    """Return an interval such as ``0.981–1.000``, ``n/a`` for NaN."""
    if math.isnan(low) or math.isnan(high):
        return "n/a"
    return f"{low:.3f}–{high:.3f}"
