"""Drawings: made from a seed, of the promised range, different from each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tools.offline_backbone.drawings.canvas import Floats, Random
from tools.offline_backbone.drawings.shapes import Thing
from tools.offline_backbone.drawings.sheet import KINDS, SIDE, SURFACES, THINGS, draw_sheet


@pytest.mark.parametrize("surface", SURFACES)
def test_a_surface_fills_its_square_with_varied_values(
    surface: Callable[[Random, int], Floats],
) -> None:
    value = surface(np.random.default_rng(1), 96)
    assert value.shape == (96, 96)
    assert -0.01 <= value.min() <= value.max() <= 1.01
    assert value.std() > 0.01


@pytest.mark.parametrize("thing", THINGS)
def test_a_thing_covers_part_of_its_square(thing: Callable[[Random, int], Thing]) -> None:
    covered = []
    for seed in range(4):
        cover, value = thing(np.random.default_rng(seed), 96)
        assert cover.shape == value.shape == (96, 96)
        assert cover.min() >= 0
        assert cover.max() <= 1
        assert np.isfinite(value).all()
        covered.append(cover.mean())
    assert 0.005 < np.mean(covered) < 0.9


def test_the_same_number_gives_the_same_sheet_and_another_number_another() -> None:
    first, again, other = draw_sheet(3, 5), draw_sheet(3, 5), draw_sheet(3, 6)
    np.testing.assert_array_equal(first.picture, again.picture)
    np.testing.assert_array_equal(first.kinds, again.kinds)
    assert (first.picture != other.picture).mean() > 0.5


def test_sheets_show_every_kind_and_name_no_other() -> None:
    kinds = np.concatenate([np.unique(draw_sheet(0, number).kinds) for number in range(300)])
    assert set(kinds.tolist()) == set(range(KINDS))


def test_a_sheet_is_a_picture_of_the_promised_size() -> None:
    sheet = draw_sheet(0, 0)
    assert sheet.picture.shape == (SIDE, SIDE, 3)
    assert sheet.picture.dtype == sheet.kinds.dtype == np.uint8
