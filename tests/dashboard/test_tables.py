"""Numbers as people read them, and the overview's table by category."""

from __future__ import annotations

import math
import re

import pytest
import streamlit as st

from dashboard.figures.style import AUROC_COLOURS, AUROC_LIMITS, auroc_style
from dashboard.overview.metric_table import auroc_by_category
from dashboard.tables import (
    interval,
    number,
    percent,
    percent_interval,
    weights_text,
)
from evaluation.store.summary import table_of
from tests.evaluation.measure.test_averages import cell

READABLE_CONTRAST = 4.5


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(("background", "text"), AUROC_COLOURS)
def test_numbers_are_legible_on_their_background(background: str, text: str) -> None:
    dark, light = sorted((luminance(background), luminance(text)))
    assert (light + 0.05) / (dark + 0.05) >= READABLE_CONTRAST


def test_lightness_alone_orders_each_half_of_the_scale() -> None:
    lightness = [luminance(background) for background, _ in AUROC_COLOURS]
    assert lightness[:3] == sorted(lightness[:3])
    assert lightness[3:] == sorted(lightness[3:], reverse=True)


def test_every_step_has_a_colour_of_its_own_and_limits_belong_to_the_better_step() -> None:
    middles = [0.5, 0.75, 0.85, 0.92, 0.97, 1.0]
    assert len({auroc_style(value) for value in middles}) == len(AUROC_COLOURS)
    assert [auroc_style(limit) for limit in AUROC_LIMITS] == [auroc_style(v) for v in middles[1:]]
    assert auroc_style(math.nan) == ""


def test_each_category_has_one_row_with_all_its_methods() -> None:
    cells = [
        cell("a", "patchcore", 0.9),
        cell("a", "ae", 0.5),
        cell("a", "ae", 0.5),  # a copied folder
        cell("b", "ae", 0.6, demo_data=True),
        cell("a", "other", 0.4),
        cell("a", "ae", 0.55, settings_id="seed-1"),
    ]
    cells[0]["metrics"]["pixel_auroc"] = math.nan
    wide = auroc_by_category(table_of(cells))
    assert list(wide["category"]) == ["a", "a", "b"]
    assert list(wide["settings_id"]) == ["", "seed-1", ""]
    assert list(wide.columns[3:]) == [
        f"{method}_{name}_auroc"
        for method in ("ae", "patchcore", "other")
        for name in ("image", "pixel")
    ]
    assert list(wide["ae_image_auroc"]) == [0.5, 0.55, 0.6]
    assert wide["patchcore_image_auroc"].iloc[0] == 0.9
    assert wide["patchcore_image_auroc"].isna().sum() == 2
    assert wide["patchcore_pixel_auroc"].isna().all()


def test_numbers_and_shares_are_rounded_and_what_is_undefined_reads_not_available() -> None:
    assert [number(0.98765), number(math.nan)] == ["0.988", "n/a"]
    assert [interval(0.9, 1.0), interval(math.nan, 1.0)] == ["0.900–1.000", "n/a"]
    assert [percent(0.05), percent(0.005), percent(math.nan)] == ["5 %", "0.5 %", "n/a"]
    assert percent_interval(0.0021, 0.0594) == "0.2–5.9 %"
    assert percent_interval(math.nan, 1.0) == "n/a"


@pytest.mark.parametrize(
    ("label", "korean"),
    [
        ("none (trained on these pictures)", "없음"),
        ("random (seed 7)", "무작위"),
        ("file own.pth (1a2b3c4d)", "own.pth"),
        ("of another version", "of another version"),
    ],
)
def test_the_weights_are_said_in_the_sessions_language(
    label: str, korean: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert weights_text(label) == label
    monkeypatch.setattr(st, "session_state", {"lang": "ko"})
    assert korean in weights_text(label)
    assert re.findall(r"\d", weights_text(label)) == re.findall(r"\d", label)
