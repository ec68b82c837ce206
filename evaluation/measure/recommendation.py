"""Which method to take: the fewest missed defects within a false-alarm and a time limit.

All methods judge the same pictures, so they are compared in pairs: of the defective pictures that
only one of two methods misses, each method misses half by chance if both are equally good (exact
McNemar test, two-sided). Where the pictures are not the same ones, two methods count as different
only if their intervals do not overlap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from evaluation.measure.metrics import CONFIDENCE
from evaluation.measure.operating_points import Decisions, decide, is_defective, share_interval

SIGNIFICANCE = 1 - CONFIDENCE


@dataclass(frozen=True)
class Candidate:
    """One method's decisions on the test pictures of one category.

    Attributes
    ----------
    method : str
    time : PictureTime
    decisions : Decisions
        At the threshold for the false-alarm rate asked for.
    held_out : int
        Good training pictures that the threshold comes from.
    data : str
        Fingerprint of the data; equal names are the same pictures only where it is equal.
    defective, missed : frozenset of str
        Names of the defective test pictures, and of those that were not reported.
    """

    method: str
    time: PictureTime
    decisions: Decisions
    held_out: int
    data: str
    defective: frozenset[str]
    missed: frozenset[str]

    @property
    def ms(self) -> float:
        """Milliseconds per picture that are held against a limit, NaN where not known."""
        return self.time.ms

    @property
    def alarms_interval(self) -> tuple[float, float]:
        """95 % interval of the share of good test pictures that were reported."""
        if not self.decisions.known:
            return math.nan, math.nan
        return share_interval(self.decisions.false_alarms, self.decisions.good)

    def breaks_promise(self, allowed: float) -> bool:
        """Tell whether clearly more good test pictures were reported than `allowed`.

        Without good test pictures nothing can tell.
        """
        return self.alarms_interval[0] > allowed


@dataclass(frozen=True)
class Comparison:
    """The best method against another one.

    Attributes
    ----------
    other : Candidate
    p_value : float
        Of the exact McNemar test; NaN where the two judged different pictures.
    overlap : bool
        Whether the 95 % intervals of the missed share overlap.
    """

    other: Candidate
    p_value: float
    overlap: bool

    @property
    def told_apart(self) -> bool:
        """Whether the difference is more than chance."""
        return not self.overlap if math.isnan(self.p_value) else self.p_value < SIGNIFICANCE


@dataclass(frozen=True)
class Choice:
    """What is left within the limits, and why the others are not.

    Attributes
    ----------
    best : Candidate or None
        Fewest missed defects, the quicker one among equals; None if nothing is left.
    rivals : tuple of Comparison
        The others within both limits, fewest missed first.
    too_slow : tuple of Candidate
        Slower than the limit, or of unknown speed.
    often_slow : tuple of Candidate
        Compared, though more than one picture in twenty takes longer than the limit.
    without_threshold : tuple of Candidate
        Too few held-out good pictures for so low a false-alarm rate.
    over_limit : tuple of Candidate
        Clearly more false alarms on the test pictures than were allowed.
    unchecked : tuple of Candidate
        Compared, though there are no good test pictures that could show too many false alarms.
    """

    best: Candidate | None
    rivals: tuple[Comparison, ...]
    too_slow: tuple[Candidate, ...]
    often_slow: tuple[Candidate, ...]
    without_threshold: tuple[Candidate, ...]
    over_limit: tuple[Candidate, ...]
    unchecked: tuple[Candidate, ...]

    @property
    def tied(self) -> tuple[Comparison, ...]:
        """The rivals that cannot be told apart from the best."""
        return tuple(rival for rival in self.rivals if not rival.told_apart)


def candidate(
    method: str,
    time: PictureTime,
    data: str,
    test: pd.DataFrame,
    calibration_scores: ArrayLike,
    allowed: float,
) -> Candidate:
    """Judge a method's test pictures at a false-alarm rate.

    Parameters
    ----------
    method : str
    time : PictureTime
    data : str
        Fingerprint of the data.
    test : DataFrame
        One row per test picture with ``defect, stem, label, score``.
    calibration_scores : float [K]
    allowed : float
        Share of good pictures that may be reported, above 0 and below 1.
    """
    decisions = decide(test["score"], test["label"], calibration_scores, allowed)
    bad = test[test["label"] > 0]
    names = (bad["defect"] + "/" + bad["stem"]).to_numpy()
    not_reported = ~is_defective(bad["score"], decisions.threshold)
    return Candidate(
        method=method,
        time=time,
        decisions=decisions,
        held_out=len(np.asarray(calibration_scores)),
        data=data,
        defective=frozenset(map(str, names)),
        missed=frozenset(map(str, names[not_reported])),
    )


def choose(candidates: Sequence[Candidate], allowed: float, ms_limit: float | None) -> Choice:
    """Choose the method with the fewest missed defects within both limits.

    A method that breaks its promise on the good test pictures is left out: whoever reports
    everything misses nothing.

    Parameters
    ----------
    candidates : sequence of Candidate
        Judged at `allowed`.
    allowed : float
        Share of good pictures that may be reported.
    ms_limit : float or None
        Milliseconds per picture, held against the median; None for no limit.
    """
    quick = [one for one in candidates if ms_limit is None or one.ms <= ms_limit]
    judged = [one for one in quick if one.decisions.known]
    kept = sorted(
        (one for one in judged if one.decisions.defective and not one.breaks_promise(allowed)),
        key=lambda one: (one.decisions.missed_rate, math.isnan(one.ms), one.ms),
    )
    return Choice(
        best=kept[0] if kept else None,
        rivals=tuple(compare(kept[0], other) for other in kept[1:]),
        too_slow=tuple(one for one in candidates if one not in quick),
        often_slow=tuple(
            one for one in kept if ms_limit is not None and one.time.p95_ms > ms_limit
        ),
        without_threshold=tuple(one for one in quick if not one.decisions.known),
        over_limit=tuple(one for one in judged if one.breaks_promise(allowed)),
        unchecked=tuple(one for one in kept if not one.decisions.good),
    )


def compare(best: Candidate, other: Candidate) -> Comparison:
    """Compare two methods on the defective pictures, in pairs where they are the same ones."""
    low, high = best.decisions.missed_interval
    other_low, other_high = other.decisions.missed_interval
    same = best.data == other.data and best.defective == other.defective
    p_value = mcnemar(len(best.missed - other.missed), len(other.missed - best.missed))
    return Comparison(
        other=other,
        p_value=p_value if same else math.nan,
        overlap=low <= other_high and other_low <= high,
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided p-value of the exact McNemar test.

    Parameters
    ----------
    only_first, only_second : int
        Pictures that only the first, and only the second, of two methods missed.
    """
    fewer, both = min(only_first, only_second), only_first + only_second
    at_most = sum(math.comb(both, flips) for flips in range(fewer + 1))
    return min(1.0, 2 * at_most / 2**both)


