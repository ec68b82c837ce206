"""Showing a figure: the page's theme, an export button, and clicks where a page wants them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from dashboard.state import t

EXPORT_SCALE = 2
FORMATS = ("png", "svg")
FORMAT_KEY = "chart_format"


def draw_chart(figure: go.Figure, key: str, file_name: str) -> None:
    """Draw a figure; its camera button saves ``<file_name>.png`` at twice the shown size.

    As SVG where ``draw_export_choice`` has been set to it.
    """
    st.plotly_chart(figure, width="stretch", key=key, config=_config(file_name))


def draw_clickable_chart(
    figure: go.Figure,
    key: str,
    file_name: str,
    on_click: Callable[[list[object]], None] | None = None,
) -> list[object]:
    """Draw a figure; return the ``customdata`` of the points that the user has clicked.

    `on_click` is called with them before the page runs again, so it may set what the sidebar's
    widgets show.
    """

    def clicked() -> None:
        if on_click is not None:
            on_click(_clicked_data(st.session_state.get(key)))

    event = st.plotly_chart(
        figure,
        width="stretch",
        key=key,
        config=_config(file_name),
        on_select=clicked if on_click is not None else "rerun",
        selection_mode="points",
    )
    return _clicked_data(event)


def draw_export_choice() -> None:
    """Draw the choice of what the charts' camera button saves."""
    st.segmented_control(
        t("chart_format"),
        list(FORMATS),
        default=FORMATS[0],
        key=FORMAT_KEY,
        format_func=str.upper,
        required=True,
    )


def _clicked_data(event: Any) -> list[object]:
    points = event["selection"]["points"] if event else []
    return [point.get("customdata") for point in points]


def _config(file_name: str) -> dict[str, object]:
    chosen = st.session_state.get(FORMAT_KEY)
    return {
        "displaylogo": False,
        "toImageButtonOptions": {
            "format": chosen if chosen in FORMATS else FORMATS[0],
            "filename": file_name,
            "scale": EXPORT_SCALE,
        },
    }
