"""Missed defects and false alarms at one rate."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evaluation.decisions import decide, share_interval

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


def test_too_few_held_out_pictures_give_no_rates() -> None:
    decisions = decide([1, 2], [0, 1], [0.5], 0.05)

    assert not decisions.known
    assert math.isnan(decisions.missed_rate)
    assert math.isnan(decisions.false_alarm_rate)
    assert all(math.isnan(end) for end in decisions.missed_interval)


def test_test_pictures_of_one_kind_only_have_no_rate_of_the_other() -> None:
    assert math.isnan(decide([1.0], [0], CALIBRATION, 0.05).missed_rate)
    assert math.isnan(decide([1.0], [1], CALIBRATION, 0.05).false_alarm_rate)


def chance_of_at_least(count: int, total: int, share: float) -> float:
    """Return the binomial probability of `count` or more."""
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
