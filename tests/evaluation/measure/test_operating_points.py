"""Thresholds from held-out good pictures, and the missed defects and false alarms at them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evaluation.measure.operating_points import (
    decide,
    expected_interval,
    expected_share,
    pictures_needed,
    share_interval,
    shares_above,
    threshold_for,
)


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


@pytest.mark.parametrize("false_alarms", [0.04, 0.05, 0.2, 0.5, 0.9])
def test_a_line_at_the_threshold_of_a_rate_promises_what_the_rate_does(false_alarms: float) -> None:
    held_out = np.arange(24.0)
    above = int((held_out > threshold_for(held_out, false_alarms)).sum())
    share, low, high = shares_above(24)[above]

    assert share == pytest.approx(expected_share(24, false_alarms))
    assert (low, high) == pytest.approx(expected_interval(24, false_alarms))


def test_the_more_held_out_pictures_are_above_a_line_the_more_good_parts_are_expected_there() -> (
    None
):
    promised = np.array(shares_above(24))
    assert promised.shape == (25, 3)
    assert (np.diff(promised, axis=0) > 0).all()
    assert (promised[:, 1] < promised[:, 0]).all()
    assert promised[-1, 0] == promised[-1, 2] == 1
    assert [share for share, *_ in shares_above(0)] == [1.0]


@pytest.mark.parametrize("above", [0, 3, 12])
def test_a_line_between_held_out_pictures_has_at_most_the_share_that_it_promises(
    above: int,
) -> None:
    """For uniform scores the share above a line t is 1 - t."""
    drawn = np.sort(np.random.default_rng(4).random((4000, 24)), axis=1)
    share, low, high = shares_above(24)[above]
    real = 1 - drawn[:, 23 - above]
    error = 4 * real.std() / math.sqrt(len(real))

    assert abs(real.mean() - share) <= error
    assert abs(((real < low) | (real > high)).mean() - 0.05) < 0.015


@pytest.mark.parametrize("false_alarms", [0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 1 / 3, 0.5, 0.9])
def test_the_pictures_needed_are_just_enough(false_alarms: float) -> None:
    needed = pictures_needed(false_alarms)

    assert not math.isnan(threshold_for(np.ones(needed), false_alarms))
    assert math.isnan(threshold_for(np.ones(needed - 1), false_alarms))
    assert not (np.ones(needed) > threshold_for(np.ones(needed), false_alarms)).any()
    assert needed == {0.05: 19, 0.01: 99, 0.1: 9}.get(false_alarms, needed)


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


CALIBRATION = np.arange(1, 20, dtype=float)  # 19 scores: the 5 % threshold is the largest


def test_a_score_above_the_threshold_is_reported_and_one_on_it_is_not() -> None:
    decisions = decide([18, 19, 20, 19, 30], [0, 0, 0, 1, 1], CALIBRATION, 0.05)

    assert decisions.threshold == 19
    assert (decisions.good, decisions.defective) == (3, 2)
    assert (decisions.false_alarms, decisions.missed) == (1, 1)
    assert decisions.false_alarm_rate == pytest.approx(1 / 3)
    assert decisions.missed_rate == 0.5


def test_allowing_more_false_alarms_never_misses_more() -> None:
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=60), rng.integers(0, 2, 60)
    held_out = rng.normal(size=99)
    missed = [decide(scores, labels, held_out, rate).missed for rate in (0.01, 0.05, 0.1, 0.3)]

    assert missed == sorted(missed, reverse=True)
    assert missed[0] > missed[-1]


def test_too_few_pictures_give_no_rates() -> None:
    decisions = decide([1, 2], [0, 1], [0.5], 0.05)

    assert not decisions.known
    assert math.isnan(decisions.missed_rate)
    assert math.isnan(decisions.false_alarm_rate)
    assert all(math.isnan(end) for end in decisions.missed_interval)
    assert math.isnan(decide([1.0], [0], CALIBRATION, 0.05).missed_rate)  # of one kind only
    assert math.isnan(decide([1.0], [1], CALIBRATION, 0.05).false_alarm_rate)


def chance_of_at_least(count: int, total: int, share: float) -> float:
    ways = range(count, total + 1)
    return sum(math.comb(total, k) * share**k * (1 - share) ** (total - k) for k in ways)


@pytest.mark.parametrize(("count", "total"), [(3, 20), (1, 5), (19, 20)])
def test_at_the_ends_of_a_share_s_interval_the_count_is_a_2_5_percent_event(
    count: int, total: int
) -> None:
    low, high = share_interval(count, total)

    assert chance_of_at_least(count, total, low) == pytest.approx(0.025)
    assert 1 - chance_of_at_least(count + 1, total, high) == pytest.approx(0.025)


def test_the_interval_of_none_and_of_all_reaches_the_end() -> None:
    assert share_interval(0, 20) == pytest.approx((0, 1 - 0.025 ** (1 / 20)))
    assert share_interval(20, 20) == pytest.approx((0.025 ** (1 / 20), 1))
