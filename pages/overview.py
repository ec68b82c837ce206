"""Overview: what data there is, all results, which method to take, and what has been run."""

from __future__ import annotations

import streamlit as st

from dashboard.frame import framed
from dashboard.loaders import disagreement, readable_cells, results, results_stamp, stamped_cells
from dashboard.opening import draw_notices, opened
from dashboard.overview.data_panel import category_counts, draw_contact_sheet, draw_counts
from dashboard.overview.metric_table import draw_results
from dashboard.overview.recommendation_panel import draw_recommendation
from dashboard.report.button import draw_report_button
from dashboard.run.matrix import draw_matrix
from dashboard.state import t, told
from dashboard.texts import plain
from evaluation.run.job import read_status
from evaluation.run.progress import RUNNING
from evaluation.run.states import is_from
from evaluation.store.cells import failures


def draw() -> None:
    """Draw the page: the answer, then what it rests on; pictures of the data last."""
    selection = opened("overview_title", "overview_lead")
    summary, problems = results(selection.outputs)
    draw_notices(selection, summary.to_dict("records"))
    _, damaged = stamped_cells(str(selection.outputs), results_stamp(selection.outputs))
    for problem in (*problems, *disagreement(selection.outputs)):
        if problem not in damaged:
            st.warning(told(problem), icon=":material/warning:")
    if summary.empty:
        status = read_status(selection.outputs)
        running = status is not None and status.state == RUNNING
        st.subheader(t("no_results_title"))
        st.markdown(t("no_results_running" if running else "no_results_hint"))
    else:
        if selection.category:
            draw_recommendation(selection)
        st.header(t("results_title"))
        draw_results(summary)
    st.header(t("overview_data_title"))
    counts = category_counts(selection)
    if selection.data is not None and counts:
        rows = summary.to_dict("records")
        here = summary.iloc[[at for at, row in enumerate(rows) if is_from(row, selection.data)]]
        draw_counts(selection.data, counts, here, expanded=summary.empty)
    else:
        st.info(t("overview_no_data"))
    contact_sheet = st.container()
    st.header(t("overview_matrix_title"))
    draw_matrix(selection, readable_cells(selection.outputs))
    draw_report_button(selection)
    failed = failures(selection.outputs)
    if failed:
        with st.expander(t("failed_cells"), expanded=True):
            for note in failed:
                st.error(f"{plain(f'{note.category} / {note.method}')}: {told(note.reason)}")
    if damaged:
        with st.expander(t("unreadable_cells"), expanded=True):
            for problem in damaged:
                st.warning(told(problem))
    with contact_sheet:
        draw_contact_sheet(counts)


framed(draw)
