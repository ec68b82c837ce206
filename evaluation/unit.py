"""A unit of work for another process: the cells of a category that share a backbone.

A unit is a part of a ``Run`` and nothing else, so any process that has the data can make it. What
happens there is told, as one small tuple after the other, to the process that holds the outputs
folder; its ``Board`` notes it there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from detectors.registry import METHODS
from evaluation.backbone_source import BackboneSources
from evaluation.cells import CellKey, repair_cell
from evaluation.job import DONE, RUNNING, WAITING
from evaluation.progress import WRITE_INTERVAL_S, Progress, RunProgress
from evaluation.runner import Run, evaluate_category, fail
from evaluation.settings import Settings
from evaluation.summary import write_summary

MAX_TRIES = 3
SUMMARY_PAUSE = 9  # times as long as rebuilding it took
Event = Sequence[Any]
Tell = Callable[[Event], None]


@dataclass(frozen=True)
class Unit:
    """Cells to make in one place.

    Attributes
    ----------
    run : Run
        Restricted to one category and to these cells, with the backbones that there are.
    tries : int
        How often the process that made them was lost.
    """

    run: Run
    tries: int = 0

    @property
    def category(self) -> str:
        """The category of all cells."""
        return self.run.categories[0]

    @property
    def cells(self) -> tuple[CellKey, ...]:
        """The cells."""
        return self.run.only or ()

    @property
    def settings(self) -> Settings:
        """The settings of the first cell; all of them read the same backbone."""
        return self.run.cells(self.category)[self.cells[0]]

    def of(self, cells: Collection[CellKey], tries: int) -> Unit:
        """Return the unit of some of the cells."""
        return Unit(replace(self.run, only=tuple(cells)), tries)


def units_of(run: Run, category: str, sources: BackboneSources) -> list[Unit]:
    """Divide the cells of a category: those that read the same backbone are one unit.

    Parameters
    ----------
    run : Run
        With the backbones that there are; see ``evaluation.runner.prepared``.
    """
    sharing: dict[object, list[CellKey]] = {}
    for cell, settings in run.cells(category).items():
        together = METHODS[cell.method].reads_backbone
        sharing.setdefault(sources.key(settings) if together else cell, []).append(cell)
    return [
        Unit(replace(run, categories=[category], only=tuple(cells))) for cells in sharing.values()
    ]


def make_unit(run: Run, tell: Tell, sources: BackboneSources | None = None) -> None:
    """Make the cells of a unit here, and tell what happens."""
    sources = sources or BackboneSources(run.weights)
    evaluate_category(run, run.categories[0], sources, UnitProgress(run, tell))


class UnitProgress(RunProgress):
    """Tells another process instead of the world; for the parameters see ``make_unit``."""

    def __init__(self, run: Run, tell: Tell) -> None:
        self._tell = tell
        super().__init__(run.outputs, run.planned, show_bars=False)

    def begin(self, cells: Collection[CellKey]) -> None:
        """Mark cells that are worked on together as running."""
        super().begin(cells)
        self._tell(("begin", list(cells)))

    def end(self, ended: CellKey, state: str, reason: str = "") -> None:
        """Mark one cell as done, skipped or failed."""
        for cell in self.status.cells:
            if cell.key == ended:
                cell.state = state
        self._tell(("end", ended, state, reason))

    def postpone(self, cells: Collection[CellKey], reason: str) -> None:
        """Mark cells as waiting again."""
        self._tell(("postpone", list(cells), reason))

    def phase(self, name: str) -> Progress:
        """Start a phase and return the function that reports how far it is."""
        told = time.monotonic()
        self._tell(("phase", name, 0, 0))

        def report(done: int, total: int) -> None:
            nonlocal told
            if time.monotonic() - told > WRITE_INTERVAL_S:
                told = time.monotonic()
                self._tell(("phase", name, done, total))

        return report

    def say(self, text: str) -> None:
        """Have one line printed."""
        self._tell(("say", text))

    def _write(self) -> None:
        """Leave the status file to the process that is told."""


class Board:
    """Notes in the outputs folder what the makers of units tell, and what becomes of lost ones.

    Parameters
    ----------
    run : Run
        The whole of it.
    """

    def __init__(self, run: Run, progress: RunProgress) -> None:
        self._run, self._progress = run, progress
        self._states = {cell.key: cell for cell in progress.status.cells}
        self._next_summary = 0.0

    def note(self, worker: str, event: Event) -> None:
        """Note one thing that a worker tells."""
        kind, *told = event
        match kind:
            case "begin":
                self._progress.begin([CellKey(*cell) for cell in told[0]])
            case "end":
                self.end(CellKey(*told[0]), *told[1:])
            case "postpone":
                self._progress.postpone([CellKey(*cell) for cell in told[0]], told[1])
            case "phase":
                self._progress.at_work(worker, *told)
            case "say":
                self._progress.say(told[0])

    def end(self, cell: CellKey, state: str, reason: str = "") -> None:
        """Note that a cell is done, skipped or failed.

        The summary reads every cell, so it is rebuilt only while that takes little of the time;
        the end of the run does it in any case.
        """
        began = time.monotonic()
        if state == DONE and began >= self._next_summary:
            with suppress(OSError):  # said when the run ends
                write_summary(self._run.outputs)
            now = time.monotonic()
            self._next_summary = now + SUMMARY_PAUSE * (now - began)
        self._progress.end(cell, state, reason)

    def fail(self, cells: Collection[CellKey], reason: str) -> None:
        """Note that cells cannot be made, also beside their places."""
        for cell in cells:
            fail(self._run, cell, reason, self._progress)

    def left(self, unit: Unit) -> list[CellKey]:
        """Return the cells of a unit that have not ended."""
        return [cell for cell in unit.cells if self._states[cell].state in (WAITING, RUNNING)]

    def again(self, unit: Unit, reason: str) -> list[Unit]:
        """Return what is to be made again of a unit whose process is lost.

        The last try is made for every cell by itself, so that one that ends its process each time
        does not take the others with it.

        Parameters
        ----------
        reason : str
            A sentence.
        """
        left, tries = self.left(unit), unit.tries + 1
        for cell in left:
            with suppress(OSError):
                repair_cell(self._run.place_of(cell))
        if tries == MAX_TRIES:
            self.fail(left, f"given up after {tries} tries: {reason}")
            return []
        self._progress.postpone(left, reason)
        together = [left] if tries < MAX_TRIES - 1 else [[cell] for cell in left]
        return [unit.of(cells, tries) for cells in together if cells]
