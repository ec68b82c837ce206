"""Cost against AUROC with the Pareto front, and where each method's time goes."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.basedatatypes import BaseTraceType

from dashboard.figures.style import NEUTRAL_COLOUR, chart, method_colour, method_symbol
from dashboard.tables import interval, method_title, number
from dashboard.texts import wording
from evaluation.summary import OTHER_PHASE, PHASE_COLUMNS, PHASE_NAMES, phase_column

HEIGHT_PX = 520
BAR_HEIGHT_PX = 44
PHASES_FRAME_PX = 260
POINT = ["category", "method", "settings_id", "origin"]
SMALLEST_PX, LARGEST_PX = 11, 34
WIDE_DECADES = 2.0
AXIS_ROOM = 0.12
FRONT_OUTLINE_PX, OTHER_OUTLINE_PX = 3.0, 0.5
COST_TEXTS = {
    "runtime_s": "tradeoff_runtime_s",
    "fit_s": "tradeoff_fit_s",
    "score_s": "tradeoff_score_s",
    "latency_ms": "tradeoff_latency_ms",
    "ms_per_image": "tradeoff_ms_per_image",
}
GAIN_TEXTS = {
    "image_auroc": ("tradeoff_image_auroc", "tradeoff_image_auroc_axis"),
    "pixel_auroc": ("tradeoff_pixel_auroc", "tradeoff_pixel_auroc_axis"),
}
PHASE_TEXTS = {
    "decode": "tradeoff_phase_decode",
    "backbone": "tradeoff_phase_backbone",
    "fit": "tradeoff_phase_fit",
    "calibrate": "tradeoff_phase_calibrate",
    "score": "tradeoff_phase_score",
    "metrics": "tradeoff_phase_metrics",
    "write": "tradeoff_phase_write",
    "other": "tradeoff_phase_other",
}
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


def tradeoff_chart(points: pd.DataFrame, cost: str, gain: str, language: str) -> go.Figure:
    """Draw one point per row: cost on a logarithmic axis, AUROC upwards, model size as size.

    Parameters
    ----------
    points : DataFrame
        Rows from ``dashboard.tradeoff.groups.with_front``: ``category`` (empty for a mean),
        ``method, settings_id, weights, origin, model_mb, on_front``, the costs, the AUROCs and the
        interval of the image AUROC.
    cost, gain : str
        The columns to draw: seconds or milliseconds, and an AUROC.

    Returns
    -------
    Figure
        Each point's ``customdata`` is ``[category, method, settings_id, origin]``. Points of
        another origin are hollow.
    """
    traces = _fronts(points, cost, gain, language)
    largest = float(points["model_mb"].max()) if len(points) else math.nan
    names = series_names(points)
    for name, rows in points.groupby(names, sort=False):
        method, origin = str(rows["method"].iloc[0]), str(rows["origin"].iloc[0])
        symbol = method_symbol(method)
        low, high = rows["image_auroc_low"], rows["image_auroc_high"]
        traces.append(
            go.Scatter(
                x=rows[cost].tolist(),
                y=rows[gain].tolist(),
                mode="markers",
                name=str(name),
                marker={
                    "color": method_colour(method),
                    "symbol": f"{symbol}-open" if origin else symbol,
                    "size": [_size(value, largest) for value in rows["model_mb"]],
                    "opacity": 0.85,
                    "line": {
                        "color": NEUTRAL_COLOUR,
                        "width": np.where(
                            rows["on_front"], FRONT_OUTLINE_PX, OTHER_OUTLINE_PX
                        ).tolist(),
                    },
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
                hovertext=[_hover(row, str(name), language) for _, row in rows.iterrows()],
                hovertemplate="%{hovertext}<extra></extra>",
                cliponaxis=False,
            )
        )
    gained, axis = GAIN_TEXTS[gain]
    return chart(
        traces,
        wording("tradeoff_chart_title", language, gain=wording(gained, language)),
        wording(COST_TEXTS[cost], language),
        wording(axis, language),
        HEIGHT_PX,
        _log_axis(points[cost]),
        {**_auroc_axis(points, gain), "tickformat": ".3~f"},
        legend={"itemsizing": "constant"},
    )


def phase_chart(rows: pd.DataFrame, language: str) -> go.Figure:
    """Draw each row's seconds by phase as one stacked horizontal bar.

    Parameters
    ----------
    rows : DataFrame
        ``method, settings_id, weights, origin`` and ``<phase>_phase_s`` for each phase, seconds.
    """
    names = series_names(rows).tolist()
    columns = [*PHASE_COLUMNS]
    totals = rows[columns].sum(axis=1).tolist()
    traces: list[BaseTraceType] = []
    for phase, colour, pattern in zip(PHASE_NAMES, PHASE_COLOURS, PHASE_PATTERNS, strict=True):
        seconds = rows[phase_column(phase)].tolist()
        if phase == OTHER_PHASE and not any(seconds):
            continue
        title = wording(PHASE_TEXTS[phase], language)
        traces.append(
            go.Bar(
                x=seconds,
                y=names,
                orientation="h",
                name=title,
                marker={
                    "color": colour,
                    "line": {"width": 0.5, "color": "rgba(128, 128, 128, 0.6)"},
                    "pattern": {
                        "shape": pattern,
                        "size": 7,
                        "solidity": 0.2,
                        "fillmode": "overlay",
                    },
                },
                customdata=[
                    f"{spent / total:.1%}" if total else "n/a"
                    for spent, total in zip(seconds, totals, strict=True)
                ],
                hovertemplate=wording("tradeoff_phase_hover", language, phase=title),
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
        name = f"{method_title(method)} ({settings_id})" if settings_id else method_title(method)
        several = bool(alike[method, settings_id] > 1)
        names.append(", ".join([name, *[origin] * bool(origin), *[weights] * several]))
    return pd.Series(map(html.escape, names), rows.index, str)


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
        category=html.escape(str(where)),
        image=number(row["image_auroc"]) + ("" if spread == "n/a" else f" ({spread})"),
        pixel=number(row["pixel_auroc"]),
        fit=number(row["fit_s"], 2),
        score=number(row["score_s"], 2),
        runtime=number(row["runtime_s"], 2),
        latency=number(row["latency_ms"], 1),
        p95=number(row["latency_p95_ms"], 1),
        ms=number(row["ms_per_image"], 1),
        model=number(row["model_mb"], 1),
        weights=html.escape(str(row["weights"])),
    )


def _size(megabytes: float, largest: float) -> float:
    """Return a marker's width in px: the larger the model, the larger the area."""
    if math.isnan(megabytes) or not largest > 0:
        return SMALLEST_PX
    share = math.sqrt(max(megabytes, 0.0) / largest)
    return SMALLEST_PX + (LARGEST_PX - SMALLEST_PX) * share


