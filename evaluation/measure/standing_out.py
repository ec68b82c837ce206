"""How far single pictures stand out among many that should be alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAD_OF_NORMAL = 1.4826  # times the median absolute deviation is the standard deviation


def robust_z(scores: ArrayLike) -> NDArray[np.float64]:
    """Return how many standard deviations each score lies above the median, float64 ``[N]``.

    The deviation comes from the middle half of the scores, so that the few that stand out do not
    widen it. NaN where half of all scores are equal.
    """
    values = np.asarray(scores, np.float64)
    above = values - np.median(values)
    spread = MAD_OF_NORMAL * float(np.median(np.abs(above)))
    return above / spread if spread > 0 else np.full_like(above, np.nan)
