"""Thresholds from good training pictures, never from the test set.

The scores of n good pictures that the detector has not seen and the score of one new good
picture are exchangeable, so the ceil((n + 1)(1 - a))-th smallest of the n is exceeded by the new
one with probability at most a (split conformal prediction: Vovk et al., 2005, section 4).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

DEFAULT_FALSE_ALARMS = 0.05
ROUNDING = 1e-9


def threshold_for(calibration_scores: ArrayLike, false_alarms: float) -> float:
    """Return the score above which at most `false_alarms` of good pictures are expected.

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
    rank = math.ceil((len(ordered) + 1) * (1 - false_alarms) - ROUNDING)
    return float(ordered[rank - 1]) if 1 <= rank <= len(ordered) else math.nan


def pictures_needed(false_alarms: float) -> int:
    """Return how many good pictures a threshold for this false-alarm rate needs."""
    return math.ceil(1 / false_alarms - 1 - ROUNDING)
