"""From a finished cell to its curves, each with the operating point at one false-alarm rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from dashboard.figures.roc_charts import MethodCurve
from dashboard.tables import interval, method_title, number
from evaluation.store.curves import stored_curve

if TYPE_CHECKING:
    from dashboard.finished import FinishedCell


def method_curve(
    cell: FinishedCell, kind: str, false_alarms: float, with_precision: bool = False
) -> MethodCurve | None:
    """Return one method's curve with its operating point, None if the curve is not defined.

    Parameters
    ----------
    kind : str
        ``"image"`` or ``"pixel"``; the pixel curve's point is the same threshold on the maps.
    with_precision : bool
        The legend gives average precision instead of AUROC.

    Raises
    ------
    CellError
        If the stored curves are damaged.
    """
    curve = stored_curve(cell.curves(), kind)
    if curve is None:
        return None
    metrics = cell.about["metrics"]
    if with_precision:
        summary = f"AP {number(metrics.get(f'{kind}_ap', math.nan))}"
    else:
        summary = f"AUROC {number(metrics[f'{kind}_auroc'])}"
        low, high = metrics["image_auroc_low"], metrics["image_auroc_high"]
        if kind == "image" and not math.isnan(low + high):
            summary += f" ({interval(low, high)})"
    threshold = cell.decisions(false_alarms).threshold
    settings = cell.place.settings_id
    title = method_title(cell.method)
    return MethodCurve(cell.method, title, summary, curve, threshold, settings)


def curve_table(curves: Sequence[tuple[str, MethodCurve]]) -> pd.DataFrame:
    """Return all points of the curves, each with its kind, as one table for a file."""
    tables = [
        pd.DataFrame({"method": one.method, "kind": kind, **vars(one.curve)})
        for kind, one in curves
    ]
    return pd.concat(tables, ignore_index=True).rename(columns={"thresholds": "threshold"})
