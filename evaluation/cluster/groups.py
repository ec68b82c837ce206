"""Cells that are made in one place: those of a category that share a backbone."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass

from data_utils.facts import Fact, fact
from detectors.registry import METHODS
from evaluation.run.backbone_source import BackboneSources
from evaluation.run.plan import Run
from evaluation.run.progress import WRITE_INTERVAL_S, Progress, RunProgress
from evaluation.store.places import CellKey
from evaluation.store.settings import Settings


@dataclass(frozen=True)
class Group(Run):
    """A part of a run that any process can make that has the data: some cells of one category.

    Attributes
    ----------
    pictures, backbone : str
        What identifies them where the run was started.
    tries : int
        How often the process that made it was lost.
    threads : int or None
        Processor threads; None for those that the worker was started with.
    here : bool
        The worker is a process of the machine where the run was started.
    demo : bool
        The pictures are the demo's.
    """

    pictures: str = ""
    backbone: str = ""
    tries: int = 0
    threads: int | None = None
    here: bool = False
    demo: bool = False

    @property
    def category(self) -> str:
        """The category of all cells."""
        return self.categories[0]

    @property
    def first(self) -> Settings:
        """The settings of the first cell; all of them read the same backbone."""
        return next(iter(self.cells(self.category).values()))


def groups_of(run: Run, category: str, sources: BackboneSources) -> list[Group]:
    """Divide the cells of a category: those that read the same backbone are one group.

    Parameters
    ----------
    run : Run
        With the backbones that there are; see ``evaluation.run.category.prepared``.
    """
    sharing: dict[object, list[CellKey]] = {}
    for cell, settings in run.cells(category).items():
        together = METHODS[cell.method].reads_backbone
        sharing.setdefault(sources.key(settings) if together else cell, []).append(cell)
    return [
        Group(**vars(run) | {"categories": [category], "only": tuple(cells)})
        for cells in sharing.values()
    ]


class GroupProgress(RunProgress):
    """Tells the process that holds the outputs folder what happens, instead of the world.

    Parameters
    ----------
    run : Run
    tell : callable
        Takes the name of what happened and its values, such as JSON can hold.
    """

    def __init__(self, run: Run, tell: Callable[..., None]) -> None:
        self._tell = tell
        super().__init__(run.outputs, run.planned, show_bars=False)

    def begin(self, cells: Collection[CellKey]) -> None:
        """Mark cells that are worked on together as running."""
        super().begin(cells)
        self._tell("begin", list(cells))

    def end(self, ended: CellKey, state: str, reason: Fact | None = None) -> None:
        """Mark one cell as done, skipped or failed."""
        for cell in self.status.cells:
            if cell.key == ended:
                cell.state = state
        self._tell("end", ended, state, asdict(reason) if reason else None)

    def postpone(self, cells: Collection[CellKey], reason: Fact) -> None:
        """Mark cells as waiting again."""
        self._tell("postpone", list(cells), asdict(reason))

    def phase(self, code: str, **values: object) -> Progress:
        """Start a phase and return the function that reports how far it is."""
        phase, told = asdict(fact(code, **values)), time.monotonic()
        self._tell("phase", phase, 0, 0)

        def report(done: int, total: int) -> None:
            nonlocal told
            if time.monotonic() - told > WRITE_INTERVAL_S:
                told = time.monotonic()
                self._tell("phase", phase, done, total)

        return report

    def say(self, text: object) -> None:
        """Have one line printed."""
        self._tell("say", str(text))

    def _write(self) -> None:
        """Leave the status file to the process that is told."""
