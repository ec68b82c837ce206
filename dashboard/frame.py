"""The frame around every page: navigation, URL, and the sidebar."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from dashboard.loaders import DataSource, data_source, demo_is_needed, results
from dashboard.run.control import draw_run_control
from dashboard.state import Selection, keep_choice, mirror_in_url, restore, select, t, told
from dashboard.texts import LANGUAGES
from data_utils.facts import fact_of
from data_utils.locations import default_data_root, default_outputs, outputs_at, shown_path
from detectors.registry import METHODS

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
        st.error(told(fact_of(error)))
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


def draw_sidebar(outputs: Path) -> Selection:
    """Draw the sidebar and make its choice the selected one."""
    with st.sidebar:
        source = _draw_data_folder()
        category = _draw_category(source, _categories_with_results(outputs))
        method = _draw_method()
        selection = Selection(
            source.root, source.demo, source.categories, category, method, outputs
        )
        select(selection)
        draw_run_control(selection)
        st.divider()
        _draw_language()
    return selection


def _draw_data_folder() -> DataSource:
    given = st.text_input(
        t("data_folder"),
        key="data_folder",
        placeholder=shown_path(default_data_root()),
        help=t("data_folder_help"),
    )
    if demo_is_needed(given):
        with st.spinner(t("drawing_demo")):
            source = data_source(given)
    else:
        source = data_source(given)
    if source.problem:
        st.error(
            f"{t('demo_failed')} {told(source.problem)}" if source.demo else told(source.problem)
        )
    elif source.demo:
        st.badge(t("demo_badge"), color="orange")
    return source


def _categories_with_results(outputs: Path) -> list[str]:
    table, _ = results(outputs)
    return sorted(set(table["category"]))


def _draw_category(source: DataSource, with_results: list[str]) -> str:
    names = [*source.categories, *(n for n in with_results if n not in source.categories)]
    if not names:
        return ""
    keep_choice("category", names)
    return str(st.selectbox(t("category"), names, key="category"))


def _draw_method() -> str:
    keep_choice("method", list(METHODS))
    return str(
        st.selectbox(
            t("method"),
            list(METHODS),
            key="method",
            format_func=lambda key: METHODS[key].title,
        )
    )


def _draw_language() -> None:
    keep_choice("lang", list(LANGUAGES))
    # A segmented control would load Streamlit's table of emojis, a quarter of the time to the
    # first page.
    st.radio(
        t("language"),
        list(LANGUAGES),
        key="lang",
        format_func=lambda key: LANGUAGES[key],
        horizontal=True,
        label_visibility="collapsed",
    )
