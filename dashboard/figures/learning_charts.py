"""What more training pictures give: one chart for each of what is measured."""

from __future__ import annotations

import math

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.style import (
    NEUTRAL_COLOUR,
    chart,
    method_colour,
    method_dash,
    method_symbol,
)
from dashboard.tables import method_title
from dashboard.texts import wording

HEIGHT_PX = 320
TITLES = {
    "image_auroc": "metric_axis_image_auroc",
    "pixel_auroc": "metric_axis_pixel_auroc",
    "missed": "learning_missed",
    "false_alarms": "learning_false_alarms",
}
PERCENT = ("missed", "false_alarms")


def learning_chart(
    table: pd.DataFrame, measured: str, language: str, asked: float = math.nan
) -> go.Figure:
    """Draw one line per method over the number of training pictures, with the spread as bars.

    Parameters
    ----------
    table : DataFrame
        As from ``over_draws``.
    measured : str
        One of ``TITLES``.
    asked : float
        A share to mark with a dashed line; NaN for none.
    """
    scale = 100 if measured in PERCENT else 1
    counts = sorted(set(table["count"]))
    traces = []
    for method, rows in table.groupby("method", sort=False):
        name, colour = method_title(str(method)), method_colour(str(method))
        traces.append(
            go.Scatter(
                x=rows["count"].tolist(),
                y=(scale * rows[f"{measured}_mean"]).tolist(),
                error_y={"array": (scale * rows[f"{measured}_std"]).tolist(), "thickness": 1.5},
                name=name,
                mode="lines+markers",
                line={"color": colour, "dash": method_dash(str(method)), "width": 2},
                marker={"symbol": method_symbol(str(method)), "size": 9},
                hovertemplate=wording("learning_hover", language, method=name),
            )
        )
    line = {"dash": "dash", "width": 1.5, "color": NEUTRAL_COLOUR}
    level = {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "y0": scale * asked}
    return chart(
        traces,
        wording(TITLES[measured], language),
        wording("learning_count", language),
        "",
        HEIGHT_PX,
        {"type": "log", "tickvals": counts, "ticktext": [str(count) for count in counts]},
        {"rangemode": "tozero" if scale > 1 else "normal"},
        shapes=[] if math.isnan(asked) else [level | {"y1": scale * asked, "line": line}],
    )
