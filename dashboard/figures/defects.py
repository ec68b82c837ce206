"""Charts of the Defect types page: AUROC by type, recall by size, published values beside ours.

Names from disk are escaped, because Plotly reads some HTML in labels.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.auroc_colours import COLOURS, LIMITS
from dashboard.figures.style import (
    NEUTRAL_COLOUR,
    chart,
    method_colour,
    method_symbol,
)
from dashboard.tables import method_title

LONGEST_LABEL = 22
ROW_PX, PUBLISHED_ROW_PX, FRAME_PX = 38, 44, 190
LEGEND_LINE_PX, LEGEND_LETTERS = 22, 36
TITLE_PX, AXIS_PX = 66, 70
GROUP_SPAN = 0.5
SOURCE_SYMBOLS = (
    "x-thin-open",
    "cross-thin-open",
    "asterisk-open",
    "y-up-open",
    "y-down-open",
    "line-ns-open",
    "hash-open",
    "y-left-open",
    "y-right-open",
    "line-ne-open",
)


@dataclass(frozen=True)
class PublishedDot:
    """One value of the chart of published values.

    Attributes
    ----------
    row : str
        The method, its variant and its backbone, as a label of lines parted by ``\\n``.
    value : float
    source : str
        Empty for ours.
    method : str
        Our key of the method.
    filled : bool
        For ours: whether the row has something that may be compared.
    """

    row: str
    value: float
    source: str
    method: str
    filled: bool = True


def type_heatmap(
    types: pd.DataFrame,
    metric: str,
    overall: dict[str, float],
    title: str,
    y_title: str,
    all_types: str,
) -> go.Figure:
    """Return the AUROC of every method on every defect type, hardest type on top.

    Parameters
    ----------
    types : DataFrame
        Columns ``method, defect, pictures`` and `metric`; methods in the order to be shown.
    metric : str
    overall : dict
        The whole category's value of each method, by key: the last row.
    title, y_title, all_types : str
    """
    methods = list(dict.fromkeys(types["method"]))
    wide = types.pivot(index="defect", columns="method", values=metric)[methods]
    hardest = wide.mean(axis=1).sort_values(kind="stable", na_position="last").index
    names = [str(name) for name in hardest]
    values = np.array(
        [*wide.loc[hardest].to_numpy(float), [overall.get(key, math.nan) for key in methods]]
    )
    pictures = types.set_index("defect")["pictures"]
    labels = [
        *(f"{_short(name)} ({_count(pictures.loc[[name]])})" for name in names),
        f"<b>{escape(all_types)}</b>",
    ]
    hover_names = [*(escape(name) for name in names), escape(all_types)]
    titles = [escape(method_title(key)) for key in methods]
    own_counts = types.pivot(index="defect", columns="method", values="pictures")
    own = own_counts.loc[hardest, methods].to_numpy(float)
    heatmap = go.Heatmap(
        z=[[_step(value) for value in row] for row in values],
        x=titles,
        y=list(range(len(labels))),
        customdata=[
            [
                f"{hover_names[row]} · {titles[column]}<br>{_number(values[row][column], 4)}"
                + (f" ({own[row, column]:.0f})" if row < len(names) else "")
                for column in range(len(methods))
            ]
            for row in range(len(labels))
        ],
        hovertemplate="%{customdata}<extra></extra>",
        hoverongaps=False,
        colorscale=_stepped_scale(),
        zmin=-0.5,
        zmax=len(COLOURS) - 0.5,
        xgap=2,
        ygap=2,
        colorbar={
            "orientation": "h",
            "y": -0.08,
            "yanchor": "top",
            "thickness": 12,
            "tickvals": [position + 0.5 for position in range(len(LIMITS))],
            "ticktext": [f"{limit:g}" for limit in LIMITS],
        },
    )
    numbers = [
        {
            "x": titles[column],
            "y": row,
            "text": _number(value),
            "showarrow": False,
            "font": {} if math.isnan(value) else {"color": COLOURS[int(_step(value))][1]},
        }
        for (row, column), value in np.ndenumerate(values)
    ]
    return chart(
        [heatmap],
        escape(title),
        "",
        y_title,
        FRAME_PX + ROW_PX * len(labels),
        {"side": "top", "showgrid": False, "fixedrange": True},
        {
            "tickvals": list(range(len(labels))),
            "ticktext": labels,
            "autorange": "reversed",
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
        },
        annotations=numbers,
    )


def size_recall_chart(
    recalls: pd.DataFrame, group_labels: dict[int, str], title: str, x_title: str, y_title: str
) -> go.Figure:
    """Return each method's recall per size group with its 95 % interval.

    Parameters
    ----------
    recalls : DataFrame
        Columns ``method, group, pictures, reported, recall, low, high``; shares, NaN where
        there is no threshold.
    group_labels : dict
        Label of each group, in the order to be shown, of lines parted by ``\\n``.
    title, x_title, y_title : str
    """
    traces = []
    places = {group: place for place, group in enumerate(group_labels)}
    methods = list(dict.fromkeys(recalls["method"]))
    for position, method in enumerate(methods):
        rows = recalls[(recalls["method"] == method) & recalls["recall"].notna()]
        offset = (position - (len(methods) - 1) / 2) * GROUP_SPAN / max(len(methods), 1)
        percent = 100 * rows[["recall", "low", "high"]]
        traces.append(
            go.Scatter(
                x=[places[group] + offset for group in rows["group"]],
                y=percent["recall"],
                error_y={
                    "type": "data",
                    "array": percent["high"] - percent["recall"],
                    "arrayminus": percent["recall"] - percent["low"],
                    "thickness": 2,
                    "width": 6,
                },
                customdata=[
                    f"{row.reported} / {row.pictures} · {100 * row.low:.0f}–{100 * row.high:.0f} %"
                    for row in rows.itertuples()
                ],
                hovertemplate="%{y:.1f} % · %{customdata}",
                mode="markers",
                marker={
                    "color": method_colour(method),
                    "symbol": method_symbol(method),
                    "size": 12,
                },
                name=escape(method_title(method)),
                showlegend=True,
            )
        )
    return chart(
        traces,
        escape(title),
        x_title,
        y_title,
        x_axis={
            "tickvals": list(places.values()),
            "ticktext": [_lines(label) for label in group_labels.values()],
            "range": [-0.5, len(places) - 0.5],
            "showgrid": False,
            "zeroline": False,
        },
        y_axis={"range": [-4, 104], "tickvals": [0, 20, 40, 60, 80, 100]},
    )


def published_chart(
    dots: Sequence[PublishedDot], ours_name: dict[str, str], title: str, x_title: str
) -> go.Figure:
    """Return published values in gray, one symbol per source, and ours in the method's colour.

    Parameters
    ----------
    dots : sequence of PublishedDot
        NaN values are not drawn.
    ours_name : dict
        What the legend calls ours, by method.
    title, x_title : str
    """
    rows = list(dict.fromkeys(dot.row for dot in dots))
    places = {row: place for place, row in enumerate(rows)}
    traces = []
    for method in dict.fromkeys(dot.method for dot in dots):
        own = [
            dot
            for dot in dots
            if dot.method == method and not dot.source and not math.isnan(dot.value)
        ]
        symbol = method_symbol(method)
        symbols = [symbol if dot.filled else f"{symbol}-open" for dot in own]
        look = {"symbol": symbols, "size": 14, "color": method_colour(method)}
        traces.append(_dots(own, places, look, escape(ours_name[method]), digits=4))
    sources = list(dict.fromkeys(dot.source for dot in dots if dot.source))
    for position, source in enumerate(sources):
        own = [dot for dot in dots if dot.source == source]
        symbol = SOURCE_SYMBOLS[position % len(SOURCE_SYMBOLS)]
        look = {"symbol": symbol, "size": 11, "color": NEUTRAL_COLOUR}
        name = _lines("\n".join(wrap(source, LEGEND_LETTERS)))
        traces.append(_dots(own, places, look, name, digits=3))
    legend_px = sum(LEGEND_LINE_PX * (1 + trace.name.count("<br>")) for trace in traces)
    rows_px = PUBLISHED_ROW_PX * len(rows)
    return chart(
        traces,
        escape(title),
        x_title,
        "",
        rows_px + AXIS_PX + legend_px + TITLE_PX,
        y_axis={
            "tickvals": list(places.values()),
            "ticktext": [_lines(row) for row in rows],
            "range": [len(rows) - 0.5, -0.5],
            "zeroline": False,
        },
        legend={"orientation": "v", "x": 1, "xanchor": "right"},
    )


def _dots(
    dots: Sequence[PublishedDot],
    places: dict[str, int],
    look: dict[str, Any],
    name: str,
    digits: int,
) -> go.Scatter:
    """Return values of the chart of published values, outlined in their own colour."""
    return go.Scatter(
        x=[dot.value for dot in dots],
        y=[places[dot.row] for dot in dots],
        mode="markers",
        marker={**look, "line": {"width": 2, "color": look["color"]}},
        name=name,
        hovertemplate=f"%{{x:.{digits}f}}",
    )


def _step(value: float) -> float:
    """Return which colour a value gets, NaN for none."""
    return math.nan if math.isnan(value) else float(bisect_right(LIMITS, value))


def _stepped_scale() -> list[tuple[float, str]]:
    edges = [position / len(COLOURS) for position in range(len(COLOURS) + 1)]
    return [
        (edge, colour)
        for position, (colour, _) in enumerate(COLOURS)
        for edge in edges[position : position + 2]
    ]


def _number(value: float, digits: int = 3) -> str:
    return "n/a" if math.isnan(value) else f"{value:.{digits}f}"


def _count(pictures: pd.Series) -> str:
    fewest, most = int(pictures.min()), int(pictures.max())
    return f"{fewest}" if fewest == most else f"{fewest}–{most}"


def _short(name: str) -> str:
    short = name if len(name) <= LONGEST_LABEL else name[: LONGEST_LABEL - 1] + "…"
    return escape(short)


def _lines(label: str) -> str:
    return "<br>".join(escape(line) for line in label.split("\n"))
