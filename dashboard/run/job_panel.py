"""The current or last job on the run page: progress, log, cancel, resume."""

from __future__ import annotations

import time
from datetime import datetime

import streamlit as st

from dashboard.run.control import draw_cancel, draw_end, draw_progress, duration, launch, refusal
from dashboard.state import Selection, t, told
from dashboard.tables import method_title
from dashboard.texts import plain
from evaluation.run.job import job_log, read_status, resume_arguments
from evaluation.run.progress import CANCELLED, DONE, FAILED, RUNNING, SKIPPED, WAITING, JobStatus
from evaluation.run.request import command_line

POLL_S = 1.0
LOG_LINES = 20


def draw_job(selection: Selection) -> None:
    """Draw the current job, live, or how the last one ended."""
    status = read_status(selection.outputs)
    if status is None:
        st.info(t("runpage_no_job"))
    elif status.state == RUNNING:
        st.fragment(_draw_live, run_every=POLL_S)(selection)
    else:
        _draw_last(selection, status)


def _draw_live(selection: Selection) -> None:
    status = read_status(selection.outputs)
    if status is None or status.state != RUNNING:
        st.rerun()
    draw_progress(status)
    running_for = duration(max(0.0, time.time() - status.started))
    st.caption(t("runpage_running_for", time=running_for, pid=status.pid))
    _draw_other_settings(status)
    draw_cancel(selection.outputs, "job_cancel")
    _draw_log(selection, status, expanded=True)


def _draw_last(selection: Selection, status: JobStatus) -> None:
    draw_end(status)
    st.caption(
        t(
            "runpage_last",
            started=_clock(status.started),
            time=duration(max(0.0, status.updated - status.started)),
            done=status.count(DONE),
            skipped=status.count(SKIPPED),
            failed=status.count(FAILED),
            left=status.count(WAITING, CANCELLED),
        )
    )
    _draw_other_settings(status)
    for cell in status.cells:
        if cell.state == FAILED and cell.reason:
            name = f"{plain(cell.category)} / {plain(method_title(cell.method))}"
            st.markdown(f"- **{name}**: {told(cell.reason)}")
    if status.state in (CANCELLED, FAILED) and status.arguments:
        arguments = resume_arguments(status)
        if refused := refusal(arguments):
            st.warning(refused)
        elif st.button(t("runpage_resume"), key="job_resume", help=t("runpage_resume_help")):
            launch(selection.outputs, arguments)
            st.rerun()
        if not refused:
            line = command_line(arguments, selection.outputs)
            st.code(line, language="bash", wrap_lines=True)
    _draw_log(selection, status, expanded=status.state == FAILED)


def _draw_other_settings(status: JobStatus) -> None:
    names = dict.fromkeys(cell.settings_id for cell in status.cells if cell.settings_id)
    if names:
        st.caption(t("runpage_job_settings", names=", ".join(names)))


def _draw_log(selection: Selection, status: JobStatus, expanded: bool) -> None:
    log = job_log(selection.outputs, status, LOG_LINES)
    if log:
        with st.expander(t("runpage_log", count=LOG_LINES), expanded=expanded):
            st.code(log, language=None, wrap_lines=True)
    else:
        st.caption(t("runpage_no_log"))


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")
