"""The evaluation as a process of its own: its status, its lock, starting and ending it.

``evaluate.py`` writes ``outputs/.job/status.json`` while it runs, whoever started it. Process id
and creation time tell a living job from a dead one, so no job stays "running" for ever.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

import psutil
from filelock import FileLock, Timeout

from data_utils.facts import Fact, Fault, fact
from data_utils.locations import PROJECT, leads_out
from evaluation.run.progress import (
    CANCELLED,
    DONE,
    FAILED,
    RUNNING,
    JobStatus,
    creation,
    job_folder,
    stored_status,
    write_status,
)
from evaluation.store.cells import remove_cell
from evaluation.store.places import CellKey, CellPlace
from evaluation.store.summary import write_summary

CREATION_TOLERANCE_S = 1.0
TERMINATE_WAIT_S = 1.5
START_WAIT_S = 10.0
DETACHED_WINDOWS_PROCESS = 0x00000200 | 0x08000000


class BusyError(Fault):
    """Another evaluation holds the outputs folder."""


def log_file(outputs: Path) -> Path:
    """Return the log of the job started from the app."""
    return job_folder(outputs) / "log.txt"


def read_status(outputs: Path) -> JobStatus | None:
    """Return the last job's status, None if there is none or it is unreadable.

    A job that says it is running but whose process is gone comes back as failed.
    """
    status = stored_status(outputs)
    if status is not None and status.state == RUNNING and _process(status) is None:
        return _ended(status, FAILED, fact("process_ended"))
    return status


class HeldLock(FileLock):
    """A file lock that is taken before its ``with`` block, which therefore takes it no more."""

    def __enter__(self) -> Self:
        return self


def lock_outputs(outputs: Path) -> HeldLock:
    """Take the lock of the outputs folder; release it with ``.release()`` or ``with``.

    The system frees the lock of a dead process by itself.

    Raises
    ------
    BusyError
        If another process or page holds it.
    """
    job_folder(outputs).mkdir(parents=True, exist_ok=True)
    lock = HeldLock(job_folder(outputs) / "lock", timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        status = read_status(outputs)
        if status is not None and status.state == RUNNING:
            raise BusyError("outputs_busy", pid=status.pid, outputs=outputs) from error
        raise BusyError("outputs_locked", outputs=outputs) from error
    return lock


def start(outputs: Path, arguments: Sequence[str]) -> int:
    """Start ``evaluate.py`` with `arguments` detached from this process; return its id.

    Of two calls at the same moment the second one finds the first one's job running.

    Raises
    ------
    BusyError
        If a job is running already.
    """
    job_folder(outputs).mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(job_folder(outputs) / "start.lock", timeout=START_WAIT_S):
            return _start(outputs, arguments)
    except Timeout as error:
        raise BusyError("outputs_starting", outputs=outputs) from error


def _start(outputs: Path, arguments: Sequence[str]) -> int:
    status = read_status(outputs)
    if status is not None and status.state == RUNNING:
        raise BusyError("outputs_busy", pid=status.pid, outputs=outputs)
    lock_outputs(outputs).release()
    log_file(outputs).unlink(missing_ok=True)  # a link in its place is not followed
    command = [
        sys.executable,
        str(PROJECT / "evaluate.py"),
        "--out",
        str(outputs.resolve()),
        *arguments,
    ]
    with log_file(outputs).open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"},
            **(
                {"creationflags": DETACHED_WINDOWS_PROCESS}
                if os.name == "nt"
                else {"start_new_session": True}
            ),
        )
    now = time.time()
    created, booted = creation(psutil.Process(process.pid))
    write_status(
        outputs,
        JobStatus(
            pid=process.pid,
            created=created,
            booted=booted,
            started=now,
            updated=now,
            phase=fact("starting"),
            arguments=list(arguments),
        ),
    )
    return process.pid


def resume_arguments(status: JobStatus) -> list[str]:
    """Return the arguments that go on with a job that was cancelled or failed.

    They are the same, as finished cells are skipped. A job that repeats finished cells goes on
    with the categories that it had not completed.
    """
    if "--force" not in status.arguments:
        return status.arguments
    unfinished = dict.fromkeys(cell.category for cell in status.cells if cell.state != DONE)
    return [*status.arguments, *(["--categories", *unfinished] if unfinished else [])]


def cancel(outputs: Path) -> bool:
    """End the running job with all its processes; return whether there was one.

    Finished cells stay; the cell in work is given up. A status that names this very process, or
    one that started it, is no job's.

    Raises
    ------
    BusyError
        If the system does not let this user end it.
    """
    status = read_status(outputs)
    process = _process(status) if status is not None and status.state == RUNNING else None
    if status is None or process is None or process in _this_and_parents():
        return False
    tree = [process, *_children(process)]
    try:
        for member in tree:
            _signal(member, "terminate")
    except psutil.AccessDenied as error:
        raise BusyError("job_of_other_user", pid=status.pid) from error
    _, alive = psutil.wait_procs(tree, timeout=TERMINATE_WAIT_S)
    for member in alive:
        _signal(member, "kill")
    psutil.wait_procs(alive, timeout=TERMINATE_WAIT_S)
    latest = stored_status(outputs) or status
    if latest.state == RUNNING:
        with suppress(OSError):  # a full disk: without its process it is no running job either
            write_status(outputs, _ended(latest, CANCELLED))
    return True


def log_tail(outputs: Path, lines: int = 20) -> str:
    """Return the last lines of the job's log, with progress bars reduced to their last state."""
    try:
        if not log_file(outputs).is_file() or leads_out(log_file(outputs), job_folder(outputs)):
            return ""
        with log_file(outputs).open("rb") as file:
            file.seek(max(0, log_file(outputs).stat().st_size - 20_000))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    shown = [line.rsplit("\r", 1)[-1].rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    return "\n".join([line for line in shown if line][-lines:])


def job_log(outputs: Path, status: JobStatus, lines: int = 20) -> str:
    """Return the last lines of this job's log, nothing for a job that was started in a shell.

    Such a job writes no log; what lies there was written before its process began.
    """
    try:
        written = log_file(outputs).stat().st_mtime
    except OSError:
        return ""
    return log_tail(outputs, lines) if written >= status.created - CREATION_TOLERANCE_S else ""


def _this_and_parents() -> list[psutil.Process]:
    this = psutil.Process()
    try:
        return [this, *this.parents()]
    except psutil.Error:
        return [this]


def _ended(status: JobStatus, state: str, reason: Fact | None = None) -> JobStatus:
    cells = [
        replace(cell, state=state, reason=reason) if cell.state == RUNNING else cell
        for cell in status.cells
    ]
    error = reason or status.last_error
    return replace(status, state=state, cells=cells, eta_s=None, last_error=error, workers=[])


def _process(status: JobStatus) -> psutil.Process | None:
    """Return the process of a job while it is alive.

    Linux counts creation times from the machine's start. When its clock is set, after a sleep for
    example, both move together, and the time between them stays.
    """
    try:
        process = psutil.Process(status.pid)
        created, booted = creation(process)
        moved = booted - status.booted if status.booted else 0.0
        same = any(
            abs(created - status.created - by) <= CREATION_TOLERANCE_S for by in (0.0, moved)
        )
        alive = same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError, TypeError):
        return None
    return process if alive else None


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _signal(process: psutil.Process, name: str) -> None:
    with suppress(psutil.NoSuchProcess):
        getattr(process, name)()


def remove_cells(outputs: Path, cells: Iterable[CellKey]) -> None:
    """Remove cells with all their files, and their rows of the summary.

    Raises
    ------
    BusyError
        If an evaluation is using the outputs folder.
    CellError
        If a name leads out of the outputs folder.
    OSError
        If something cannot be removed.
    """
    with lock_outputs(outputs):
        for cell in cells:
            remove_cell(CellPlace(outputs, *cell))
        write_summary(outputs)
