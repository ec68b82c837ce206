"""Compare: one test picture as every method sees it, and where the methods disagree."""

from __future__ import annotations

import streamlit as st

from dashboard.compare.finder import draw_disagreement, draw_wrong_together
from dashboard.compare.lineup import Comparison, compared, unlike
from dashboard.compare.panels import draw_row
from dashboard.finished import FinishedCell, finished_methods
from dashboard.frame import framed
from dashboard.loaders import results
from dashboard.notices import draw_brightness_notice, draw_notices
from dashboard.run.control import start_evaluation
from dashboard.state import (
    Selection,
    draw_false_alarm_slider,
    keep_choice,
    mirror_in_url,
    selected,
    t,
)
from dashboard.tables import method_title
from dashboard.texts import plain
from detectors.registry import METHODS
from evaluation.cells import CELL_FILE
from evaluation.job import RUNNING, read_status

FILTER_KEY, EVERYTHING = "compare_defect", ""


def draw() -> None:
    """Draw the page."""
    selection = selected()
    st.title(t("compare_title", category=selection.category))
    draw_notices(selection)
    if not selection.category:
        st.info(t("choose_category"))
        return
    st.markdown(t("compare_lead"))
    _draw_results(selection)


@st.fragment
def _draw_results(selection: Selection) -> None:
    """Draw what there is of the category; a click redraws only this part of the page."""
    cells, problems = finished_methods(selection.outputs, selection.category)
    for problem in dict.fromkeys(problems):
        st.error(plain(problem))
    _draw_missing(selection, nothing=not cells and not problems)
    if not cells:
        return
    _draw_origin(selection, cells)
    false_alarms = draw_false_alarm_slider()
    comparison = compared(cells, false_alarms)
    defect = _draw_filter(comparison.defects())
    row = _draw_picker(comparison, comparison.positions(defect))
    draw_row(comparison, row, false_alarms)
    draw_disagreement(comparison, defect)
    draw_wrong_together(comparison, defect, false_alarms)
    draw_brightness_notice(results(selection.outputs)[0], selection.category)
    mirror_in_url()


def _draw_origin(selection: Selection, cells: list[FinishedCell]) -> None:
    """Say where the results come from if not from what the sidebar says, or not from one place."""
    differences = unlike(cells)
    if differences:
        st.warning(t("compare_unlike", what=differences), icon=":material/warning:")
    if any(cell.about["demo_data"] for cell in cells) and not selection.demo:
        st.info(t("demo_results"), icon=":material/palette:")
    elif selection.data is not None:
        here = str(selection.data.resolve())
        for root in sorted({str(cell.about["data_root"]) for cell in cells} - {here}):
            st.info(t("made_from", root=root))


def _draw_missing(selection: Selection, nothing: bool) -> None:
    """Name the methods without results, and offer to evaluate them."""
    folder = selection.outputs / selection.category
    missing = [method for method in METHODS if not (folder / method / CELL_FILE).is_file()]
    if not missing:
        return
    titles = ", ".join(method_title(method) for method in missing)
    if nothing:
        st.info(t("no_methods_yet", category=selection.category))
    else:
        st.info(t("method_missing", methods=titles))
    status = read_status(selection.outputs)
    running = status is not None and status.state == RUNNING
    if selection.data is None or selection.category not in selection.categories or running:
        return
    if st.button(
        t("compare_evaluate", methods=titles, category=selection.category),
        key="compare_evaluate",
        help=t("compare_evaluate_hint"),
    ):
        start_evaluation(selection, [selection.category], missing)
        st.rerun()


def _draw_filter(defects: list[str]) -> str:
    """Draw the filter; return the defect type, "" for all."""
    options = [EVERYTHING, *defects]
    keep_choice(FILTER_KEY, options)
    defect = st.pills(
        t("filter_defect"),
        options,
        key=FILTER_KEY,
        format_func=lambda name: plain(name) if name else t("everything"),
        required=True,
    )
    return str(defect)


def _draw_picker(comparison: Comparison, rows: list[int]) -> int:
    """Draw list, previous and next; return the chosen row of the comparison."""
    names = [comparison.together.names[row] for row in rows]
    keep_choice("sample", names)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(t("sample"), names, key="sample")
        st.button(t("previous"), key="previous", on_click=_step, args=(names, -1))
        st.button(t("next"), key="next", on_click=_step, args=(names, 1))
    st.caption(t("position", position=names.index(name) + 1, count=len(names)))
    return rows[names.index(name)]


def _step(names: list[str], by: int) -> None:
    current = names.index(st.session_state["sample"]) if st.session_state["sample"] in names else 0
    st.session_state["sample"] = names[(current + by) % len(names)]


framed(draw)
