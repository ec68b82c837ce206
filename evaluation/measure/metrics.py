"""Metrics as pure functions of raw scores and labels or masks.

A metric changes only where a positive is gained, so a curve needs the positives' scores and, for
each, how many negatives lie above it: the negatives are sorted once as plain float32 numbers,
without labels, and searched. Sorted negatives of several groups of pictures serve every union of
these groups. AUROC, average precision, F1 and AUPRO are read off the same curve. Scores are
compared as float32, the precision in which detectors give them. A metric that is not defined (no
positives, no negatives) is NaN; the pages and files show "n/a".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

AUPRO_LIMIT = 0.3
CONFIDENCE = 0.95
QUANTILE = 1.959964  # of the normal distribution, for both tails together
HALVINGS = 40
SPREAD_POINTS = 1000
EIGHT_CONNECTED = np.ones((3, 3), dtype=int)


@dataclass(frozen=True)
class Curve:
    """Counts at falling thresholds: at and just before every positive, and some in between.

    Between two points one of the counts stands still, or both rise on ties of one score, so
    straight lines between the points are the whole curve.

    Attributes
    ----------
    thresholds : float32 [K]
        Distinct scores, descending; "anomalous" means score >= threshold.
    true_positives, false_positives : int64 [K]
        How many positives and negatives reach the threshold.
    region_overlap : float64 [K]
        Mean share of each region's pixels that reach the threshold (per-region overlap);
        for image scores each positive image is a region of its own.
    """

    thresholds: NDArray[np.float32]
    true_positives: NDArray[np.int64]
    false_positives: NDArray[np.int64]
    region_overlap: NDArray[np.float64]

    @property
    def positives(self) -> int:
        """Number of positives."""
        return int(self.true_positives[-1]) if len(self.true_positives) else 0

    @property
    def negatives(self) -> int:
        """Number of negatives."""
        return int(self.false_positives[-1]) if len(self.false_positives) else 0

    @property
    def defined(self) -> bool:
        """Whether there are positives and negatives."""
        return self.positives > 0 and self.negatives > 0


def curve(scores: ArrayLike, regions: ArrayLike) -> Curve:
    """Measure one list of scores.

    Parameters
    ----------
    scores : float32 [M]
        Higher means more anomalous.
    regions : unsigned int [M]
        0 for a negative; for a positive the number of its region (1, 2, ...). Labels 0 and 1
        are regions too.

    Raises
    ------
    ValueError
        If the lengths differ or a score is not finite.
    """
    flat_scores, flat_regions = flattened(scores, regions)
    positive = flat_regions > 0
    return curve_against(
        flat_scores[positive], flat_regions[positive], [np.sort(flat_scores[~positive])]
    )


def flattened(
    scores: ArrayLike, regions: ArrayLike
) -> tuple[NDArray[np.float32], NDArray[np.unsignedinteger]]:
    """Return scores and region numbers as lists of one length; see ``curve``."""
    flat_scores = np.asarray(scores, dtype=np.float32).ravel()
    flat_regions = np.asarray(regions).ravel()
    if flat_regions.dtype.kind != "u":
        flat_regions = flat_regions.astype(np.uint32)
    if flat_scores.shape != flat_regions.shape:
        raise ValueError(f"{len(flat_scores)} scores do not fit {len(flat_regions)} labels.")
    if not np.isfinite(flat_scores).all():
        raise ValueError("Scores must be finite to be measured.")
    return flat_scores, flat_regions


def curve_against(
    positives: NDArray[np.float32],
    regions: NDArray[np.unsignedinteger],
    negatives: Sequence[NDArray[np.float32]],
) -> Curve:
    """Measure positives against sorted negatives.

    Parameters
    ----------
    positives : float32 [P]
    regions : unsigned int [P]
        Number of each positive's region, 1 or more.
    negatives : sequence of float32 [N_g]
        Ascending scores of each group of negatives.
    """
    order = np.argsort(positives)
    positives, regions = positives[order], regions[order]
    overlap = np.append(0.0, np.cumsum(_region_shares(regions)[::-1]))
    scores = np.unique(np.concatenate([positives, *map(_spread, negatives)]))[::-1]
    hits_above, hits, next_hit = _around(scores, [positives])
    alarms_above, alarms, next_alarm = _around(scores, negatives)

    # Two points for each score: before it is reached, and at it.
    thresholds = np.stack([np.minimum(next_hit, next_alarm), scores], axis=1).ravel()
    true_positives = np.stack([hits_above, hits], axis=1).ravel()
    false_positives = np.stack([alarms_above, alarms], axis=1).ravel()
    risen = np.diff(true_positives + false_positives, prepend=0) > 0
    true_positives = true_positives[risen]
    return Curve(thresholds[risen], true_positives, false_positives[risen], overlap[true_positives])


def auroc(ranked: Curve) -> float:
    """Area under the ROC curve in 0..1; ties count half; NaN if undefined."""
    if not ranked.defined:
        return math.nan
    rates = np.concatenate([[0.0], ranked.false_positives / ranked.negatives])
    hits = np.concatenate([[0.0], ranked.true_positives / ranked.positives])
    return float(np.trapezoid(hits, rates))


def average_precision(ranked: Curve) -> float:
    """Sum over thresholds of recall gained times precision there, 0..1; NaN if undefined."""
    if not ranked.defined:
        return math.nan
    precision = ranked.true_positives / (ranked.true_positives + ranked.false_positives)
    gained = np.diff(ranked.true_positives / ranked.positives, prepend=0.0)
    return float(np.sum(gained * precision))


def best_f1(ranked: Curve) -> tuple[float, float]:
    """Return the largest F1 over all thresholds and the threshold that gives it.

    An oracle: the threshold is chosen on the very labels it is measured on.
    """
    if not ranked.defined:
        return math.nan, math.nan
    f1 = (
        2
        * ranked.true_positives
        / (ranked.true_positives + ranked.false_positives + ranked.positives)
    )
    best = int(np.argmax(f1))
    return float(f1[best]), float(ranked.thresholds[best])


def aupro(ranked: Curve, limit: float = AUPRO_LIMIT) -> float:
    """Area under the per-region overlap curve up to a false-positive rate, divided by it.

    Bergmann et al., arXiv 1911.02357, section 5: the false-positive rate is that of all normal
    pixels; the curve is interpolated linearly at `limit`. NaN if undefined.
    """
    if not ranked.defined:
        return math.nan
    rates = np.concatenate([[0.0], ranked.false_positives / ranked.negatives])
    overlap = np.concatenate([[0.0], ranked.region_overlap])
    inside = int(np.searchsorted(rates, limit, side="right"))
    crossing = slice(inside - 1, inside + 1)
    at_limit = np.interp(limit, rates[crossing], overlap[crossing])
    rates = np.append(rates[:inside], limit)
    overlap = np.append(overlap[:inside], at_limit)
    return float(np.trapezoid(overlap, rates) / limit)


def auroc_interval(auroc: float, positives: int, negatives: int) -> tuple[float, float]:
    """Return the 95 % interval of an AUROC, NaN where it is not defined.

    All values that a score test would not reject: the variance is that of the value tested, after
    Hanley and McNeil (Newcombe, Statistics in Medicine 25, 2006, p. 559, method 5), so the
    interval does not collapse at 1.

    Parameters
    ----------
    auroc : float
        0..1.
    positives, negatives : int
        How many pictures of either kind it was counted on.
    """
    if math.isnan(auroc) or not positives or not negatives:
        return math.nan, math.nan
    others = (positives + negatives) / 2 - 1

    def rejected(value: float) -> bool:
        spread = 1 + others * ((1 - value) / (2 - value) + value / (1 + value))
        variance = value * (1 - value) * spread / (positives * negatives)
        return (value - auroc) ** 2 > QUANTILE**2 * variance

    def end(outside: float) -> float:
        inside = auroc
        if not rejected(outside):
            return outside
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if rejected(middle) else (middle, outside)
        return inside

    return end(0.0), end(1.0)


def mask_regions(masks: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Number the 8-connected regions of all masks, ``[T, H, W]``: 0 outside, then 1, 2, ..."""
    regions = np.empty(masks.shape, np.uint32)
    for position, numbered in enumerate(numbered_masks(masks)):
        regions[position] = numbered
    return regions


