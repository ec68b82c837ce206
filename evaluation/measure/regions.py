"""Connected areas of an anomaly map above a threshold: what a person looks at one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = np.ones((3, 3), bool)
MOST_REGIONS = 30


@dataclass(frozen=True)
class Region:
    """One connected area, in pixels of the map; what touches at a corner is connected.

    Attributes
    ----------
    left, top, right, bottom : int
        The box around it; the last two are not included.
    area : int
        Pixels.
    maximum : float
        The highest raw score in it.
    hit : bool or None
        Whether it shares a pixel with the marked defect; None where nothing is known of defects.
    """

    left: int
    top: int
    right: int
    bottom: int
    area: int
    maximum: float
    hit: bool | None


def regions(
    anomaly_map: NDArray[np.floating], threshold: float, marked: NDArray[np.bool_] | None = None
) -> list[Region]:
    """Return the areas above a threshold, the one with the highest score first.

    Parameters
    ----------
    anomaly_map : float [H, W]
        Raw scores.
    threshold : float
        NaN for none: then there is no region.
    marked : bool [H, W], optional
        The marked defect; None where nothing is known of defects.
    """
    # Here, because the app's first page does not need it and should not wait for it.
    from scipy import ndimage

    labelled, count = ndimage.label(anomaly_map > threshold, NEIGHBOURS)
    numbers = range(1, count + 1)
    areas = np.bincount(labelled.ravel(), minlength=count + 1)[1:]
    highest = ndimage.maximum(anomaly_map, labelled, numbers)
    touched = set() if marked is None else set(np.unique(labelled[marked]).tolist())
    found = [
        Region(
            left=columns.start,
            top=rows.start,
            right=columns.stop,
            bottom=rows.stop,
            area=int(area),
            maximum=float(maximum),
            hit=None if marked is None else number in touched,
        )
        for number, (rows, columns), area, maximum in zip(
            numbers, ndimage.find_objects(labelled), areas, np.atleast_1d(highest), strict=True
        )
    ]
    return sorted(found, key=lambda region: -region.maximum)


def marked_regions_hit(
    marked: NDArray[np.bool_], anomaly_map: NDArray[np.floating], threshold: float
) -> tuple[int, int]:
    """Return how many connected areas of the marked defect are touched, and how many there are."""
    from scipy import ndimage

    labelled, count = ndimage.label(marked, NEIGHBOURS)
    touched = np.unique(labelled[anomaly_map > threshold])
    return int((touched > 0).sum()), int(count)


def border(area: NDArray[np.bool_]) -> str:
    """Return the area's border along the edges of its pixels, as the ``d`` of an SVG path.

    One unit is one pixel; the path is crisp at every magnification.
    """
    padded = np.pad(area, 1)
    across = _runs(padded[1:, 1:-1] != padded[:-1, 1:-1])
    down = _runs((padded[1:-1, 1:] != padded[1:-1, :-1]).T)
    lines = [f"M{start} {row}H{end}" for row, start, end in across]
    return "".join([*lines, *(f"M{column} {start}V{end}" for column, start, end in down)])


def _runs(edges: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Return row, start and end of every run of true values in a row."""
    steps = np.diff(np.pad(edges, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]
    return list(zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True))
