"""The summary as tables for people."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from detectors.registry import METHODS
from evaluation.summary import LATENCY_COLUMNS

MEAN_COLUMNS = [
    "image_auroc",
    "pixel_auroc",
    "aupro",
    "fit_s",
    "score_s",
    "runtime_s",
    "ms_per_image",
    *LATENCY_COLUMNS,
    "model_mb",
    "peak_memory_mb",
]
GROUP = ["method", "demo_data", "settings_id", "weights"]
PAIR = ["image_auroc", "pixel_auroc"]
ROW_PX, BORDER_PX, TALLEST_PX = 35, 3, 900


def means_per_method(summary: pd.DataFrame) -> pd.DataFrame:
    """Return one row per method with its means over categories.

    Demo and real data, other settings and other weights are never averaged together: each
    combination has a row of its own. NaN values are left out; a mean of nothing is NaN.

    Returns
    -------
    DataFrame
        Columns ``method, demo_data, settings_id, weights, categories``, ``with_image`` and
        ``with_pixel`` (categories whose image and pixel AUROC are defined) and the mean columns.
    """
    counts = ["categories", "with_image", "with_pixel"]
    if summary.empty:
        return pd.DataFrame(columns=[*GROUP, *counts, *MEAN_COLUMNS])
    grouped = summary.groupby(GROUP, sort=False)
    means = grouped[MEAN_COLUMNS].mean()
    for position, count in enumerate(
        (grouped.size(), grouped["image_auroc"].count(), grouped["pixel_auroc"].count())
    ):
        means.insert(position, counts[position], count)
    order = {key: position for position, key in enumerate(METHODS)}
    return means.reset_index().sort_values(
        ["demo_data", "settings_id", "method"],
        key=lambda column: column.map(order) if column.name == "method" else column,
        ignore_index=True,
    )


def same_categories(summary: pd.DataFrame) -> bool:
    """Tell whether all means of one kind of data and settings are over the same categories."""
    if summary.empty:
        return True
    sets = summary.groupby(GROUP)["category"].agg(frozenset)
    return bool((sets.groupby(["demo_data", "settings_id"]).nunique() <= 1).all())


def shared_means(summary: pd.DataFrame) -> tuple[list[str], pd.DataFrame]:
    """Return the categories that every method has finished, and the means over just these.

    Of the cells with default settings; the real data if there are any, else the demo data.

    Returns
    -------
    tuple of list of str and DataFrame
        The DataFrame is as from ``means_per_method``; both are empty where no category is shared.
    """
    cells = summary[summary["settings_id"] == ""]
    cells = cells[cells["demo_data"] == (cells["demo_data"].all() if len(cells) else False)]
    sets = [set(names) for _, names in cells.groupby(GROUP)["category"]]
    shared = sorted(set.intersection(*sets)) if sets else []
    return shared, means_per_method(cells[cells["category"].isin(shared)])


def auroc_by_category(summary: pd.DataFrame) -> pd.DataFrame:
    """Return one row per category with the image and pixel AUROC of every method.

    A category has a row of its own for each kind of data and settings.

    Returns
    -------
    DataFrame
        Columns ``category, demo_data, settings_id``, then ``<method>_image_auroc`` and
        ``<method>_pixel_auroc`` for each method with a cell, in the registry's order; NaN where
        undefined or not evaluated.
    """
    keys = ["category", "demo_data", "settings_id"]
    if summary.empty:
        return pd.DataFrame(columns=keys)
    cells = summary.drop_duplicates([*keys, "method"]).set_index([*keys, "method"])
    wide = cells[PAIR].astype(float).unstack("method")
    present = set(summary["method"])
    methods = [*(key for key in METHODS if key in present), *sorted(present - set(METHODS))]
    columns = {f"{method}_{name}": wide[name, method] for method in methods for name in PAIR}
    return pd.DataFrame(columns).reset_index()


def method_title(key: str) -> str:
    """Return the method's name for people, or the key itself if it is not known."""
    return METHODS[key].title if key in METHODS else key


def told_apart(names: Sequence[str], differing: Sequence[str]) -> list[str]:
    """Return names, with what differs behind those that would read the same."""
    counts = Counter(names)
    return [
        f"{name}, {what}" if counts[name] > 1 else name
        for name, what in zip(names, differing, strict=True)
    ]


def cell_names(cells: Iterable[Mapping[Any, Any]]) -> str:
    """Return cells as ``bottle, cable (AE, PaDiM); pill (AE)``; each has category and method."""
    methods: dict[str, dict[str, None]] = {}
    for cell in cells:
        title = method_title(str(cell["method"]))
        methods.setdefault(str(cell["category"]), {})[title] = None
    categories: dict[str, list[str]] = {}
    for category, found in methods.items():
        categories.setdefault(", ".join(found), []).append(category)
    return "; ".join(f"{', '.join(names)} ({found})" for found, names in categories.items())


def number(value: float, digits: int = 3) -> str:
    """Return a number with fixed digits, ``n/a`` for NaN."""
    return "n/a" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def interval(low: float, high: float) -> str:
    """Return an interval such as ``0.981–1.000``, ``n/a`` for NaN."""
    if math.isnan(low) or math.isnan(high):
        return "n/a"
    return f"{low:.3f}–{high:.3f}"


def percent(share: float) -> str:
    """Return a share such as ``5 %`` or ``0.5 %``, ``n/a`` for NaN."""
    return "n/a" if math.isnan(share) else f"{100 * share:.3g} %"


def percent_interval(low: float, high: float) -> str:
    """Return an interval of shares such as ``0.2–5.9 %``, ``n/a`` for NaN."""
    if math.isnan(low) or math.isnan(high):
        return "n/a"
    return f"{100 * low:.1f}–{100 * high:.1f} %"


def table_height(rows: int, tallest: int = TALLEST_PX) -> int:
    """Return the height in pixels that shows rows and heading without scrolling, if it may."""
    return min(ROW_PX * (rows + 1) + BORDER_PX, tallest)