def numbered_masks(masks: Iterable[NDArray[np.bool_]]) -> Iterator[NDArray[np.uint32]]:
    """Yield what ``mask_regions`` gives of each mask, ``[H, W]``, which may be of any size."""
    # Here, because the app's first page does not need it and should not wait for it.
    from scipy.ndimage import label as connected_regions

    count = 0
    for mask in masks:
        numbered = np.zeros(mask.shape, np.uint32)
        if mask.any():
            labelled, found = connected_regions(mask, EIGHT_CONNECTED)
            numbered[mask] = labelled[mask] + count
            count += found
        yield numbered


def thinned(ranked: Curve, points: int = 2000) -> Curve:
    """Return at most `points` points of the curve, dense where either rate changes.

    The first and the last point are kept; the others lie evenly along the curve's length in the
    plane of false- and true-positive rates.
    """
    if len(ranked.thresholds) <= points:
        return ranked
    steps = np.abs(np.diff(ranked.false_positives, prepend=0)) / max(ranked.negatives, 1)
    steps += np.abs(np.diff(ranked.true_positives, prepend=0)) / max(ranked.positives, 1)
    length = np.cumsum(steps)
    wanted = np.linspace(length[0], length[-1], points - 1)
    kept = np.unique(np.append(np.searchsorted(length, wanted), [0, len(length) - 1]))
    kept = kept[kept < len(length)][:points]
    return Curve(
        ranked.thresholds[kept],
        ranked.true_positives[kept],
        ranked.false_positives[kept],
        ranked.region_overlap[kept],
    )


def _region_shares(regions: NDArray[np.unsignedinteger]) -> NDArray[np.float64]:
    """Return what each positive adds to the mean overlap of all regions."""
    sizes = np.bincount(regions).astype(np.float64)
    found = np.flatnonzero(sizes[1:]) + 1
    share = np.zeros_like(sizes)
    share[found] = 1.0 / (sizes[found] * len(found))
    return share[regions]


def _spread(ascending: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return some of the scores, evenly spaced in rank, with the first and the last."""
    places = np.linspace(0, len(ascending) - 1, min(len(ascending), SPREAD_POINTS))
    return ascending[places.astype(np.int64)]


def _around(
    scores: NDArray[np.float32], groups: Sequence[NDArray[np.float32]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Count the members of all groups above, and at or above, each of the falling scores.

    The third array is the lowest member above each score, infinite where there is none.
    """
    above = np.zeros(len(scores), np.int64)
    reaching = np.zeros(len(scores), np.int64)
    next_above = np.full(len(scores), np.inf, np.float32)
    ascending = scores[::-1]
    for group in groups:
        past = np.searchsorted(group, ascending, side="right")[::-1]
        above += len(group) - past
        reaching += len(group) - np.searchsorted(group, ascending, side="left")[::-1]
        inside = past < len(group)
        next_above[inside] = np.minimum(next_above[inside], group[past[inside]])
    return above, reaching, next_above
