"""For whatever scores and labels, metrics equal scikit-learn's and keep their laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from evaluation.measure.metrics import (
    auroc,
    auroc_interval,
    average_precision,
    best_f1,
    curve,
    thinned,
)

Scored = tuple[NDArray[np.float32], NDArray[np.int64]]

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)
TIED = st.integers(-3, 3).map(float)
VALUES = st.one_of(FINITE, TIED, st.just(0.0), st.just(-0.0))


@st.composite
def scored(draw: st.DrawFn) -> Scored:
    """Draw scores with at least one positive and one negative."""
    values = draw(st.lists(VALUES, min_size=2, max_size=80))
    labels = draw(st.lists(st.integers(0, 1), min_size=len(values), max_size=len(values)))
    labels[:2] = [0, 1]
    return np.array(values, np.float32), np.array(labels)


CONSTANT: Scored = (np.full(6, 1e30, np.float32), np.array([0, 1, 0, 1, 0, 0]))
EXTREME: Scored = (
    np.array([-3.4e38, 3.4e38, 1e-45, 0, -0.0, 3.4e38], np.float32),
    np.array([0, 1, 0, 1, 0, 0]),
)


@given(scored())
@example(CONSTANT)
@example(EXTREME)
def test_areas_and_best_f1_are_those_of_scikit_learn(data: Scored) -> None:
    scores, labels = data
    made = curve(scores, labels)
    as_ranks = np.unique(scores, return_inverse=True)[1]  # differences of extremes overflow
    precision, recall, _ = precision_recall_curve(labels, as_ranks)
    of_sklearn = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    f1, threshold = best_f1(made)
    alarms = scores >= threshold

    area = roc_auc_score(labels, as_ranks)
    assert auroc(made) == pytest.approx(area, abs=1e-9)
    assert auroc(curve(-scores, labels)) == pytest.approx(1 - area, abs=1e-9)
    expected = average_precision_score(labels, as_ranks)
    assert average_precision(made) == pytest.approx(expected, abs=1e-9)
    assert f1 == pytest.approx(of_sklearn.max(), abs=1e-9)
    hits = (alarms & (labels == 1)).sum()
    assert f1 == pytest.approx(2 * hits / (alarms.sum() + labels.sum()), abs=1e-9)


@given(st.floats(0, 1), st.integers(1, 500), st.integers(1, 500))
def test_the_interval_is_ordered_and_holds_its_auroc(
    area: float, positives: int, negatives: int
) -> None:
    low, high = auroc_interval(area, positives, negatives)

    assert 0 <= low <= area <= high <= 1


@given(scored(), st.integers(3, 30))
def test_a_thinned_curve_keeps_its_ends_and_is_part_of_the_whole(data: Scored, points: int) -> None:
    made = curve(*data)
    thin = thinned(made, points)

    assert len(thin.thresholds) <= max(points, 2)
    assert thin.thresholds[-1] == made.thresholds[-1]
    assert set(thin.thresholds.tolist()) <= set(made.thresholds.tolist())
