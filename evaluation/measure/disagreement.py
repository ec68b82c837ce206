"""Where methods disagree: the same test pictures judged by several methods, side by side.

Raw scores of two methods have different units and cannot be compared, but their ranks can: a
picture that one method puts among the most anomalous and another among the most normal is worth a
look. Thresholds follow one false-alarm rate, so verdicts can be compared as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from data_utils.layouts import GOOD
from evaluation.measure.operating_points import is_defective

HIT, MISSED, PASSED, FALSE_ALARM, UNKNOWN = "hit", "missed", "passed", "false_alarm", "unknown"
KEYS = ["defect", "stem"]


@dataclass(frozen=True)
class SideBySide:
    """The test pictures that at least one method has scored.

    Attributes
    ----------
    pictures : DataFrame
        ``defect, stem, label``, index 0..T-1; good pictures first, then by defect and name.
    scores : DataFrame
        One column of raw scores per method, same index; NaN where the method has none.
    """

    pictures: pd.DataFrame
    scores: pd.DataFrame

    @cached_property
    def names(self) -> list[str]:
        """The pictures as ``<defect>/<stem>``."""
        return list(self.pictures["defect"] + "/" + self.pictures["stem"])

    @property
    def shared(self) -> NDArray[np.bool_]:
        """Which pictures every method has scored."""
        return np.asarray(self.scores.notna().all(axis=1), bool)


def side_by_side(tables: Mapping[str, pd.DataFrame]) -> SideBySide:
    """Line the methods' test pictures up by defect type and name.

    Parameters
    ----------
    tables : mapping of method to DataFrame
        At least one; each with ``defect, stem, label, score``.
    """
    indexed = {
        method: table.dropna(subset=KEYS).drop_duplicates(KEYS).set_index(KEYS)
        for method, table in tables.items()
    }
    labels = pd.concat([table["label"] for table in indexed.values()])
    pictures = labels[~labels.index.duplicated()].reset_index()
    pictures = (
        pictures.assign(bad=pictures["defect"] != GOOD)
        .sort_values(["bad", *KEYS], ignore_index=True)
        .drop(columns="bad")
    )
    at = pd.MultiIndex.from_frame(pictures[KEYS])
    scores = {
        method: table["score"].reindex(at).to_numpy(np.float64) for method, table in indexed.items()
    }
    return SideBySide(pictures, pd.DataFrame(scores))


def percentiles(scores: ArrayLike) -> NDArray[np.float64]:
    """Return for each score the percentage of scores below it; equal ones count half.

    That is 100 (rank - 1/2) / n with ties averaged: 50 in the middle, near 100 for the most
    anomalous. NaN scores take no part and come back as NaN.

    Parameters
    ----------
    scores : float [T]
    """
    values = np.asarray(scores, np.float64)
    known = ~np.isnan(values)
    ordered = np.sort(values[known])
    below = np.searchsorted(ordered, values[known], "left")
    not_above = np.searchsorted(ordered, values[known], "right")
    result = np.full(values.shape, np.nan)
    result[known] = 100 * (below + not_above) / (2 * max(len(ordered), 1))
    return result


def ranks(scores: pd.DataFrame) -> pd.DataFrame:
    """Return each method's percentiles among the pictures that every method has scored.

    Parameters
    ----------
    scores : DataFrame [T, M]
        NaN where a method has no score; such a picture's row comes back as NaN.
    """
    shared = scores.where(scores.notna().all(axis=1))
    return shared.apply(percentiles, axis=0, raw=True)


def disagreement(ranked: pd.DataFrame) -> NDArray[np.float64]:
    """Return the largest minus the smallest percentile of each picture, float64 ``[T]``.

    Parameters
    ----------
    ranked : DataFrame [T, M]
        As from ``ranks``; NaN rows stay NaN.
    """
    values = ranked.to_numpy(np.float64)
    return values.max(axis=1) - values.min(axis=1)


def verdicts(scores: ArrayLike, labels: ArrayLike, threshold: float) -> NDArray[np.str_]:
    """Judge each picture at a threshold: a score above it is reported defective.

    Parameters
    ----------
    scores, labels : float [T], int [T]
        Raw scores and 0 (good) or 1 (defective).
    threshold : float
        NaN where there is none.

    Returns
    -------
    str [T]
        ``HIT``, ``MISSED``, ``PASSED`` (good, and not reported) or ``FALSE_ALARM``; ``UNKNOWN``
        without a score or a threshold.
    """
    values, bad = np.asarray(scores, np.float64), np.asarray(labels) > 0
    reported = is_defective(values, threshold)
    judged = np.where(bad, np.where(reported, HIT, MISSED), np.where(reported, FALSE_ALARM, PASSED))
    return np.where(np.isnan(values) | np.isnan(threshold), UNKNOWN, judged)
