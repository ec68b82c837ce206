"""The evaluation as a process of its own: its status, its lock, starting and ending it.

``evaluate.py`` writes ``outputs/.job/status.json`` while it runs, whoever started it. Process id
and creation time tell a living job from a dead one, so no job stays "running" for ever.
"""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

import psutil
from filelock import FileLock, Timeout

from data_utils.locations import PROJECT, leads_out
from evaluation.cells import CellKey, is_short_file, write_atomically

JOB_FOLDER = ".job"
WAITING, RUNNING, DONE, SKIPPED, FAILED, CANCELLED = (
    "waiting",
    "running",
    "done",
    "skipped",
    "failed",
    "cancelled",
)
CREATION_TOLERANCE_S = 1.0
TERMINATE_WAIT_S = 1.5
START_WAIT_S = 10.0
DETACHED_WINDOWS_PROCESS = 0x00000200 | 0x08000000
HERE = "this machine"  # among the workers: what decides which cells a cluster makes
LARGEST_NUMBER = 1e11  # seconds since the epoch, far ahead; no count of a job is larger
LARGEST_PID = 2**31 - 1


class BusyError(RuntimeError):
    """Another evaluation holds the outputs folder; the message says which."""


@dataclass
class CellState:
    """One planned cell of a job; `settings_id` is empty for the default settings."""

    category: str
    method: str
    state: str = WAITING
    reason: str = ""
    settings_id: str = ""

    @property
    def key(self) -> CellKey:
        """What names the cell."""
        return CellKey(self.category, self.method, self.settings_id)


@dataclass
class WorkerState:
    """What one of several workers does now, and how far it is."""

    name: str
    phase: str = ""
    done: int = 0
    total: int = 0


@dataclass
class JobStatus:
    """What a job says about itself.

    Attributes
    ----------
    state : str
        ``running``, ``done``, ``failed`` (at least one cell, or the job itself) or ``cancelled``.
    pid, created : int, float
        The process and its creation time in seconds since the epoch.
    booted : float
        When the machine was started, by the same clock; 0 if it is not known.
    phase, done, total : str, int, int
        What it does now and how far it is.
    eta_s : float or None
        Estimated seconds left; None while no cell of that kind has been timed here.
    arguments : list of str
        What starts the same run again, without the outputs folder.
    workers : list of WorkerState
        Those at work, where a run has several; what they do stands here instead of in `phase`.
    cluster : str
        Address of the Dask cluster's own dashboard, "" without one.
    """

    state: str = RUNNING
    pid: int = 0
    created: float = 0.0
    booted: float = 0.0
    started: float = 0.0
    updated: float = 0.0
    phase: str = ""
    done: int = 0
    total: int = 0
    eta_s: float | None = None
    last_error: str = ""
    cells: list[CellState] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    workers: list[WorkerState] = field(default_factory=list)
    cluster: str = ""

    @property
    def current(self) -> list[CellState]:
        """The cells being worked on."""
        return [cell for cell in self.cells if cell.state == RUNNING]

    def count(self, *states: str) -> int:
        """Return how many cells are in one of `states`."""
        return sum(cell.state in states for cell in self.cells)


def job_folder(outputs: Path) -> Path:
    """Return the folder of status, log and lock; raises OSError if it is a link that leads out."""
    folder = outputs / JOB_FOLDER
    if leads_out(folder, outputs):
        raise OSError(errno.ELOOP, "a link there leads out of the outputs folder", str(folder))
    return folder


def log_file(outputs: Path) -> Path:
    """Return the log of the job started from the app."""
    return job_folder(outputs) / "log.txt"


def write_status(outputs: Path, status: JobStatus) -> None:
    """Replace the status file in one step; what is no text in a name becomes a question mark."""
    text = json.dumps(asdict(status), ensure_ascii=False).encode(errors="replace").decode()
    write_atomically(job_folder(outputs) / "status.json", text, lasting=False)


