"""Metrics of picture scores: the curve's counts, and what is undefined or refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evaluation.image_metrics import image_auroc, image_average_precision, image_curve
from evaluation.metrics import auroc, average_precision, best_f1, curve

TIED = ([3, -1, 3, 0, 0, -0.0], [1, 0, 0, 1, 0, 1])


def test_the_curve_counts_what_reaches_each_distinct_score() -> None:
    ranked = image_curve(*TIED)

    assert ranked.thresholds.tolist() == [3, 0, -1]
    assert ranked.true_positives.tolist() == [1, 3, 3]
    assert ranked.false_positives.tolist() == [1, 2, 3]
    assert ranked.region_overlap.tolist() == pytest.approx([1 / 3, 1, 1])


def test_areas_and_best_f1_are_those_of_the_same_scores_as_pixels() -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 200)
    scores = np.round(rng.normal(size=200) + labels, 1)
    as_pixels = curve(scores, labels)

    assert image_auroc(scores, labels) == pytest.approx(auroc(as_pixels), abs=1e-12)
    assert image_average_precision(scores, labels) == pytest.approx(
        average_precision(as_pixels), abs=1e-12
    )
    assert best_f1(image_curve(scores, labels)) == pytest.approx(best_f1(as_pixels), abs=1e-12)


def test_the_largest_float32_scores_are_told_apart_without_a_warning() -> None:
    assert image_auroc([-3.4e38, 3.4e38, 3.4e38], [0, 1, 0]) == 0.75


@pytest.mark.parametrize("label", [0, 1])
def test_without_good_or_without_defective_pictures_areas_are_nan(label: int) -> None:
    labels = [label] * 3

    assert math.isnan(image_auroc([1, 2, 3], labels))
    assert math.isnan(image_average_precision([1, 2, 3], labels))
    assert not image_curve([1, 2, 3], labels).defined


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_scores_that_are_not_finite_are_refused(bad: float) -> None:
    for metric in (image_auroc, image_average_precision, image_curve):
        with pytest.raises(ValueError, match="must be finite"):
            metric([0.1, bad], [0, 1])
