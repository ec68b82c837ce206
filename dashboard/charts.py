"""Showing a figure: what it shows, the page's theme, an export button, and clicks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from dashboard.state import keep_choice, t

EXPORT_SCALE = 2
FORMATS = ("png", "svg")
FORMAT_KEY = "chart_format"


def draw_chart(
    figure: go.Figure,
    key: str,
    file_name: str,
    on_click: Callable[[list[Any]], None] | None = None,
) -> None:
    """Draw a figure; its camera button saves ``<file_name>.png`` at twice the shown size.

    As SVG where ``draw_export_choice`` has been set to it. `on_click` is called with the
    ``customdata`` of the points that the user has clicked, before the page runs again, so it may
    set what the sidebar's widgets show.
    """

    def clicked() -> None:
        event = st.session_state.get(key)
        points = event["selection"]["points"] if event else []
        assert on_click is not None
        on_click([point.get("customdata") for point in points])

    chosen = st.session_state.get(FORMAT_KEY)
    image = {
        "format": chosen if chosen in FORMATS else FORMATS[0],
        "filename": file_name,
        "scale": EXPORT_SCALE,
    }
    st.plotly_chart(
        figure,
        width="stretch",
        key=key,
        alt=figure.layout.title.text,
        config={"displaylogo": False, "toImageButtonOptions": image},
        on_select="ignore" if on_click is None else clicked,
        selection_mode="points",
    )


def draw_shown_choice(key: str, label: str, options: Mapping[str, str]) -> str:
    """Draw the choice of what is shown, with each option's name; return the chosen option."""
    keep_choice(key, list(options))
    chosen = st.segmented_control(
        label, list(options), key=key, format_func=options.__getitem__, required=True
    )
    return str(chosen)


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
