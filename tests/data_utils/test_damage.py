"""Damage: where it is, how large, and nothing else changed."""

from __future__ import annotations

import numpy as np
import pytest

from data_utils.damage import DAMAGES, Damage, Stroke, drawn

KINDS = sorted(DAMAGES)


def gray(height: int = 96, width: int = 128, level: int = 110) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_only_pixels_in_the_mask_change(kind: str) -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)
    before = picture.copy()
    painted, mask = DAMAGES[kind](picture, Damage(size=0.3))
    np.testing.assert_array_equal(picture, before)
    np.testing.assert_array_equal(painted[~mask], picture[~mask])
    assert (painted[mask] != picture[mask]).any(axis=1).mean() > 0.8
    assert painted.dtype == np.uint8
    assert painted.shape == picture.shape


@pytest.mark.parametrize("kind", KINDS)
def test_it_lies_where_it_was_put_in_the_size_that_was_asked_for(kind: str) -> None:
    for across, down in ((0.5, 0.5), (0.25, 0.7), (0.8, 0.3)):
        _, mask = DAMAGES[kind](gray(), Damage(across, down, size=0.2))
        rows, columns = np.nonzero(mask)
        assert columns.mean() + 0.5 == pytest.approx(across * 128, abs=3)
        assert rows.mean() + 0.5 == pytest.approx(down * 96, abs=3)
    for size in (0.1, 0.2, 0.4):
        _, mask = DAMAGES[kind](gray(200, 240), Damage(size=size, angle=0))
        columns = np.nonzero(mask.any(axis=0))[0]
        assert columns[-1] - columns[0] + 1 == pytest.approx(size * 200, rel=0.3)


def test_a_scratch_follows_its_angle() -> None:
    extents = {}
    for angle in (0, 90):
        _, mask = DAMAGES["scratch"](gray(), Damage(size=0.5, angle=angle))
        extents[angle] = [int(mask.any(axis=axis).sum()) for axis in (1, 0)]
    assert extents[0][1] > 4 * extents[0][0]
    assert extents[90][0] > 4 * extents[90][1]


@pytest.mark.parametrize(("level", "brighter"), [(40, True), (220, False)])
def test_a_scratch_can_be_seen_on_dark_and_on_bright_parts(level: int, brighter: bool) -> None:
    painted, mask = DAMAGES["scratch"](gray(level=level), Damage())
    change = painted[mask].astype(int).mean() - level
    assert (change > 20) if brighter else (change < -20)


def test_a_hole_is_dark_inside_and_bright_at_its_rim() -> None:
    painted, mask = DAMAGES["hole"](gray(), Damage(size=0.4))
    assert painted[48, 64].max() < 20
    assert painted[mask].max() > 130


@pytest.mark.parametrize("kind", KINDS)
def test_seed_and_strength_decide_what_is_drawn(kind: str) -> None:
    first, _ = DAMAGES[kind](gray(), Damage(size=0.4, seed=3))
    np.testing.assert_array_equal(first, DAMAGES[kind](gray(), Damage(size=0.4, seed=3))[0])
    assert (first != DAMAGES[kind](gray(), Damage(size=0.4, seed=4))[0]).any()

    weak, mask = DAMAGES[kind](gray(), Damage(size=0.3, strength=0.3))
    strong, _ = DAMAGES[kind](gray(), Damage(size=0.3, strength=1.0))
    change = [np.abs(one[mask].astype(int) - 110).mean() for one in (weak, strong)]
    assert 0 < change[0] < 0.6 * change[1]

    painted, mask = DAMAGES[kind](gray(), Damage(strength=0))
    np.testing.assert_array_equal(painted, gray())
    assert not mask.any()
    outside, _ = DAMAGES[kind](gray(), Damage(0, 0, size=1.0))
    assert outside.shape == gray().shape


@pytest.mark.parametrize("values", [{"across": 1.1}, {"down": -0.1}, {"size": 2}, {"strength": 9}])
def test_impossible_damages_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Damage(**values)  # type: ignore[arg-type]


def test_a_stroke_is_a_line_of_its_width_and_colour() -> None:
    stroke = Stroke(((20.0, 40.0), (100.0, 40.0)), 8, "#ff0000")
    painted, mask = drawn(gray(), [stroke])
    np.testing.assert_array_equal(painted[40, 60], (255, 0, 0))
    column = np.nonzero(mask[:, 60])[0]
    assert len(column) == pytest.approx(8, abs=1)
    assert column.mean() + 0.5 == pytest.approx(40, abs=0.5)
    row = np.nonzero(mask[40])[0]
    assert (row[0], row[-1]) == pytest.approx((16, 104), abs=1)
    np.testing.assert_array_equal(painted[~mask], gray()[~mask])


def test_a_single_point_is_a_round_dot_and_later_strokes_lie_on_top() -> None:
    below = Stroke(((50.0, 50.0),), 20, "#0000ff")
    above = Stroke(((50.0, 50.0),), 6, "#00ff00")
    painted, mask = drawn(gray(), [below, above])
    assert mask.sum() == pytest.approx(np.pi * 100, rel=0.15)
    np.testing.assert_array_equal(painted[50, 50], (0, 255, 0))
    np.testing.assert_array_equal(painted[50, 57], (0, 0, 255))
    assert not drawn(gray(), [])[1].any()
