"""The frame around every page: navigation, sidebar, URL."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard.sidebar import draw_sidebar
from dashboard.state import mirror_in_url, restore_from_url, t

FRAMED_KEY = "_framed"


def draw_app() -> None:
    """Draw the sidebar and the current page."""
    restore_from_url()
    st.set_page_config(page_title=t("app_title"), page_icon=":material/search:", layout="wide")
    page = st.navigation(
        [
            st.Page(
                "pages/overview.py",
                title=t("page_overview"),
                icon=":material/table_chart:",
                default=True,
            ),
            st.Page("pages/samples.py", title=t("page_samples"), icon=":material/image_search:"),
        ]
    )
    draw_sidebar()
    st.session_state[FRAMED_KEY] = True
    try:
        page.run()
    finally:
        st.session_state[FRAMED_KEY] = False
    mirror_in_url()


def framed(draw: Callable[[], None]) -> None:
    """Draw a page inside the frame.

    Streamlit runs a page's script by itself, without ``app.py``, for the first request to a
    fresh server if it asks for that page's own address; then the page brings the frame.
    """
    if st.session_state.get(FRAMED_KEY):
        draw()
    else:
        draw_app()
