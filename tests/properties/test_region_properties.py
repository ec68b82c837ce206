"""Whatever the area, its border encloses it and nothing else."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evaluation.measure.regions import border, regions

AREAS = arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9)))


@given(AREAS)
def test_filling_the_border_gives_the_area_back(area: np.ndarray) -> None:
    crossed = np.zeros((area.shape[0], area.shape[1] + 1), int)
    for column, start, end in re.findall(r"M(\d+) (\d+)V(\d+)", border(area)):
        crossed[int(start) : int(end), int(column)] += 1

    assert ((crossed[:, :-1].cumsum(axis=1) % 2 == 1) == area).all()
    assert crossed.max() <= 1


@given(AREAS)
def test_the_border_has_an_edge_wherever_neighbours_differ(area: np.ndarray) -> None:
    padded = np.pad(area, 1)
    edges = (padded[1:] != padded[:-1]).sum() + (padded[:, 1:] != padded[:, :-1]).sum()
    runs = re.findall(r"M(\d+) (\d+)([HV])(\d+)", border(area))
    lengths = [int(end) - int(x if kind == "H" else y) for x, y, kind, end in runs]

    assert sum(lengths) == edges
    assert min(lengths, default=1) >= 1


@given(AREAS)
def test_regions_share_out_all_that_is_above_the_threshold(area: np.ndarray) -> None:
    found = regions(area.astype(float), 0.5, area)

    assert sum(region.area for region in found) == area.sum()
    assert all(region.hit for region in found)
    boxes = [area[one.top : one.bottom, one.left : one.right] for one in found]
    assert all(box[0].any() and box[:, 0].any() for box in boxes)
