"""Size groups against a slow oracle, and recall counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evaluation.decisions import share_interval
from evaluation.defect_size import NO_GROUP, recall_by_size, size_groups


def slow_groups(areas: list[float]) -> list[int]:
    """Group by counting: the share of marked pictures with a strictly smaller area decides."""
    marked = [area for area in areas if area > 0]
    if len(marked) < 3:
        return [NO_GROUP] * len(areas)
    groups = []
    for area in areas:
        if not area > 0:
            groups.append(NO_GROUP)
            continue
        smaller = sum(other < area for other in marked)
        groups.append(sum(3 * smaller >= part * len(marked) for part in (1, 2)))
    return groups


@pytest.mark.parametrize("seed", range(30))
def test_groups_agree_with_counting_smaller_areas(seed: int) -> None:
    rng = np.random.default_rng(seed)
    areas = rng.integers(0, rng.integers(2, 50), rng.integers(1, 25)).astype(float)
    areas[rng.random(len(areas)) < 0.2] = math.nan
    assert size_groups(areas).tolist() == slow_groups(areas.tolist())


def test_nine_different_areas_make_three_groups_of_three_in_any_order() -> None:
    areas = [9, 1, 5, 2, 8, 4, 3, 7, 6]
    assert size_groups(areas).tolist() == [2, 0, 1, 0, 2, 1, 0, 2, 1]


@pytest.mark.parametrize("seed", range(10))
def test_equal_areas_are_never_in_different_groups(seed: int) -> None:
    areas = np.random.default_rng(seed).integers(1, 5, 20)
    groups = size_groups(areas)
    assert all(len(set(groups[areas == area])) == 1 for area in set(areas))


def test_all_areas_equal_make_one_group() -> None:
    found = recall_by_size([7.0] * 5, [1, 2, 3, 4, 5], 2.5)
    assert [(one.low, one.high, one.pictures, one.reported) for one in found] == [(7, 7, 5, 3)]


def test_a_tie_across_a_tercile_stays_together_and_may_empty_a_group() -> None:
    assert size_groups([1, 5, 5, 5, 5, 9]).tolist() == [0, 0, 0, 0, 0, 2]
    assert size_groups([1, 2, 5, 5, 5, 9]).tolist() == [0, 0, 1, 1, 1, 2]


def test_recall_counts_reported_pictures_of_each_size() -> None:
    areas = [10, 11, 12, 20, 21, 22, 30, 31, 32]
    scores = [0, 0, 5, 0, 5, 5, 5, 5, 5]
    small, medium, large = recall_by_size(areas, scores, 3.0)
    assert [one.reported for one in (small, medium, large)] == [1, 2, 3]
    assert [one.recall for one in (small, medium, large)] == pytest.approx([1 / 3, 2 / 3, 1])
    assert (small.low, small.high, medium.low, medium.high) == (10, 12, 20, 22)
    assert medium.interval == share_interval(2, 3)


def test_a_score_equal_to_the_threshold_is_not_reported() -> None:
    found = recall_by_size([1, 2, 3], [3.0, 3.0, 3.1], 3.0)
    assert [one.reported for one in found] == [0, 0, 1]


def test_pictures_without_mask_or_outside_the_crop_belong_to_no_group() -> None:
    areas = [math.nan, 0, 1, 2, 3]
    assert size_groups(areas).tolist() == [NO_GROUP, NO_GROUP, 0, 1, 2]
    assert sum(one.pictures for one in recall_by_size(areas, [9] * 5, 1)) == 3


@pytest.mark.parametrize("areas", [[], [4.0], [4.0, 5.0], [4.0, 5.0, math.nan, 0.0]])
def test_fewer_than_three_marked_pictures_make_no_groups(areas: list[float]) -> None:
    assert recall_by_size(areas, [1.0] * len(areas), 0.5) == []


def test_without_a_threshold_recall_is_undefined_but_the_groups_stand() -> None:
    found = recall_by_size([1, 2, 3], [1, 1, 1], math.nan)
    assert [one.pictures for one in found] == [1, 1, 1]
    assert all(math.isnan(one.recall) and math.isnan(one.interval[0]) for one in found)


def test_areas_and_scores_must_belong_together() -> None:
    with pytest.raises(ValueError, match="3 areas but 2 scores"):
        recall_by_size([1, 2, 3], [1, 2], 0)
