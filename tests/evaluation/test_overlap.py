"""The overlap of the predicted area with the marked one, counted by hand."""

from __future__ import annotations

import math

import numpy as np

from evaluation.overlap import overlap

MAP = np.array([[0, 2, 2, 2], [0, 2, 2, 1]], np.float32)
MARKED = np.array([[0, 0, 1, 1], [1, 0, 0, 1]], bool)


def test_pixels_are_counted_as_by_hand() -> None:
    counts = overlap(MAP, MARKED, 1.0)
    assert (counts.marked, counts.predicted, counts.shared) == (4, 5, 2)
    assert counts.covered == 0.5
    assert counts.outside == 3
    assert counts.iou == 2 / 7


def test_a_perfect_prediction_covers_everything_and_nothing_else() -> None:
    counts = overlap(MARKED.astype(np.float32), MARKED, 0.5)
    assert (counts.covered, counts.outside, counts.iou) == (1.0, 0, 1.0)


def test_shares_of_nothing_are_not_numbers() -> None:
    nothing = np.zeros((2, 4), bool)
    counts = overlap(MAP, nothing, 1.0)
    assert math.isnan(counts.covered)
    assert counts.iou == 0
    assert math.isnan(overlap(MAP, nothing, 9.0).iou)
