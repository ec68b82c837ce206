"""All numbers of one cell from its raw maps, scores and masks.

Those of picture scores are scikit-learn's; those of pixels come from ``metrics``.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix_at_thresholds,
    roc_auc_score,
)

from data_utils.layouts import GOOD
from detectors.base import AnomalyResult
from evaluation.measure.metrics import (
    Curve,
    aupro,
    auroc,
    auroc_interval,
    average_precision,
    best_f1,
    curve_against,
    flattened,
    thinned,
)

NOTHING = np.empty(0, np.float32)
SORT_THREADS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True)
class Measures:
    """Metrics of one cell and the curves they were read off."""

    metrics: dict[str, Any]
    image_curve: Curve
    pixel_curve: Curve


Regions = NDArray[np.uint32] | Sequence[NDArray[np.uint32]]


def measure(result: AnomalyResult, records: pd.DataFrame, regions: Regions) -> Measures:
    """Measure the scores of the test pictures.

    Pictures without a usable mask take part in the image metrics only; pixel metrics are NaN
    if no defective picture has one.

    Parameters
    ----------
    result : AnomalyResult
        Raw scores [T] and maps [T, H, W].
    records : DataFrame
        The T test pictures with ``label``, ``defect`` and ``has_mask``.
    regions : uint32 [T, H, W], or T arrays of any size
        The numbered regions of the masks (see ``mask_regions``); a map is enlarged to their size.
    """
    labels = records["label"].to_numpy()
    pictures = image_curve(result.scores, labels)
    pixels = pixels_by_type(result.maps, regions, records)
    pixel_curve = pixel_curve_of(list(pixels.values()))
    area = image_auroc(result.scores, labels)
    low, high = auroc_interval(area, int((labels > 0).sum()), int((labels == 0).sum()))
    image_f1, image_threshold = best_f1(pictures)
    pixel_f1, pixel_threshold = best_f1(pixel_curve)
    metrics = {
        "image_auroc": area,
        "image_auroc_low": low,
        "image_auroc_high": high,
        "pixel_auroc": auroc(pixel_curve),
        "aupro": aupro(pixel_curve),
        "image_ap": image_average_precision(result.scores, labels),
        "pixel_ap": average_precision(pixel_curve),
        "image_best_f1": image_f1,
        "image_best_f1_threshold": image_threshold,
        "pixel_best_f1": pixel_f1,
        "pixel_best_f1_threshold": pixel_threshold,
        "by_defect": _by_defect(result, records, pixels),
    }
    return Measures(metrics, pictures, pixel_curve)


def curve_arrays(measures: Measures) -> dict[str, NDArray[Any]]:
    """Return both curves, thinned, as named arrays for ``curves.npz``."""
    arrays: dict[str, NDArray[Any]] = {}
    for name, ranked in (("image", measures.image_curve), ("pixel", measures.pixel_curve)):
        kept = thinned(ranked)
        hits, alarms = kept.true_positives, kept.false_positives
        arrays |= {
            f"{name}_threshold": kept.thresholds,
            f"{name}_tpr": hits / ranked.positives if ranked.positives else hits * math.nan,
            f"{name}_fpr": alarms / ranked.negatives if ranked.negatives else alarms * math.nan,
            f"{name}_precision": hits / (hits + alarms),
        }
    arrays["pixel_region_overlap"] = thinned(measures.pixel_curve).region_overlap
    return arrays


@dataclass(frozen=True)
class Pixels:
    """Pixel scores of the pictures of one defect type, or of the good ones.

    Attributes
    ----------
    defective : float32 [P]
    regions : uint32 [P]
        Number of the marked region that each belongs to, counted through all pictures.
    normal : float32 [N]
        Ascending.
    """

    defective: NDArray[np.float32]
    regions: NDArray[np.uint32]
    normal: NDArray[np.float32]


def pixels_by_type(
    maps: NDArray[np.float32], regions: Regions, records: pd.DataFrame
) -> dict[str, Pixels]:
    """Sort the pixels of the pictures with a usable mask, each defect type by itself.

    Parameters
    ----------
    maps : float32 [T, H, W]
    regions : uint32 [T, H, W], or T arrays of any size
    records : DataFrame
        The T test pictures with ``defect`` and ``has_mask``.
    """
    usable = records["has_mask"].to_numpy(dtype=bool)
    defects = records["defect"].to_numpy()

    def sort(defect: str) -> Pixels:
        chosen = np.flatnonzero(usable & (defects == defect)).tolist()
        enlarged = [_at_size(maps[at], regions[at]).ravel() for at in chosen]
        own = [regions[at].ravel() for at in chosen]
        scores, numbers = flattened(
            np.concatenate([NOTHING, *enlarged]), np.concatenate([NOTHING.astype(np.uint32), *own])
        )
        marked = numbers > 0
        return Pixels(scores[marked], numbers[marked], np.sort(scores[~marked]))

    names = sorted(set(defects))
    with ThreadPoolExecutor(SORT_THREADS) as pool:
        return dict(zip(names, pool.map(sort, names), strict=True))


def _at_size(anomaly_map: NDArray[np.float32], like: NDArray[Any]) -> NDArray[np.float32]:
    if anomaly_map.shape == like.shape:
        return anomaly_map
    size = like.shape[1], like.shape[0]
    return np.asarray(Image.fromarray(anomaly_map).resize(size, Image.Resampling.BILINEAR))


def pixel_curve_of(pixels: Sequence[Pixels]) -> Curve:
    """Return the pixel curve over the pictures of some defect types."""
    return curve_against(
        np.concatenate([part.defective for part in pixels]),
        np.concatenate([part.regions for part in pixels]),
        [part.normal for part in pixels],
    )


def _by_defect(
    result: AnomalyResult, records: pd.DataFrame, pixels: dict[str, Pixels]
) -> dict[str, dict[str, float | int]]:
    """Measure each defect type against all good pictures."""
    defects = records["defect"].to_numpy()
    labels = records["label"].to_numpy()
    good = [pixels[GOOD]] if GOOD in pixels else []

    def of(defect: str) -> dict[str, float | int]:
        chosen = (defects == defect) | (defects == GOOD)
        return {
            "count": int((defects == defect).sum()),
            "image_auroc": image_auroc(result.scores[chosen], labels[chosen]),
            "pixel_auroc": auroc(pixel_curve_of([*good, pixels[defect]])),
        }

    names = sorted(set(defects) - {GOOD})
    with ThreadPoolExecutor(SORT_THREADS) as pool:
        return dict(zip(map(str, names), pool.map(of, names), strict=True))


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


def brightness_auroc(brightness: ArrayLike, labels: ArrayLike) -> float:
    """Return the image AUROC that brightness alone reaches, in whichever direction is better.

    Where test pictures were taken with another exposure, any score that reacts to brightness can
    profit from it without seeing a defect; this says how much there is to be gained.

    Parameters
    ----------
    brightness : float64 [T]
    labels : int [T]

    Returns
    -------
    float in [0.5, 1]
        NaN without good or without defective pictures.
    """
    value = image_auroc(brightness, labels)
    return math.nan if math.isnan(value) else max(value, 1 - value)