def _log_axis(values: pd.Series) -> dict[str, object]:
    positive = values[values > 0]
    if positive.empty:
        return {"type": "log"}
    low, high = math.log10(positive.min()), math.log10(positive.max())
    room = max(AXIS_ROOM, AXIS_ROOM * (high - low))
    ticks = _ticks(low - room, high + room)
    return {
        "type": "log",
        "range": [low - room, high + room],
        "tickvals": ticks,
        "ticktext": [f"{tick:g}" for tick in ticks],
    }


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers from 10^low to 10^high: 1, 2, 5, or decades where there are many."""
    steps: Sequence[int] = (1,) if high - low > WIDE_DECADES else (1, 2, 5)
    if high - low < 0.5:
        steps = (1, 2, 3, 4, 5, 6, 7, 8, 9)
    decades = range(math.floor(low), math.ceil(high) + 1)
    ticks = [step * 10.0**power for power in decades for step in steps]
    return [tick for tick in ticks if low <= math.log10(tick) <= high]


def _auroc_axis(points: pd.DataFrame, gain: str) -> dict[str, object]:
    values = points[gain]
    if gain == "image_auroc":
        values = pd.concat([values, points["image_auroc_low"]])
    lowest = float(values.min()) if values.notna().any() else 0.5
    room = max(0.06 * (1 - lowest), 0.004)
    return {"range": [lowest - room, 1 + room]}
