"""Robust deviations, against their definition."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.measure.standing_out import robust_z


def test_normal_scores_have_their_ordinary_deviations_whatever_stands_out() -> None:
    scores = np.random.default_rng(0).normal(5.0, 2.0, 20_000)
    scores[:200] = 1e6

    assert robust_z([*scores, 11.0])[-1] == pytest.approx(3.0, abs=0.1)


def test_deviations_are_those_from_the_median_absolute_deviation() -> None:
    scores = [1.0, 2.0, 3.0, 4.0, 10.0]  # median 3, absolute deviations 2 1 0 1 7, their median 1

    np.testing.assert_allclose(robust_z(scores), np.array([-2, -1, 0, 1, 7]) / 1.4826)


def test_where_half_of_the_scores_are_equal_nothing_is_told() -> None:
    assert np.isnan(robust_z([1.0, 1.0, 1.0, 2.0])).all()
