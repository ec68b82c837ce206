"""The button that starts an evaluation, its live progress, and the button that ends it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.state import Selection, t
from dashboard.texts import plain
from detectors.registry import METHODS
from evaluation.job import (
    CANCELLED,
    DONE,
    FAILED,
    RUNNING,
    SKIPPED,
    BusyError,
    JobStatus,
    cancel,
    log_tail,
    read_status,
    start,
)

POLL_S = 1.0
SEEN_RUNNING = "_job_seen_running"


def draw_run_control(selection: Selection) -> None:
    """Draw the button, what it runs, and the state of the current or last job."""
    status = read_status(selection.outputs)
    running = status is not None and status.state == RUNNING
    pressed = st.button(
        t("run_full"),
        type="primary",
        width="stretch",
        disabled=running or selection.data is None,
        key="run_full",
    )
    if running:
        st.session_state[SEEN_RUNNING] = True
        st.fragment(_draw_progress, run_every=POLL_S)(str(selection.outputs))
        return
    _draw_last_job(selection.outputs, status)
    categories, methods, force = _draw_scope(selection)
    if pressed and selection.data is not None:
        start_evaluation(selection, categories, methods, force)
        st.rerun()


def _draw_scope(selection: Selection) -> tuple[list[str], list[str], bool]:
    """Draw what to run; return categories, methods (empty for all) and whether to repeat."""
    with st.expander(t("run_scope")):
        categories = st.multiselect(
            t("run_categories"),
            list(selection.categories),
            key="run_categories",
            placeholder=t("everything"),
            help=t("run_everything_help"),
        )
        methods = st.multiselect(
            t("run_methods"),
            list(METHODS),
            format_func=lambda key: METHODS[key].title,
            key="run_methods",
            placeholder=t("everything"),
            help=t("run_everything_help"),
        )
        force = st.checkbox(t("run_force"), key="run_force", help=t("run_force_help"))
    return categories, methods, force


def start_evaluation(
    selection: Selection, categories: list[str], methods: list[str], force: bool = False
) -> None:
    """Start ``evaluate.py`` on the selected data; empty lists mean all.

    What prevents it is kept for the next run to show.
    """
    arguments = [f"--data={selection.data}"]
    if categories:
        arguments += ["--categories", *categories]
    if methods:
        arguments += ["--methods", *methods]
    if force:
        arguments.append("--force")
    try:
        start(selection.outputs, arguments)
        st.session_state[SEEN_RUNNING] = True
    except (BusyError, OSError) as error:
        st.session_state["_job_problem"] = str(error)


def _draw_last_job(outputs: Path, status: JobStatus | None) -> None:
    problem = st.session_state.pop("_job_problem", "")
    if problem:
        st.error(plain(problem))
    elif status is not None and (st.session_state.get(SEEN_RUNNING) or status.state == FAILED):
        _draw_end(status, outputs)


def _draw_progress(outputs: str) -> None:
    status = read_status(Path(outputs))
    if status is None or status.state != RUNNING:
        st.rerun()
    total = len(status.cells)
    finished = status.count(DONE, SKIPPED, FAILED)
    if status.count(DONE, FAILED) != st.session_state.get("_job_finished_cells"):
        st.session_state["_job_finished_cells"] = status.count(DONE, FAILED)
        if finished:
            st.rerun()
    part = status.done / status.total if status.total else 0.0
    st.progress(
        min(finished / total, 1.0) if total else 0.0,
        text=t("run_running", done=finished, total=total) if total else t("run_starting"),
    )
    if status.current:
        cells = {cell.category for cell in status.current}
        methods = [METHODS[cell.method].title for cell in status.current]
        st.caption(t("run_current", cells=f"{', '.join(sorted(cells))} · {', '.join(methods)}"))
    st.progress(min(part, 1.0), text=plain(status.phase) or t("run_starting"))
    st.caption(_time_left(status))
    if st.button(t("run_cancel"), key="run_cancel", width="stretch"):
        cancel(Path(outputs))
        st.rerun()


def _draw_end(status: JobStatus, outputs: Path) -> None:
    if status.state == DONE:
        st.success(t("run_done", done=status.count(DONE), skipped=status.count(SKIPPED)))
        kept = [cell for cell in status.cells if cell.reason.startswith("kept")]
        for cell in kept:
            st.warning(plain(f"{cell.category} / {cell.method}: {cell.reason}"))
    elif status.state == CANCELLED:
        st.info(t("run_cancelled"))
    elif status.state == FAILED:
        st.error(t("run_failed", reason=status.last_error))
        with st.expander(t("run_log")):
            st.code(log_tail(outputs), language=None)


def _time_left(status: JobStatus) -> str:
    if status.eta_s is None:
        return t("run_eta_unknown")
    if status.eta_s < 90:
        return t("run_eta", minutes=t("seconds_value", seconds=max(1, round(status.eta_s))))
    return t("run_eta", minutes=t("minutes_value", minutes=round(status.eta_s / 60)))
