"""A threshold keeps the false-alarm rate that it promises."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evaluation.thresholds import pictures_needed, threshold_for


@pytest.mark.parametrize(
    ("count", "false_alarms", "rank"),
    [
        (19, 0.05, 19),  # 20 * 0.95 = 19
        (20, 0.05, 20),  # 21 * 0.95 = 19.95
        (39, 0.05, 38),  # 40 * 0.95 = 38
        (100, 0.05, 96),  # 101 * 0.95 = 95.95
        (99, 0.01, 99),
        (9, 0.1, 9),
        (9, 0.5, 5),
        (1, 0.5, 1),
        (99, 0.3, 70),  # 100 * 0.7 = 70, also where 1 - 0.3 is a little more than 0.7
    ],
)
def test_the_threshold_is_the_promised_order_statistic(
    count: int, false_alarms: float, rank: int
) -> None:
    scores = np.random.default_rng(0).permutation(np.arange(1.0, count + 1))

    assert threshold_for(scores, false_alarms) == rank


@pytest.mark.parametrize(("count", "false_alarms"), [(18, 0.05), (98, 0.01), (0, 0.5), (8, 0.1)])
def test_too_few_pictures_give_no_threshold(count: int, false_alarms: float) -> None:
    assert math.isnan(threshold_for(np.ones(count), false_alarms))


@pytest.mark.parametrize("false_alarms", [0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 1 / 3, 0.5, 0.9])
def test_the_pictures_needed_are_just_enough(false_alarms: float) -> None:
    needed = pictures_needed(false_alarms)

    assert not math.isnan(threshold_for(np.ones(needed), false_alarms))
    assert math.isnan(threshold_for(np.ones(needed - 1), false_alarms))


@pytest.mark.parametrize(("false_alarms", "needed"), [(0.05, 19), (0.01, 99), (0.1, 9)])
def test_the_pictures_needed_are_one_fewer_than_the_inverse_rate(
    false_alarms: float, needed: int
) -> None:
    assert pictures_needed(false_alarms) == needed


@pytest.mark.parametrize("count", [20, 50, 87])
@pytest.mark.parametrize("false_alarms", [0.05, 0.1, 0.25])
def test_realised_false_alarms_keep_the_promise_on_average(count: int, false_alarms: float) -> None:
    """For uniform scores the rate of a threshold t is 1 - t; its mean is known exactly."""
    generator = np.random.default_rng(123)
    rates = np.array(
        [1 - threshold_for(generator.random(count), false_alarms) for _ in range(2000)]
    )
    error = 4 * rates.std() / math.sqrt(len(rates))

    assert rates.mean() <= false_alarms + error
    assert rates.mean() >= false_alarms - 1 / (count + 1) - error


def test_equal_scores_are_no_false_alarm_at_their_own_threshold() -> None:
    scores = np.full(40, 2.5, np.float32)

    assert not (scores > threshold_for(scores, 0.05)).any()
