"""Metrics equal scikit-learn's and, for AUPRO, a slow reference written from its definition."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import beta
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from evaluation.metrics import (
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
SCORES = {
    "random": PLAIN,
    "tied": np.round(PLAIN * 2) / 2,
    "two values": (PLAIN > 0.7).astype(np.float32),
    "constant": np.full(400, 3.25, np.float32),
    "negative": PLAIN - 100,
    "around zero": np.where(np.abs(PLAIN) < 0.5, np.copysign(np.float32(0), PLAIN), PLAIN),
    "very large": PLAIN * np.float32(5e37),
    "very small": PLAIN * np.float32(1e-40),
    "inverted": -PLAIN,
    "perfect": LABELS + PLAIN * np.float32(1e-3),
}


@pytest.fixture(params=SCORES, ids=list(SCORES))
def scores(request: pytest.FixtureRequest) -> NDArray[np.float32]:
    """Return scores of one kind for ``LABELS``."""
    return np.asarray(SCORES[request.param], np.float32)


def test_auroc_equals_that_of_scikit_learn(scores: NDArray[np.float32]) -> None:
    expected = roc_auc_score(LABELS, scores.astype(np.float64))

    assert auroc(curve(scores, LABELS)) == pytest.approx(expected, abs=1e-6)


def test_average_precision_equals_that_of_scikit_learn(scores: NDArray[np.float32]) -> None:
    expected = average_precision_score(LABELS, scores.astype(np.float64))

    assert average_precision(curve(scores, LABELS)) == pytest.approx(expected, abs=1e-6)


def test_best_f1_equals_the_best_of_scikit_learn_and_its_threshold_gives_it(
    scores: NDArray[np.float32],
) -> None:
    precision, recall, _ = precision_recall_curve(LABELS, scores.astype(np.float64))
    f1, threshold = best_f1(curve(scores, LABELS))

    alarms = scores >= threshold
    hits = (alarms & (LABELS == 1)).sum()

    assert f1 == pytest.approx(
        np.max(2 * precision * recall / np.maximum(precision + recall, 1e-30)), abs=1e-6
    )
    assert f1 == pytest.approx(2 * hits / (alarms.sum() + LABELS.sum()), abs=1e-12)


@pytest.mark.parametrize("positives", [1, 399])
def test_one_picture_on_one_side_is_enough(positives: int) -> None:
    labels = (np.arange(400) < positives).astype(int)
    ranked = curve(PLAIN, labels)

    assert auroc(ranked) == pytest.approx(roc_auc_score(labels, PLAIN), abs=1e-6)
    assert average_precision(ranked) == pytest.approx(average_precision_score(labels, PLAIN))


def test_metrics_do_not_depend_on_the_order_of_the_pictures() -> None:
    order = np.random.default_rng(2).permutation(400)
    ranked, shuffled = curve(PLAIN, LABELS), curve(PLAIN[order], LABELS[order])

    assert auroc(ranked) == auroc(shuffled)
    assert average_precision(ranked) == average_precision(shuffled)
    assert aupro(ranked) == aupro(shuffled)


def test_pixel_scores_of_any_shape_are_measured_as_one_list() -> None:
    assert auroc(curve(PLAIN.reshape(4, 10, 10), LABELS.reshape(4, 10, 10))) == auroc(
        curve(PLAIN, LABELS)
    )


def test_the_curve_counts_what_reaches_each_distinct_score() -> None:
    ranked = curve([3, -1, 3, 0, 0, -0.0], [1, 0, 0, 1, 0, 1])

    assert ranked.thresholds.tolist() == [3, 0, -1]
    assert ranked.true_positives.tolist() == [1, 3, 3]
    assert ranked.false_positives.tolist() == [1, 2, 3]
    assert (ranked.positives, ranked.negatives) == (3, 3)


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
        *auroc_interval(scores, labels),
    ]

    assert all(math.isnan(value) for value in undefined)
    assert not ranked.defined


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_scores_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        curve([0.1, bad, 0.3], [0, 1, 0])


def test_scores_and_labels_of_different_length_are_refused() -> None:
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


def test_masks_without_any_region_give_zeros() -> None:
    assert not mask_regions(np.zeros((2, 3, 3), bool)).any()


def some_images(
    positives: int, negatives: int, shift: float
) -> tuple[NDArray[np.float32], list[int]]:
    """Return normal scores, defective ones shifted, and their labels."""
    scores = np.random.default_rng(8).normal(size=positives + negatives).astype(np.float32)
    scores[:positives] += np.float32(shift)
    return scores, [1] * positives + [0] * negatives


@pytest.mark.parametrize("shift", [-1.0, 0.0, 0.5, 2.0])
@pytest.mark.parametrize(("positives", "negatives"), [(40, 20), (5, 60), (2, 2)])
def test_the_interval_contains_the_estimate(positives: int, negatives: int, shift: float) -> None:
    scores, labels = some_images(positives, negatives, shift)
    low, high = auroc_interval(scores, labels)

    assert 0 <= low <= auroc(curve(scores, labels)) <= high <= 1


def test_the_interval_is_the_same_for_the_same_seed_only() -> None:
    scores, labels = some_images(30, 15, 1.0)

    assert auroc_interval(scores, labels, seed=3) == auroc_interval(scores, labels, seed=3)
    assert auroc_interval(scores, labels, seed=3) != auroc_interval(scores, labels, seed=4)


def test_the_interval_equals_a_bootstrap_done_picture_by_picture() -> None:
    scores, labels = some_images(30, 20, 1.0)
    bad, good = scores[:30], scores[30:]
    generator = np.random.default_rng(1)
    redrawn = [
        np.mean(generator.choice(bad, 30)[:, None] > generator.choice(good, 20))
        for _ in range(3000)
    ]

    assert auroc_interval(scores, labels) == pytest.approx(
        np.quantile(redrawn, [0.025, 0.975]), abs=0.015
    )


def test_more_pictures_make_the_interval_narrower() -> None:
    widths = []
    for count in (10, 40, 160):
        low, high = auroc_interval(*some_images(count, count, 1.0))
        widths.append(high - low)

    assert widths[0] > 1.4 * widths[1] > 1.4 * 1.4 * widths[2]


@pytest.mark.parametrize(("positives", "negatives"), [(40, 12), (3, 50), (1, 1)])
def test_at_auroc_one_the_interval_is_that_of_clopper_and_pearson(
    positives: int, negatives: int
) -> None:
    scores = np.concatenate([np.full(positives, 2.0), np.full(negatives, 1.0)])
    labels = scores > 1.5
    fewest = min(positives, negatives)

    low, high = auroc_interval(scores, labels)

    assert low == pytest.approx(beta.ppf(0.025, fewest, 1), abs=1e-9)
    assert high == 1.0


def long_curve() -> Curve:
    """Return a pixel curve of several thousand points."""
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


def test_a_thinned_curve_has_no_large_gap_in_either_rate() -> None:
    kept = thinned(long_curve(), points=500)

    assert np.diff(kept.true_positives / kept.positives).max() < 3 / 500
    assert np.diff(kept.false_positives / kept.negatives).max() < 3 / 500


def test_a_short_curve_is_kept_whole() -> None:
    ranked = curve(PLAIN, LABELS)

    assert thinned(ranked) is ranked


@pytest.mark.parametrize("label", [0, 1])
def test_a_curve_of_one_class_can_be_thinned(label: int) -> None:
    kept = thinned(curve(np.arange(5000.0), np.full(5000, label)), points=100)

    assert len(kept.thresholds) <= 100
    assert (kept.thresholds[0], kept.thresholds[-1]) == (4999, 0)
