"""ROC and precision-recall curves of several methods, and the scores they come from."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.basedatatypes import BaseTraceType

from dashboard.figures.style import (
    DEFECT_COLOUR,
    GOOD_COLOUR,
    NEUTRAL_COLOUR,
    chart,
    method_colour,
    method_dash,
    method_symbol,
    upright_line,
)
from dashboard.tables import percent
from dashboard.texts import wording
from evaluation.curves import RankingCurve

LOWEST_DECADE = -4
HEIGHT_PX = 500
SCORES_HEIGHT_PX = 400
UNIT_CHARACTERS = 24
BINS = 30
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


@dataclass(frozen=True)
class Mark:
    """A method's operating point in the rates of one chart.

    Attributes
    ----------
    threshold : float
        What scores above it is reported.
    false_positive_rate, true_positive_rate, precision : float
        NaN where undefined.
    """

    threshold: float
    false_positive_rate: float
    true_positive_rate: float
    precision: float


@dataclass(frozen=True)
class MethodCurve:
    """One method in a chart.

    Attributes
    ----------
    method, title : str
        Key and name for people.
    summary : str
        What the legend says after the name, such as ``AUROC 0.98 (0.95–1.00)``.
    curve : RankingCurve
    mark : Mark or None
        None without a threshold.
    """

    method: str
    title: str
    summary: str
    curve: RankingCurve
    mark: Mark | None


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
    traces = []
    for one in curves:
        rates, hits = one.curve.false_positive_rate, one.curve.true_positive_rate
        traces.append(_line(one, _placed(rates, edge), hits, rates, kind, language))
    chance = np.logspace(math.log10(edge), 0, 200) if log_x else np.array([0.0, 1.0])
    traces.append(_reference_line(chance, chance, wording("roc_chance", language)))
    for one in curves:
        if one.mark is not None and not math.isnan(one.mark.false_positive_rate):
            x = float(_placed(np.array([one.mark.false_positive_rate]), edge)[0])
            traces.append(_mark(one, one.mark, x, one.mark.true_positive_rate, kind, language))
    shapes, annotations = [], []
    if asked is not None:
        shapes.append(upright_line(asked, "dot", 1.5))
        place = {"x": math.log10(asked) if log_x else asked, "y": 0, "yref": "y domain"}
        text = wording("roc_asked", language, rate=percent(asked))
        annotations.append(place | _beside(text) | {"xshift": 3})
    x_axis = _log_axis(edge, alarms) if log_x else X_AXIS
    title, x_title, y_title = (wording(key, language) for key in ROC_TEXTS[kind])
    return chart(
        traces,
        title,
        x_title,
        y_title,
        HEIGHT_PX,
        x_axis,
        Y_AXIS,
        shapes=shapes,
        annotations=annotations,
    )


def precision_recall_chart(
    curves: Sequence[MethodCurve], kind: str, language: str, base_rate: float
) -> go.Figure:
    """Draw precision against recall as steps whose area is the average precision.

    Parameters
    ----------
    kind : str
        ``"image"`` or ``"pixel"``.
    base_rate : float
        Share of defective pictures or pixels: the precision of reporting everything.
    """
    traces = []
    for one in curves:
        recall, precision = one.curve.true_positive_rate, one.curve.precision
        trace = _line(one, recall, precision, one.curve.false_positive_rate, kind, language)
        traces.append(trace.update(line={"shape": "vh"}))
    if not math.isnan(base_rate):
        name = wording("roc_base_rate", language, rate=percent(base_rate))
        flat = np.array([base_rate, base_rate])
        traces.append(_reference_line(np.array([0.0, 1.0]), flat, name))
    for one in curves:
        if one.mark is not None and not math.isnan(one.mark.precision):
            x, y = one.mark.true_positive_rate, one.mark.precision
            traces.append(_mark(one, one.mark, x, y, kind, language))
    title, x_title, y_title = (wording(key, language) for key in PRECISION_RECALL_TEXTS[kind])
    return chart(traces, title, x_title, y_title, HEIGHT_PX, X_AXIS, Y_AXIS)


def score_chart(
    title: str,
    unit: str,
    good: ArrayLike,
    defective: ArrayLike,
    held_out: ArrayLike,
    threshold: float,
    language: str,
) -> go.Figure:
    """Draw how the raw scores of good and defective pictures lie to the threshold.

    Parameters
    ----------
    title, unit : str
        The method's name, and what its scores measure.
    good, defective : float [G], float [D]
        Raw scores of the test pictures.
    held_out : float [K]
        Raw scores of the good training pictures that the threshold comes from; an outline.
    threshold : float
        NaN for none.
    """
    groups = [_finite(good), _finite(defective), _finite(held_out)]
    everything = np.concatenate([*groups, _finite([threshold])])
    traces: list[BaseTraceType] = []
    if len(everything):
        edges = np.histogram_bin_edges(everything, BINS)
        names = [
            wording("roc_scores_good", language),
            wording("roc_scores_defective", language),
            wording("roc_scores_held_out", language),
        ]
        for group, name, colour in zip(
            groups[:2], names[:2], (GOOD_COLOUR, DEFECT_COLOUR), strict=True
        ):
            if len(group):
                traces.append(_bars(group, edges, name, colour, language))
        if len(groups[2]):
            traces.append(_outline(groups[2], edges, names[2], language))
    shapes, annotations = [], []
    if not math.isnan(threshold):
        shapes.append(upright_line(threshold, "dash", 2))
        text = wording("roc_threshold", language, threshold=threshold)
        annotations.append({"x": threshold, "y": 1, "yref": "y domain"} | _beside(text))
    return chart(
        traces,
        html.escape(title),
        wording("roc_score_axis", language, unit=_wrapped(unit)),
        wording("roc_share_axis", language),
        SCORES_HEIGHT_PX,
        y_axis={"tickformat": ".0%", "rangemode": "tozero"},
        barmode="overlay",
        bargap=0,
        shapes=shapes,
        annotations=annotations,
    )


def _beside(text: str) -> dict[str, Any]:
    """Return a note that begins at its place and stands on it."""
    anchors = {"xanchor": "left", "yanchor": "bottom"}
    return {"text": text, "font": {"size": 12}, "showarrow": False, **anchors}


def _line(
    one: MethodCurve,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    alarms: NDArray[np.float64],
    kind: str,
    language: str,
) -> go.Scatter:
    curve = one.curve
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        name=html.escape(f"{one.title}: {one.summary}"),
        legendgroup=one.method,
        line={"color": method_colour(one.method), "dash": method_dash(one.method), "width": 2.5},
        text=np.array([_threshold_text(threshold, language) for threshold in curve.thresholds]),
        # One array, because Plotly copies lists number by number.
        customdata=np.stack([alarms, curve.true_positive_rate, curve.precision], axis=1),
        hovertemplate=wording(HOVER_TEXTS[kind], language, method=html.escape(one.title)),
    )


def _mark(one: MethodCurve, mark: Mark, x: float, y: float, kind: str, language: str) -> go.Scatter:
    shown = "n/a" if math.isnan(mark.precision) else mark.precision
    return go.Scatter(
        x=[x],
        y=[y],
        mode="markers",
        name=html.escape(one.title),
        legendgroup=one.method,
        showlegend=False,
        cliponaxis=False,
        marker={
            "symbol": method_symbol(one.method),
            "size": 13,
            "color": method_colour(one.method),
            "line": {"width": 2, "color": NEUTRAL_COLOUR},
        },
        text=[f"{mark.threshold:.4g}"],
        customdata=[[mark.false_positive_rate, mark.true_positive_rate, shown]],
        hovertemplate=wording(
            HOVER_TEXTS[kind],
            language,
            method=wording("roc_mark", language, method=html.escape(one.title)),
        ),
    )


def _reference_line(x: NDArray[np.float64], y: NDArray[np.float64], name: str) -> go.Scatter:
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        name=name,
        line={"color": NEUTRAL_COLOUR, "dash": "dash", "width": 1.2},
        hoverinfo="skip",
    )


def _threshold_text(threshold: float, language: str) -> str:
    if math.isinf(threshold):
        return wording("roc_above_all", language)
    return f"{threshold:.4g}"


def _left_edge(rates: Sequence[NDArray[np.float64]]) -> float:
    """Return where a logarithmic axis puts the rates that it cannot show."""
    positive = [float(some[some > 0].min()) for some in rates if (some > 0).any()]
    lowest = math.floor(math.log10(min(positive))) if positive else LOWEST_DECADE
    return float(10 ** max(min(lowest, -1), LOWEST_DECADE)) / 3


def _placed(rates: NDArray[np.float64], edge: float) -> NDArray[np.float64]:
    return np.maximum(rates, edge)


def _log_axis(edge: float, rates: Sequence[NDArray[np.float64]]) -> dict[str, object]:
    """Return a logarithmic axis whose leftmost tick stands for all rates up to the edge."""
    first = round(math.log10(3 * edge))
    decades = [10.0**power for power in range(first, 1)]
    hidden = any(((some > 0) & (some < edge)).any() for some in rates)
    left = "≈0" if hidden else "0"
    return {
        "type": "log",
        "range": [math.log10(edge) - 0.08, 0.03],
        "tickvals": [edge, *decades],
        "tickangle": 0,
        "ticktext": [left, *(f"{100 * decade:.4g}%" for decade in decades)],
    }


def _bars(
    scores: NDArray[np.float64],
    edges: NDArray[np.float64],
    name: str,
    colour: str,
    language: str,
) -> go.Bar:
    counts = np.histogram(scores, edges)[0]
    return go.Bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts / len(scores),
        width=np.diff(edges),
        name=f"{name} ({len(scores)})",
        marker={"color": colour, "line": {"width": 0}},
        opacity=0.65,
        customdata=_bin_texts(counts, edges),
        hovertemplate=wording("roc_hover_scores", language, kind=name, total=len(scores)),
    )


def _outline(
    scores: NDArray[np.float64], edges: NDArray[np.float64], name: str, language: str
) -> go.Scatter:
    counts = np.histogram(scores, edges)[0]
    share = counts / len(scores)
    return go.Scatter(
        x=edges,
        y=np.append(share, share[-1]),
        mode="lines",
        line={"shape": "hv", "color": NEUTRAL_COLOUR, "width": 2},
        name=f"{name} ({len(scores)})",
        customdata=[*_bin_texts(counts, edges), *_bin_texts(counts, edges)[-1:]],
        hovertemplate=wording("roc_hover_scores", language, kind=name, total=len(scores)),
    )


def _bin_texts(counts: NDArray[np.int64], edges: NDArray[np.float64]) -> list[list[object]]:
    return [
        [int(count), f"{low:.4g}–{high:.4g}"]
        for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True)
    ]


def _wrapped(text: str) -> str:
    return "<br>".join(textwrap.wrap(html.escape(text), UNIT_CHARACTERS))


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    return array[np.isfinite(array)]
