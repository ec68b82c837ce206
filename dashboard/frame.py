"""The frame around every page: navigation, URL, and the sidebar."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from dashboard.loaders import DataSource, data_source, demo_is_needed, demo_is_used, results
from dashboard.run.control import begin_demo, draw_run_control
from dashboard.state import (
    Selection,
    follow,
    forget,
    forget_scores,
    keep_choice,
    language,
    mirror_in_url,
    restore,
    select,
    t,
    told,
)
from dashboard.tables import settings_title
from dashboard.texts import LANGUAGES
from data_utils.facts import fact_of
from data_utils.locations import default_data_root, default_outputs, outputs_at, shown_path
from detectors.registry import METHODS

FRAMED_KEY = "_framed"
CATEGORY, METHOD, SETTINGS = "category", "method", "settings"
# Each page's icon, and what is chosen at its top.
PAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "overview": ("table_chart", (CATEGORY,)),
    "samples": ("image_search", (CATEGORY, METHOD, SETTINGS)),
    "compare": ("compare", (CATEGORY, SETTINGS)),
    "roc": ("show_chart", (CATEGORY, SETTINGS)),
    "tradeoff": ("speed", (CATEGORY,)),
    "defects": ("category", (CATEGORY, SETTINGS)),
    "inspection": ("biotech", (CATEGORY, SETTINGS)),
    "training": ("photo_library", (CATEGORY,)),
    "run": ("play_circle", ()),
}
STYLE = (Path(__file__).resolve().parent / "frame.css").read_text(encoding="utf-8")
# The light primary colour of the dark theme is read with dark letters only.
DARK_STYLE = '[data-testid="stBaseButton-primary"] { color: #08131c; }'
DEFAULT_PAGE = "overview"
CHOICE_PX = 240


def draw_app() -> None:
    """Draw the sidebar and the current page."""
    restore()
    pages = {
        name: st.Page(
            f"pages/{name}.py",
            title=t(f"page_{name}"),
            icon=f":material/{icon}:",
            default=name == DEFAULT_PAGE,
        )
        for name, (icon, _) in PAGES.items()
    }
    page = st.navigation(list(pages.values()), position="top")
    name = next(name for name, one in pages.items() if one.url_path == page.url_path)
    st.set_page_config(
        page_title=t("app_title"),
        page_icon=":material/search:",
        layout="wide",
        initial_sidebar_state="collapsed" if name in ("samples", "compare", "training") else "auto",
    )
    style = STYLE + (DARK_STYLE if st.context.theme.type == "dark" else "")
    st.html(
        f"<style>{style}</style><script>document.documentElement.lang = {language()!r}</script>",
        unsafe_allow_javascript=True,
    )
    follow()
    try:
        outputs = outputs_at(default_outputs())
    except ValueError as error:
        st.error(told(fact_of(error)))
        return
    draw_choices(outputs, PAGES[name][1])
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


def draw_choices(outputs: Path, asked: tuple[str, ...]) -> Selection:
    """Draw the sidebar and, above the page, the choices it asks for; make them the selected ones.

    Parameters
    ----------
    asked : tuple of str
        Which of ``category, method, settings`` the page reads.
    """
    with st.sidebar:
        source = _draw_data_folder()
        started = st.container()
        st.divider()
        _draw_language()
    table, _ = results(outputs)
    with st.container(key="choices", horizontal=True, vertical_alignment="bottom"):
        category = _draw_category(source, sorted(set(table["category"])), CATEGORY in asked)
        cells = table[table["category"] == category]
        method = _draw_method(METHOD in asked, set(cells["method"]))
        if METHOD in asked:
            cells = cells[cells["method"] == method]
        found = sorted({*cells["settings_id"]}) or [""]
        settings = _draw_settings(found) if SETTINGS in asked else ""
    selection = Selection(
        source.root, source.demo, source.categories, category, method, outputs, settings
    )
    select(selection)
    with started:
        if source.demo and demo_is_used(st.session_state.get("data_folder", "")):
            begin_demo(selection, nothing_yet=table.empty)
        draw_run_control(selection)
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


def _draw_category(source: DataSource, with_results: list[str], asked: bool) -> str:
    names = [*source.categories, *(n for n in with_results if n not in source.categories)]
    if not names:
        return ""
    keep_choice("category", names)
    if asked:
        st.selectbox(t("category"), names, key="category", width=CHOICE_PX, on_change=_begin_anew)
    return str(st.session_state["category"])


def _begin_anew() -> None:
    """Forget the sample: another category has others, some of the same name."""
    forget("sample")
    forget_scores()


def _draw_method(asked: bool, with_results: set[str]) -> str:
    """Draw the choice of method; it begins with one that has results, or else a quick one."""
    if "method" not in st.session_state:
        quick = [key for key, method in METHODS.items() if not method.long_fit]
        ready = [key for key in METHODS if key in with_results]
        st.session_state["method"] = [*ready, *quick, *METHODS][0]
    keep_choice("method", list(METHODS))
    if asked:
        st.segmented_control(
            t("method"),
            list(METHODS),
            key="method",
            format_func=lambda key: METHODS[key].title,
            required=True,
            on_change=forget_scores,
        )
    return str(st.session_state["method"])


def _draw_settings(names: list[str]) -> str:
    """Draw the choice of settings where there are results of several; the default ones first."""
    keep_choice("settings", names)
    if len(names) > 1:
        st.selectbox(
            t("column_settings"),
            names,
            key="settings",
            format_func=settings_title,
            width=CHOICE_PX,
        )
    return str(st.session_state["settings"])


def _draw_language() -> None:
    st.session_state["lang"] = language()
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
