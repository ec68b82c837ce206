"""Which test pictures are meant by a number: conditions as short texts, to be put in an address."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evaluation.measure.by_defect import GROUPS, size_groups
from evaluation.measure.disagreement import FALSE_ALARM, HIT, MISSED, PASSED, verdicts
from evaluation.measure.telling import MISTAKES

WRONG, DISPUTED = "wrong", "disputed"
ALL_MISSED, ALL_ALARMS = f"all_{MISSED}", f"all_{FALSE_ALARM}"
TOGETHER = (DISPUTED, ALL_MISSED, ALL_ALARMS)
SINGLE: dict[str, tuple[str, ...]] = {
    **{verdict: (verdict,) for verdict in (HIT, MISSED, PASSED, FALSE_ALARM)},
    WRONG: MISTAKES,
}
ABOVE, BETWEEN, WITHIN, SIZE = "above", "score", "within", "size"
ROUNDING = 1e-6  # curves are kept with fewer digits than scores
LABELS = {"good": 0, "defective": 1}


def above(score: float) -> str:
    """Return the condition for pictures that score above, or equal to, a point of a curve."""
    return f"{ABOVE}:{score!r}"


def of_size(group: int) -> str:
    """Return the condition for defective pictures of a size group."""
    return f"{SIZE}:{group}"


def passing(
    show: str,
    test: pd.DataFrame,
    threshold: float,
    together: Callable[[], pd.DataFrame],
) -> NDArray[np.bool_] | None:
    """Tell which test pictures meet a condition, bool ``[T]``; None if it is none.

    Parameters
    ----------
    show : str
        From the address.
    test : DataFrame
        ``defect, stem, label, score`` and, for sizes, ``defect_pixels, has_mask``.
    threshold : float
        NaN where there is none: then no verdict is met.
    together : callable
        Returns the verdicts of all methods with a threshold, a row per test picture.
    """
    name, *values = show.split(":")
    score, label = test["score"].to_numpy(np.float64), test["label"].to_numpy() > 0
    if not values and name in SINGLE:
        return np.isin(verdicts(score, label, threshold), SINGLE[name])
    if not values and name in TOGETHER:
        judged = together()
        if name == DISPUTED:
            right = judged.isin([HIT, PASSED])
            return np.asarray(right.any(axis=1) & judged.isin(MISTAKES).any(axis=1))
        return np.asarray((judged == name.removeprefix("all_")).all(axis=1) & (judged.shape[1] > 0))
    try:
        if name == ABOVE:
            (least,) = map(float, values)
            return score >= least - ROUNDING * abs(least)
        if name in (BETWEEN, WITHIN):
            *ends, kind = values
            low, high = map(float, ends)
            if name == WITHIN:  # between two thresholds: one that lies on a threshold is below it
                met = (score > low) & (score <= high)
            else:  # in a bar of a histogram: the last one has its upper end
                met = (score >= low) & ((score < high) | ((score == high) & (high >= score.max())))
            return np.asarray(met & (label == LABELS[kind]))
        if name == SIZE:
            (group,) = map(int, values)
            return _of_size(test, label, group) if group in range(GROUPS) else None
    except (ValueError, KeyError, TypeError):
        pass
    return None


def _of_size(test: pd.DataFrame, label: NDArray[np.bool_], group: int) -> NDArray[np.bool_]:
    chosen = np.zeros(len(test), bool)
    chosen[label] = size_groups(defect_areas(test[label])) == group
    return chosen


def defect_areas(defective: pd.DataFrame) -> pd.Series:
    """Return the marked areas of defective test pictures in pixels, NaN where there is no mask."""
    return pd.to_numeric(defective["defect_pixels"], errors="coerce").astype(float)
