"""Thresholds from good training pictures, never from the test set.

If the scores of n good pictures that the detector has not seen and the score of a new good one are
exchangeable, the ceil((n + 1)(1 - a))-th smallest of the n, the k-th, is exceeded by the new one
with probability at most a (split conformal prediction: Vovk et al., 2005, section 4). That is a
mean over training sets: with these n pictures the share exceeded is Beta(n + 1 - k, k) distributed.
Where each of the n was left out of a model of its own (PaDiM, PatchCore: the jackknife), both hold
approximately only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.measure.metrics import CONFIDENCE

DEFAULT_FALSE_ALARMS = 0.05
ROUNDING = 1e-9


def threshold_for(calibration_scores: ArrayLike, false_alarms: float) -> float:
    """Return the score above which about `false_alarms` of good pictures are expected.

    Parameters
    ----------
    calibration_scores : float32 [n]
    false_alarms : float
        Share of good pictures, above 0 and below 1.

    Returns
    -------
    float
        NaN where n pictures are too few for so low a rate (see ``pictures_needed``).
    """
    ordered = np.sort(np.asarray(calibration_scores, np.float64))
    rank = _rank(len(ordered), false_alarms)
    return float(ordered[rank - 1]) if 1 <= rank <= len(ordered) else math.nan


def threshold_on(good_scores: ArrayLike, false_alarms: float) -> float:
    """Return the score above which at most `false_alarms` of these very pictures lie.

    The lowest of such, NaN without pictures. It compares methods; in use nobody knows it.
    """
    ordered = np.sort(np.asarray(good_scores, np.float64))
    allowed = math.floor(len(ordered) * false_alarms + ROUNDING)
    return float(ordered[len(ordered) - 1 - allowed]) if len(ordered) else math.nan


def expected_share(pictures: int, false_alarms: float) -> float:
    """Return the share of good pictures above ``threshold_for``, as a mean over training sets.

    `false_alarms` or, for so many pictures, somewhat less; NaN where they are too few.
    """
    rank = _rank(pictures, false_alarms)
    return (pictures + 1 - rank) / (pictures + 1) if 1 <= rank <= pictures else math.nan


def expected_interval(pictures: int, false_alarms: float) -> tuple[float, float]:
    """Return the 95 % interval of the share of good pictures above ``threshold_for``.

    NaN where `pictures` are too few for a threshold.
    """
    # Here, as in share_interval.
    from scipy.special import betaincinv

    rank = _rank(pictures, false_alarms)
    if not 1 <= rank <= pictures:
        return math.nan, math.nan
    tail = (1 - CONFIDENCE) / 2
    low, high = (float(betaincinv(pictures + 1 - rank, rank, at)) for at in (tail, 1 - tail))
    return low, high


def shares_above(pictures: int) -> list[tuple[float, float, float]]:
    """Return what share of good parts to expect above a threshold that somebody has chosen.

    Returns
    -------
    list of (share, low, high), pictures + 1 of them
        With as many of the held-out good pictures above it as the entry's place says: at most
        this share, as a mean over training sets, and its 95 % interval.
    """
    from scipy.special import betaincinv

    above = np.arange(pictures + 1)
    tail = (1 - CONFIDENCE) / 2
    below = np.maximum(pictures - above, 1)
    low, high = (betaincinv(above + 1, below, at) for at in (tail, 1 - tail))
    high[-1] = 1.0  # all are above it
    shares = (above + 1) / (pictures + 1)
    return list(zip(shares.tolist(), low.tolist(), high.tolist(), strict=True))


def _rank(pictures: int, false_alarms: float) -> int:
    return math.ceil((pictures + 1) * (1 - false_alarms) - ROUNDING)


def pictures_needed(false_alarms: float) -> int:
    """Return how many good pictures a threshold for this false-alarm rate needs."""
    return math.ceil(1 / false_alarms - 1 - ROUNDING)


def is_defective(scores: ArrayLike, threshold: float) -> NDArray[np.bool_]:
    """Tell which scores are reported as defective: those above the threshold, none for NaN."""
    return np.asarray(scores, np.float64) > threshold


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
    reported, bad = is_defective(scores, threshold), np.asarray(labels) > 0
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
