"""What more training pictures give: one small chart for each of what is measured."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.style import NEUTRAL_COLOUR, chart, method_colour, method_symbol
from dashboard.tables import method_title
from dashboard.texts import wording

HEIGHT_PX = 320
TITLES = {
    "image_auroc": "metric_axis_image_auroc",
    "pixel_auroc": "metric_axis_pixel_auroc",
    "missed": "column_missed",
    "false_alarms": "column_realised",
}


def learning_chart(table: pd.DataFrame, measured: str, allowed: float, language: str) -> go.Figure:
    """Draw a line for each method over the number of training pictures, with its spread.

    `table` is as from ``over_draws``, `measured` one of ``TITLES``; among false alarms the
    `allowed` share is a dashed line.
    """
    traces = [
        go.Scatter(
            x=rows["count"].tolist(),
            y=rows[f"{measured}_mean"].tolist(),
            error_y={"array": rows[f"{measured}_std"].tolist(), "thickness": 1.5},
            name=method_title(str(method)),
            marker={"color": method_colour(str(method)), "symbol": method_symbol(str(method))},
            mode="lines+markers",
        )
        for method, rows in table.groupby("method", sort=False)
    ]
    counts = sorted(set(table["count"]))
    ticks = {"type": "log", "tickvals": counts, "ticktext": [f"{count}" for count in counts]}
    area = measured.endswith("auroc")
    values = {"tickformat": ".3~f"} if area else {"tickformat": ".1~%", "rangemode": "tozero"}
    title, x_title = wording(TITLES[measured], language), wording("learning_count", language)
    figure = chart(traces, title, x_title, "", HEIGHT_PX, ticks, values)
    if measured == "false_alarms":
        figure.add_hline(allowed, line={"dash": "dash", "width": 1.5, "color": NEUTRAL_COLOUR})
    return figure
