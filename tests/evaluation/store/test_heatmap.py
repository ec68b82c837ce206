"""One fixed colour scale: a good part looks cold, and equal scores look equal."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from detectors.base import AnomalyResult
from detectors.maps import anomaly_map
from evaluation.measure.operating_points import threshold_for
from evaluation.run.writing import scale_from
from evaluation.store.heatmap import (
    HEAT_TABLE,
    OUTLINE_COLOUR,
    OUTLINE_EDGE_COLOUR,
    Scale,
    gray,
    heat,
    outlined,
    overlay,
)


def good_result(count: int = 40) -> AnomalyResult:
    """Return maps of good pictures: scores around 1 that change every four pixels."""
    coarse = np.random.default_rng(0).normal(1, 0.1, (count, 8, 8)).astype(np.float32)
    maps = coarse.repeat(4, axis=1).repeat(4, axis=2)
    return AnomalyResult(maps.reshape(count, -1).max(axis=1), maps)


def brightness(colours: NDArray[np.uint8]) -> NDArray[np.int64]:
    return colours.astype(np.int64).sum(axis=-1)


def test_the_scale_goes_from_the_median_good_pixel_to_twice_the_threshold() -> None:
    good = good_result()
    scale = scale_from(good)

    assert scale.low == pytest.approx(np.median(good.maps))
    assert scale.high == pytest.approx(2 * threshold_for(good.scores, 0.05))


def test_the_median_of_smoothed_maps_is_that_of_every_pixel_to_a_thousandth() -> None:
    generator = torch.Generator().manual_seed(0)
    maps = anomaly_map(1 + 0.1 * torch.randn(40, 8, 8, generator=generator), (64, 64))
    scale = scale_from(AnomalyResult(maps.reshape(40, -1).max(axis=1), maps))

    assert scale.low == pytest.approx(np.median(maps), rel=1e-3)


def test_the_largest_score_stands_in_where_pictures_are_too_few_for_a_threshold() -> None:
    good = good_result(5)

    assert scale_from(good).high == pytest.approx(2 * good.scores.max())


@pytest.mark.parametrize("value", [0.0, 1e-9, 5.0, 1e6])
def test_constant_maps_still_give_a_scale(value: float) -> None:
    maps = np.full((3, 4, 4), value, np.float32)
    scale = scale_from(AnomalyResult(maps.max(axis=(1, 2)), maps))

    assert scale.high > scale.low
    assert np.isfinite(scale.relative(maps)).all()


def test_scores_have_one_colour_and_are_clipped_at_both_ends_of_the_scale() -> None:
    maps = np.array([[-5, 1, 2, 3, 50]], np.float32)
    before, scale = maps.copy(), Scale(1, 3)

    assert scale.relative(maps).tolist() == [[0, 0, 0.5, 1, 1]]
    for shown in (maps, maps.astype(np.float16)):
        assert gray(shown, scale).tolist() == [[0, 0, 128, 255, 255]]
    assert (heat(maps, scale) == HEAT_TABLE[[[0, 0, 128, 255, 255]]]).all()
    assert (maps == before).all()
    assert HEAT_TABLE.shape == (256, 3)
    assert (np.diff(brightness(HEAT_TABLE)) >= 0).all()
    assert brightness(HEAT_TABLE[0]) < 60
    assert brightness(HEAT_TABLE[255]) > 600


def test_the_overlay_shows_heat_but_lets_the_picture_through() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    hot = np.full((2, 2), 99, np.float32)

    shown = overlay(image, hot, Scale(1, 3), opacity=0.5)

    assert (shown == np.rint(HEAT_TABLE[255] * 0.5)).all()
    assert (overlay(image, hot, Scale(1, 3), opacity=1.0) == HEAT_TABLE[255]).all()
    noise = np.random.default_rng(1).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    assert (overlay(noise, np.full((6, 7), 0.9, np.float32), Scale(1, 3)) == noise).all()


@pytest.mark.parametrize(
    ("low", "high"), [(1.0, 1.0), (2.0, 1.0), (math.nan, 1.0), (0.0, math.nan)]
)
def test_a_scale_without_length_is_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="has no length"):
        Scale(low, high)


def changed_to(shown: NDArray[np.uint8], colour: tuple[int, int, int]) -> list[tuple[int, int]]:
    return [(int(row), int(column)) for row, column in np.argwhere((shown == colour).all(axis=2))]


def test_the_outline_is_a_ring_inside_the_area_and_an_edge_around_it() -> None:
    picture = np.full((9, 9, 3), 77, np.uint8)
    anomaly_map = np.zeros((9, 9), np.float32)
    anomaly_map[3:6, 3:6] = 2
    shown = outlined(picture, anomaly_map, 1.0)

    square = {(row, column) for row in range(3, 6) for column in range(3, 6)}
    around = {(row, column) for row in range(2, 7) for column in range(2, 7)} - square
    assert set(changed_to(shown, OUTLINE_COLOUR)) == square - {(4, 4)}
    assert set(changed_to(shown, OUTLINE_EDGE_COLOUR)) == around
    assert (shown[4, 4] == 77).all()
    assert (picture == 77).all()
    for threshold in (2.0, math.nan):  # strictly above it; none
        assert (outlined(picture, anomaly_map, threshold) == picture).all()
    whole = outlined(picture[:4, :4], np.ones((4, 4), np.float32), 0.5)  # closed along the border
    assert len(changed_to(whole, OUTLINE_COLOUR)) == 12
    assert changed_to(whole, (77, 77, 77)) == [(1, 1), (1, 2), (2, 1), (2, 2)]


@pytest.mark.parametrize("gray_value", [0, 128, 255])
def test_the_outline_is_seen_on_dark_and_on_bright_pictures(gray_value: int) -> None:
    picture = np.full((9, 9), gray_value, np.uint8)
    anomaly_map = np.zeros((9, 9), np.float32)
    anomaly_map[4, 4] = 1
    shown = outlined(picture, anomaly_map, 0.5)

    assert shown.shape == (9, 9, 3)
    contrast = np.abs(brightness(shown) - brightness(shown[:1, :1]))
    assert contrast.max() > 300
