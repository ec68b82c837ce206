"""Which method to take: the fewest missed defects within a false-alarm and a time limit.

Misses are counted in two ways: at the threshold from held-out training pictures, as it would be in
use, and at the threshold that reports the same share of the test's own good pictures for every
method, so that none gains by more false alarms. Methods judge the same pictures, so they are
compared in pairs: of the defective pictures that only one of two methods misses, each misses half
by chance if both are equally good (exact McNemar test, two-sided). The p-values of all pairs are
adjusted for their number (Holm, Scandinavian Journal of Statistics 6, 1979, p. 65). One method is
better than another if it misses fewer in both ways, both times by more than chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from evaluation.measure.metrics import CONFIDENCE
from evaluation.measure.operating_points import (
    Decisions,
    decide,
    is_defective,
    share_interval,
    threshold_on,
)

SIGNIFICANCE = 1 - CONFIDENCE
FEW = 10  # pictures of which a median says nothing
Names = frozenset[str]


@dataclass(frozen=True)
class Candidate:
    """One method's decisions on the test pictures of one category.

    Attributes
    ----------
    method : str
    ms : float
        Milliseconds per picture that are held against a limit, NaN where not known.
    decisions : Decisions
        At the threshold from held-out pictures for the false-alarm rate asked for.
    held_out : int
        Good training pictures that the threshold comes from.
    data : str
        Fingerprint of the data; equal names are the same pictures only where it is equal.
    defective, missed : frozenset of str
        Names of the defective test pictures, and of those that were not reported.
    missed_alike : frozenset of str or None
        Those not reported where the same share of the test's good pictures is for every method;
        None without good test pictures.
    held_out_low : bool
        Whether most good test pictures score above every held-out one: the training pictures
        repeat one another, so that none is really held out, or they differ from the test's.
    """

    method: str
    ms: float
    decisions: Decisions
    held_out: int
    data: str
    defective: Names
    missed: Names
    missed_alike: Names | None
    held_out_low: bool

    @property
    def missed_in_both(self) -> float:
        """Share of the defective pictures that were missed, mean of the two ways of counting."""
        alike = self.missed if self.missed_alike is None else self.missed_alike
        return (len(self.missed) + len(alike)) / (2 * len(self.defective))

    @property
    def alarms_interval(self) -> tuple[float, float]:
        """95 % interval of the share of good test pictures that were reported."""
        if not self.decisions.known:
            return math.nan, math.nan
        return share_interval(self.decisions.false_alarms, self.decisions.good)

    def reports_too_many(self, allowed: float) -> bool:
        """Tell whether clearly more good test pictures were reported than `allowed`.

        Without good test pictures nothing can tell.
        """
        return self.alarms_interval[0] > allowed


@dataclass(frozen=True)
class Comparison:
    """The first method against another one.

    Attributes
    ----------
    other : Candidate
    p_value : float
        Adjusted, the larger one of the two ways of counting; 1 where these name different
        methods, NaN where the two methods judged different pictures.
    """

    other: Candidate
    p_value: float

    @property
    def told_apart(self) -> bool:
        """Whether the difference is more than chance."""
        return self.p_value < SIGNIFICANCE

    @property
    def paired(self) -> bool:
        """Whether the two methods judged the same pictures."""
        return not math.isnan(self.p_value)


@dataclass(frozen=True)
class Choice:
    """What is left within the limits, and why the others are not.

    Attributes
    ----------
    first : Candidate or None
        Fewest missed defects, both ways of counting together, then the quicker one; None if
        nothing is left.
    rivals : tuple of Comparison
        The others within both limits, fewest missed first.
    too_slow : tuple of Candidate
        Slower than the limit, or of unknown speed.
    without_threshold : tuple of Candidate
        Too few held-out good pictures for so low a false-alarm rate.
    over_limit : tuple of Candidate
        Clearly more false alarms on the test pictures than were allowed.
    unchecked : tuple of Candidate
        Compared, though there are no good test pictures that could show too many false alarms.
    """

    first: Candidate | None
    rivals: tuple[Comparison, ...]
    too_slow: tuple[Candidate, ...]
    without_threshold: tuple[Candidate, ...]
    over_limit: tuple[Candidate, ...]
    unchecked: tuple[Candidate, ...]

    @property
    def tied(self) -> tuple[Candidate, ...]:
        """The rivals that judged the same pictures and cannot be told apart from the first."""
        return tuple(one.other for one in self.rivals if one.paired and not one.told_apart)

    @property
    def unpaired(self) -> tuple[Candidate, ...]:
        """The rivals that judged other pictures than the first."""
        return tuple(one.other for one in self.rivals if not one.paired)


def candidate(
    method: str,
    ms: float,
    data: str,
    test: pd.DataFrame,
    calibration_scores: ArrayLike,
    allowed: float,
) -> Candidate:
    """Judge a method's test pictures at a false-alarm rate.

    Parameters
    ----------
    method : str
    ms : float
        Milliseconds per picture.
    data : str
        Fingerprint of the data.
    test : DataFrame
        One row per test picture with ``defect, stem, label, score``.
    calibration_scores : float [K]
    allowed : float
        Share of good pictures that may be reported, above 0 and below 1.
    """
    decisions = decide(test["score"], test["label"], calibration_scores, allowed)
    bad, good = test[test["label"] > 0], test.loc[test["label"] == 0, "score"].to_numpy()
    names = (bad["defect"] + "/" + bad["stem"]).to_numpy()
    alike = threshold_on(good, allowed)
    held_out = np.asarray(calibration_scores)
    few = min(len(good), len(held_out)) < FEW

    def missed(threshold: float) -> Names:
        return frozenset(map(str, names[~is_defective(bad["score"], threshold)]))

    return Candidate(
        method=method,
        ms=ms,
        decisions=decisions,
        held_out=len(held_out),
        data=data,
        defective=frozenset(map(str, names)),
        missed=missed(decisions.threshold),
        missed_alike=None if math.isnan(alike) else missed(alike),
        held_out_low=not few and bool(np.median(good) > held_out.max()),
    )


def choose(candidates: Sequence[Candidate], allowed: float, ms_limit: float | None) -> Choice:
    """Put the methods within both limits in order, and tell which are better than others.

    A method that clearly reports too many good test pictures is left out: whoever reports
    everything misses nothing.

    Parameters
    ----------
    candidates : sequence of Candidate
        Judged at `allowed`.
    allowed : float
        Share of good pictures that may be reported.
    ms_limit : float or None
        Milliseconds per picture; None for no limit.
    """
    quick = [one for one in candidates if ms_limit is None or one.ms <= ms_limit]
    judged = [one for one in quick if one.decisions.known]
    kept = sorted(
        (one for one in judged if one.decisions.defective and not one.reports_too_many(allowed)),
        key=lambda one: (one.missed_in_both, math.isnan(one.ms), one.ms),
    )
    return Choice(
        first=kept[0] if kept else None,
        rivals=tuple(map(Comparison, kept[1:], against_first(kept))),
        too_slow=tuple(one for one in candidates if one not in quick),
        without_threshold=tuple(one for one in quick if not one.decisions.known),
        over_limit=tuple(one for one in judged if one.reports_too_many(allowed)),
        unchecked=tuple(one for one in kept if not one.decisions.good),
    )


def against_first(ordered: Sequence[Candidate]) -> list[float]:
    """Return the p-value of the first candidate against each of the others."""
    pairs = list(combinations(ordered, 2))
    of_pairs = np.array([_p_values(one, other) for one, other in pairs]).reshape(-1, 2)
    adjusted = np.stack([holm(of_pairs[:, 0]), holm(of_pairs[:, 1])], axis=1).max(axis=1)
    return [float(value) for value in adjusted[: len(ordered) - 1]]


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted for their number, at most 1; NaN stays NaN and is not counted."""
    values = np.asarray(p_values, np.float64)
    adjusted = np.full(len(values), np.nan)
    order = np.argsort(values)[: int(np.isfinite(values).sum())]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(factors * values[order]))
    return adjusted


def _p_values(better: Candidate, other: Candidate) -> tuple[float, float]:
    """Return the p-values of both ways of counting, 1 for one in which the other misses fewer.

    Without good test pictures only the first way decides.
    """
    if better.data != other.data or better.defective != other.defective:
        return math.nan, math.nan
    held_out = _p_value(better.missed, other.missed)
    if better.missed_alike is None or other.missed_alike is None:
        return held_out, held_out
    return held_out, _p_value(better.missed_alike, other.missed_alike)


def _p_value(missed: Names, others: Names) -> float:
    only_better, only_other = len(missed - others), len(others - missed)
    return mcnemar(only_better, only_other) if only_better < only_other else 1.0


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
