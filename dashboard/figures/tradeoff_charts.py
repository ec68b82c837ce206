"""Cost against AUROC with the Pareto front, and where each method's time goes."""

from __future__ import annotations

import math
from html import escape
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.basedatatypes import BaseTraceType

from dashboard.figures.style import NEUTRAL_COLOUR, chart, method_colour, method_symbol
from dashboard.tables import SETTING, interval, method_title, number, settings_title
from dashboard.texts import wording
from detectors.backbones.engines import OPENVINO, TORCH, TORCH_FLOAT32, engine_in
from evaluation.measure.averages import without_engine
from evaluation.measure.recommendation import pareto_front
from evaluation.store.summary import OTHER_PHASE, PHASE_COLUMNS, PHASE_NAMES, phase_column

COSTS = ("runtime_s", "fit_s", "score_s", "latency_ms", "ms_per_image")
GAINS = ("image_auroc", "pixel_auroc")
HEIGHT_PX = 520
BAR_HEIGHT_PX = 44
PHASES_FRAME_PX = 260
POINT = ["category", "method", "settings_id", "origin"]
SMALLEST_PX, LARGEST_PX = 11, 34
WIDE_DECADES, NARROW_DECADES = 2.0, 0.5
AXIS_ROOM = 0.12
CURVE_PX = 1.5
MACHINE_LINE = 60  # characters, so that a phone shows them
FRONT_OUTLINE_PX, OTHER_OUTLINE_PX = 3.0, 0.5
# Beside the points of a curve in turn, so that no two that are close lie on each other.
PLACES = ("bottom left", "bottom right", "top left", "top right")
# Paul Tol's "bright" scheme, told apart with every kind of colour blindness, and patterns.
PHASE_COLOURS = (
    "#BBBBBB",
    "#4477AA",
    "#EE6677",
    "#CCBB44",
    "#228833",
    "#AA3377",
    "#66CCEE",
    "#8A8F98",
)
PHASE_PATTERNS = ("", "", "/", "", "\\", "x", "", ".")


def with_front(points: pd.DataFrame, cost: str, gain: str) -> pd.DataFrame:
    """Return the points that have both numbers, with a column ``on_front``.

    Cells are compared within their category and origin only: an easy category proves nothing
    about a method that was tried on a harder one, nor a fast machine about a slow one.
    """
    chosen = points[points[cost].notna() & points[gain].notna()].reset_index(drop=True)
    front = np.zeros(len(chosen), bool)
    for _, rows in chosen.groupby(["category", "origin"]):
        front[rows.index] = pareto_front(rows[cost], rows[gain])
    return chosen.assign(on_front=front)


