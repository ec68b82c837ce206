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
from itertools import count
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


def evaluate_with_workers(
    run: Run, workers: int, threads: int | None, progress: RunProgress
) -> None:
    """Evaluate as ``evaluation.runner.evaluate`` does, in at most `workers` processes at a time.

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
    crew = Crew(run, min(workers, len(units)), progress)
    try:
        postponed: list[Unit] = []
        for part, at_once, each in plan(units, workers, threads, torch.get_num_threads()):
            share = max(0, free_bytes() // at_once - PROCESS_BYTES)
            limited = [Unit(replace(unit.run, memory=share)) for unit in part]
            postponed += crew.make(limited, at_once, each)
        alone = [Unit(replace(unit.run, memory=None), unit.tries) for unit in postponed]
        for unit in crew.make(alone, 1, threads or torch.get_num_threads()):
            Board(run, progress).fail(unit.cells, "the process that was to make it left it out.")
    finally:
        crew.close()
    conclude(run, progress)


def plan(
    units: Sequence[Unit], workers: int, threads: int | None, cores: int
) -> list[tuple[list[Unit], int, int]]:
    """Divide units into parts that follow each other, so that no core waits for the last ones.

    Units of one kind take about the same time. As many as fill all processes again and again come
    first; the few that are left get more threads each. With `threads` given there is one part.

    Returns
    -------
    list of (units, processes at work, threads of each)
    """
    alone = [unit for unit in units if not METHODS[unit.cells[0].method].reads_backbone]
    together = [unit for unit in units if METHODS[unit.cells[0].method].reads_backbone]
    if threads:
        return [([*alone, *together], min(workers, len(units)), threads)] if units else []
    full, rest = [], []
    for kind in (alone, together):  # the longer ones first
        even = len(kind) // workers * workers
        full += kind[:even]
        rest.append(kind[even:])
    parts = [(part, min(len(part), workers)) for part in (full, *rest) if part]
    return [(part, at_once, max(1, cores // at_once)) for part, at_once in parts]


class LocalWorker:
    """One process that makes one unit at a time.

    Parameters
    ----------
    name : str
    threads : int
        Of what is not PyTorch's own.
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
            initargs=(theirs,),
            env=dict.fromkeys(THREAD_VARIABLES, str(threads)),
        )

    def start(self, unit: Unit, threads: int) -> None:
        """Have a unit made by so many threads."""
        self.unit = unit
        try:
            self._future = self._executor.submit(_make, unit.run, threads)
        except (BrokenProcessPool, OSError) as error:  # it died idle, or could not be started
            self._future = Future()
            self._future.set_exception(error)

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


class Crew:
    """The processes of one run, started when they are first needed.

    Parameters
    ----------
    run : Run
    most : int
        Processes at a time.
    """

    def __init__(self, run: Run, most: int, progress: RunProgress) -> None:
        self._progress, self._board = progress, Board(run, progress)
        self._threads = max(1, torch.get_num_threads() // max(1, most))
        self._workers: list[LocalWorker] = []

    def make(self, units: Sequence[Unit], at_once: int, threads: int) -> list[Unit]:
        """Make units, so many at a time; return those for whose cells memory was short."""
        waiting, postponed = deque(units), []
        while waiting or any(worker.unit for worker in self._workers):
            for worker in self._idle(at_once, len(waiting)):
                worker.start(waiting.popleft(), threads)
                self._progress.at_work(worker.name)
            wait([worker.told for worker in self._workers], WAKE_S)
            for worker in list(self._workers):
                ended = worker.ended
                for event in worker.events():
                    self._board.note(worker.name, event)
                if not ended or worker.unit is None:
                    continue
                unit, error = worker.unit, worker.outcome()
                self._progress.away(worker.name)
                if error is not None:
                    waiting.extend(self._board.again(unit, _lost(error)))
                    worker.close()
                    self._workers.remove(worker)
                elif left := self._board.left(unit):
                    postponed.append(unit.of(left, unit.tries))
        return postponed

    def close(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.close()

    def _idle(self, at_once: int, waiting: int) -> Iterator[LocalWorker]:
        """Yield workers for the waiting units until `at_once` are at work; some are new."""
        busy = [worker for worker in self._workers if worker.unit]
        idle = [worker for worker in self._workers if not worker.unit]
        for _ in range(min(at_once - len(busy), waiting)):
            if not idle:
                names = {worker.name for worker in self._workers}
                name = next(str(n) for n in count(1) if str(n) not in names)
                idle.append(LocalWorker(name, self._threads))
                self._workers.append(idle[-1])
            yield idle.pop(0)


def _lost(error: Exception) -> str:
    if isinstance(error, BrokenProcessPool):
        return "the process that made it was ended from outside, or by a lack of memory."
    return f"the process that made it reports: {error}"


# What follows runs in the workers.

_parent: Connection | None = None


def _prepare(parent: Connection) -> None:
    """Set a new process up: whom it tells, and that it ends with its parent."""
    global _parent
    _parent = parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()


def _end_with_parent(parent: Connection) -> None:
    try:
        parent.recv()  # nothing is ever sent this way: it returns when the other end is gone
    except (EOFError, OSError):
        os._exit(1)


def _make(run: Run, threads: int) -> None:
    assert _parent is not None
    torch.set_num_threads(threads)
    make_unit(run, _parent.send)
