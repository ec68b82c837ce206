"""The Pareto front, against its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.pareto import pareto_front


def front_by_definition(
    costs: NDArray[np.float64], gains: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Compare every point with every other."""
    front = ~(np.isnan(costs) | np.isnan(gains))
    for i in range(len(costs)):
        for j in range(len(costs)):
            no_worse = costs[j] <= costs[i] and gains[j] >= gains[i]
            if no_worse and (costs[j] < costs[i] or gains[j] > gains[i]):
                front[i] = False
    return front


@pytest.mark.parametrize("seed", range(30))
def test_the_front_holds_just_the_points_that_no_other_point_beats(seed: int) -> None:
    rng = np.random.default_rng(seed)
    costs = rng.integers(1, 8, 25).astype(float)
    gains = rng.integers(0, 8, 25) / 8
    costs[rng.random(25) < 0.1] = np.nan
    gains[rng.random(25) < 0.1] = np.nan
    np.testing.assert_array_equal(pareto_front(costs, gains), front_by_definition(costs, gains))


def test_equal_points_are_both_on_the_front() -> None:
    assert pareto_front([1, 1, 2], [0.5, 0.5, 0.5]).tolist() == [True, True, False]


def test_no_points_have_no_front_and_undefined_points_are_never_on_it() -> None:
    assert pareto_front([], []).tolist() == []
    assert pareto_front([math.nan, 1.0], [1.0, math.nan]).tolist() == [False, False]


def test_costs_and_gains_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        pareto_front([1, 2], [1])
