"""Run: what has been evaluated, what is running, and a form to evaluate with other settings."""

from __future__ import annotations

import streamlit as st

from dashboard.frame import framed
from dashboard.opening import opened
from dashboard.run.control import launch
from dashboard.run.form import draw_form
from dashboard.run.history import draw_history
from dashboard.run.job_panel import draw_job
from dashboard.run.matrix import draw_matrix
from dashboard.state import Selection, t
from dashboard.tables import method_title
from detectors.registry import METHODS
from evaluation.run.job import read_status
from evaluation.run.progress import RUNNING
from evaluation.run.request import Request, command_line
from evaluation.store.places import SETTINGS_FOLDER


def draw() -> None:
    """Draw the page."""
    selection = opened("runpage_title", "runpage_lead")
    st.subheader(t("runpage_job_title"))
    draw_job(selection)
    st.subheader(t("runpage_matrix_title"))
    draw_matrix(selection)
    st.subheader(t("runpage_new_title"))
    _draw_new(selection)
    st.subheader(t("history_title"))
    draw_history(selection)


def _draw_new(selection: Selection) -> None:
    request, problem = draw_form(selection)
    if problem:
        st.error(problem)
    else:
        st.caption(t("runpage_command"))
        line = command_line(request.arguments(), selection.outputs)
        st.code(line, language="bash", wrap_lines=True)
        _say_where(request)
    status = read_status(selection.outputs)
    running = status is not None and status.state == RUNNING
    if st.button(
        t("runpage_start"), type="primary", key="form_start", disabled=running or bool(problem)
    ):
        launch(selection.outputs, request.arguments())
        st.rerun()
    if running:
        st.caption(t("runpage_busy"))


def _say_where(request: Request) -> None:
    """Say into which folders cells with other than the default settings go."""
    methods = request.methods or tuple(METHODS)
    combined = request.settings()
    if request.train_counts:  # no cells
        return
    if len(combined) > 1:
        cells = {(method, one.identifier(method)) for one in combined for method in methods}
        st.caption(t("runpage_sweep", count=len(cells), folder=SETTINGS_FOLDER))
        return
    for method in methods:
        if name := combined[0].identifier(method):
            folder = f"{SETTINGS_FOLDER}/{name}"
            st.caption(t("runpage_goes_to", method=method_title(method), folder=folder))


framed(draw)
