"""What all charts have in common: one colour and one symbol per method, titles and units.

The colours are Okabe and Ito's, told apart with every kind of colour blindness, and legible on a
white and on a dark page; symbols and dashes carry the same distinction without colour.
"""

from __future__ import annotations

import plotly.graph_objects as go

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


def laid_out(
    figure: go.Figure, title: str, x_title: str, y_title: str, height: int = HEIGHT_PX
) -> go.Figure:
    """Give a figure its title, axis titles (with units) and the common layout."""
    figure.update_layout(
        title={"text": title, "font": {"size": 16}},
        height=height,
        margin={"l": 10, "r": 10, "t": 56, "b": 10},
        legend={"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0, "x": 0},
        hoverlabel={"namelength": -1},
    )
    figure.update_xaxes(title_text=x_title, automargin=True)
    figure.update_yaxes(title_text=y_title, automargin=True)
    return figure


def _position(method: str) -> int:
    known = list(METHODS)
    return (known.index(method) if method in known else len(known)) % len(COLOURS)
