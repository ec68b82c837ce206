"""Charts of the Defect types page: AUROC by type, recall by size, published values beside ours.

Names from disk are escaped, because Plotly reads some HTML in labels.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from html import escape
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.style import (
    AUROC_COLOURS,
    AUROC_LIMITS,
    NEUTRAL_COLOUR,
    chart,
    method_colour,
    method_symbol,
)
from dashboard.tables import method_title, number
from evaluation.measure.by_defect import SizeRecall

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
    titles = [escape(method_title(key)) for key in methods]
    wide = types.pivot(index="defect", columns="method")
    means = pd.DataFrame(wide[metric][methods]).mean(axis="columns")
    hardest = means.sort_values(kind="stable", na_position="last").index
    pictures = wide["pictures"].loc[hardest, methods]
    values = np.vstack(
        [wide[metric].loc[hardest, methods], [overall.get(key, math.nan) for key in methods]]
    )
    counts = np.vstack([pictures, np.full(len(methods), math.nan)])
    names = [*(escape(str(name)) for name in hardest), escape(all_types)]
    labels = [f"{_short(str(name))} ({_count(row)})" for name, row in pictures.iterrows()]
    labels.append(f"<b>{names[-1]}</b>")
    hover = [
        [
            f"{names[row]} · {title}<br>{number(value, 4)}"
            + ("" if math.isnan(count) else f" ({count:.0f})")
            for title, value, count in zip(titles, values[row], counts[row], strict=True)
        ]
        for row in range(len(names))
    ]
    edges = np.repeat(np.arange(len(AUROC_COLOURS) + 1) / len(AUROC_COLOURS), 2)[1:-1]
    heatmap = go.Heatmap(
        z=[[_step(value) for value in row] for row in values],
        x=titles,
        y=list(range(len(labels))),
        hoverinfo="skip",
        colorscale=[
            (edge, AUROC_COLOURS[place // 2][0]) for place, edge in enumerate(edges.tolist())
        ],
        zmin=-0.5,
        zmax=len(AUROC_COLOURS) - 0.5,
        xgap=2,
        ygap=2,
        colorbar={
            "orientation": "h",
            "y": -0.08,
            "yanchor": "top",
            "thickness": 12,
            "tickvals": [place + 0.5 for place in range(len(AUROC_LIMITS))],
            "ticktext": [f"{limit:g}" for limit in AUROC_LIMITS],
        },
    )
    cells = [(row, column) for row, column in np.ndindex(values.shape)]
    texts = go.Scatter(
        x=[titles[column] for _, column in cells],
        y=[row for row, _ in cells],
        text=[number(float(values[cell])) for cell in cells],
        mode="markers+text",  # only markers can be clicked
        marker={"symbol": "square", "size": ROW_PX - 4, "opacity": 0},
        textfont={
            "color": [
                NEUTRAL_COLOUR
                if math.isnan(values[cell])
                else AUROC_COLOURS[int(_step(float(values[cell])))][1]
                for cell in cells
            ]
        },
        # A click on a number opens its pictures; the last row is of all types.
        customdata=[[methods[column], *hardest[row : row + 1]] for row, column in cells],
        hovertext=[hover[row][column] for row, column in cells],
        hoverinfo="text",
        showlegend=False,
    )
    return chart(
        [heatmap, texts],
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
    )


def size_recall_chart(
    recalls: Mapping[str, Sequence[SizeRecall]],
    labels: Sequence[str],
    title: str,
    x_title: str,
    y_title: str,
) -> go.Figure:
    """Return each method's recall per size group with its 95 % interval.

    Parameters
    ----------
    recalls : mapping
        By method, the same groups for all; those with a NaN are not drawn.
    labels : sequence of str
        Of the groups, as lines parted by ``\\n``.
    title, x_title, y_title : str
    """
    traces = []
    for position, (method, groups) in enumerate(recalls.items()):
        offset = (position - (len(recalls) - 1) / 2) * GROUP_SPAN / len(recalls)
        known = {place: one for place, one in enumerate(groups) if not math.isnan(one.recall)}
        recall = 100 * np.array([one.recall for one in known.values()])
        low, high = 100 * np.array([one.interval for one in known.values()]).reshape(-1, 2).T
        traces.append(
            go.Scatter(
                x=[place + offset for place in known],
                y=recall,
                error_y={
                    "type": "data",
                    "array": high - recall,
                    "arrayminus": recall - low,
                    "thickness": 2,
                    "width": 6,
                },
                customdata=[
                    [method, one.group, f"{one.reported} / {one.pictures}", start, end]
                    for one, start, end in zip(known.values(), low, high, strict=True)
                ],
                hovertemplate="%{y:.1f} % · %{customdata[2]} · "
                "%{customdata[3]:.0f}–%{customdata[4]:.0f} %",
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
            "tickvals": list(range(len(labels))),
            "ticktext": [_lines(label) for label in labels],
            "range": [-0.5, len(labels) - 0.5],
            "showgrid": False,
            "zeroline": False,
        },
        y_axis={"range": [-4, 104], "tickvals": [0, 20, 40, 60, 80, 100]},
    )


def published_chart(
    dots: pd.DataFrame, ours_name: dict[str, str], title: str, x_title: str
) -> go.Figure:
    """Return published values in gray, one symbol per source, and ours in the method's colour.

    Parameters
    ----------
    dots : DataFrame
        ``row`` (method, variant and backbone, as lines parted by ``\\n``), ``value``, ``source``
        (empty for ours), ``method`` (its key), ``filled`` (of ours: whether the row has something
        that may be compared). NaN values are not drawn.
    ours_name : dict
        What the legend calls ours, by method.
    title, x_title : str
    """
    places = {row: place for place, row in enumerate(dots["row"].unique())}
    traces = []

    def add(rows: pd.DataFrame, look: dict[str, Any], name: str, digits: int) -> None:
        traces.append(
            go.Scatter(
                x=rows["value"].tolist(),
                y=[places[row] for row in rows["row"]],
                mode="markers",
                marker={**look, "line": {"width": 2, "color": look["color"]}},
                name=name,
                hovertemplate=f"%{{x:.{digits}f}}",
            )
        )

    ours = dots["source"] == ""
    for method in dots["method"].unique():
        own = dots[ours & (dots["method"] == method) & dots["value"].notna()]
        symbol = method_symbol(method)
        symbols = [symbol if filled else f"{symbol}-open" for filled in own["filled"]]
        look = {"symbol": symbols, "size": 14, "color": method_colour(method)}
        add(own, look, escape(ours_name[method]), 4)
    for position, (source, rows) in enumerate(dots[~ours].groupby("source", sort=False)):
        symbol = SOURCE_SYMBOLS[position % len(SOURCE_SYMBOLS)]
        look = {"symbol": symbol, "size": 11, "color": NEUTRAL_COLOUR}
        add(rows, look, _lines("\n".join(wrap(str(source), LEGEND_LETTERS))), 3)
    legend_px = sum(LEGEND_LINE_PX * (1 + trace.name.count("<br>")) for trace in traces)
    return chart(
        traces,
        escape(title),
        x_title,
        "",
        PUBLISHED_ROW_PX * len(places) + AXIS_PX + legend_px + TITLE_PX,
        y_axis={
            "tickvals": list(places.values()),
            "ticktext": [_lines(row) for row in places],
            "range": [len(places) - 0.5, -0.5],
            "zeroline": False,
        },
        legend={"orientation": "v", "x": 1, "xanchor": "right"},
    )


def _step(value: float) -> float:
    """Return which colour a value gets, NaN for none."""
    return math.nan if math.isnan(value) else float(bisect_right(AUROC_LIMITS, value))


def _count(pictures: pd.Series) -> str:
    fewest, most = int(pictures.min()), int(pictures.max())
    return f"{fewest}" if fewest == most else f"{fewest}–{most}"


def _short(name: str) -> str:
    return escape(name if len(name) <= LONGEST_LABEL else name[: LONGEST_LABEL - 1] + "…")


def _lines(label: str) -> str:
    return "<br>".join(escape(line) for line in label.split("\n"))
