"""Whether one set of results is better than another, or the two cannot be told apart.

Two things move an image AUROC that neither method is to blame for: which pictures happened to be
in the test set, and the seed. The first is estimated by a bootstrap over pictures that draws the
same pictures for both sides (Efron & Tibshirani, An Introduction to the Bootstrap, 1993,
chapter 8), the second by the spread over seeds. Their variances add; the interval is Student's
with the degrees of freedom of Welch and Satterthwaite (Biometrics Bulletin 2, 1946, p. 110).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.measure.metrics import CONFIDENCE

BOOTSTRAP_SAMPLES = 2000


@dataclass(frozen=True)
class Difference:
    """Image AUROC of one side minus that of the other, each a mean over seeds.

    Attributes
    ----------
    mean, low, high : float
        The difference and its 95 % interval; NaN without good or without defective pictures.
    seeds, baseline_seeds : int
        How many seeds either side has; the spread over seeds is unknown where it is one.
    pictures : int
    """

    mean: float
    low: float
    high: float
    seeds: int
    baseline_seeds: int
    pictures: int

    @property
    def real(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def image_auroc_difference(
    ours: Sequence[ArrayLike],
    baseline: Sequence[ArrayLike],
    labels: ArrayLike,
    seed: int = 0,
    paired: bool = False,
) -> Difference:
    """Compare the image scores of two sides on the same pictures.

    Parameters
    ----------
    ours, baseline : sequence of float [T]
        One array of scores for every seed; all in the order of `labels`.
    labels : int [T]
        0 good, 1 defective.
    seed : int
        Of the bootstrap.
    paired : bool
        Whether both sides have the same seeds in one order, and more in common by each than the
        test pictures; then the spread is that of their differences.
    """
    labels = np.asarray(labels)
    defective = labels > 0
    sides = [
        [_pairs(np.asarray(scores, np.float32), defective) for scores in side]
        for side in (ours, baseline)
    ]
    counts = len(ours), len(baseline), len(labels)
    fewest = int(min(defective.sum(), (~defective).sum()))
    if not fewest:
        return Difference(math.nan, math.nan, math.nan, *counts)
    pairs = np.mean(sides[0], axis=0) - np.mean(sides[1], axis=0)
    mean = float(pairs.mean())
    resampled = resampled_means(pairs, np.random.default_rng(seed))
    parts = [(float(resampled.var()), fewest - 1)]
    by_seed = [np.array([one.mean() for one in side]) for side in sides]
    parts += [
        (float(np.var(values, ddof=1)) / len(values), len(values) - 1)
        for values in ([by_seed[0] - by_seed[1]] if paired else by_seed)
        if len(values) > 1
    ]
    half = _half_width(parts)
    return Difference(mean, mean - half, mean + half, *counts)


def _pairs(scores: NDArray[np.float32], defective: NDArray[np.bool_]) -> NDArray[np.float64]:
    return won_pairs(scores[defective], scores[~defective])


def _half_width(parts: Sequence[tuple[float, int]]) -> float:
    """Return half of the interval's width from (variance, degrees of freedom) of each part."""
    # Here, because pages that compare nothing should not wait for SciPy.
    from scipy.stats import t as student

    varying = [(variance, freedom) for variance, freedom in parts if variance > 0]
    if not varying:
        return 0.0
    if any(freedom < 1 for _, freedom in varying):
        return math.inf
    total = sum(variance for variance, _ in varying)
    freedom = total**2 / sum(variance**2 / free for variance, free in varying)
    return float(student.ppf((1 + CONFIDENCE) / 2, freedom)) * math.sqrt(total)


def won_pairs(
    positives: NDArray[np.float32], negatives: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return 1 where a positive's score is above a negative's, 0.5 where equal, ``[P, N]``.

    The mean is the AUROC.
    """
    wins = (positives[:, None] > negatives).astype(np.float64)
    wins += 0.5 * (positives[:, None] == negatives)
    return wins


def resampled_means(
    pairs: NDArray[np.float64], generator: np.random.Generator, samples: int = BOOTSTRAP_SAMPLES
) -> NDArray[np.float64]:
    """Return the mean of `pairs`, ``[P, N]``, drawing rows and columns anew, ``[samples]``."""
    rows, columns = (
        generator.multinomial(count, np.full(count, 1 / count), size=samples) / count
        for count in pairs.shape
    )
    means: NDArray[np.float64] = ((rows @ pairs) * columns).sum(axis=1)
    return means
