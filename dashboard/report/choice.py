"""Which samples of a cell a report shows: what the method is surest of, and where it is wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

SHOWN = 3


@dataclass(frozen=True)
class TellingSamples:
    """Positions in the table of test pictures.

    Attributes
    ----------
    surest : tuple of int
        Judged rightly, farthest from the threshold: the highest scores of defective pictures and
        the lowest of a good one.
    mistakes : tuple of int
        Missed defects and false alarms, farthest from the threshold first.
    closest : tuple of int
        Where there is no mistake: judged rightly, nearest to the threshold first.
    hardest : tuple of int
        Where there is no threshold: good pictures with the highest scores and defective ones
        with the lowest, by turns.
    """

    surest: tuple[int, ...] = ()
    mistakes: tuple[int, ...] = ()
    closest: tuple[int, ...] = ()
    hardest: tuple[int, ...] = ()


def telling_samples(test: pd.DataFrame, threshold: float, count: int = SHOWN) -> TellingSamples:
    """Choose at most `count` samples of each kind.

    Parameters
    ----------
    test : DataFrame
        ``label`` (0 good, 1 defective) and ``score``; its index are the positions.
    threshold : float
        A score above it is reported defective; NaN where there is none.
    """
    defective = test["label"] > 0
    rising = test.sort_values("score", kind="stable").index
    good_rising = [int(at) for at in rising if not defective[at]]
    bad_rising = [int(at) for at in rising if defective[at]]
    if math.isnan(threshold):
        turns = [at for pair in zip(reversed(good_rising), bad_rising, strict=False) for at in pair]
        left = (*reversed(good_rising), *bad_rising)
        return TellingSamples(hardest=tuple(dict.fromkeys((*turns, *left)))[:count])
    reported = test["score"] > threshold
    margin = (test["score"] - threshold).abs()
    right = reported == defective
    mistakes = [int(at) for at in (-margin[~right]).sort_values(kind="stable").index][:count]
    nearest = [int(at) for at in margin.sort_values(kind="stable").index]
    closest = [] if mistakes else nearest[:count]
    right_good = [at for at in good_rising if right[at] and at not in closest][:1]
    right_bad = [at for at in reversed(bad_rising) if right[at] and at not in closest]
    return TellingSamples(
        surest=(*right_bad[: count - len(right_good)], *right_good),
        mistakes=tuple(mistakes),
        closest=tuple(closest),
    )
