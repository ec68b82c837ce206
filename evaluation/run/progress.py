"""Reporting on a run: bars in the shell, a status file for the app."""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Never, TypeVar, get_origin, get_type_hints

import psutil
from tqdm import tqdm

from data_utils.facts import Fact, fact, from_json
from data_utils.locations import leads_out, readable
from evaluation.store.checksums import CHECKSUM, content_checksum
from evaluation.store.files import is_short_file, write_atomically
from evaluation.store.places import CellKey

JOB_FOLDER = ".job"
WAITING, RUNNING, DONE = "waiting", "running", "done"
SKIPPED, FAILED, CANCELLED = "skipped", "failed", "cancelled"
HERE = "this machine"  # among the workers: what decides which cells a cluster makes
FACTS = ("phase", "reason", "last_error")
LARGEST = 1e11  # of a number in a status, so that it is a time that a clock can show
WRITE_INTERVAL_S = 0.3
Progress = Callable[[int, int], None]


@dataclass
class CellState:
    """One planned cell of a job; `settings_id` is empty for the default settings."""

    category: str
    method: str
    state: str = WAITING
    reason: Fact | None = None
    settings_id: str = ""

    @property
    def key(self) -> CellKey:
        """What names the cell."""
        return CellKey(self.category, self.method, self.settings_id)


@dataclass
class WorkerState:
    """What one of several workers does now, and how far it is."""

    name: str
    phase: Fact | None = None
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
    phase, done, total : Fact or None, int, int
        What it does now and how far it is.
    eta_s : float or None
        Estimated seconds left; None while no cell of that kind has been timed here.
    last_error : Fact or None
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
    phase: Fact | None = None
    done: int = 0
    total: int = 0
    eta_s: float | None = None
    last_error: Fact | None = None
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


State = TypeVar("State", CellState, WorkerState, JobStatus)


def job_folder(outputs: Path) -> Path:
    """Return the folder of status, log and lock; raises OSError if it is a link that leads out."""
    folder = outputs / JOB_FOLDER
    if leads_out(folder, outputs):
        raise OSError(errno.ELOOP, "a link there leads out of the outputs folder", str(folder))
    return folder


def write_status(outputs: Path, status: JobStatus) -> None:
    """Replace the status file in one step; what is no text in a name becomes an escape."""
    content = asdict(status)
    content[CHECKSUM] = content_checksum(content)
    text = json.dumps(content, ensure_ascii=False).encode(errors="backslashreplace").decode()
    write_atomically(status_file(outputs), text, lasting=False)


def status_file(outputs: Path) -> Path:
    """Return the file in which a job says what it does."""
    return job_folder(outputs) / "status.json"