def tradeoff_chart(
    points: pd.DataFrame,
    cost: str,
    gain: str,
    language: str,
    named: bool = False,
    machine: str = "",
) -> go.Figure:
    """Draw one point per row: cost on a logarithmic axis, AUROC upwards, model size as size.

    Points that differ in nothing but what computed the backbone are joined, in order of cost.

    Parameters
    ----------
    points : DataFrame
        Rows from ``with_front``: ``category`` (empty for a mean of ``categories``), ``method,
        settings_id, weights, origin, model_mb, on_front``, the costs, the AUROCs and the interval
        of the image AUROC.
    cost, gain : str
        One of ``COSTS`` and of ``GAINS``.
    named : bool
        Write each point's category beside it, and draw no fronts: those of several categories
        would lie across one another.
    machine : str
        Where the times are from; it stands under the title where engines are compared.

    Returns
    -------
    Figure
        Each point's ``customdata`` is ``[category, method, settings_id, origin]``. Points of
        another origin are hollow.
    """
    traces = [] if named else _fronts(points, cost, gain, language)
    largest = float(points["model_mb"].max()) if len(points) else math.nan
    names, engines = curves_of(points)
    apart = points["category"].where(engines != "", "")
    for (name, _), together in points.groupby([names, apart], sort=False):
        joined = bool(engines[together.index].any())
        rows = together.sort_values(cost) if joined else together
        category, engine = rows["category"].map(escape), engines[rows.index]
        short = engine.replace(str(TORCH_FLOAT32), TORCH).str.removeprefix(f"{OPENVINO} ")
        text = category.mask(category.duplicated(), "") if named else short
        method, origin = str(rows["method"].iloc[0]), str(rows["origin"].iloc[0])
        symbol = method_symbol(method)
        low, high = rows["image_auroc_low"], rows["image_auroc_high"]
        outline = np.where(rows["on_front"], FRONT_OUTLINE_PX, OTHER_OUTLINE_PX)
        traces.append(
            go.Scatter(
                x=rows[cost].tolist(),
                y=rows[gain].tolist(),
                mode="lines+" * joined + "markers" + "+text" * (named or joined),
                text=text.tolist(),
                textposition="bottom center" if named else np.resize(PLACES, len(rows)).tolist(),
                line={"width": CURVE_PX, "color": method_colour(method)},
                name=name,
                legendgroup=name if joined else None,
                showlegend=False if any(trace.name == name for trace in traces) else None,
                marker={
                    "color": method_colour(method),
                    "symbol": f"{symbol}-open" if origin else symbol,
                    "size": [_size(value, largest) for value in rows["model_mb"]],
                    "opacity": 0.85,
                    "line": {"color": NEUTRAL_COLOUR, "width": outline.tolist()},
                },
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": (high - rows[gain]).clip(lower=0).tolist(),
                    "arrayminus": (rows[gain] - low).clip(lower=0).tolist(),
                    "thickness": 1.2,
                    "width": 4,
                    "visible": gain == "image_auroc" and bool((high - low).notna().any()),
                },
                customdata=rows[POINT].astype(str).values.tolist(),
                hovertext=[
                    _hover(row, f"{name}, {on}".removesuffix(", "), language)
                    for (_, row), on in zip(rows.iterrows(), engine, strict=True)
                ],
                hovertemplate="%{hovertext}<extra></extra>",
                cliponaxis=False,
            )
        )
    gained = wording(f"metric_{gain}", language)
    figure = chart(
        traces,
        wording("tradeoff_chart_title", language, gain=gained),
        wording(f"tradeoff_cost_{cost}", language),
        wording(f"metric_axis_{gain}", language),
        HEIGHT_PX,
        _log_axis(points[cost]),
        {"range": _auroc_range(points, gain), "tickformat": ".3~f"},
        legend={"itemsizing": "constant"},
    )
    if engines.any() and machine:
        figure.layout.title.subtitle.text = "<br>".join(map(escape, wrap(machine, MACHINE_LINE)))
    return figure


def phase_chart(rows: pd.DataFrame, language: str) -> go.Figure:
    """Draw each row's seconds by phase as one stacked horizontal bar.

    Parameters
    ----------
    rows : DataFrame
        ``method, settings_id, weights, origin`` and ``<phase>_phase_s`` for each phase, seconds.
    """
    names = series_names(rows).map(escape).tolist()
    totals = rows[[*PHASE_COLUMNS]].sum(axis=1).tolist()
    traces: list[BaseTraceType] = []
    for phase, colour, pattern in zip(PHASE_NAMES, PHASE_COLOURS, PHASE_PATTERNS, strict=True):
        seconds = rows[phase_column(phase)].tolist()
        if phase == OTHER_PHASE and not any(seconds):
            continue
        title = wording(f"tradeoff_phase_{phase}", language)
        look = {"shape": pattern, "size": 7, "solidity": 0.2, "fillmode": "overlay"}
        outline = {"width": 0.5, "color": "rgba(128, 128, 128, 0.6)"}
        traces.append(
            go.Bar(
                x=seconds,
                y=names,
                orientation="h",
                name=title,
                marker={"color": colour, "line": outline, "pattern": look},
                customdata=[
                    f"{spent / total:.1%}" if total else "n/a"
                    for spent, total in zip(seconds, totals, strict=True)
                ],
                hovertemplate=wording("tradeoff_hover_phase", language, phase=title),
            )
        )
    traces.append(
        go.Scatter(
            x=totals,
            y=names,
            mode="text",
            text=[wording("tradeoff_total", language, total=total) for total in totals],
            textposition="middle right",
            cliponaxis=False,
            showlegend=False,
            hoverinfo="skip",
        )
    )
    return chart(
        traces,
        wording("tradeoff_phases_chart", language),
        wording("tradeoff_seconds_axis", language),
        "",
        PHASES_FRAME_PX + BAR_HEIGHT_PX * len(names),
        {"range": [0, 1.18 * max(totals, default=1.0) or 1.0]},
        {"autorange": "reversed"},
        legend={"traceorder": "normal"},
        barmode="stack",
    )