def read_status(outputs: Path) -> JobStatus | None:
    """Return the last job's status, None if there is none or it is unreadable.

    A job that says it is running but whose process is gone comes back as failed.
    """
    status = _written_status(outputs)
    if status is not None and status.state == RUNNING and _process(status) is None:
        return _ended(status, FAILED, "the process ended without saying why; see the log")
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
        holder = f" (process {status.pid})" if status and status.state == RUNNING else ""
        raise BusyError(
            f"Another evaluation{holder} is using {outputs}; wait for it or cancel it."
        ) from error
    return lock


def creation(process: psutil.Process) -> tuple[float, float]:
    """Return when a process was created and when the machine was started, by the same clock."""
    booted = psutil.boot_time()
    return process.create_time(), booted


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
        raise BusyError(f"Another evaluation is just being started in {outputs}.") from error


def _start(outputs: Path, arguments: Sequence[str]) -> int:
    status = read_status(outputs)
    if status is not None and status.state == RUNNING:
        raise BusyError(
            f"Another evaluation (process {status.pid}) is using {outputs}; wait for it or "
            "cancel it."
        )
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
            phase="starting",
            arguments=list(arguments),
        ),
    )
    return process.pid


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
        raise BusyError(
            f"The evaluation (process {status.pid}) belongs to another user of this machine, who "
            "alone can cancel it."
        ) from error
    _, alive = psutil.wait_procs(tree, timeout=TERMINATE_WAIT_S)
    for member in alive:
        _signal(member, "kill")
    psutil.wait_procs(alive, timeout=TERMINATE_WAIT_S)
    latest = _written_status(outputs) or status
    if latest.state == RUNNING:
        with suppress(OSError):  # a full disk: without its process it is no running job either
            write_status(outputs, _ended(latest, CANCELLED, ""))
    return True


def log_tail(outputs: Path, lines: int = 20) -> str:
    """Return the last lines of the job's log, with progress bars reduced to their last state."""
    try:
        if not _is_own_file(log_file(outputs)):
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


def _written_status(outputs: Path) -> JobStatus | None:
    try:
        file = job_folder(outputs) / "status.json"
        if not (_is_own_file(file) and is_short_file(file)):
            return None
        content = json.loads(file.read_text(encoding="utf-8"))
        json.dumps(content, ensure_ascii=False).encode()  # finds halves of characters
        cells = [CellState(**cell) for cell in content.pop("cells")]
        workers = [WorkerState(**worker) for worker in content.pop("workers", [])]
        status = JobStatus(**content, cells=cells, workers=workers)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return status if _is_sound(status) else None


def _is_own_file(file: Path) -> bool:
    """Tell whether it is a file of the job's folder itself, no pipe and no link out."""
    return file.is_file() and not leads_out(file, file.parent)


def _is_sound(status: JobStatus) -> bool:
    """Tell whether every field holds what it should; anybody can have edited the file."""
    texts = [status.state, status.phase, status.last_error, status.cluster]
    texts += [text for cell in status.cells for text in asdict(cell).values()]
    texts += [text for worker in status.workers for text in (worker.name, worker.phase)]
    counts = [status.pid, status.done, status.total]
    counts += [count for worker in status.workers for count in (worker.done, worker.total)]
    numbers = [*counts, status.created, status.booted, status.started, status.updated]
    numbers += [] if status.eta_s is None else [status.eta_s]
    return (
        isinstance(status.arguments, list)
        and all(isinstance(text, str) for text in (*texts, *status.arguments))
        and all(type(count) is int for count in counts)
        and all(type(number) in (int, float) for number in numbers)
        and all(math.isfinite(number) and 0 <= number <= LARGEST_NUMBER for number in numbers)
        and status.pid <= LARGEST_PID
    )


def _this_and_parents() -> list[psutil.Process]:
    this = psutil.Process()
    try:
        return [this, *this.parents()]
    except psutil.Error:
        return [this]


def _ended(status: JobStatus, state: str, reason: str) -> JobStatus:
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
