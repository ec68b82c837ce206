"""Overview: what data there is, all results, which method to take, and what has been run."""

from __future__ import annotations

import streamlit as st

from dashboard.frame import framed
from dashboard.loaders import disagreement, readable_cells, results, results_stamp, stamped_cells
from dashboard.notices import draw_brightness_notice, draw_notices, draw_origin
from dashboard.overview.choice import draw_choice
from dashboard.overview.data import category_counts, draw_contact_sheet, draw_counts
from dashboard.overview.results import draw_results
from dashboard.report.button import draw_report_button
from dashboard.run.matrix import draw_matrix
from dashboard.state import Selection, selected, t
from dashboard.texts import plain
from evaluation.cells import failures


def draw() -> None:
    """Draw the page; the contact sheet last, because it reads pictures."""
    selection = selected()
    summary, problems = results(selection.outputs)
    st.title(t("overview_title"))
    st.markdown(t("overview_lead"))
    draw_notices(selection)
    draw_origin(selection, summary.to_dict("records"))
    draw_brightness_notice(summary, None)
    st.header(t("overview_data_title"))
    counts = category_counts(selection)
    if selection.data is not None and counts:
        draw_counts(selection.data, counts, expanded=summary.empty)
    else:
        st.info(t("overview_no_data"))
    contact_sheet = st.container()
    st.header(t("results_title"))
    _, damaged = stamped_cells(str(selection.outputs), results_stamp(selection.outputs))
    for problem in (*problems, disagreement(selection.outputs)):
        if problem and problem not in damaged:
            st.warning(plain(problem), icon=":material/warning:")
    if summary.empty:
        st.subheader(t("no_results_title"))
        st.markdown(t("no_results_hint"))
    else:
        draw_results(summary)
        st.header(t("overview_choice_title"))
        if selection.category:
            st.markdown(t("overview_choice_lead", category=selection.category))
        draw_choice(selection)
    st.header(t("overview_matrix_title"))
    draw_matrix(selection, readable_cells(selection.outputs))
    draw_report_button(selection)
    _draw_problems(selection, damaged)
    with contact_sheet:
        draw_contact_sheet(counts)


def _draw_problems(selection: Selection, problems: list[str]) -> None:
    failed = failures(selection.outputs)
    if failed:
        with st.expander(t("failed_cells"), expanded=True):
            for note in failed:
                st.error(plain(f"{note['category']} / {note['method']}: {note['reason']}"))
    if problems:
        with st.expander(t("unreadable_cells"), expanded=True):
            for problem in problems:
                st.warning(plain(problem))


framed(draw)
