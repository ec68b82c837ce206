"""Recall by the size of the defect: are small defects missed more often than large ones?

The defective pictures are split at the first and second tercile of their marked area. A tercile
is the area of the ceil(n / 3)-th or ceil(2n / 3)-th picture in ascending order, and a group reaches
up to and including its tercile. So pictures of equal area are always in the same group; where many
are equal, the groups differ in size, and a group can be left without a picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.decisions import share_interval

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
        reported = int((scores[chosen] > threshold).sum())
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
