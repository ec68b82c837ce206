"""The brightness control: how well a picture's mean brightness alone tells good from defective.

Where test pictures were taken with another exposure, any score that reacts to brightness can
profit from it without seeing a defect; this number says how much there is to be gained.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

SUSPICIOUS_AUROC = 0.9


def mean_brightness(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the mean of each picture in [0, 255], ``[N]`` from uint8 ``[N, H, W, 3]``."""
    return np.array([picture.mean() for picture in images], np.float64)


def brightness_auroc(brightness: ArrayLike, labels: ArrayLike) -> float:
    """Return the image AUROC that brightness alone reaches, in whichever direction is better.

    Parameters
    ----------
    brightness : float64 [T]
    labels : int [T]

    Returns
    -------
    float in [0.5, 1]
        NaN without good or without defective pictures.
    """
    # Here, because the app's first page knows the threshold and does not load scikit-learn.
    from evaluation.image_metrics import image_auroc

    value = image_auroc(brightness, labels)
    return math.nan if math.isnan(value) else max(value, 1 - value)
