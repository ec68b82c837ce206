"""The frame around every page: navigation, sidebar, URL."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard.sidebar import draw_sidebar
from dashboard.state import mirror_in_url, restore, t
from dashboard.texts import plain
from data_utils.locations import default_outputs, outputs_at

FRAMED_KEY = "_framed"
PAGES = {
    "overview": "table_chart",
    "samples": "image_search",
    "compare": "compare",
    "roc": "show_chart",
    "tradeoff": "speed",
    "defects": "category",
    "inspection": "biotech",
    "run": "play_circle",
}
DEFAULT_PAGE = "overview"


def draw_app() -> None:
    """Draw the sidebar and the current page."""
    restore()
    st.set_page_config(page_title=t("app_title"), page_icon=":material/search:", layout="wide")
    page = st.navigation(
        [
            st.Page(
                f"pages/{name}.py",
                title=t(f"page_{name}"),
                icon=f":material/{icon}:",
                default=name == DEFAULT_PAGE,
            )
            for name, icon in PAGES.items()
        ]
    )
    try:
        outputs = outputs_at(default_outputs())
    except ValueError as error:
        st.error(plain(str(error)))
        return
    draw_sidebar(outputs)
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
