"""Reporting on a run: bars in the shell, a status file for the app."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Never

import psutil
from tqdm import tqdm

from data_utils.locations import readable
from evaluation.cells import CellKey
from evaluation.job import (
    CANCELLED,
    DONE,
    FAILED,
    RUNNING,
    WAITING,
    CellState,
    JobStatus,
    WorkerState,
    creation,
    write_status,
)

WRITE_INTERVAL_S = 0.3
Progress = Callable[[int, int], None]


def say(text: str) -> None:
    """Print one line; where it cannot be written, a run goes on without it.

    The log lies on the same disk as the results, and a reader of a pipe may have left.
    """
    with suppress(OSError):
        print(readable(text), flush=True)


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

    def end(self, ended: CellKey, state: str, reason: str = "") -> None:
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
        if state == FAILED:
            self.status.last_error = f"{ended}: {reason}"
        self.say(f"{ended}: {state}{f' - {reason}' if reason else ''}")
        self._write()

    def postpone(self, cells: Collection[CellKey], reason: str) -> None:
        """Mark cells that were to be made, or begun, as waiting again, and say why."""
        for cell in self.status.cells:
            if cell.key in cells:
                cell.state = WAITING
                self.say(f"{cell.key}: made later - {reason}")
        self._write()

    def at_work(self, worker: str, phase: str = "", done: int = 0, total: int = 0) -> None:
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
        others = [state for state in self.status.workers if state.name != worker]
        self.status.workers = others
        self._write()

    def of_cluster(self, dashboard: str) -> None:
        """Note where the cluster's own dashboard is."""
        self.status.cluster = dashboard
        self._write()

    def phase(self, name: str) -> Progress:
        """Start a phase and return the function that reports how far it is."""
        self._close_bar()
        self.status.phase, self.status.done, self.status.total = name, 0, 0
        self._write()

        def report(done: int, total: int) -> None:
            self.status.done, self.status.total = done, total
            if self._show_bars:
                if self._bar is None:
                    self._bar = tqdm(
                        total=total, desc=name, leave=False, file=sys.stderr, mininterval=0.2
                    )
                self._bar.update(done - self._bar.n)
            if time.monotonic() - self._written > WRITE_INTERVAL_S:
                self._write()

        return report

    def say(self, text: str) -> None:
        """Print one line above the bars."""
        self._close_bar()
        say(text)

    def finish(self) -> None:
        """Write the final state: done, or failed if any cell failed."""
        self._close_bar()
        self.status.state = FAILED if self.status.count(FAILED) else DONE
        self.status.phase, self.status.eta_s, self.status.workers = "", 0.0, []
        self._write()

    def abort(self, state: str, reason: str) -> None:
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
