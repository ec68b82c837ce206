"""The button that starts an evaluation, its live progress, and the button that ends it."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from dashboard.run.form import draw_scope, own_weights
from dashboard.state import Selection, said, t, told
from dashboard.tables import method_title
from dashboard.texts import plain
from data_utils.facts import Fact, fact, fact_of
from data_utils.locations import default_outputs, expanded, is_allowed, outputs_at
from detectors.backbones.names import RANDOM
from detectors.registry import METHODS
from evaluation.run.arguments import DEMO, ArgumentsError, parse_request
from evaluation.run.job import BusyError, cancel, job_log, read_status, start
from evaluation.run.progress import (
    CANCELLED,
    DONE,
    FAILED,
    HERE,
    RUNNING,
    SKIPPED,
    JobStatus,
    WorkerState,
)
from evaluation.run.request import SCHEDULER_VARIABLE, Request, named_scheduler
from evaluation.store.leave_out import LEAVE_OUT_FILE

POLL_S, TRIES = 1.0, 10
KEPT_REASONS = ("kept_weights", "kept_stand_in", "kept_data")
WORKERS_IN_SIGHT = 8
SEEN_RUNNING = "_job_seen_running"
PROBLEM, BEGUN = "_job_problem", "_demo_begun"


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
        if status and status.arguments in [one.arguments() for one in _demo_requests(selection)]:
            st.caption(t("demo_begun"))
        st.fragment(_draw_live, run_every=POLL_S)(str(selection.outputs))
        return
    _draw_last_job(selection.outputs, status)
    categories, methods, force = _draw_scope(selection)
    if pressed and selection.data is not None:
        start_evaluation(selection, categories, methods, force)
        st.rerun()


def begin_demo(selection: Selection, nothing_yet: bool) -> None:
    """Evaluate the demo data, where it stands in and nothing has been evaluated yet.

    The quick methods first, the others once these are done; never again after a cancel.
    """
    quick, slow = _demo_requests(selection)
    status = read_status(selection.outputs)
    if status is None and nothing_yet:
        asked = quick
    elif status is not None and status.state == DONE and status.arguments == quick.arguments():
        asked = slow
    else:
        return
    begun: set[Request] = st.session_state.setdefault(BEGUN, set())
    if asked in begun:  # it was refused; to try again in every run would slow all pages down
        return
    begun.add(asked)
    for _ in range(TRIES):  # the job before may have told its end, but not ended yet
        launch(selection.outputs, asked.arguments())
        if not st.session_state.pop(PROBLEM, ""):  # nobody has asked for it
            break
        time.sleep(1 / TRIES)


def _demo_requests(selection: Selection) -> tuple[Request, Request]:
    slow = tuple(key for key, method in METHODS.items() if method.long_fit)
    quick = tuple(key for key in METHODS if key not in slow)
    return Request(selection.data_argument, (), quick), Request(selection.data_argument, (), slow)


def _draw_scope(selection: Selection) -> tuple[list[str], list[str], bool]:
    """Draw what to run; return categories, methods (empty for all) and whether to repeat."""
    with st.expander(t("run_scope")):
        categories, methods = draw_scope(selection, "run")
        force = st.checkbox(t("run_force"), key="run_force", help=t("run_force_help"))
    return categories, methods, force


def start_evaluation(
    selection: Selection, categories: list[str], methods: list[str], force: bool = False
) -> None:
    """Start ``evaluate.py`` on the selected data; empty lists mean all."""
    if selection.data is not None:
        request = Request(selection.data_argument, tuple(categories), tuple(methods), force=force)
        launch(selection.outputs, request.arguments())


def draw_start(selection: Selection, request: Request, label: str, key: str) -> None:
    """Draw a button that starts a request on the selected category, if its pictures are there."""
    if selection.category not in selection.categories:
        return
    status = read_status(selection.outputs)
    running = status is not None and status.state == RUNNING
    if st.button(label, key=key, disabled=running):
        launch(selection.outputs, request.arguments())
        st.rerun()
    if running:
        st.caption(t("runpage_busy"))


def launch(outputs: Path, arguments: Sequence[str]) -> None:
    """Start ``evaluate.py`` with `arguments`; what prevents it is kept for the next run to show."""
    if refused := refusal(arguments):
        st.session_state[PROBLEM] = refused
        return
    try:
        start(outputs, parse_request(arguments).arguments())
        st.session_state[SEEN_RUNNING] = True
    except (BusyError, OSError) as error:
        st.session_state[PROBLEM] = told(fact_of(error))


def refusal(arguments: Sequence[str]) -> str:
    """Return why these arguments are not handed on, as Markdown; "" if nothing is wrong.

    Those of the last job stand in a file that anybody may have edited, and a category may be
    called like an option. Only a request passes, with folders and weights that this app may open.
    A cluster executes what it is sent, and is trusted with what it sends, so only the one that
    the machine's owner has named passes.
    """
    try:
        request = parse_request(arguments)
    except ArgumentsError:
        request = None
    if request is None or any(name.startswith("-") for name in request.categories):
        return t("run_argument_refused", arguments=shlex.join(arguments))
    if request.scheduler not in ("", named_scheduler()):
        return t("run_scheduler_refused", address=request.scheduler, variable=SCHEDULER_VARIABLE)
    list_there = str((outputs_at(default_outputs()) / LEAVE_OUT_FILE).absolute())
    for path, known in (
        (request.data, (DEMO,)),
        (request.weights, (None, RANDOM, own_weights())),
        (request.leave_out, (None, list_there)),
    ):
        if path is not None and path not in known and not is_allowed(expanded(path)):
            return t("run_path_refused", path=path)
    return ""


def _draw_last_job(outputs: Path, status: JobStatus | None) -> None:
    if problem := st.session_state.pop(PROBLEM, ""):
        st.error(problem)
    elif status is not None and (st.session_state.get(SEEN_RUNNING) or status.state == FAILED):
        draw_end(status)
        log = job_log(outputs, status)
        if status.state == FAILED and log:
            with st.expander(t("run_log")):
                st.code(log, language=None)


def _draw_live(outputs: str) -> None:
    status = read_status(Path(outputs))
    if status is None or status.state != RUNNING:
        st.rerun()
    if status.count(DONE, FAILED) != st.session_state.get("_job_finished_cells"):
        st.session_state["_job_finished_cells"] = status.count(DONE, FAILED)
        if status.count(DONE, SKIPPED, FAILED):
            st.rerun()
    draw_progress(status, short=True)
    draw_cancel(Path(outputs), "run_cancel")


def draw_progress(status: JobStatus, short: bool = False) -> None:
    """Draw how far the running job is: cells, the current phase, the time left.

    Parameters
    ----------
    short : bool
        Of several workers only how many there are, where there is little room.
    """
    total = len(status.cells)
    finished = status.count(DONE, SKIPPED, FAILED)
    part = status.done / status.total if status.total else 0.0
    st.progress(
        min(finished / total, 1.0) if total else 0.0,
        text=t("run_running", done=finished, total=total) if total else t("run_starting"),
    )
    if status.current:
        cells = {cell.category for cell in status.current}
        methods = dict.fromkeys(method_title(cell.method) for cell in status.current)
        st.caption(t("run_current", cells=f"{', '.join(sorted(cells))} · {', '.join(methods)}"))
    if status.workers and short:
        st.caption(t("run_workers", count=len(status.workers)))
    elif status.workers:
        draw_workers(status.workers)
    else:
        st.progress(min(part, 1.0), text=_doing(status.phase))
    st.caption(time_left(status))
    if is_web_address(status.cluster) and not short:
        st.link_button(t("run_cluster"), status.cluster, icon=":material/open_in_new:")


def draw_workers(workers: Sequence[WorkerState]) -> None:
    """Draw what each of several workers does, and how far it is."""
    for worker in workers[:WORKERS_IN_SIGHT]:
        part = worker.done / worker.total if worker.total else 0.0
        text = f"{plain(worker_name(worker))} · {_doing(worker.phase)}"
        st.progress(min(part, 1.0), text=text)
    if len(workers) > WORKERS_IN_SIGHT:
        st.caption(t("run_more_workers", count=len(workers) - WORKERS_IN_SIGHT))


def _doing(phase: Fact | None) -> str:
    return told(phase or fact("starting"))


def worker_name(worker: WorkerState) -> str:
    """Return a worker's name for people: a number on this machine, an address on a cluster."""
    if worker.name == HERE:
        return said("run_here")
    return said("run_worker", name=worker.name) if worker.name.isdecimal() else worker.name


