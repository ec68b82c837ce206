"""Which method to take: limits, what can be told apart, and what nothing beats."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from evaluation.measure.operating_points import pictures_needed
from evaluation.measure.recommendation import (
    Candidate,
    candidate,
    choose,
    holm,
    mcnemar,
    pareto_front,
)

ALLOWED = 0.1


def judged(
    method: str,
    missed: list[int],
    defective: int = 40,
    false_alarms: int = 0,
    good: int = 20,
    ms: float = 10.0,
    held_out: int = 19,
    data: str = "same",
) -> Candidate:
    """Return a candidate that misses the defective pictures with these numbers."""
    scores = [2.0] * false_alarms + [0.0] * (good - false_alarms)
    scores += [0.0 if number in missed else 2.0 for number in range(defective)]
    return scored(method, scores, np.linspace(0, 1, held_out), good, ms, data)


def scored(
    method: str,
    scores: list[float],
    held_out: NDArray[np.float64],
    good: int = 20,
    ms: float = 10.0,
    data: str = "same",
) -> Candidate:
    """Return a candidate with these scores, those of the good pictures first."""
    defective = len(scores) - good
    test = pd.DataFrame(
        {
            "defect": ["good"] * good + ["blot"] * defective,
            "stem": [f"{number:03}" for number in (*range(good), *range(defective))],
            "label": [0] * good + [1] * defective,
            "score": scores,
        }
    )
    return candidate(method, ms, data, test, held_out, ALLOWED)


def brute_force_mcnemar(only_first: int, only_second: int) -> float:
    """Add up the chances of all outcomes that are at most as likely as the one seen."""
    total = only_first + only_second
    outcomes = [sum(flips) for flips in product((0, 1), repeat=total)]
    seen = math.comb(total, only_first)
    return sum(math.comb(total, heads) <= seen for heads in outcomes) / 2**total


@pytest.mark.parametrize("pair", [(0, 0), (0, 1), (1, 4), (3, 3), (0, 6), (7, 2), (5, 5)])
def test_mcnemar_agrees_with_counting_all_outcomes(pair: tuple[int, int]) -> None:
    assert mcnemar(*pair) == pytest.approx(brute_force_mcnemar(*pair))


def test_the_fewest_missed_defects_stand_first_whatever_the_order_given() -> None:
    far, near = judged("ae", [*range(30)]), judged("padim", [1])
    choice = choose([far, near], ALLOWED, None)

    assert choice.first == near
    assert [rival.other for rival in choice.rivals] == [far]
    assert choice.rivals[0].told_apart
    assert choice.tied == ()


def test_of_methods_that_cannot_be_told_apart_the_one_with_fewer_misses_stands_first() -> None:
    quick, thorough = judged("ae", [1, 2, 3, 4], ms=5.0), judged("padim", [1, 2], ms=20.0)
    choice = choose([quick, thorough], ALLOWED, None)

    assert choice.first == thorough
    assert choice.tied == (quick,)
    assert choice.rivals[0].p_value == pytest.approx(0.5)
    equal = choose([judged("slow", [1], ms=20.0), judged("quick", [2], ms=5.0)], ALLOWED, None)
    assert equal.first is not None
    assert equal.first.method == "quick"
    assert equal.rivals[0].p_value == 1.0


def test_a_method_gains_nothing_by_reporting_more_of_everything() -> None:
    """The louder one has the same ranking of pictures and a threshold lower by 3 good ones."""
    good, bad = np.linspace(0, 1, 20), np.linspace(0.8, 2, 40)
    honest = scored("honest", [*good, *bad], held_out=np.linspace(0, 1.3, 19))
    louder = scored("louder", [*good, *bad], held_out=np.linspace(0, 0.9, 19))
    choice = choose([honest, louder], ALLOWED, None)

    assert louder.decisions.false_alarms == 3
    assert len(honest.missed) > len(louder.missed)
    assert honest.missed_alike == louder.missed_alike
    assert not choice.over_limit
    assert choice.rivals[0].p_value == 1.0


def test_one_way_of_counting_alone_names_no_winner() -> None:
    bad = [2.0] * 40
    alike = scored("a", [*np.linspace(0, 1, 20), *bad], held_out=np.linspace(0, 1, 19))
    high = scored("b", [*np.linspace(0, 1, 20), *bad], held_out=np.linspace(0, 3, 19))

    assert (len(alike.missed), len(high.missed)) == (0, 40)
    assert (alike.missed_alike, high.missed_alike) == (frozenset(), frozenset())
    assert choose([alike, high], ALLOWED, None).tied == (high,)


def test_other_pictures_are_compared_by_nothing() -> None:
    others = [judged("b", [*range(40)], data="other"), judged("c", [*range(41)], defective=41)]
    choice = choose([judged("a", []), *others], ALLOWED, None)

    assert all(math.isnan(rival.p_value) for rival in choice.rivals)
    assert set(choice.unpaired) == set(others)
    assert choice.tied == ()


def test_holm_multiplies_by_the_hypotheses_left_and_never_falls() -> None:
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.9]), [0.04, 0.09, 0.09, 0.9])
    np.testing.assert_allclose(holm([0.02, math.nan, 0.6]), [0.04, math.nan, 0.6])
    assert holm([]).shape == (0,)


def test_of_three_equal_methods_one_is_rarely_named_better() -> None:
    """Simulated: the chance of naming a best of three that are equal stays within 5 %."""
    generator = np.random.default_rng(0)
    named = 0
    for _ in range(400):
        hard = generator.random(40) < 0.5  # pictures that methods miss by chance
        missed = [np.flatnonzero(hard & (generator.random(40) < 0.5)).tolist() for _ in range(3)]
        three = [judged(name, some) for name, some in zip("abc", missed, strict=True)]
        named += len(choose(three, ALLOWED, None).tied) < 2
    assert named <= 400 * 0.05 + 3 * math.sqrt(400 * 0.05 * 0.95)


def test_what_is_too_slow_is_left_out() -> None:
    slow, unknown = judged("slow", [], ms=50.0), judged("unknown", [], ms=math.nan)
    quick = judged("quick", [1, 2, 3], ms=20.0)

    assert choose([slow, unknown, quick], ALLOWED, 20.0).too_slow == (slow, unknown)
    assert choose([slow, unknown, quick], ALLOWED, 20.0).first == quick
    assert choose([slow, unknown, quick], ALLOWED, None).too_slow == ()


def test_without_a_threshold_a_method_is_not_compared() -> None:
    needed = pictures_needed(ALLOWED)
    few, enough = judged("few", [], held_out=needed - 1), judged("enough", [1], held_out=needed)
    choice = choose([few, enough], ALLOWED, None)

    assert choice.first == enough
    assert choice.without_threshold == (few,)
    assert choice.rivals == ()


def test_a_method_that_reports_everything_is_not_compared() -> None:
    everything = judged("everything", [], false_alarms=20)
    honest = judged("honest", [1, 2, 3], false_alarms=3)
    choice = choose([everything, honest], ALLOWED, None)

    assert choice.first == honest
    assert choice.over_limit == (everything,)


def test_too_many_are_reported_when_the_whole_interval_lies_above_the_rate() -> None:
    candidates = [judged("a", [], false_alarms=count) for count in range(21)]

    assert [one.reports_too_many(ALLOWED) for one in candidates] == [False] * 6 + [True] * 15
    assert candidates[6].alarms_interval[0] == pytest.approx(0.1189, abs=1e-4)


def test_held_out_scores_below_most_good_test_pictures_are_noted() -> None:
    good, bad = [*np.linspace(1, 2, 20)], [3.0] * 40

    assert scored("copies", [*good, *bad], held_out=np.linspace(0, 1.4, 19)).held_out_low
    assert not scored("honest", [*good, *bad], held_out=np.linspace(0, 1.6, 19)).held_out_low
    assert not scored("few", [*good[:4], *bad], np.linspace(0, 0.5, 19), good=4).held_out_low


def test_without_defective_pictures_or_methods_there_is_no_first() -> None:
    assert choose([judged("a", [], defective=0)], ALLOWED, None).first is None
    assert choose([], ALLOWED, 10.0).first is None


def test_without_good_test_pictures_false_alarms_are_not_checked_and_that_is_noted() -> None:
    unknown, kept = judged("padim", [1], good=0), judged("patchcore", [1, 2])
    choice = choose([unknown, kept], ALLOWED, None)

    assert choice.first is unknown
    assert unknown.missed_alike is None
    assert choice.unchecked == (unknown,)
    assert choice.over_limit == ()


def front_by_definition(
    costs: NDArray[np.float64], gains: NDArray[np.float64]
) -> NDArray[np.bool_]:
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


def test_equal_points_are_both_on_the_front_and_undefined_ones_never() -> None:
    assert pareto_front([1, 1, 2], [0.5, 0.5, 0.5]).tolist() == [True, True, False]
    assert pareto_front([], []).tolist() == []
    assert pareto_front([math.nan, 1.0], [1.0, math.nan]).tolist() == [False, False]
    with pytest.raises(ValueError, match="do not fit"):
        pareto_front([1, 2], [1])
