"""The units of a run in several processes of this machine, by joblib's loky.

Every worker is an executor of one process, because an executor that loses one of its processes
ends all of them. Workers write their cells themselves; this process keeps the status, the log and
the summary. A worker ends when this process does, however that ends.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from multiprocessing.connection import Connection, wait

import torch
from joblib.externals.loky.backend.context import get_context
from joblib.externals.loky.process_executor import BrokenProcessPool, ProcessPoolExecutor

from data_utils.memory import free_bytes
from detectors.registry import METHODS
from evaluation.backbone_source import BackboneSources
from evaluation.progress import RunProgress
from evaluation.runner import Run, conclude, prepared
from evaluation.unit import Board, Event, Unit, make_unit, units_of

WAKE_S = 0.1
PROCESS_BYTES = 300_000_000  # a worker with the program loaded and nothing to do
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def evaluate_with_workers(run: Run, count: int, threads: int | None, progress: RunProgress) -> None:
    """Evaluate in at most `count` processes at a time; otherwise as ``evaluation.runner.evaluate``.

    A worker that dies loses the cells in work and nothing else; they are made again, at most
    twice. Cells for which memory is short while others are made are made alone in the end.

    Parameters
    ----------
    threads : int or None
        Processor threads of each worker; None to use every core once.
    """
    sources = BackboneSources(run.weights)
    run = prepared(run, sources, progress)
    units = [unit for name in run.categories for unit in units_of(run, name, sources)]
    del sources
    units.sort(key=lambda unit: METHODS[unit.cells[0].method].reads_backbone)  # the longest first
    count = max(1, min(count, len(units)))
    threads = threads or max(1, torch.get_num_threads() // count)
    share = max(0, free_bytes() // count - PROCESS_BYTES)
    board = Board(run, progress)
    together = [Unit(replace(unit.run, memory=share)) for unit in units]
    postponed = _make_all(together, count, threads, board, progress)
    alone = [Unit(replace(unit.run, memory=None), unit.tries) for unit in postponed]
    _make_all(alone, min(1, len(alone)), threads, board, progress)
    conclude(run, progress)


class LocalWorker:
    """One process that makes one unit at a time.

    Parameters
    ----------
    name : str
    threads : int
        It computes with.
    """

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        self.unit: Unit | None = None
        self._future: Future[None] | None = None
        self.told, theirs = get_context("loky").Pipe()
        self._executor = ProcessPoolExecutor(
            max_workers=1,
            context=get_context("loky"),
            initializer=_prepare,
            initargs=(theirs, threads),
            env=dict.fromkeys(THREAD_VARIABLES, str(threads)),
        )

    def start(self, unit: Unit) -> None:
        """Have a unit made."""
        self.unit = unit
        self._future = self._executor.submit(_make, unit.run)

    def events(self) -> Iterator[Event]:
        """Yield what the process has told since the last call."""
        while self.told.poll():
            yield self.told.recv()

    @property
    def ended(self) -> bool:
        """Whether the unit in work has been made, or lost."""
        return self._future is not None and self._future.done()

    def outcome(self) -> Exception | None:
        """Forget the unit that has ended; return why it was lost, if it was."""
        assert self._future is not None
        error = self._future.exception()
        self.unit, self._future = None, None
        return error if isinstance(error, Exception) else None

    def close(self) -> None:
        """End the process, whatever it does."""
        self._executor.shutdown(wait=True, kill_workers=True)
        self.told.close()


def _make_all(
    units: Sequence[Unit], count: int, threads: int, board: Board, progress: RunProgress
) -> list[Unit]:
    """Make all units; return those for whose cells memory was short."""
    waiting, postponed = deque(units), []
    workers = [LocalWorker(str(number), threads) for number in range(1, count + 1)]
    try:
        while waiting or any(worker.unit for worker in workers):
            for worker in workers:
                if worker.unit is None and waiting:
                    worker.start(waiting.popleft())
                    progress.at_work(worker.name)
            wait([worker.told for worker in workers], WAKE_S)
            for position, worker in enumerate(workers):
                ended = worker.ended
                for event in worker.events():
                    board.note(worker.name, event)
                if not ended or worker.unit is None:
                    continue
                unit, error = worker.unit, worker.outcome()
                progress.away(worker.name)
                if error is not None:
                    waiting.extend(board.again(unit, _lost(error)))
                elif left := board.left(unit):
                    postponed.append(unit.of(left, unit.tries))
                if isinstance(error, BrokenProcessPool):
                    worker.close()
                    workers[position] = LocalWorker(worker.name, threads)
    finally:
        for worker in workers:
            worker.close()
    return postponed


def _lost(error: Exception) -> str:
    if isinstance(error, BrokenProcessPool):
        return "the process that made it was ended from outside, or by a lack of memory."
    return f"the process that made it reports: {error}"


# What follows runs in the workers.

_parent: Connection | None = None


def _prepare(parent: Connection, threads: int) -> None:
    """Set a new process up: its threads, whom it tells, and that it ends with its parent."""
    global _parent
    _parent = parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    torch.set_num_threads(threads)
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()


def _end_with_parent(parent: Connection) -> None:
    try:
        parent.recv()  # nothing is ever sent this way: it returns when the other end is gone
    except (EOFError, OSError):
        os._exit(1)


def _make(run: Run) -> None:
    assert _parent is not None
    make_unit(run, _parent.send)
