"""Which method to take: limits, promises, what can be told apart, and what nothing beats."""

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
    PictureTime,
    candidate,
    choose,
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
    p95_ms: float = math.nan,
    held_out: int = 19,
    data: str = "same",
) -> Candidate:
    """Return a candidate that misses the defective pictures with these numbers."""
    scores = [2.0] * false_alarms + [0.0] * (good - false_alarms)
    scores += [0.0 if number in missed else 2.0 for number in range(defective)]
    test = pd.DataFrame(
        {
            "defect": ["good"] * good + ["blot"] * defective,
            "stem": [f"{number:03}" for number in (*range(good), *range(defective))],
            "label": [0] * good + [1] * defective,
            "score": scores,
        }
    )
    time = PictureTime(ms, p95_ms)
    return candidate(method, time, data, test, np.linspace(0, 1, held_out), ALLOWED)


def brute_force_mcnemar(only_first: int, only_second: int) -> float:
    """Add up the chances of all outcomes that are at most as likely as the one seen."""
    total = only_first + only_second
    outcomes = [sum(flips) for flips in product((0, 1), repeat=total)]
    seen = math.comb(total, only_first)
    return sum(math.comb(total, heads) <= seen for heads in outcomes) / 2**total


@pytest.mark.parametrize("pair", [(0, 0), (0, 1), (1, 4), (3, 3), (0, 6), (7, 2), (5, 5)])
def test_mcnemar_agrees_with_counting_all_outcomes(pair: tuple[int, int]) -> None:
    assert mcnemar(*pair) == pytest.approx(brute_force_mcnemar(*pair))


def test_the_limit_holds_for_the_median_and_who_is_often_slower_is_named() -> None:
    candidates = [
        judged("ae", [], ms=7.0, p95_ms=9.0),
        judged("padim", [1], ms=9.0, p95_ms=11.0),
        judged("patchcore", [2], ms=11.0, p95_ms=12.0),
        judged("older", [3], ms=8.0),
    ]
    limited = choose(candidates, ALLOWED, 10.0)

    assert [one.method for one in limited.too_slow] == ["patchcore"]
    assert [one.method for one in limited.often_slow] == ["padim"]
    assert choose(candidates, ALLOWED, None).often_slow == ()


def test_the_fewest_missed_defects_win() -> None:
    choice = choose([judged("ae", [*range(30)]), judged("padim", [1])], ALLOWED, None)

    assert choice.best is not None
    assert choice.best.method == "padim"
    assert [rival.other.method for rival in choice.rivals] == ["ae"]
    assert choice.rivals[0].told_apart
    assert not choice.rivals[0].overlap
    assert choice.tied == ()


def test_a_small_difference_is_told_to_be_no_difference() -> None:
    choice = choose([judged("padim", [1, 2, 3, 4]), judged("patchcore", [1, 2])], ALLOWED, None)

    assert choice.best is not None
    assert choice.best.method == "patchcore"
    assert choice.tied == choice.rivals
    assert choice.rivals[0].p_value == pytest.approx(0.5)
    assert choice.rivals[0].overlap
    slow, quick = judged("slow", [1], ms=20.0), judged("quick", [2], ms=5.0)
    equal = choose([slow, quick], ALLOWED, None)
    assert equal.best == quick
    assert equal.rivals[0].p_value == 1.0


@pytest.mark.parametrize("changes", [{"data": "other"}, {"defective": 41}])
def test_other_pictures_are_compared_by_their_intervals_only(changes: dict[str, object]) -> None:
    both = [*range(10)]
    near = judged("b", [*both, *range(10, 17)], **changes)  # type: ignore[arg-type]
    far = judged("c", [*range(40)], **changes)  # type: ignore[arg-type]
    choice = choose([judged("a", both), near, far], ALLOWED, None)
    alike = choose([judged("a", both), judged("b", [*both, *range(10, 17)])], ALLOWED, None)

    assert alike.rivals[0].overlap  # pairs tell apart what intervals do not
    assert alike.rivals[0].p_value == pytest.approx(2 / 2**7)
    assert alike.tied == ()

    assert all(math.isnan(rival.p_value) for rival in choice.rivals)
    assert [rival.other.method for rival in choice.tied] == ["b"]


def test_what_is_too_slow_is_left_out() -> None:
    slow, unknown = judged("slow", [], ms=50.0), judged("unknown", [], ms=math.nan)
    quick = judged("quick", [1, 2, 3], ms=20.0)

    assert choose([slow, unknown, quick], ALLOWED, 20.0).too_slow == (slow, unknown)
    assert choose([slow, unknown, quick], ALLOWED, 20.0).best == quick
    assert choose([slow, unknown, quick], ALLOWED, None).too_slow == ()


def test_without_a_threshold_nothing_is_promised() -> None:
    needed = pictures_needed(ALLOWED)
    few, enough = judged("few", [], held_out=needed - 1), judged("enough", [1], held_out=needed)
    choice = choose([few, enough], ALLOWED, None)

    assert choice.best == enough
    assert choice.without_threshold == (few,)
    assert choice.rivals == ()


def test_a_method_that_reports_everything_is_not_the_best() -> None:
    everything = judged("everything", [], false_alarms=20)
    honest = judged("honest", [1, 2, 3], false_alarms=3)
    choice = choose([everything, honest], ALLOWED, None)

    assert choice.best == honest
    assert choice.over_limit == (everything,)


def test_a_promise_is_broken_when_the_whole_interval_lies_above_it() -> None:
    counts = [
        count for count in range(21) if judged("a", [], false_alarms=count).breaks_promise(ALLOWED)
    ]

    assert counts == [*range(6, 21)]
    assert judged("a", [], false_alarms=6).alarms_interval[0] == pytest.approx(0.1189, abs=1e-4)


def test_without_defective_pictures_or_methods_there_is_no_best() -> None:
    assert choose([judged("a", [], defective=0)], ALLOWED, None).best is None
    assert choose([], ALLOWED, 10.0).best is None


def test_without_good_test_pictures_the_promise_is_not_checked_and_that_is_noted() -> None:
    unknown, kept = judged("padim", [1], good=0), judged("patchcore", [1, 2])
    choice = choose([unknown, kept], ALLOWED, None)

    assert choice.best is unknown
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
