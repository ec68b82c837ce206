"""From a finished cell to its curves and its operating point at one false-alarm rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from dashboard.figures.roc import Mark, MethodCurve
from dashboard.tables import interval, method_title, number
from evaluation.cells import CellError
from evaluation.curves import RankingCurve, stored_curve
from evaluation.decisions import Decisions

if TYPE_CHECKING:
    from dashboard.finished import FinishedCell


@dataclass(frozen=True)
class Operating:
    """What a method decides on the test pictures at one threshold."""

    decisions: Decisions

    @property
    def found(self) -> int:
        """Defective pictures that were reported."""
        return self.decisions.defective - self.decisions.missed

    @property
    def precision(self) -> float:
        """Share of reported pictures that are defective, NaN where nothing is reported."""
        reported = self.found + self.decisions.false_alarms
        return self.found / reported if self.decisions.known and reported else math.nan


def operating(cell: FinishedCell, false_alarms: float) -> Operating:
    """Return what the cell's method decides when `false_alarms` of good parts may be reported."""
    return Operating(cell.decisions(false_alarms))


def method_curve(
    cell: FinishedCell, kind: str, false_alarms: float, with_precision: bool = False
) -> MethodCurve | None:
    """Return one method's curve with its operating point, ready to be drawn.

    Parameters
    ----------
    kind : str
        ``"image"`` or ``"pixel"``; the pixel curve's point is the same threshold on the maps.
    with_precision : bool
        The legend gives average precision instead of AUROC.

    Returns
    -------
    MethodCurve or None
        None if the curve is not defined.

    Raises
    ------
    CellError
        If the stored curves are damaged.
    """
    arrays = cell.curves()
    try:
        curve = stored_curve(arrays, kind)
    except ValueError as error:
        raise CellError(
            f"The curves in {cell.place.folder} are damaged; evaluate it again."
        ) from error
    if curve is None:
        return None
    metrics = cell.about["metrics"]
    if with_precision:
        summary = f"AP {number(metrics.get(f'{kind}_ap', math.nan))}"
    else:
        summary = f"AUROC {number(metrics.get(f'{kind}_auroc', math.nan))}"
        low, high = (metrics.get(f"image_auroc_{end}", math.nan) for end in ("low", "high"))
        if kind == "image" and not math.isnan(low + high):
            summary += f" ({interval(low, high)})"
    return MethodCurve(
        method=cell.method,
        title=method_title(cell.method),
        summary=summary,
        curve=curve,
        mark=_mark(operating(cell, false_alarms), curve, kind),
    )


def base_rate(cells: Sequence[FinishedCell], kind: str, curves: Sequence[MethodCurve]) -> float:
    """Return the share of defective pictures or pixels, NaN if the methods disagree on it.

    At the lowest threshold everything is reported, so the precision there is the base rate.
    """
    if kind == "image":
        rates = {float((cell.test["label"] > 0).mean()) for cell in cells}
    else:
        rates = {round(float(one.curve.precision[-1]), 9) for one in curves}
    return rates.pop() if len(rates) == 1 else math.nan


def curve_table(curves: Sequence[tuple[str, MethodCurve]]) -> pd.DataFrame:
    """Return all points of the curves as one table for a file."""
    tables = [
        pd.DataFrame(
            {
                "method": one.method,
                "kind": kind,
                "threshold": one.curve.thresholds,
                "false_positive_rate": one.curve.false_positive_rate,
                "true_positive_rate": one.curve.true_positive_rate,
                "precision": one.curve.precision,
            }
        )
        for kind, one in curves
    ]
    return pd.concat(tables, ignore_index=True)


def _mark(point: Operating, curve: RankingCurve, kind: str) -> Mark | None:
    made = point.decisions
    if not made.known:
        return None
    if kind == "image":
        rates = (made.false_alarm_rate, 1 - made.missed_rate, point.precision)
        return Mark(made.threshold, *rates)
    position = curve.position_above(made.threshold)
    if position is None:
        return None
    reported = position > 0
    return Mark(
        made.threshold,
        float(curve.false_positive_rate[position]),
        float(curve.true_positive_rate[position]),
        float(curve.precision[position]) if reported else math.nan,
    )
