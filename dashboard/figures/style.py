"""What charts and tables have in common: colours of methods and of AUROC values, titles and units.

Colours are told apart with every kind of colour blindness, and legible on a white and on a dark
page. Those of methods are Okabe and Ito's; symbols and dashes carry the same distinction without
colour. Those of AUROC values are orange where it is weak and blue where it is strong, darker
further out, each with a text colour of its own.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any

import plotly.graph_objects as go
from plotly.basedatatypes import BaseTraceType

from detectors.registry import position

COLOURS = ("#E69F00", "#0072B2", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
SYMBOLS = ("diamond", "square", "circle", "cross", "triangle-up", "x")
DASHES = ("dot", "dash", "solid", "dashdot", "longdash", "longdashdot")
GOOD_COLOUR, DEFECT_COLOUR, NEUTRAL_COLOUR = "#56B4E9", "#D55E00", "#8A8F98"
DARK_TEXT, LIGHT_TEXT = "#1A1A1A", "#FFFFFF"
AUROC_LIMITS = (0.7, 0.8, 0.9, 0.95, 0.99)
AUROC_COLOURS = (
    ("#9C4A00", LIGHT_TEXT),
    ("#E08A2E", DARK_TEXT),
    ("#F7CF9B", DARK_TEXT),
    ("#CFE1F2", DARK_TEXT),
    ("#7DB2DD", DARK_TEXT),
    ("#14599D", LIGHT_TEXT),
)
RIGHT_STYLE = "background-color: #d7f0df; color: #0b4a24"  # of a table's cell with a verdict
WRONG_STYLE = "background-color: #fbd5d5; color: #7a1212"
ALARM_STYLE = "background-color: #ffe0b8; color: #5c2f00"
HEIGHT_PX = 420


def auroc_style(value: float) -> str:
    """Return the CSS of a table cell that shows this AUROC; none where it is undefined."""
    if math.isnan(value):
        return ""
    background, text = AUROC_COLOURS[bisect_right(AUROC_LIMITS, value)]
    return f"background-color: {background}; color: {text}"


def method_colour(method: str) -> str:
    """Return the method's colour, the same in every chart."""
    return COLOURS[position(method) % len(COLOURS)]


def method_symbol(method: str) -> str:
    """Return the method's marker symbol."""
    return SYMBOLS[position(method) % len(COLOURS)]


def method_dash(method: str) -> str:
    """Return the method's line dash."""
    return DASHES[position(method) % len(COLOURS)]


def chart(
    traces: Iterable[BaseTraceType],
    title: str,
    x_title: str,
    y_title: str,
    height: int = HEIGHT_PX,
    x_axis: Mapping[str, Any] | None = None,
    y_axis: Mapping[str, Any] | None = None,
    legend: Mapping[str, Any] | None = None,
    **layout: Any,
) -> go.Figure:
    """Return a figure with a title, axis titles (with units) and the common layout.

    Its parts are given all at once, because Plotly takes milliseconds for every later change.
    `x_axis`, `y_axis`, `legend` and `layout` say more, in Plotly's names.
    """
    below = {"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0, "x": 0}
    return go.Figure(
        data=list(traces),
        layout={
            "title": {"text": title, "font": {"size": 16}},
            "height": height,
            "margin": {"l": 10, "r": 10, "t": 56, "b": 10},
            "legend": {**below, **(legend or {})},
            "hoverlabel": {"namelength": -1},
            "dragmode": False,  # a finger scrolls the page; the toolbar has zoom
            "xaxis": {"title": {"text": x_title}, "automargin": True, **(x_axis or {})},
            "yaxis": {"title": {"text": y_title}, "automargin": True, **(y_axis or {})},
            **layout,
        },
    )


def upright_line(x: float, dash: str, width: float) -> dict[str, Any]:
    """Return a vertical line through the whole chart, as one of a layout's ``shapes``."""
    line = {"dash": dash, "width": width, "color": NEUTRAL_COLOUR}
    place = {"xref": "x", "x0": x, "x1": x, "yref": "y domain", "y0": 0, "y1": 1}
    return {"type": "line", "line": line, **place}
