"""The outline's slider, the sentence about the overlap, and the picture of the colour scale."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from dashboard.colour_bar import HEIGHT_PX, WIDTH_PX, colour_bar, tick_position
from dashboard.samples.sample_set import Panels
from dashboard.samples.viewer import decimals, outline_range, overlap_text
from evaluation.heatmap import HEAT_TABLE, OUTLINE_COLOUR, Scale


@pytest.mark.parametrize(
    ("low", "high", "threshold"),
    [(0, 1, 0.5), (5.34, 39.3, 19.66), (1e-6, 4e-6, 3.1e-6), (2, 8, 11.3), (0, 100, 0.001)],
)
def test_the_outline_starts_at_the_threshold_which_lies_on_the_sliders_grid(
    low: float, high: float, threshold: float
) -> None:
    choices = outline_range(Scale(low, high), threshold)
    assert choices.start == threshold
    assert choices.low == low
    assert choices.high >= max(high, threshold) * (1 - 1e-9)
    assert choices.high - max(high, threshold) < choices.step * 1.001
    for value in (choices.start, choices.high):
        steps = (value - choices.low) / choices.step
        assert steps == pytest.approx(round(steps), abs=1e-6)
        assert round(steps) >= 1


def test_without_a_threshold_the_outline_starts_in_the_middle_of_the_scale() -> None:
    assert outline_range(Scale(2, 8), math.nan).start == 5
    assert outline_range(Scale(2, 8), 1.0).start == 5


@pytest.mark.parametrize("step", [0.0003, 0.02, 0.5, 1.0, 7.0, 300.0])
def test_neighbouring_values_of_the_slider_read_differently(step: float) -> None:
    shown = {f"{round(n) * step:.{decimals(step)}f}" for n in range(50)}
    assert len(shown) == 50


def bar_without_numbers(scale: Scale, threshold: float) -> NDArray[np.uint8]:
    """Return the bar's topmost row, above the numbers."""
    return colour_bar(scale, threshold)[0]


def test_the_bar_runs_through_all_colours_from_cold_to_hot() -> None:
    picture = colour_bar(Scale(1, 3), math.nan)
    assert picture.shape == (HEIGHT_PX, WIDTH_PX, 3)
    row = bar_without_numbers(Scale(1, 3), math.nan)
    assert (row[0] == HEAT_TABLE[0]).all()
    assert (row[-1] == HEAT_TABLE[-1]).all()
    assert (row[WIDTH_PX // 2] == HEAT_TABLE[128]).all()


@pytest.mark.parametrize("threshold", [1.0, 1.2, 2.0, 3.0])
def test_the_tick_stands_at_the_threshold(threshold: float) -> None:
    row = bar_without_numbers(Scale(1, 3), threshold)
    ticked = np.flatnonzero((row == OUTLINE_COLOUR).all(axis=1))
    assert 0 < len(ticked) < 10
    assert abs(ticked.mean() - (threshold - 1) / 2 * (WIDTH_PX - 1)) <= 7
    assert tick_position(Scale(1, 3), 1.0) == 0
    assert tick_position(Scale(1, 3), 3.0) == WIDTH_PX - 1


@pytest.mark.parametrize("threshold", [math.nan, 0.5, 3.5])
def test_no_tick_is_drawn_for_a_threshold_off_the_scale(threshold: float) -> None:
    row = bar_without_numbers(Scale(1, 3), threshold)
    assert not (row == OUTLINE_COLOUR).all(axis=1).any()


def panels(truth: NDArray[np.uint8] | None) -> Panels:
    """Return panels with a map that is hot in its left half."""
    anomaly_map = np.zeros((4, 10), np.float32)
    anomaly_map[:, :5] = 9
    return Panels(None, truth, None, None, anomaly_map)


def test_the_overlap_is_told_in_pixels_and_per_cent() -> None:
    truth = np.zeros((4, 10), np.uint8)
    truth[:, 4:6] = 255
    text = overlap_text(panels(truth), 5.0, defective=True)
    assert "50 % of the marked defect (8 px)" in text
    assert "16 px outside" in text
    assert f"{4 / 24:.2f}" in text


def test_nothing_is_claimed_about_a_defect_that_is_not_marked() -> None:
    empty = np.zeros((4, 10), np.uint8)
    assert "20 of 40 px (50 %) of this good part" in overlap_text(panels(empty), 5.0, False)
    assert "outside the part of the picture that is used" in overlap_text(panels(empty), 5.0, True)
    assert "without a mask" in overlap_text(panels(None), 5.0, True)
    assert "without a mask" in overlap_text(panels(np.zeros((2, 2), np.uint8)), 5.0, True)
