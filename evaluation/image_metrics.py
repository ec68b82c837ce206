"""Metrics of picture scores, by scikit-learn; NaN where there are no good or no defective ones.

Those of pixels are in ``evaluation.metrics``, which sorts millions of them once for all metrics.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix_at_thresholds,
    roc_auc_score,
)

from evaluation.metrics import Curve, flattened


def image_curve(scores: ArrayLike, labels: ArrayLike) -> Curve:
    """Count what is reported at every distinct score; ROC and precision-recall are read off it.

    Parameters
    ----------
    scores : float32 [T]
        Higher means more anomalous.
    labels : int [T]
        0 good, 1 defective.

    Raises
    ------
    ValueError
        If the lengths differ or a score is not finite.
    """
    ranked, truth = _checked(scores, labels)
    _, alarms, _, hits, thresholds = confusion_matrix_at_thresholds(truth, ranked, pos_label=1)
    return Curve(
        thresholds.astype(np.float32),
        hits.astype(np.int64),
        alarms.astype(np.int64),
        hits / max(truth.sum(), 1),
    )


def image_auroc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Area under the ROC curve of pictures in 0..1; ties count half."""
    ranked, truth = _checked(scores, labels)
    return float(roc_auc_score(truth, ranked)) if 0 < truth.sum() < len(truth) else math.nan


def image_average_precision(scores: ArrayLike, labels: ArrayLike) -> float:
    """Sum over thresholds of recall gained times precision there, 0..1."""
    ranked, truth = _checked(scores, labels)
    if not 0 < truth.sum() < len(truth):
        return math.nan
    return float(average_precision_score(truth, ranked))


def _checked(scores: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the scores in float64, in which scikit-learn's differences of float32 are finite."""
    ranked, truth = flattened(scores, labels)
    return ranked.astype(np.float64), truth.astype(np.int64)
