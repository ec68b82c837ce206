"""How well the area above a threshold fits the marked defect."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
