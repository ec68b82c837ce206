"""Test pictures in the order in which a person should look at them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evaluation.measure.disagreement import FALSE_ALARM, MISSED, verdicts

MISTAKES = (MISSED, FALSE_ALARM)


def ordered(table: pd.DataFrame, defect: str, order: str, threshold: float) -> list[int]:
    """Return the positions to show, in order.

    Parameters
    ----------
    table : DataFrame
        The test pictures, index 0..T-1.
    defect : str
        Only this defect type; "" for all.
    order : str
        ``name``: good first, then by defect and name; ``score``: highest score first;
        ``mistakes``: what is farthest on the wrong side of the threshold first.
    threshold : float
        For ``mistakes``; may be NaN (see ``wrongness``).
    """
    if order == "score":
        table = table.sort_values("score", ascending=False, kind="stable")
    elif order == "mistakes":
        table = table.assign(
            wrong=np.isin(verdicts(table["score"], table["label"], threshold), MISTAKES),
            by=wrongness(table, threshold),
        ).sort_values(["wrong", "by"], ascending=False, kind="stable")
    chosen = table[table["defect"] == defect] if defect else table
    return [int(position) for position in chosen.index]


def wrongness(table: pd.DataFrame, threshold: float) -> NDArray[np.float64]:
    """Return how far each picture is on the wrong side of the threshold, float64 ``[T]``.

    Negative on the right side. In units of the score; where there is no threshold, in ranks
    beyond the place where the ranking would part the good pictures from the defective ones.
    """
    good = table["label"].to_numpy() == 0
    if math.isnan(threshold):
        distance = table["score"].rank().to_numpy(np.float64) - (good.sum() + 0.5)
    else:
        distance = table["score"].to_numpy(np.float64) - threshold
    return np.where(good, distance, -distance)
