"""Compare: one test picture as every method sees it, and where the methods disagree."""

from __future__ import annotations

import streamlit as st

from dashboard.compare.finder import draw_disagreement, draw_wrong_together
from dashboard.compare.lineup import compared, unlike
from dashboard.compare.panels import draw_row
from dashboard.finished import finished_methods
from dashboard.frame import framed
from dashboard.loaders import results
from dashboard.notices import draw_brightness_notice, draw_no_results, draw_notices, draw_origin
from dashboard.run.control import start_evaluation
from dashboard.samples.picker import draw_filter, draw_picker
from dashboard.state import Selection, draw_false_alarm_slider, mirror_in_url, selected, t
from dashboard.tables import method_title
from dashboard.texts import plain
from detectors.registry import METHODS
from evaluation.cells import CELL_FILE
from evaluation.job import RUNNING, read_status

FILTER_KEY = "compare_defect"


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
    differences = unlike(cells)
    if differences:
        st.warning(t("compare_unlike", what=differences), icon=":material/warning:")
    draw_origin(selection, [cell.about for cell in cells])
    false_alarms = draw_false_alarm_slider()
    comparison = compared(cells, false_alarms)
    defect = draw_filter(comparison.defects(), comparison.together.names, FILTER_KEY)
    rows = comparison.positions(defect)
    at = draw_picker([comparison.together.names[row] for row in rows])
    st.caption(t("position", position=at + 1, count=len(rows)))
    draw_row(comparison, rows[at], false_alarms)
    draw_disagreement(comparison, defect)
    draw_wrong_together(comparison, defect, false_alarms)
    draw_brightness_notice(results(selection.outputs)[0], selection.category)
    mirror_in_url()


def _draw_missing(selection: Selection, nothing: bool) -> None:
    """Name the methods without results, and offer to evaluate them."""
    folder = selection.outputs / selection.category
    missing = [method for method in METHODS if not (folder / method / CELL_FILE).is_file()]
    if not missing:
        return
    titles = ", ".join(method_title(method) for method in missing)
    if nothing:
        draw_no_results(selection)
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


framed(draw)
