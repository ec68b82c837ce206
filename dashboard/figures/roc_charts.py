"""ROC and precision-recall curves of several methods, and the scores they come from."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.figures.style import (
    NEUTRAL_COLOUR,
    chart,
    method_colour,
    method_dash,
    method_symbol,
    upright_line,
)
from dashboard.tables import percent
from dashboard.texts import wording
from evaluation.store.curves import RankingCurve

LOWEST_DECADE = -4
HEIGHT_PX = 500
LEGEND = {"orientation": "v"}  # as many lines below each of two charts side by side
X_AXIS = {"range": [-0.02, 1.02], "tickformat": ".0%"}
Y_AXIS = {"range": [-0.02, 1.04], "tickformat": ".0%"}
ROC_TEXTS = {
    "image": ("roc_title_image", "roc_fpr_image", "roc_tpr_image"),
    "pixel": ("roc_title_pixel", "roc_fpr_pixel", "roc_tpr_pixel"),
}
PRECISION_RECALL_TEXTS = {
    "image": ("roc_pr_title_image", "roc_recall_image", "roc_precision_image"),
    "pixel": ("roc_pr_title_pixel", "roc_recall_pixel", "roc_precision_pixel"),
}
HOVER_TEXTS = {"image": "roc_hover_image", "pixel": "roc_hover_pixel"}
ROC = attrgetter("false_positive_rate", "true_positive_rate")
PRECISION_RECALL = attrgetter("true_positive_rate", "precision")
RATES = attrgetter("false_positive_rate", "true_positive_rate", "precision")


@dataclass(frozen=True)
class MethodCurve:
    """One method in a chart.

    The summary stands after the title in the legend, such as ``AUROC 0.98 (0.95–1.00)``. What
    scores above the threshold is reported; NaN for none.
    """

    method: str
    title: str
    summary: str
    curve: RankingCurve
    threshold: float
    settings: str = ""


def roc_chart(
    curves: Sequence[MethodCurve],
    kind: str,
    language: str,
    asked: float | None = None,
    log_x: bool = False,
) -> go.Figure:
    """Draw true- against false-positive rate, with the chance line and the operating points.

    Parameters
    ----------
    kind : str
        ``"image"`` or ``"pixel"``.
    asked : float or None
        A false-alarm rate to mark with a vertical line.
    log_x : bool
        Stretch low false-positive rates; rates of 0 stand at the left edge, labelled so.
    """
    alarms = [one.curve.false_positive_rate for one in curves]
    edge = _left_edge(alarms) if log_x else 0.0
    chance = np.logspace(math.log10(edge), 0, 200) if log_x else np.array([0.0, 1.0])
    title, x_title, y_title = (wording(key, language) for key in ROC_TEXTS[kind])
    notes, shapes = [], []
    if asked is not None:
        shapes.append(upright_line(asked, "dot", 1.5))
        text = wording("roc_asked", language, rate=percent(asked))
        notes.append(_note(text, math.log10(asked) if log_x else asked, 0) | {"xshift": 3})
    return chart(
        [
            *(_line(one, place, ROC, edge, kind, language) for place, one in enumerate(curves)),
            _reference_line(chance, chance, wording("roc_chance", language)),
            *_marks(curves, ROC, edge, kind, language),
        ],
        title,
        x_title,
        y_title,
        HEIGHT_PX,
        _log_axis(edge, alarms) if log_x else X_AXIS,
        Y_AXIS,
        shapes=shapes,
        annotations=notes,
        legend=LEGEND,
    )


def precision_recall_chart(curves: Sequence[MethodCurve], kind: str, language: str) -> go.Figure:
    """Draw precision against recall as steps whose area is the average precision.

    A line shows the base rate, the share of defective pictures or pixels, where the methods agree
    on it: the precision at the lowest threshold, where everything is reported.
    """
    traces = [
        _line(one, place, PRECISION_RECALL, 0, kind, language, "vh")
        for place, one in enumerate(curves)
    ]
    base_rate, *others = {round(float(one.curve.precision[-1]), 9) for one in curves}
    if not others:
        name = wording("roc_base_rate", language, rate=percent(base_rate))
        traces.append(_reference_line(np.array([0.0, 1.0]), np.full(2, base_rate), name))
    traces += _marks(curves, PRECISION_RECALL, 0, kind, language)
    title, x_title, y_title = (wording(key, language) for key in PRECISION_RECALL_TEXTS[kind])
    return chart(traces, title, x_title, y_title, HEIGHT_PX, X_AXIS, Y_AXIS, LEGEND)


def _note(text: str, x: float, y: float) -> dict[str, Any]:
    """Return a note that begins at `x` and stands on a height of the plot, 0 to 1."""
    place = {"x": x, "y": y, "yref": "y domain", "xanchor": "left", "yanchor": "bottom"}
    return {"text": text, "font": {"size": 12}, "showarrow": False, **place}


def _line(
    one: MethodCurve,
    place: int,
    axes: attrgetter[Any],
    edge: float,
    kind: str,
    language: str,
    shape: str = "linear",
) -> go.Scatter:
    """Return a method's curve; `axes` gives x, moved up to `edge`, and y.

    Its points end with their threshold and the curve's place, for a click.
    """
    x, y = axes(one.curve)
    above_all = wording("roc_above_all", language)
    line = {"color": method_colour(one.method), "dash": method_dash(one.method)}
    return go.Scatter(
        x=np.maximum(x, edge),
        y=y,
        mode="lines+markers",  # only markers can be clicked
        marker={"opacity": 0},
        name=html.escape(f"{one.title}: {one.summary}"),
        legendgroup=one.method,
        line={**line, "shape": shape, "width": 2.5},
        text=np.array([above_all if math.isinf(t) else f"{t:.4g}" for t in one.curve.thresholds]),
        # One array, because Plotly copies lists number by number.
        customdata=np.stack(
            (*RATES(one.curve), one.curve.thresholds, np.full(len(x), place)), axis=1
        ),
        hovertemplate=wording(HOVER_TEXTS[kind], language, method=html.escape(one.title)),
    )


def _marks(
    curves: Sequence[MethodCurve], axes: attrgetter[Any], edge: float, kind: str, language: str
) -> Iterator[go.Scatter]:
    """Yield the operating points; where nothing is reported there is no precision."""
    for one in curves:
        at = one.curve.position_above(one.threshold)
        if at is None or (at == 0 and axes is PRECISION_RECALL):
            continue
        x, y = axes(one.curve)
        alarms, hits, precision = RATES(one.curve)
        name = html.escape(one.title)
        marked = wording("roc_mark", language, method=name)
        marker = {"symbol": method_symbol(one.method), "color": method_colour(one.method)}
        yield go.Scatter(
            x=[max(x[at], edge)],
            y=[y[at]],
            mode="markers",
            name=name,
            legendgroup=one.method,
            showlegend=False,
            cliponaxis=False,
            marker={**marker, "size": 13, "line": {"width": 2, "color": NEUTRAL_COLOUR}},
            text=[f"{one.threshold:.4g}"],
            customdata=[[alarms[at], hits[at], precision[at] if at else "n/a"]],
            hovertemplate=wording(HOVER_TEXTS[kind], language, method=marked),
        )


def _reference_line(x: NDArray[np.float64], y: NDArray[np.float64], name: str) -> go.Scatter:
    line = {"color": NEUTRAL_COLOUR, "dash": "dash", "width": 1.2}
    return go.Scatter(x=x, y=y, mode="lines", name=name, line=line, hoverinfo="skip")


def _left_edge(rates: Sequence[NDArray[np.float64]]) -> float:
    """Return where a logarithmic axis puts the rates that it cannot show."""
    positive = [float(some[some > 0].min()) for some in rates if (some > 0).any()]
    lowest = math.floor(math.log10(min(positive))) if positive else LOWEST_DECADE
    return float(10 ** max(min(lowest, -1), LOWEST_DECADE)) / 3


def _log_axis(edge: float, rates: Sequence[NDArray[np.float64]]) -> dict[str, object]:
    """Return a logarithmic axis whose leftmost tick stands for all rates up to the edge."""
    decades = [10.0**power for power in range(round(math.log10(3 * edge)), 1)]
    hidden = any(((some > 0) & (some < edge)).any() for some in rates)
    return {
        "type": "log",
        "range": [math.log10(edge) - 0.08, 0.03],
        "tickvals": [edge, *decades],
        "tickangle": 0,
        "ticktext": ["≈0" if hidden else "0", *(f"{100 * decade:.4g}%" for decade in decades)],
    }
