"""What a method decides at one false-alarm rate: missed defects, false alarms, and their spread.

The threshold comes from held-out good training pictures (see ``evaluation.thresholds``), so the
target rate and the rate observed on the test pictures differ, and both are reported.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluation.metrics import CONFIDENCE
from evaluation.thresholds import threshold_for


@dataclass(frozen=True)
class Decisions:
    """Counts of the test pictures at one threshold; a score above it is reported defective.

    Attributes
    ----------
    threshold : float
        NaN where too few held-out good pictures exist; then the counts say nothing.
    good, defective : int
        Test pictures of either kind.
    false_alarms : int
        Good pictures that were reported.
    missed : int
        Defective pictures that were not.
    """

    threshold: float
    good: int
    defective: int
    false_alarms: int
    missed: int

    @property
    def known(self) -> bool:
        """Whether there is a threshold."""
        return not math.isnan(self.threshold)

    @property
    def missed_rate(self) -> float:
        """Share of defective pictures that were missed, NaN without any."""
        return self.missed / self.defective if self.known and self.defective else math.nan

    @property
    def false_alarm_rate(self) -> float:
        """Share of good pictures that were reported, NaN without any."""
        return self.false_alarms / self.good if self.known and self.good else math.nan

    @property
    def missed_interval(self) -> tuple[float, float]:
        """95 % interval of ``missed_rate``."""
        return share_interval(self.missed, self.defective) if self.known else (math.nan, math.nan)


def decide(
    scores: ArrayLike, labels: ArrayLike, calibration_scores: ArrayLike, false_alarms: float
) -> Decisions:
    """Judge the test pictures at the threshold for a false-alarm rate.

    Parameters
    ----------
    scores, labels : float [T], int [T]
        Raw scores and 0 (good) or 1 (defective).
    calibration_scores : float [K]
    false_alarms : float
        Share of good pictures, above 0 and below 1.
    """
    threshold = threshold_for(calibration_scores, false_alarms)
    scores, labels = np.asarray(scores, np.float64), np.asarray(labels)
    reported = scores > threshold
    bad = labels > 0
    return Decisions(
        threshold=threshold,
        good=int((~bad).sum()),
        defective=int(bad.sum()),
        false_alarms=int((reported & ~bad).sum()),
        missed=int((~reported & bad).sum()),
    )


def share_interval(count: int, total: int) -> tuple[float, float]:
    """Return the exact (Clopper-Pearson) 95 % interval of a share, NaN where `total` is 0."""
    # Here, because the app's first page should not wait for it before there are results.
    from scipy.special import betaincinv

    if total == 0:
        return math.nan, math.nan
    tail = (1 - CONFIDENCE) / 2
    low = float(betaincinv(count, total - count + 1, tail)) if count > 0 else 0.0
    high = float(betaincinv(count + 1, total - count, 1 - tail)) if count < total else 1.0
    return low, high
