"""Defect types: what kinds and sizes of defects each method finds, and what others published."""

from __future__ import annotations

import streamlit as st

from dashboard.defects.published_panel import draw_published
from dashboard.defects.type_and_size_panel import draw_sizes, draw_types
from dashboard.frame import framed
from dashboard.opening import draw_finished_cells, has_category, opened
from dashboard.state import t


def draw() -> None:
    """Draw the page."""
    selection = opened("defects_title")
    if not has_category(selection):
        return
    if cells := draw_finished_cells(selection):
        st.header(t("defects_types_header"))
        draw_types(selection, cells)
        st.header(t("defects_size_header"))
        draw_sizes(selection, cells)
    st.header(t("defects_published_header"))
    draw_published(selection)


framed(draw)