def is_web_address(text: str) -> bool:
    """Tell whether a page may link to it; the status file can have been edited by anybody."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and text.isprintable()


def draw_cancel(outputs: Path, key: str) -> None:
    """Draw the button that ends the running job."""
    if st.button(t("run_cancel"), key=key, width="stretch"):
        try:
            cancel(outputs)
        except BusyError as error:
            st.toast(told(error.fact), icon=":material/block:")  # outlives the next poll
            return
        st.rerun()


def draw_end(status: JobStatus) -> None:
    """Say how a job ended."""
    if status.state == DONE:
        st.success(t("run_done", done=status.count(DONE), skipped=status.count(SKIPPED)))
        for cell in status.cells:
            if cell.reason and cell.reason.code in KEPT_REASONS:
                st.warning(f"{plain(f'{cell.category} / {cell.method}')}: {told(cell.reason)}")
    elif status.state == CANCELLED:
        st.info(t("run_cancelled"))
    elif status.state == FAILED:
        reason = told(status.last_error) if status.last_error else ""
        st.error(f"{t('run_failed')} {reason}")


def time_left(status: JobStatus) -> str:
    """Return the estimated time left in words."""
    if status.eta_s is None:
        return t("run_eta_unknown")
    return t("run_eta", minutes=duration(status.eta_s))


def duration(seconds: float) -> str:
    """Return seconds or minutes in words."""
    if seconds < 90:
        return t("seconds_value", seconds=max(1, round(seconds)))
    return t("minutes_value", minutes=round(seconds / 60))
