"""One sample shown large: its pictures, what is found in it, the colour scale, and the controls."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dashboard.samples.sample_set import Panels
from dashboard.state import remember, t
from dashboard.tables import percent
from evaluation.measure.by_defect import overlap
from evaluation.measure.disagreement import FALSE_ALARM, HIT, MISSED, PASSED, verdicts
from evaluation.store.heatmap import (
    HEAT_TABLE,
    OUTLINE_COLOUR,
    OUTLINE_EDGE_COLOUR,
    OVERLAY_OPACITY,
    Scale,
    outlined,
    overlay,
)
from evaluation.store.sample_pictures import picture_name

VERDICTS = {
    HIT: ("verdict_defective", "verdict_right", "green"),
    PASSED: ("verdict_good", "verdict_right", "green"),
    MISSED: ("verdict_good", "verdict_missed", "orange"),
    FALSE_ALARM: ("verdict_defective", "verdict_false_alarm", "orange"),
}
OPACITY_KEY = "opacity"
SLIDER_STEPS = 100
BAR_WIDTH_PX, BAR_HEIGHT_PX, BAR_SHOWN_PX = 960, 72, 480
FONT_PX, MARGIN_PX = 32, 14
TICK_PX, TICK_EDGE_PX = 6, 3
COLD_TEXT, HOT_TEXT = (255, 255, 255), (0, 0, 0)


class OutlineRange(NamedTuple):
    """What the outline's slider offers; `start` lies a whole number of steps above `low`."""

    low: float
    high: float
    start: float
    step: float


def outline_range(scale: Scale, threshold: float) -> OutlineRange:
    """Return the slider's range: the colour scale, starting at the threshold.

    Without a threshold, or with one at or below the scale's low end, it starts in the middle.
    The upper end is moved up to a whole number of steps.
    """
    start = threshold if threshold > scale.low else (scale.low + scale.high) / 2
    top = max(scale.high, start)
    steps_to_start = max(round(SLIDER_STEPS * (start - scale.low) / (top - scale.low)), 1)
    step = (start - scale.low) / steps_to_start
    steps = max(math.ceil((top - scale.low) / step - 1e-6), steps_to_start)
    return OutlineRange(scale.low, scale.low + steps * step, start, step)


def decimals(step: float) -> int:
    """Return how many decimals tell two neighbouring values of a slider apart."""
    return max(0, 1 - math.floor(math.log10(step)))


def draw_outline_slider(choices: OutlineRange, key: str, unit: str) -> float:
    """Draw the slider for the outline's score; return the score.

    The key must change whenever the start does, so that the slider then starts anew.
    """
    shown = f"%.{decimals(choices.step)}f"
    words = t("samples_outline_help", unit=unit)
    level = st.slider(t("samples_outline"), *choices, format=shown, key=key, help=words)
    return choices.start if abs(level - choices.start) < choices.step / 2 else float(level)


def draw_opacity_slider() -> float:
    """Draw the slider for how much the overlay hides of the picture; return it, 0 to 1."""
    remember(OPACITY_KEY, round(100 * OVERLAY_OPACITY))
    shown = st.slider(t("samples_opacity"), 0, 100, step=5, format="%d %%", key=OPACITY_KEY)
    return float(shown) / 100


def draw_verdict(row: Any, threshold: float, unit: str) -> None:
    """Draw what a sample is, its score, and what it is judged to be, if there is a threshold."""
    told = [label_badge(row), f"**{t('score_line', score=row['score'], unit=unit)}**"]
    verdict = str(verdicts(row["score"], row["label"], threshold))
    if verdict in VERDICTS:
        reported, judged, colour = VERDICTS[verdict]
        told.append(f"{t(reported)} :{colour}-badge[{t(judged)}]")
    st.markdown(" · ".join(told), width="content")


def label_badge(row: Any) -> str:
    """Return as Markdown whether a test picture is good, or which defect it has."""
    if row["label"]:
        return f":red-badge[{t('label_defect', defect=row['defect'])}]"
    return f":green-badge[{t('label_good')}]"


def draw_panels(row: Any, panels: Panels, level: float, opacity: float) -> None:
    """Draw image, ground truth, heatmap and overlay side by side.

    `row` is the sample's row of the table, `level` the raw score at which ground truth and overlay
    are outlined, `opacity` that of the hottest colour in the overlay, 0 to 1.
    """
    image, truth, anomaly_map, scale = panels.image, panels.truth, panels.anomaly_map, panels.scale
    laid_over = None
    if image is not None:
        laid_over = outlined(overlay(image, anomaly_map, scale, opacity), anomaly_map, level)
    if truth is not None:
        truth = outlined(truth, anomaly_map, level)
    no_image = missing_picture(row, "img")
    no_truth = t("no_mask") if row["label"] else t("no_defect_marked")
    shown = [
        (image, "panel_image", no_image),
        (truth, "panel_truth", missing_picture(row, "gt") if row["has_mask"] else no_truth),
        (panels.heatmap, "panel_heatmap", ""),
        (laid_over, "panel_overlay", no_image),
    ]
    side_by_side = st.container(horizontal=True)
    for picture, key, instead in shown:
        with side_by_side.container():
            draw_picture(picture, key, instead)


def missing_picture(row: Any, kind: str) -> str:
    """Say that a sample's file of a kind is missing or damaged."""
    return t("missing_picture", name=picture_name(row["defect"], row["stem"], kind))


def draw_picture(picture: NDArray[np.uint8] | None, key: str, instead: str) -> None:
    """Draw a picture with the text `key` below it, or say `instead` why it is not there."""
    if picture is None:
        st.caption(t(key))
        st.info(instead)
    else:
        st.image(picture, caption=t(key), width="stretch")


def overlap_text(panels: Panels, level: float, defective: bool) -> str:
    """Say how much of the marked defect lies inside the outline, in pixels and per cent."""
    truth, area = panels.truth, panels.anomaly_map.size
    marked = np.zeros(panels.anomaly_map.shape, bool) if truth is None else truth > 0
    counts = overlap(panels.anomaly_map, marked, level)
    if counts.marked:
        return t(
            "samples_overlap",
            covered=percent(counts.covered),
            marked=counts.marked,
            outside=counts.outside,
            iou=counts.iou,
        )
    key = "samples_overlap_cropped" if defective else "samples_overlap_good"
    key = "samples_overlap_no_mask" if truth is None else key
    return t(key, inside=counts.predicted, area=area, share=percent(counts.predicted / area))


def draw_colour_bar(scale: Scale, threshold: float) -> None:
    """Draw the fixed colour scale with a tick at the threshold."""
    st.image(colour_bar(scale, threshold), width=BAR_SHOWN_PX)
    st.caption(t("scale_line", low=scale.low, high=scale.high))


def colour_bar(scale: Scale, threshold: float) -> NDArray[np.uint8]:
    """Draw the scale with its ends' scores, uint8 ``[72, 960, 3]``.

    The numbers stand on the bar itself, white on its dark end and black on its bright one, so
    that the page's theme does not matter. A threshold within the scale gets a tick in the
    outline's colours.
    """
    ramp = HEAT_TABLE[np.linspace(0, 255, BAR_WIDTH_PX).round().astype(int)]
    picture = Image.fromarray(np.repeat(ramp[None], BAR_HEIGHT_PX, axis=0))
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(FONT_PX)
    middle = BAR_HEIGHT_PX / 2
    draw.text((MARGIN_PX, middle), f"{scale.low:.3g}", COLD_TEXT, font, anchor="lm")
    draw.text((BAR_WIDTH_PX - MARGIN_PX, middle), f"{scale.high:.3g}", HOT_TEXT, font, anchor="rm")
    if scale.low <= threshold <= scale.high:
        column = round((threshold - scale.low) / (scale.high - scale.low) * (BAR_WIDTH_PX - 1))
        most = BAR_WIDTH_PX - TICK_PX - TICK_EDGE_PX
        left = min(max(column - TICK_PX / 2, TICK_EDGE_PX), most)
        right = left + TICK_PX - 1
        edges = (left - TICK_EDGE_PX, 0, right + TICK_EDGE_PX, BAR_HEIGHT_PX)
        draw.rectangle(edges, fill=OUTLINE_EDGE_COLOUR)
        draw.rectangle((left, 0, right, BAR_HEIGHT_PX), fill=OUTLINE_COLOUR)
    return np.asarray(picture)
