"""Showing a figure: the page's theme, an export button, and clicks where a page wants them."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

EXPORT_SCALE = 2


def draw_chart(figure: go.Figure, key: str, file_name: str) -> None:
    """Draw a figure; its camera button saves ``<file_name>.png`` at twice the shown size."""
    st.plotly_chart(figure, width="stretch", key=key, config=_config(file_name))


def draw_clickable_chart(figure: go.Figure, key: str, file_name: str) -> list[object]:
    """Draw a figure; return the ``customdata`` of the points that the user has clicked."""
    event = st.plotly_chart(
        figure,
        width="stretch",
        key=key,
        config=_config(file_name),
        on_select="rerun",
        selection_mode="points",
    )
    return [point.get("customdata") for point in event["selection"]["points"]]


def _config(file_name: str) -> dict[str, object]:
    return {
        "displaylogo": False,
        "toImageButtonOptions": {"format": "png", "filename": file_name, "scale": EXPORT_SCALE},
    }
