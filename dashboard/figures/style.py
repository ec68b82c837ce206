"""What all charts have in common: one colour and one symbol per method, titles and units.

The colours are Okabe and Ito's, told apart with every kind of colour blindness, and legible on a
white and on a dark page; symbols and dashes carry the same distinction without colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import plotly.graph_objects as go
from plotly.basedatatypes import BaseTraceType

from detectors.registry import METHODS

COLOURS = ("#E69F00", "#0072B2", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
SYMBOLS = ("diamond", "square", "circle", "cross", "triangle-up", "x")
DASHES = ("dot", "dash", "solid", "dashdot", "longdash", "longdashdot")
GOOD_COLOUR, DEFECT_COLOUR, NEUTRAL_COLOUR = "#56B4E9", "#D55E00", "#8A8F98"
HEIGHT_PX = 420


def method_colour(method: str) -> str:
    """Return the method's colour, the same in every chart."""
    return COLOURS[_position(method)]


def method_symbol(method: str) -> str:
    """Return the method's marker symbol."""
    return SYMBOLS[_position(method)]


def method_dash(method: str) -> str:
    """Return the method's line dash."""
    return DASHES[_position(method)]


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

    Parameters
    ----------
    traces : iterable of traces
    title, x_title, y_title : str
    height : int
        Pixels.
    x_axis, y_axis, legend : mapping, optional
        More about them, in Plotly's names.
    **layout
        More of Plotly's layout.
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


def _position(method: str) -> int:
    known = list(METHODS)
    return (known.index(method) if method in known else len(known)) % len(COLOURS)
