"""What a click on a point of the trade-off chart does."""

from __future__ import annotations

import streamlit as st

from dashboard.state import t
from dashboard.tables import method_title
from dashboard.tradeoff.groups import clicked_cell

CLICKED = "_tradeoff_clicked"
SAMPLES_PAGE = "pages/samples.py"


def remember_click(clicked: list[object]) -> None:
    """Select the clicked cell, before the sidebar is drawn; a mean is only noted."""
    cell = clicked_cell(clicked)
    if cell is None:
        return
    st.session_state[CLICKED] = cell
    category, method, settings_id, origin = cell
    if category and not settings_id and not origin:
        st.session_state["category"] = category
        st.session_state["method"] = method


def follow_click() -> None:
    """Open the samples of the cell that was clicked, or say why there are none."""
    cell = st.session_state.pop(CLICKED, None)
    if cell is None:
        return
    category, method, settings_id, origin = cell
    if origin:
        st.toast(t("tradeoff_other_clicked", origin=origin), icon=":material/info:")
    elif not category:
        st.toast(t("tradeoff_mean_clicked"), icon=":material/info:")
    elif settings_id:
        names = {"category": category, "method": method_title(method), "settings": settings_id}
        st.toast(t("tradeoff_settings_clicked", **names), icon=":material/info:")
    else:
        st.switch_page(SAMPLES_PAGE)
