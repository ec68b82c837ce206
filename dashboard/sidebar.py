"""The sidebar that stands on every page: language, data folder, category, method, run."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.loaders import DataSource, data_source, demo_is_needed, results
from dashboard.run.control import draw_run_control
from dashboard.state import Selection, keep_choice, select, t
from dashboard.texts import LANGUAGES, plain
from data_utils.locations import default_data_root, shown_path
from detectors.registry import METHODS


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
        st.error(t("demo_failed", reason=source.problem) if source.demo else plain(source.problem))
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
