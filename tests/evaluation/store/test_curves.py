"""Stored curves, against the scores they come from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.measure.metrics import auroc, average_precision, curve
from evaluation.measure.operating_points import threshold_for
from evaluation.store.curves import stored_curve


def arrays_of(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Return the image curve as ``curves.npz`` holds it."""
    ranked = curve(scores, labels)
    hits, alarms = ranked.true_positives, ranked.false_positives
    return {
        "image_threshold": ranked.thresholds,
        "image_tpr": hits / max(ranked.positives, 1),
        "image_fpr": alarms / ranked.negatives if ranked.negatives else alarms * math.nan,
        "image_precision": hits / (hits + alarms),
    }


def example() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return 40 scores with ties and their labels."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 40)
    return (rng.integers(0, 12, 40) / 7 + labels / 3).astype(np.float32), labels


def test_the_areas_under_the_drawn_curves_are_the_metrics() -> None:
    scores, labels = example()
    stored = stored_curve(arrays_of(scores, labels), "image")
    assert stored is not None
    area = np.trapezoid(stored.true_positive_rate, stored.false_positive_rate)
    steps = np.sum(np.diff(stored.true_positive_rate) * stored.precision[1:])
    ranked = curve(scores, labels)
    assert area == pytest.approx(auroc(ranked))
    assert steps == pytest.approx(average_precision(ranked))
    assert (stored.false_positive_rate[0], stored.true_positive_rate[0]) == (0, 0)
    assert (stored.false_positive_rate[-1], stored.true_positive_rate[-1]) == (1, 1)
    assert math.isinf(stored.thresholds[0])
    assert (np.diff(stored.thresholds) < 0).all()
    assert stored.position_above(math.nan) is None


@pytest.mark.parametrize("threshold", [-1.0, 0.5, 8 / 7, 1.3, 99.0, None])
def test_the_point_above_a_threshold_counts_the_scores_above_it(threshold: float | None) -> None:
    scores, labels = example()
    if threshold is None:  # one of the scores, read from text
        threshold = threshold_for([float(f"{score:.9g}") for score in scores], 0.2)
    stored = stored_curve(arrays_of(scores, labels), "image")
    assert stored is not None
    position = stored.position_above(threshold)
    assert position is not None
    reported = scores > np.float32(threshold)
    assert stored.true_positive_rate[position] == pytest.approx(reported[labels == 1].mean())
    assert stored.false_positive_rate[position] == pytest.approx(reported[labels == 0].mean())


def test_a_curve_of_defective_pictures_only_or_of_none_is_not_defined() -> None:
    arrays = arrays_of(np.array([1, 2, 3], np.float32), np.ones(3, int))
    assert stored_curve(arrays, "image") is None
    arrays = {f"image_{name}": np.empty(0) for name in ("threshold", "tpr", "fpr", "precision")}
    assert stored_curve(arrays, "image") is None
