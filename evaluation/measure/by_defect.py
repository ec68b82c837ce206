"""AUROC by defect type, out of finished cells into one table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from evaluation.measure.operating_points import is_defective, share_interval

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


GROUPS = 3
NO_GROUP = -1


@dataclass(frozen=True)
class SizeRecall:
    """How many pictures of one size group were reported.

    Attributes
    ----------
    group : int
        0 for the smallest third, 1, 2 for the largest.
    low, high : int
        Smallest and largest marked area in the group, in pixels of the transformed picture.
    pictures, reported : int
        Defective pictures in the group, and how many of them scored above the threshold;
        `reported` says nothing where `recall` is NaN.
    recall : float
        Share of reported pictures, NaN without a threshold.
    interval : tuple of float
        Its exact 95 % interval, NaN without a threshold.
    """

    group: int
    low: int
    high: int
    pictures: int
    reported: int
    recall: float
    interval: tuple[float, float]


def size_groups(areas: ArrayLike) -> NDArray[np.int64]:
    """Return the size group of every picture, 0 (small) to 2 (large).

    Parameters
    ----------
    areas : float [D]
        Marked area in pixels; NaN where there is no mask, 0 where the marked defect lies outside
        the picture's crop. Both belong to no group.

    Returns
    -------
    int64 [D]
        -1 for no group; all -1 if fewer than three pictures have a marked area.
    """
    areas = np.asarray(areas, np.float64)
    marked = areas > 0
    groups = np.full(len(areas), NO_GROUP, np.int64)
    ordered = np.sort(areas[marked])
    count = len(ordered)
    if count < GROUPS:
        return groups
    limits = [ordered[-(-count * part // GROUPS) - 1] for part in range(1, GROUPS)]
    groups[marked] = np.searchsorted(limits, areas[marked], side="left")
    return groups


def recall_by_size(areas: ArrayLike, scores: ArrayLike, threshold: float) -> list[SizeRecall]:
    """Return the recall of each size group that has pictures, small ones first.

    Parameters
    ----------
    areas : float [D]
        As in ``size_groups``; of the defective pictures only.
    scores : float [D]
        Raw scores of the same pictures.
    threshold : float
        A score above it is reported; NaN where there is none.

    Raises
    ------
    ValueError
        If there are not as many scores as areas.
    """
    areas, scores = np.asarray(areas, np.float64), np.asarray(scores, np.float64)
    if areas.shape != scores.shape:
        raise ValueError(f"There are {areas.size} areas but {scores.size} scores.")
    groups = size_groups(areas)
    known = not math.isnan(threshold)
    measured = []
    for group in range(GROUPS):
        chosen = groups == group
        pictures = int(chosen.sum())
        if not pictures:
            continue
        reported = int(is_defective(scores[chosen], threshold).sum())
        measured.append(
            SizeRecall(
                group=group,
                low=int(areas[chosen].min()),
                high=int(areas[chosen].max()),
                pictures=pictures,
                reported=reported,
                recall=reported / pictures if known else math.nan,
                interval=share_interval(reported, pictures) if known else (math.nan, math.nan),
            )
        )
    return measured


@dataclass(frozen=True)
class Overlap:
    """Pixel counts of one picture.

    Attributes
    ----------
    marked : int
        Pixels of the marked defect.
    predicted : int
        Pixels above the threshold.
    shared : int
        Pixels that are both.
    """

    marked: int
    predicted: int
    shared: int

    @property
    def covered(self) -> float:
        """Share of the marked pixels that lie in the predicted area, NaN without any."""
        return self.shared / self.marked if self.marked else math.nan

    @property
    def outside(self) -> int:
        """Predicted pixels that are not marked."""
        return self.predicted - self.shared

    @property
    def iou(self) -> float:
        """Intersection over union, NaN where both areas are empty."""
        union = self.marked + self.outside
        return self.shared / union if union else math.nan


def overlap(
    anomaly_map: NDArray[np.floating], marked: NDArray[np.bool_], threshold: float
) -> Overlap:
    """Count the pixels of a map above a threshold, of the marked defect, and of both.

    Parameters
    ----------
    anomaly_map : float [H, W]
        Raw scores.
    marked : bool [H, W]
    threshold : float
    """
    predicted = anomaly_map > threshold
    return Overlap(int(marked.sum()), int(predicted.sum()), int((predicted & marked).sum()))
