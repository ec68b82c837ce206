"""AUROC by defect type, out of finished cells into one table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

COLUMNS = ["category", "method", "defect", "pictures", "image_auroc", "pixel_auroc", "demo_data"]


def type_table(cells: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Return one row per cell and defect type.

    Parameters
    ----------
    cells : iterable of dict
        Contents of ``cell.json``.

    Returns
    -------
    DataFrame
        Columns ``category, method, defect, pictures, image_auroc, pixel_auroc, demo_data``; an
        AUROC is NaN where it is undefined. `pictures` counts the test pictures of that type.
    """
    rows = []
    for cell in cells:
        by_defect = cell["metrics"].get("by_defect")
        for defect, measured in by_defect.items() if isinstance(by_defect, dict) else ():
            if not isinstance(measured, dict) or not isinstance(measured.get("count"), int):
                continue
            rows.append(
                {
                    "category": cell["category"],
                    "method": cell["method"],
                    "defect": str(defect),
                    "pictures": measured["count"],
                    "image_auroc": _number(measured.get("image_auroc")),
                    "pixel_auroc": _number(measured.get("pixel_auroc")),
                    "demo_data": bool(cell["demo_data"]),
                }
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def hardest_types(types: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return the rows with a defined `metric`, the lowest first; ties in the given order."""
    known = types[types[metric].notna()]
    return known.sort_values(metric, kind="stable", ignore_index=True)


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan
