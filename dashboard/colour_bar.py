"""The colour scale as one small picture, legible on a white and on a dark page."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from evaluation.heatmap import HEAT_TABLE, OUTLINE_COLOUR, OUTLINE_EDGE_COLOUR, Scale

WIDTH_PX, HEIGHT_PX = 960, 72
SHOWN_WIDTH_PX = 480
FONT_PX, MARGIN_PX = 32, 14
TICK_PX, TICK_EDGE_PX = 6, 3
COLD_TEXT, HOT_TEXT = (255, 255, 255), (0, 0, 0)


def colour_bar(scale: Scale, threshold: float) -> NDArray[np.uint8]:
    """Draw the scale with its ends' scores and a tick at the threshold.

    The numbers stand on the bar itself, white on its dark end and black on its bright one, so
    that the page's theme does not matter. The tick has the outline's colours.

    Parameters
    ----------
    scale : Scale
    threshold : float
        Raw score; no tick where it is NaN or outside the scale.

    Returns
    -------
    uint8 [72, 960, 3]
    """
    ramp = HEAT_TABLE[np.linspace(0, 255, WIDTH_PX).round().astype(int)]
    picture = Image.fromarray(np.repeat(ramp[None], HEIGHT_PX, axis=0))
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(FONT_PX)
    middle = HEIGHT_PX / 2
    draw.text((MARGIN_PX, middle), f"{scale.low:.3g}", COLD_TEXT, font, anchor="lm")
    draw.text((WIDTH_PX - MARGIN_PX, middle), f"{scale.high:.3g}", HOT_TEXT, font, anchor="rm")
    if not math.isnan(threshold) and scale.low <= threshold <= scale.high:
        _draw_tick(draw, tick_position(scale, threshold))
    return np.asarray(picture)


def tick_position(scale: Scale, threshold: float) -> int:
    """Return the column of the bar that shows a score of the scale."""
    return round((threshold - scale.low) / (scale.high - scale.low) * (WIDTH_PX - 1))


def _draw_tick(draw: ImageDraw.ImageDraw, column: int) -> None:
    half = TICK_PX / 2
    left = min(max(column - half, TICK_EDGE_PX), WIDTH_PX - TICK_PX - TICK_EDGE_PX)
    right = left + TICK_PX - 1
    edges = (left - TICK_EDGE_PX, 0, right + TICK_EDGE_PX, HEIGHT_PX)
    draw.rectangle(edges, fill=OUTLINE_EDGE_COLOUR)
    draw.rectangle((left, 0, right, HEIGHT_PX), fill=OUTLINE_COLOUR)
