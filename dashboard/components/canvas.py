"""A small canvas to draw on a picture: it sends strokes, and Python draws them.

What comes from the browser is checked strictly before it is used.
"""

from __future__ import annotations

import base64
import math
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from data_utils.damage import Stroke
from evaluation.png import png

HERE = Path(__file__).resolve().parent
MAX_STROKES = 100
MAX_POINTS = 500
MIN_WIDTH, MAX_WIDTH = 1, 40
START_WIDTH, START_COLOUR = 4, "#101010"
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


@lru_cache(maxsize=1)
def _mount() -> Any:
    return st.components.v2.component(
        "damage_canvas",
        html=HTML,
        css=(HERE / "canvas.css").read_text(encoding="utf-8"),
        js=(HERE / "canvas.js").read_text(encoding="utf-8"),
    )


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
        If the browser sends anything else.
    """
    height, width = picture.shape[:2]
    state = _mount()(
        key=key,
        data={
            "picture": _data_url(picture),
            "height": height,
            "width": width,
            "labels": labels,
            "limits": {
                "strokes": MAX_STROKES,
                "points": MAX_POINTS,
                "least": MIN_WIDTH,
                "most": MAX_WIDTH,
            },
            "start": {"width": START_WIDTH, "colour": START_COLOUR},
        },
        default={"strokes": []},
        on_strokes_change=_nothing,
    )
    return parse_strokes(state["strokes"], height, width)


def parse_strokes(sent: object, height: int, width: int) -> list[Stroke]:
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
    if sent is None:
        return []
    if not isinstance(sent, list) or len(sent) > MAX_STROKES:
        raise StrokesError(f"The canvas sent no list of at most {MAX_STROKES} strokes.")
    return [_stroke(one, height, width) for one in sent]


def _stroke(sent: object, height: int, width: int) -> Stroke:
    if not isinstance(sent, dict) or set(sent) != {"points", "width", "colour"}:
        raise StrokesError("The canvas sent a stroke without points, width and colour.")
    points, brush, colour = sent["points"], sent["width"], sent["colour"]
    if not isinstance(points, list) or not 1 <= len(points) <= MAX_POINTS:
        raise StrokesError(f"The canvas sent a stroke that has not 1 to {MAX_POINTS} points.")
    if not _is_number(brush, MIN_WIDTH, MAX_WIDTH):
        raise StrokesError(f"The canvas sent a brush outside {MIN_WIDTH} to {MAX_WIDTH} px.")
    if not isinstance(colour, str) or COLOUR.fullmatch(colour) is None:
        raise StrokesError("The canvas sent a colour that is not written #rrggbb.")
    for point in points:
        if (
            not isinstance(point, list)
            or len(point) != 2
            or not _is_number(point[0], 0, width)
            or not _is_number(point[1], 0, height)
        ):
            raise StrokesError("The canvas sent a point outside the picture.")
    return Stroke(tuple((float(x), float(y)) for x, y in points), float(brush), colour)


def _is_number(value: object, least: float, most: float) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
        and least <= value <= most
    )


def _data_url(picture: NDArray[np.uint8]) -> str:
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode("ascii")


def _nothing() -> None:
    """Do nothing; a state value needs a callback to be sent at all."""
