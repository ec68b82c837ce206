"""A small canvas to draw on a picture: it sends strokes, and Python draws them.

What comes from the browser is checked strictly before it is used.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.components.assets import component, data_url
from data_utils.damage import Stroke
from evaluation.store.sample_pictures import png

LIMITS = {"strokes": 100, "points": 500, "least": 1, "most": 40}
START = {"width": 4, "colour": "#101010"}
COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII)
HTML = """
<div class="canvas-room">
  <canvas tabindex="0"></canvas>
  <div class="tools">
    <label class="width"><span></span><input type="range" step="1"></label>
    <label class="colour"><span></span><input type="color"></label>
    <button type="button" class="undo"></button>
    <button type="button" class="clear"></button>
  </div>
</div>
"""


class StrokesError(ValueError):
    """What the browser sent is no list of strokes."""


_canvas = component("canvas", HTML)


def draw_canvas(picture: NDArray[np.uint8], key: str, labels: dict[str, str]) -> list[Stroke]:
    """Draw the canvas; return the strokes drawn on it.

    Parameters
    ----------
    picture : uint8 [H, W, 3]
        Shown below the strokes.
    key : str
        Of the widget; another picture needs another key, so that its canvas is empty.
    labels : dict
        Texts of ``canvas, width, colour, undo, clear``.

    Raises
    ------
    StrokesError
    """
    height, width = picture.shape[:2]
    state = _canvas(
        key=key,
        data={
            "picture": data_url(png(picture), "png"),
            "height": height,
            "width": width,
            "labels": labels,
            "limits": LIMITS,
            "start": START,
        },
        default={"strokes": []},
        on_strokes_change=lambda: None,  # without a callback the state is not sent at all
    )
    return parse_strokes(state["strokes"], height, width)


def parse_strokes(sent: Any, height: int, width: int) -> list[Stroke]:
    """Return the strokes in what the browser sent.

    Parameters
    ----------
    sent : list of ``{"points": [[x, y], ...], "width": number, "colour": "#rrggbb"}``
        In pixels of the picture; None for none.
    height, width : int
        Of the picture; points lie within it.

    Raises
    ------
    StrokesError
        If it is anything else, or more than 100 strokes of 500 points.
    """
    try:
        strokes = [
            Stroke(
                tuple((float(x), float(y)) for x, y in one["points"]),
                float(one["width"]),
                str(one["colour"]),
            )
            for one in sent or ()
        ]
    except (TypeError, KeyError, ValueError, OverflowError):
        strokes = None
    if (
        strokes is None
        or len(strokes) > LIMITS["strokes"]
        or not all(_is_allowed(one, height, width) for one in strokes)
    ):
        raise StrokesError(
            f"The canvas sent no list of at most {LIMITS['strokes']} strokes within the picture."
        )
    return strokes


def _is_allowed(stroke: Stroke, height: int, width: int) -> bool:
    # Comparisons with NaN are false.
    return (
        1 <= len(stroke.points) <= LIMITS["points"]
        and all(0 <= x <= width and 0 <= y <= height for x, y in stroke.points)
        and LIMITS["least"] <= stroke.width <= LIMITS["most"]
        and COLOUR.fullmatch(stroke.colour) is not None
    )
