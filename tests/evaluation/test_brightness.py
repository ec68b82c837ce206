"""The brightness control."""

from __future__ import annotations

import math

import numpy as np

from evaluation.brightness import brightness_auroc, mean_brightness


def test_brightness_is_the_mean_over_pixels_and_channels() -> None:
    images = np.zeros((2, 2, 2, 3), np.uint8)
    images[1, 0, 0] = (255, 0, 45)

    assert mean_brightness(images).tolist() == [0, 25]


def test_brighter_and_darker_defects_are_both_found() -> None:
    assert brightness_auroc([1, 2, 8, 9], [0, 0, 1, 1]) == 1
    assert brightness_auroc([1, 2, 8, 9], [1, 1, 0, 0]) == 1


def test_brightness_that_says_nothing_reaches_one_half() -> None:
    assert brightness_auroc([5, 5, 5, 5], [0, 1, 0, 1]) == 0.5


def test_a_single_class_has_no_brightness_control() -> None:
    assert math.isnan(brightness_auroc([1, 2], [1, 1]))