def stored_status(outputs: Path) -> JobStatus | None:
    """Return what the status file says, None if there is none or it was not written by a job."""
    try:
        file = status_file(outputs)
        if leads_out(file, file.parent) or not is_short_file(file):
            return None
        content = json.loads(file.read_text(encoding="utf-8"))
        if content.pop(CHECKSUM) != content_checksum(content):
            return None
        content["cells"] = [_filled(CellState, cell) for cell in content["cells"]]
        content["workers"] = [_filled(WorkerState, worker) for worker in content["workers"]]
        content["arguments"] = [str(argument) for argument in content["arguments"]]
        return _filled(JobStatus, content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _filled(kind: type[State], content: dict[str, Any]) -> State:
    told = {name: from_json(content[name]) for name in FACTS if content.get(name) is not None}
    state = kind(**content | told)
    for name, hint in get_type_hints(kind).items():
        value = getattr(state, name)
        of_kind = isinstance(value, list if get_origin(hint) is list else hint)
        if not of_kind or (isinstance(value, (int, float)) and not 0 <= value <= LARGEST):
            raise ValueError(name)
    return state


def creation(process: psutil.Process) -> tuple[float, float]:
    """Return when a process was created and when the machine was started, by the same clock."""
    return process.create_time(), psutil.boot_time()


def say(text: object) -> None:
    """Print one line; where it cannot be written, as on a full disk, a run goes on without it."""
    with suppress(OSError, ValueError):  # also letters that the output's encoding lacks
        print(readable(str(text)), flush=True)


class RunProgress:
    """Keeps the status file of a run and shows bars.

    Parameters
    ----------
    outputs : Path
        The outputs folder.
    cells : sequence of CellKey
        What is planned, in order.
    seconds_per_cell : dict of CellKey to float
        Estimates from cells timed earlier on this machine; a missing one makes the ETA unknown.
    show_bars : bool
        Whether to draw bars on standard error.
    arguments : sequence of str
        What starts the same run again.
    """

    def __init__(
        self,
        outputs: Path,
        cells: Sequence[CellKey],
        seconds_per_cell: Mapping[CellKey, float] | None = None,
        show_bars: bool = True,
        arguments: Sequence[str] = (),
    ) -> None:
        created, booted = creation(psutil.Process())
        self._outputs = outputs
        self._estimates = dict(seconds_per_cell or {})
        self._show_bars = show_bars
        self._bar: tqdm[Never] | None = None
        self._written = 0.0
        self._begun: dict[CellKey, float] = {}
        self.status = JobStatus(
            pid=os.getpid(),
            created=created,
            booted=booted,
            started=time.time(),
            cells=[
                CellState(cell.category, cell.method, settings_id=cell.settings_id)
                for cell in cells
            ],
            arguments=list(arguments),
        )
        self._write()

    def begin(self, cells: Collection[CellKey]) -> None:
        """Mark cells that are worked on together as running."""
        now = time.monotonic()
        for cell in self.status.cells:
            if cell.key in cells:
                cell.state = RUNNING
                self._begun[cell.key] = now
        self._write()

    def end(self, ended: CellKey, state: str, reason: Fact | None = None) -> None:
        """Mark one cell as done, skipped or failed, and say so.

        The time of a finished cell is the estimate for the method's other cells where there is
        none yet.
        """
        now = time.monotonic()
        seconds = now - self._begun.get(ended, now)
        for cell in self.status.cells:
            if cell.key == ended:
                cell.state, cell.reason = state, reason
            elif cell.method == ended.method and state == DONE:
                self._estimates.setdefault(cell.key, seconds)
        if state == FAILED and reason is not None:
            self.status.last_error = fact("cell_failed", cell=ended, reason=reason)
        self.say(f"{ended}: {state}{f' - {reason}' if reason else ''}")
        self._write()

    def postpone(self, cells: Collection[CellKey], reason: Fact) -> None:
        """Mark cells that were to be made, or begun, as waiting again, and say why."""
        for cell in self.status.cells:
            if cell.key in cells:
                cell.state = WAITING
                self.say(f"{cell.key}: made later - {reason}")
        self._write()

    def at_work(
        self, worker: str, phase: Fact | None = None, done: int = 0, total: int = 0
    ) -> None:
        """Note what one of several workers does."""
        for state in self.status.workers:
            if state.name == worker:
                break
        else:
            state = WorkerState(worker)
            self.status.workers.append(state)
        changed = state.phase != phase
        state.phase, state.done, state.total = phase, done, total
        if changed or time.monotonic() - self._written > WRITE_INTERVAL_S:
            self._write()

    def away(self, worker: str) -> None:
        """Note that one of several workers has nothing to do, or is gone."""
        self.status.workers = [state for state in self.status.workers if state.name != worker]
        self._write()

    def of_cluster(self, dashboard: str) -> None:
        """Note where the cluster's own dashboard is."""
        self.status.cluster = dashboard
        self._write()

    def phase(self, code: str, **values: object) -> Progress:
        """Start a phase, told as a fact; return the function that reports how far it is."""
        self._close_bar()
        phase = fact(code, **values)
        self.status.phase, self.status.done, self.status.total = phase, 0, 0
        self._write()

        def report(done: int, total: int) -> None:
            self.status.done, self.status.total = done, total
            if self._show_bars:
                if self._bar is None:
                    self._bar = tqdm(
                        total=total, desc=str(phase), leave=False, file=sys.stderr, mininterval=0.2
                    )
                self._bar.update(done - self._bar.n)
            if time.monotonic() - self._written > WRITE_INTERVAL_S:
                self._write()

        return report

    def say(self, text: object) -> None:
        """Print one line above the bars."""
        self._close_bar()
        say(text)

    def finish(self) -> None:
        """Write the final state: done, or failed if any cell failed."""
        self._close_bar()
        self.status.state = FAILED if self.status.count(FAILED) else DONE
        self.status.phase, self.status.eta_s, self.status.workers = None, 0.0, []
        self._write()

    def abort(self, state: str, reason: Fact | None = None) -> None:
        """Write that the run ended early, cancelled or failed."""
        self._close_bar()
        self.status.state, self.status.eta_s, self.status.workers = state, None, []
        self.status.last_error = reason or self.status.last_error
        for cell in self.status.cells:
            if cell.state == RUNNING:
                cell.state = CANCELLED if state == CANCELLED else FAILED
                cell.reason = reason
        self._write()

    def _write(self) -> None:
        self.status.updated = time.time()
        if self.status.state == RUNNING:
            self.status.eta_s = self._eta()
        self._written = time.monotonic()
        with suppress(OSError):  # a full disk must not end the run for a status
            write_status(self._outputs, self.status)

    def _eta(self) -> float | None:
        left = 0.0
        for cell in self.status.cells:
            if cell.state in (WAITING, RUNNING):
                estimate = self._estimates.get(cell.key)
                if estimate is None:
                    return None
                left += estimate
        together: dict[float, float] = {}
        for cell in self.status.current:
            begun = self._begun[cell.key]
            together[begun] = together.get(begun, 0.0) + self._estimates.get(cell.key, 0.0)
        now = time.monotonic()
        left -= sum(min(now - begun, known) for begun, known in together.items())
        return max(0.0, left) / max(1, len(self.status.workers))

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