@dataclass(frozen=True)
class PictureTime:
    """Milliseconds per picture, from decoded picture to map and score.

    Attributes
    ----------
    ms, p95_ms : float
        Median and 95th percentile of pictures scored one by one, as they come on a line.
    """

    ms: float
    p95_ms: float


def picture_time(about: Mapping[str, Any]) -> PictureTime:
    """Return the time that a cell's ``cell.json`` notes."""
    return PictureTime(float(about["latency_ms"]), float(about["latency_p95_ms"]))


def pareto_front(costs: ArrayLike, gains: ArrayLike) -> NDArray[np.bool_]:
    """Mark the points that no other point beats.

    A point beats another if it costs no more, gains no less, and is better in at least one of
    the two. Equal points do not beat each other.

    Parameters
    ----------
    costs, gains : float [N]
        Lower cost and higher gain are better.

    Returns
    -------
    bool [N]
        False where a value is NaN.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    costs, gains = np.asarray(costs, np.float64), np.asarray(gains, np.float64)
    if costs.shape != gains.shape or costs.ndim != 1:
        raise ValueError(f"Costs of shape {costs.shape} do not fit gains of shape {gains.shape}.")
    front = np.zeros(len(costs), bool)
    defined = np.flatnonzero(~(np.isnan(costs) | np.isnan(gains)))
    ordered = defined[np.lexsort((-gains[defined], costs[defined]))]
    best, best_cost = -np.inf, np.nan
    for point in ordered:
        if gains[point] > best:
            front[point] = True
            best, best_cost = gains[point], costs[point]
        elif gains[point] == best and costs[point] == best_cost:
            front[point] = True
    return front
