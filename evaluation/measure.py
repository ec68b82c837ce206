"""All numbers of one cell from its raw maps, scores and masks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_utils.mvtec import GOOD
from detectors.base import AnomalyResult
from evaluation.metrics import (
    Curve,
    aupro,
    auroc,
    auroc_interval,
    average_precision,
    best_f1,
    curve,
    mask_regions,
    thinned,
)

CURVE_NAMES = (
    *(f"image_{name}" for name in ("threshold", "tpr", "fpr", "precision")),
    *(f"pixel_{name}" for name in ("threshold", "tpr", "fpr", "precision", "region_overlap")),
)


@dataclass(frozen=True)
class Measures:
    """Metrics of one cell and the curves they were read off."""

    metrics: dict[str, Any]
    image_curve: Curve
    pixel_curve: Curve


def measure(
    result: AnomalyResult, records: pd.DataFrame, masks: NDArray[np.bool_], seed: int = 0
) -> Measures:
    """Measure the scores of the test pictures.

    Pictures without a usable mask take part in the image metrics only; pixel metrics are NaN
    if no defective picture has one.

    Parameters
    ----------
    result : AnomalyResult
        Raw scores [T] and maps [T, H, W].
    records : DataFrame
        The T test pictures with ``label``, ``defect`` and ``has_mask``.
    masks : bool [T, H, W]
    seed : int
        For the bootstrap interval.
    """
    labels = records["label"].to_numpy()
    with_mask = records["has_mask"].to_numpy(dtype=bool)
    image_curve = curve(result.scores, labels)
    regions = mask_regions(masks)
    pixel_curve = _pixel_curve(result.maps, regions, with_mask)
    low, high = auroc_interval(result.scores, labels, seed)
    image_f1, image_threshold = best_f1(image_curve)
    pixel_f1, pixel_threshold = best_f1(pixel_curve)
    metrics = {
        "image_auroc": auroc(image_curve),
        "image_auroc_low": low,
        "image_auroc_high": high,
        "pixel_auroc": auroc(pixel_curve),
        "aupro": aupro(pixel_curve),
        "image_ap": average_precision(image_curve),
        "pixel_ap": average_precision(pixel_curve),
        "image_best_f1": image_f1,
        "image_best_f1_threshold": image_threshold,
        "pixel_best_f1": pixel_f1,
        "pixel_best_f1_threshold": pixel_threshold,
        "by_defect": _by_defect(result, records, regions, with_mask),
    }
    return Measures(metrics, image_curve, pixel_curve)


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


def _pixel_curve(
    maps: NDArray[np.float32], regions: NDArray[np.uint32], chosen: NDArray[np.bool_]
) -> Curve:
    if chosen.all():
        return curve(maps, regions)
    return curve(maps[chosen], regions[chosen])


def _by_defect(
    result: AnomalyResult,
    records: pd.DataFrame,
    regions: NDArray[np.uint32],
    with_mask: NDArray[np.bool_],
) -> dict[str, dict[str, float | int]]:
    defects = records["defect"].to_numpy()
    labels = records["label"].to_numpy()
    measured: dict[str, dict[str, float | int]] = {}
    for defect in sorted(set(defects) - {GOOD}):
        chosen = (defects == defect) | (defects == GOOD)
        pixel = _pixel_curve(result.maps, regions, chosen & with_mask)
        measured[str(defect)] = {
            "count": int((defects == defect).sum()),
            "image_auroc": auroc(curve(result.scores[chosen], labels[chosen])),
            "pixel_auroc": auroc(pixel),
        }
    return measured
