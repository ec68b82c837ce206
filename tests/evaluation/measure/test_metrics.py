"""Metrics equal slow references; more against scikit-learn in ``test_metric_properties``."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.measure.metrics import (
    Curve,
    aupro,
    auroc,
    auroc_interval,
    average_precision,
    best_f1,
    curve,
    mask_regions,
    thinned,
)

NOISE = np.random.default_rng(11)
LABELS = NOISE.integers(0, 2, 400)
PLAIN = (NOISE.normal(size=400) + LABELS).astype(np.float32)


def test_the_curve_counts_what_reaches_each_distinct_score() -> None:
    ranked = curve([3, -1, 3, 0, 0, -0.0], [1, 0, 0, 1, 0, 1])

    assert ranked.thresholds.tolist() == [3, 0, -1]
    assert ranked.true_positives.tolist() == [1, 3, 3]
    assert ranked.false_positives.tolist() == [1, 2, 3]
    assert (ranked.positives, ranked.negatives) == (3, 3)
    shaped = curve(PLAIN.reshape(4, 10, 10), LABELS.reshape(4, 10, 10))
    assert auroc(shaped) == auroc(curve(PLAIN, LABELS))
    assert thinned(shaped) is shaped


@pytest.mark.parametrize(
    ("scores", "labels"),
    [([1, 2, 3], [1, 1, 1]), ([1, 2, 3], [0, 0, 0]), ([], [])],
    ids=["no negatives", "no positives", "nothing"],
)
def test_undefined_metrics_are_nan(scores: list[float], labels: list[int]) -> None:
    ranked = curve(scores, labels)
    undefined = [
        auroc(ranked),
        average_precision(ranked),
        aupro(ranked),
        *best_f1(ranked),
        *auroc_interval(math.nan, sum(labels), len(labels) - sum(labels)),
    ]

    assert all(math.isnan(value) for value in undefined)
    assert not ranked.defined


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_scores_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        curve([0.1, bad, 0.3], [0, 1, 0])
    with pytest.raises(ValueError, match="3 scores do not fit 2 labels"):
        curve([1, 2, 3], [0, 1])


def slow_aupro(
    maps: NDArray[np.float32], regions: list[NDArray[np.bool_]], limit: float = 0.3
) -> float:
    """Return AUPRO from its definition: every threshold, every region, no cumulative sums."""
    normal = ~np.any(regions, axis=0)
    points = [(0.0, 0.0)]
    for threshold in sorted(set(maps.ravel().tolist()), reverse=True):
        alarms = maps >= threshold
        overlap = float(np.mean([alarms[region].mean() for region in regions]))
        points.append((float(alarms[normal].mean()), overlap))
    area = 0.0
    for (left, low), (right, high) in pairwise(points):
        if left >= limit:
            break
        if right > limit:
            high = low + (high - low) * (limit - left) / (right - left)
            right = limit
        area += (right - left) * (low + high) / 2
    return area / limit


def blocks(*places: tuple[int, int, int, int, int]) -> list[NDArray[np.bool_]]:
    """Return one region per (picture, top, left, height, width) in 3 pictures of 24 x 24."""
    regions = []
    for picture, top, left, height, width in places:
        region = np.zeros((3, 24, 24), bool)
        region[picture, top : top + height, left : left + width] = True
        regions.append(region)
    return regions


REGIONS = {
    "one region": blocks((0, 4, 4, 6, 6)),
    "regions of very different size": blocks(
        (0, 1, 1, 1, 1), (0, 6, 6, 12, 12), (1, 3, 3, 2, 9), (2, 20, 20, 4, 4)
    ),
    "many single pixels": blocks(*[(i % 3, 2 * (i // 3), 5, 1, 1) for i in range(30)]),
    "almost everything": blocks((0, 0, 0, 24, 24), (1, 0, 0, 24, 23), (2, 0, 0, 20, 24)),
}


@pytest.mark.parametrize("regions", REGIONS.values(), ids=list(REGIONS))
@pytest.mark.parametrize("steps", [None, 40, 4, 1], ids=["no ties", "ties", "few values", "one"])
@pytest.mark.parametrize("shift", [0.0, 0.6, 3.0])
def test_aupro_equals_the_slow_reference(
    regions: list[NDArray[np.bool_]], steps: int | None, shift: float
) -> None:
    generator = np.random.default_rng(5)
    marked = np.any(regions, axis=0)
    maps = generator.normal(size=(3, 24, 24)) + shift * marked * generator.random((3, 24, 24))
    maps = maps.astype(np.float32)
    if steps is not None:
        maps = np.round(maps * steps / 4) / np.float32(steps)

    assert aupro(curve(maps, mask_regions(marked))) == pytest.approx(
        slow_aupro(maps, regions), abs=1e-6
    )


def test_aupro_is_cut_on_the_line_to_the_next_point_not_further() -> None:
    """At 0.3 the curve is between (0.25, 0.5) and (0.5, 0.5); what rises at 0.5 is beyond."""
    scores = [9, 8, 7, 6, 5, 4]
    regions = [1, 0, 0, 2, 0, 0]
    expected = 0.5

    assert aupro(curve(scores, regions)) == pytest.approx(expected, abs=1e-12)


def test_aupro_weighs_regions_alike_whatever_their_size() -> None:
    """One pixel found and a hundred missed count as one region of two."""
    scores = np.concatenate([[2.0], np.full(100, -1.0), np.zeros(50)])
    regions = np.concatenate([[1], np.full(100, 2), np.zeros(50, int)])

    assert best_f1(curve(scores, regions))[0] < 0.9
    assert aupro(curve(scores, regions)) == pytest.approx(0.5, abs=1e-12)


def test_aupro_of_a_perfect_map_is_one_and_of_an_inverted_one_zero() -> None:
    marked = np.any(REGIONS["regions of very different size"], axis=0)
    regions = mask_regions(marked)

    assert aupro(curve(marked.astype(np.float32), regions)) == pytest.approx(1.0)
    assert aupro(curve(-marked.astype(np.float32), regions)) == pytest.approx(0.0)


def test_regions_are_numbered_through_all_pictures_and_touch_at_corners() -> None:
    masks = np.zeros((3, 4, 5), bool)
    masks[0, 0, 0] = masks[0, 1, 1] = True
    masks[0, 3, 4] = True
    masks[2, 2, 0:3] = True

    regions = mask_regions(masks)

    assert regions.dtype == np.uint32
    assert regions[0, 0, 0] == regions[0, 1, 1] == 1
    assert regions[0, 3, 4] == 2
    assert regions[2, 2].tolist() == [3, 3, 3, 0, 0]
    assert ((regions > 0) == masks).all()
    assert not regions[1].any()
    assert not mask_regions(np.zeros((2, 3, 3), bool)).any()


@pytest.mark.parametrize("truth", [0.6, 0.8, 0.95, 0.99, 0.999])
@pytest.mark.parametrize(("positives", "negatives"), [(60, 20), (20, 20), (10, 60), (120, 40)])
def test_the_interval_covers_the_true_auroc_in_95_of_100_test_sets(
    truth: float, positives: int, negatives: int
) -> None:
    generator = np.random.default_rng(5)
    shift = math.sqrt(2) * NormalDist().inv_cdf(truth)
    covered = []
    for _ in range(400):
        bad, good = generator.normal(shift, size=positives), generator.normal(size=negatives)
        low, high = auroc_interval(float((bad[:, None] > good).mean()), positives, negatives)
        covered.append(low <= truth <= high)

    # 95 %, less three standard errors of 400 test sets; near 1 it may only be too wide.
    assert 0.95 - 3 * math.sqrt(0.95 * 0.05 / 400) < np.mean(covered)
    assert np.mean(covered) < 0.99 or truth > 0.95


@pytest.mark.parametrize(("positives", "negatives"), [(63, 20), (2, 2), (5, 60), (1, 1)])
def test_the_interval_moves_with_the_auroc_and_does_not_jump_at_one(
    positives: int, negatives: int
) -> None:
    steps = np.linspace(0, 1, 1001)
    lows, highs = np.array([auroc_interval(at, positives, negatives) for at in steps]).T

    assert (np.diff(lows) >= 0).all()
    assert (np.diff(highs) >= 0).all()
    assert ((lows >= 0) & (lows <= steps) & (steps <= highs) & (highs <= 1)).all()
    assert np.diff(lows).max() < 0.01
    assert np.diff(highs).max() < 0.01
    assert lows[-1] < highs[-1] == 1


def test_more_pictures_make_the_interval_narrower() -> None:
    widths = [float(np.diff(auroc_interval(0.9, count, count))[0]) for count in (10, 40, 160)]

    assert widths[0] > 1.4 * widths[1] > 1.4 * 1.4 * widths[2]


def long_curve() -> Curve:
    generator = np.random.default_rng(6)
    labels = generator.random(60_000) < 0.03
    return curve(generator.normal(size=60_000) + 2 * labels, labels)


def test_a_thinned_curve_keeps_its_ends_and_its_area() -> None:
    whole = long_curve()
    kept = thinned(whole)

    assert len(whole.thresholds) > 4000
    assert 1000 < len(kept.thresholds) <= 2000
    for name in ("thresholds", "true_positives", "false_positives", "region_overlap"):
        assert getattr(kept, name)[0] == getattr(whole, name)[0]
        assert getattr(kept, name)[-1] == getattr(whole, name)[-1]
    assert auroc(kept) == pytest.approx(auroc(whole), abs=1e-3)
    assert (np.diff(kept.thresholds) < 0).all()
    fewer = thinned(whole, points=500)
    assert np.diff(fewer.true_positives / fewer.positives).max() < 3 / 500
    assert np.diff(fewer.false_positives / fewer.negatives).max() < 3 / 500


@pytest.mark.parametrize("label", [0, 1])
def test_a_curve_of_one_class_can_be_thinned(label: int) -> None:
    kept = thinned(curve(np.arange(5000.0), np.full(5000, label)), points=100)

    assert len(kept.thresholds) <= 100
    assert (kept.thresholds[0], kept.thresholds[-1]) == (4999, 0)
