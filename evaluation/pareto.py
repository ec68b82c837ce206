"""Which of several choices nothing else beats: the Pareto front of cost against gain."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


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
