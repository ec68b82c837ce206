"""Areas of a map above a threshold: their order, boxes, hits, and the border around them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evaluation.measure.regions import Region, border, marked_regions_hit, regions

MAP = np.array(
    [
        [5, 0, 0, 0, 9, 2],
        [0, 6, 0, 0, 0, 2],
        [0, 0, 0, 0, 0, 0],
        [7, 7, 7, 0, 0, 0],
    ],
    np.float32,
)


def test_regions_come_by_their_highest_score_with_box_and_area_and_corners_connect() -> None:
    assert regions(MAP, 1.0) == [
        Region(left=4, top=0, right=6, bottom=2, area=3, maximum=9.0, hit=None),
        Region(left=0, top=3, right=3, bottom=4, area=3, maximum=7.0, hit=None),
        Region(left=0, top=0, right=2, bottom=2, area=2, maximum=6.0, hit=None),
    ]


def test_what_lies_on_the_threshold_is_below_it_and_without_one_there_is_no_region() -> None:
    assert [region.area for region in regions(MAP, 5.0)] == [1, 3, 1]
    assert regions(MAP, 9.0) == regions(MAP, math.nan) == []
    assert [region.area for region in regions(MAP, -1.0)] == [MAP.size]


def test_a_region_hits_where_it_shares_a_pixel_with_the_marked_defect() -> None:
    marked = np.zeros(MAP.shape, bool)
    marked[3, 2:] = marked[0, :1] = True
    assert [region.hit for region in regions(MAP, 1.0, marked)] == [False, True, True]
    assert [region.hit for region in regions(MAP, 1.0, np.zeros_like(marked))] == [False] * 3


def test_marked_regions_are_counted_with_those_that_are_touched() -> None:
    marked = np.zeros(MAP.shape, bool)
    marked[3, 2:] = marked[2, 1] = marked[0, 0] = marked[2, 5] = True
    # All but the one in the corner touch each other, and are one.
    assert marked_regions_hit(marked, MAP, 6.5) == (1, 2)
    assert marked_regions_hit(marked, MAP, 1.0) == (2, 2)
    assert marked_regions_hit(marked, MAP, math.nan) == (0, 2)
    assert marked_regions_hit(np.zeros_like(marked), MAP, 1.0) == (0, 0)


@pytest.mark.parametrize(
    ("rows", "path"),
    [
        (["....", ".##.", ".##."], "M1 1H3M1 3H3M1 1V3M3 1V3"),
        (["#.", "##"], "M0 0H1M1 1H2M0 2H2M0 0V2M1 0V1M2 1V2"),
        (["##", "##"], "M0 0H2M0 2H2M0 0V2M2 0V2"),
        (["#.", ".#"], "M0 0H1M0 1H2M1 2H2M0 0V1M1 0V2M2 1V2"),
        (["..", ".."], ""),
    ],
    ids=["rectangle", "an L", "whole picture", "corners", "nothing"],
)
def test_the_border_runs_along_the_edges_of_pixels(rows: list[str], path: str) -> None:
    assert border(np.array([[one == "#" for one in row] for row in rows])) == path
