"""A difference is called real only when pictures and seeds leave no other reading."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.measure.metrics import auroc, curve
from evaluation.measure.significance import image_auroc_difference, resampled_means, won_pairs

LABELS = np.array([0] * 20 + [1] * 40)


def drawn(separation: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return scores of good and defective pictures, `separation` standard deviations apart."""
    return generator.normal(size=len(LABELS)) + separation * LABELS


def test_the_difference_is_that_of_the_mean_aurocs() -> None:
    generator = np.random.default_rng(1)
    ours = [drawn(2, generator) for _ in range(3)]
    baseline = [drawn(1, generator) for _ in range(2)]
    found = image_auroc_difference(ours, baseline, LABELS)
    means = [
        np.mean([auroc(curve(scores, LABELS)) for scores in side]) for side in (ours, baseline)
    ]

    assert found.mean == pytest.approx(means[0] - means[1], abs=1e-12)
    assert (found.seeds, found.baseline_seeds, found.pictures) == (3, 2, 60)
    assert found.low < found.mean < found.high


def test_results_compared_with_themselves_cannot_be_told_apart() -> None:
    scores = [drawn(1, np.random.default_rng(2))]
    found = image_auroc_difference(scores, scores, LABELS)

    assert (found.mean, found.low, found.high) == (0, 0, 0)
    assert not found.real


def test_a_large_difference_is_real_and_turns_its_sign_with_the_sides() -> None:
    generator = np.random.default_rng(3)
    good, bad = [drawn(4, generator)], [drawn(0, generator)]
    there = image_auroc_difference(good, bad, LABELS)
    back = image_auroc_difference(bad, good, LABELS)

    assert there.real
    assert there.low > 0
    assert back.mean == -there.mean
    assert back.high == pytest.approx(-there.low, abs=0.02)


def test_seeds_that_disagree_take_a_difference_back() -> None:
    generator = np.random.default_rng(4)
    shared = drawn(1.5, generator)
    steady = [shared + 0.3 * LABELS] * 3
    found = image_auroc_difference([steady[0]], [shared], LABELS)
    spread = [shared + change * LABELS for change in (-0.4, 0.4, 2.0)]
    wide = image_auroc_difference(spread, [shared] * 3, LABELS)

    assert found.real
    assert wide.mean > found.mean / 2
    assert not wide.real


def test_seeds_of_both_sides_that_move_together_leave_a_difference_real() -> None:
    generator = np.random.default_rng(7)
    shared = drawn(1.5, generator)
    ours = [shared + change * LABELS for change in (-1.0, -0.5, 0.0)]
    baseline = [scores - 0.5 * LABELS for scores in ours]
    apart, together = (
        image_auroc_difference(ours, baseline, LABELS, paired=paired) for paired in (False, True)
    )

    assert apart.mean == together.mean
    assert not apart.real
    assert together.real


def test_paired_seeds_with_opposite_changes_take_a_difference_back() -> None:
    shared = drawn(1.5, np.random.default_rng(4))
    ours = [shared + change * LABELS for change in (-0.4, 0.4, 2.0)]
    found = image_auroc_difference(ours, [shared] * 3, LABELS, paired=True)

    assert image_auroc_difference([ours[2]], [shared], LABELS, paired=True).real
    assert not found.real


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(5)
    truth = 0.0  # both sides are equally good
    held = 0
    for _ in range(300):
        ours, baseline = ([drawn(1.5, generator) for _ in range(3)] for _ in range(2))
        found = image_auroc_difference(ours, baseline, LABELS)
        held += found.low <= truth <= found.high

    assert 0.92 <= held / 300 <= 1.0


def test_pairing_narrows_the_interval_of_scores_that_go_together() -> None:
    generator = np.random.default_rng(6)
    shared = drawn(1, generator)
    near = [shared + 0.1 * generator.normal(size=len(shared))]
    other = [drawn(1, generator)]
    paired = image_auroc_difference(near, [shared], LABELS)
    unpaired = image_auroc_difference(other, [shared], LABELS)

    assert paired.high - paired.low < 0.5 * (unpaired.high - unpaired.low)


@pytest.mark.parametrize("labels", [np.zeros(60, int), np.ones(60, int)])
def test_with_a_single_class_there_is_no_difference(labels: NDArray[np.int64]) -> None:
    found = image_auroc_difference([np.arange(60.0)], [np.arange(60.0)], labels)

    assert math.isnan(found.mean)
    assert not found.real


def test_redrawn_pairs_spread_like_pictures_redrawn_one_by_one() -> None:
    generator = np.random.default_rng(8)
    bad, good = generator.normal(1, size=30), generator.normal(size=20)
    pairs = won_pairs(bad.astype(np.float32), good.astype(np.float32))
    redrawn = [
        np.mean(generator.choice(bad, 30)[:, None] > generator.choice(good, 20))
        for _ in range(3000)
    ]

    ends = np.quantile(resampled_means(pairs, generator), [0.025, 0.975])
    assert ends == pytest.approx(np.quantile(redrawn, [0.025, 0.975]), abs=0.015)
