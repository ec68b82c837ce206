"""One sample shown large: its pictures, the outline of what is found, and their controls."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.colour_bar import SHOWN_WIDTH_PX, colour_bar
from dashboard.samples.sample_set import Panels
from dashboard.state import remember, t
from dashboard.tables import percent
from evaluation.heatmap import OVERLAY_OPACITY, Scale, outlined, overlay
from evaluation.overlap import overlap

OPACITY_KEY = "opacity"
SLIDER_STEPS = 100


@dataclass(frozen=True)
class Range:
    """What the outline's slider offers, in units of the score.

    Attributes
    ----------
    low, high, step : float
    start : float
        Lies a whole number of steps above `low`.
    """

    low: float
    high: float
    start: float
    step: float


def outline_range(scale: Scale, threshold: float) -> Range:
    """Return the slider's range: the colour scale, starting at the threshold.

    Without a threshold, or with one at or below the scale's low end, it starts in the middle.
    The upper end is moved up to a whole number of steps.
    """
    start = threshold if threshold > scale.low else (scale.low + scale.high) / 2
    top = max(scale.high, start)
    steps_to_start = max(round(SLIDER_STEPS * (start - scale.low) / (top - scale.low)), 1)
    step = (start - scale.low) / steps_to_start
    steps = max(math.ceil((top - scale.low) / step - 1e-6), steps_to_start)
    return Range(scale.low, scale.low + steps * step, start, step)


def decimals(step: float) -> int:
    """Return how many decimals tell two neighbouring values of a slider apart."""
    return max(0, 1 - math.floor(math.log10(step)))


def draw_panels(
    panels: Panels, missing: dict[str, str], scale: Scale, level: float, opacity: float
) -> None:
    """Draw image, ground truth, heatmap and overlay side by side.

    Parameters
    ----------
    panels : Panels
    missing : dict
        What to say instead of the ``image`` and the ``truth`` where they are None.
    scale : Scale
    level : float
        Raw score at which ground truth and overlay are outlined; NaN for no outline.
    opacity : float
        Of the hottest colour in the overlay, 0 to 1.
    """
    image, truth, anomaly_map = panels.image, panels.truth, panels.anomaly_map
    laid_over = None
    if image is not None and panels.overlay is not None:
        laid_over = outlined(overlay(image, anomaly_map, scale, opacity), anomaly_map, level)
    if truth is not None and truth.shape[:2] == anomaly_map.shape:
        truth = outlined(truth, anomaly_map, level)
    shown: list[tuple[str, NDArray[np.uint8] | None, str]] = [
        (t("panel_image"), image, missing["image"]),
        (t("panel_truth"), truth, missing["truth"]),
        (t("panel_heatmap"), panels.heatmap, ""),
        (t("panel_overlay"), laid_over, missing["image"]),
    ]
    row = st.container(horizontal=True)
    for caption, picture, instead in shown:
        with row.container():
            if picture is None:
                st.caption(caption)
                st.info(instead)
            else:
                st.image(picture, caption=caption, width="stretch")


def draw_colour_bar(scale: Scale, threshold: float) -> None:
    """Draw the fixed colour scale with a tick at the threshold."""
    st.image(colour_bar(scale, threshold), width=SHOWN_WIDTH_PX)
    st.caption(t("scale_line", low=scale.low, high=scale.high))


def draw_outline_slider(choices: Range, key: str, unit: str) -> float:
    """Draw the slider for the outline's score; return the score.

    Parameters
    ----------
    choices : Range
    key : str
        Changes whenever the start changes, so that the slider then starts anew.
    unit : str
        What the score measures.
    """
    level = st.slider(
        t("samples_outline"),
        choices.low,
        choices.high,
        choices.start,
        choices.step,
        format=f"%.{decimals(choices.step)}f",
        key=key,
        help=t("samples_outline_help", unit=unit),
    )
    return choices.start if abs(level - choices.start) < choices.step / 2 else float(level)


def draw_opacity_slider() -> float:
    """Draw the slider for how much the overlay hides of the picture; return it, 0 to 1."""
    remember(OPACITY_KEY, round(100 * OVERLAY_OPACITY))
    shown = st.slider(t("samples_opacity"), 0, 100, step=5, format="%d %%", key=OPACITY_KEY)
    return float(shown) / 100


def overlap_text(panels: Panels, level: float, defective: bool) -> str:
    """Say how much of the marked defect lies inside the outline, in pixels and per cent."""
    area = panels.anomaly_map.size
    truth = panels.truth
    if truth is None or truth.shape[:2] != panels.anomaly_map.shape:
        inside = int((panels.anomaly_map > level).sum())
        share = percent(inside / area)
        return t("samples_overlap_no_mask", inside=inside, area=area, share=share)
    counts = overlap(panels.anomaly_map, truth > 0, level)
    if counts.marked:
        return t(
            "samples_overlap",
            covered=percent(counts.covered),
            marked=counts.marked,
            outside=counts.outside,
            iou=counts.iou,
        )
    key = "samples_overlap_cropped" if defective else "samples_overlap_good"
    return t(key, inside=counts.predicted, area=area, share=percent(counts.predicted / area))