def series_names(rows: pd.DataFrame) -> pd.Series:
    """Return each row's series: its method, with what it takes to tell it from other series.

    That is its settings where they are not the default ones, its weights where others have the
    same method and settings, and its origin where it is another one.
    """
    series = rows[["method", "settings_id", "weights", "origin"]].astype(str)
    alike = series.groupby(["method", "settings_id"])["weights"].nunique()
    names = []
    for method, settings_id, weights, origin in series.itertuples(index=False):
        setting = f" ({settings_title(settings_id)})" if settings_id else ""
        name = f"{method_title(method)}{setting}"
        several = alike[method, settings_id] > 1
        names.append(", ".join([name, *[origin] * bool(origin), *[weights] * bool(several)]))
    return pd.Series(names, rows.index, str)


def curves_of(points: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return each point's curve by its name, and with what its backbone was computed, as HTML.

    Points that differ in nothing else are one curve. Where there is only one engine, the curve is
    the series, and the engine "".
    """
    settings = points["settings_id"]
    names = series_names(points.assign(settings_id=settings.map(without_engine)))
    joined = settings.groupby(names).transform("nunique") > 1
    engines = settings.map(lambda setting: str(engine_in(dict(SETTING.findall(setting)))))
    named = names.where(joined, series_names(points))
    return named.map(escape), engines.where(joined, "").map(escape)


def _fronts(points: pd.DataFrame, cost: str, gain: str, language: str) -> list[BaseTraceType]:
    """Return a stepped line through the front of each category, or of the means."""
    lines: list[BaseTraceType] = []
    for _, rows in points[points["on_front"]].groupby(["category", "origin"]):
        ordered = rows.sort_values([cost, gain])
        lines.append(
            go.Scatter(
                x=ordered[cost].tolist(),
                y=ordered[gain].tolist(),
                mode="lines",
                line={"shape": "hv", "dash": "dot", "width": 1.5, "color": NEUTRAL_COLOUR},
                name=wording("tradeoff_front", language),
                legendgroup="front",
                showlegend=not lines,
                hoverinfo="skip",
            )
        )
    return lines


def _hover(row: Any, series: str, language: str) -> str:
    spread = interval(row["image_auroc_low"], row["image_auroc_high"])
    where = row["category"] or wording("tradeoff_mean_of", language, count=row["categories"])
    return wording(
        "tradeoff_hover",
        language,
        series=series,
        category=escape(where),
        image=number(row["image_auroc"]) + ("" if spread == "n/a" else f" ({spread})"),
        pixel=number(row["pixel_auroc"]),
        fit=number(row["fit_s"], 2),
        score=number(row["score_s"], 2),
        runtime=number(row["runtime_s"], 2),
        latency=number(row["latency_ms"], 1),
        ms=number(row["ms_per_image"], 1),
        model=number(row["model_mb"], 1),
        weights=escape(row["weights"]),
    )


def _size(megabytes: float, largest: float) -> float:
    """Return a marker's width in px: the larger the model, the larger the area."""
    if math.isnan(megabytes) or not largest > 0:
        return SMALLEST_PX
    return SMALLEST_PX + (LARGEST_PX - SMALLEST_PX) * math.sqrt(megabytes / largest)


def _log_axis(values: pd.Series) -> dict[str, object]:
    """Return a logarithmic axis with round ticks: 1, 2, 5, or decades where there are many."""
    logs = np.log10(values[values > 0])
    if logs.empty:
        return {"type": "log"}
    span = logs.max() - logs.min()
    room = max(AXIS_ROOM, AXIS_ROOM * span)
    low, high = logs.min() - room, logs.max() + room
    steps: tuple[int, ...] = (1,) if high - low > WIDE_DECADES else (1, 2, 5)
    if high - low < NARROW_DECADES:
        steps = tuple(range(1, 10))
    decades = range(math.floor(low), math.ceil(high) + 1)
    ticks = [step * 10.0**power for power in decades for step in steps]
    shown = [tick for tick in ticks if low <= math.log10(tick) <= high]
    text = [f"{tick:g}" for tick in shown]
    return {"type": "log", "range": [low, high], "tickvals": shown, "ticktext": text}


def _auroc_range(points: pd.DataFrame, gain: str) -> list[float]:
    columns = [gain, "image_auroc_low"] if gain == "image_auroc" else [gain]
    lowest = float(np.nanmin(points[columns])) if len(points) else 0.5
    room = max(0.06 * (1 - lowest), 0.004)
    return [lowest - room, 1 + room]
