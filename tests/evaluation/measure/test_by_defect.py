"""Numbers by size and type of the defect, against slow oracles and counted by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from evaluation.measure.by_defect import (
    NO_GROUP,
    hardest_types,
    overlap,
    recall_by_size,
    size_groups,
    type_table,
)
from evaluation.measure.operating_points import share_interval
from tests.make_data import cell_content


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
    groups = size_groups(areas)
    assert groups.tolist() == slow_groups(areas.tolist())
    assert all(len(set(groups[areas == area])) == 1 for area in set(areas) if area > 0)


def test_all_areas_equal_make_one_group() -> None:
    found = recall_by_size([7.0] * 5, [1, 2, 3, 4, 5], 2.5)
    assert [(one.low, one.high, one.pictures, one.reported) for one in found] == [(7, 7, 5, 3)]


def test_recall_counts_reported_pictures_of_each_size() -> None:
    areas = [10, 11, 12, 20, 21, 22, 30, 31, 32]
    scores = [0, 0, 5, 0, 5, 5, 5, 5, 5]
    small, medium, large = recall_by_size(areas, scores, 3.0)
    assert [one.reported for one in (small, medium, large)] == [1, 2, 3]
    assert [one.recall for one in (small, medium, large)] == pytest.approx([1 / 3, 2 / 3, 1])
    assert (small.low, small.high, medium.low, medium.high) == (10, 12, 20, 22)
    assert medium.interval == share_interval(2, 3)
    at_the_threshold = recall_by_size([1, 2, 3], [3.0, 3.0, 3.1], 3.0)
    assert [one.reported for one in at_the_threshold] == [0, 0, 1]
    with pytest.raises(ValueError, match="3 areas but 2 scores"):
        recall_by_size([1, 2, 3], [1, 2], 0)


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


def cell_with(by_defect: object, **changes: Any) -> dict[str, Any]:
    content = cell_content(**changes)
    content["metrics"] = content["metrics"] | {"by_defect": by_defect}
    return content


def test_each_type_of_each_cell_is_a_row() -> None:
    types = {
        "dent": {"count": 4, "image_auroc": 0.7, "pixel_auroc": 0.8},
        "scratch": {"count": 2, "image_auroc": 0.9, "pixel_auroc": math.nan},
    }
    table = type_table([cell_with(types), cell_with(types, method="ae", demo_data=True)])
    assert list(table["defect"]) == ["dent", "scratch"] * 2
    assert list(table["method"]) == ["padim", "padim", "ae", "ae"]
    assert list(table["pictures"]) == [4, 2, 4, 2]
    assert list(table["demo_data"]) == [False, False, True, True]
    assert table["pixel_auroc"].isna().sum() == 2


def test_the_lowest_value_comes_first_and_undefined_ones_are_left_out() -> None:
    types = {
        "a": {"count": 1, "image_auroc": 0.9, "pixel_auroc": math.nan},
        "b": {"count": 1, "image_auroc": 0.4, "pixel_auroc": 0.6},
        "c": {"count": 1, "image_auroc": 0.9, "pixel_auroc": 0.5},
    }
    table = type_table([cell_with(types)])
    assert list(hardest_types(table, "image_auroc")["defect"]) == ["b", "a", "c"]
    assert list(hardest_types(table, "pixel_auroc")["defect"]) == ["c", "b"]


def test_malformed_entries_are_left_out() -> None:
    good = {"count": 1, "image_auroc": 0.9, "pixel_auroc": None}
    table = type_table(
        [cell_with({"x": 3, "y": {}, "z": good}), cell_with(None), cell_with([1, 2])]
    )
    assert list(table["defect"]) == ["z"]
    assert math.isnan(table["pixel_auroc"][0])


MAP = np.array([[0, 2, 2, 2], [0, 2, 2, 1]], np.float32)
MARKED = np.array([[0, 0, 1, 1], [1, 0, 0, 1]], bool)


def test_pixels_are_counted_as_by_hand() -> None:
    counts = overlap(MAP, MARKED, 1.0)
    assert (counts.marked, counts.predicted, counts.shared) == (4, 5, 2)
    assert counts.covered == 0.5
    assert counts.outside == 3
    assert counts.iou == 2 / 7
    perfect = overlap(MARKED.astype(np.float32), MARKED, 0.5)
    assert (perfect.covered, perfect.outside, perfect.iou) == (1.0, 0, 1.0)


def test_shares_of_nothing_are_not_numbers() -> None:
    nothing = np.zeros((2, 4), bool)
    counts = overlap(MAP, nothing, 1.0)
    assert math.isnan(counts.covered)
    assert counts.iou == 0
    assert math.isnan(overlap(MAP, nothing, 9.0).iou)
