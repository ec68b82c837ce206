"""Colours of AUROC values can be read and told apart."""

from __future__ import annotations

import math

import pytest

from dashboard.auroc_colours import COLOURS, LIMITS, auroc_style

READABLE_CONTRAST = 4.5


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(("background", "text"), COLOURS)
def test_numbers_are_legible_on_their_background(background: str, text: str) -> None:
    dark, light = sorted((luminance(background), luminance(text)))
    assert (light + 0.05) / (dark + 0.05) >= READABLE_CONTRAST


def test_lightness_alone_orders_each_half_of_the_scale() -> None:
    lightness = [luminance(background) for background, _ in COLOURS]
    assert lightness[:3] == sorted(lightness[:3])
    assert lightness[3:] == sorted(lightness[3:], reverse=True)


def test_every_step_has_a_colour_of_its_own_and_limits_belong_to_the_better_step() -> None:
    middles = [0.5, 0.75, 0.85, 0.92, 0.97, 1.0]
    assert len({auroc_style(value) for value in middles}) == len(COLOURS)
    assert [auroc_style(limit) for limit in LIMITS] == [auroc_style(v) for v in middles[1:]]


def test_an_undefined_value_has_no_colour() -> None:
    assert auroc_style(math.nan) == ""
