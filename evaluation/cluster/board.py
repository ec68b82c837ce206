"""What becomes of the cells that others make, as the outputs folder and the status show it."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace

from data_utils.facts import Fact, fact
from evaluation.cluster.groups import Group
from evaluation.run.category import fail
from evaluation.run.plan import Run
from evaluation.run.progress import DONE, RUNNING, WAITING, RunProgress
from evaluation.store.places import CellKey
from evaluation.store.summary import write_summary

MAX_TRIES = 3
SUMMARY_PAUSE = 9  # times as long as rebuilding it took


class Board:
    """Notes which cells of a run have ended, and says what is to be made again."""

    def __init__(self, run: Run, progress: RunProgress) -> None:
        self._run, self._progress = run, progress
        self._states = {cell.key: cell for cell in progress.status.cells}
        self._next_summary = 0.0

    def end(self, cell: CellKey, state: str, reason: Fact | None = None) -> None:
        """Note that a cell is done or skipped.

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

    def fail(self, cells: Collection[CellKey], reason: Fact) -> None:
        """Note that those of the cells that have not ended cannot be made."""
        for cell in self.left(cells):
            fail(self._run, cell, reason, self._progress)

    def left(self, cells: Collection[CellKey]) -> tuple[CellKey, ...]:
        """Return the cells that have not ended."""
        return tuple(cell for cell in cells if self._states[cell].state in (WAITING, RUNNING))

    def retry(self, group: Group, reason: Fact) -> list[Group]:
        """Return what is to be made again of a group whose process is lost.

        The last try is made for every cell by itself, so that one that ends its process each time
        does not take the others with it.
        """
        left, tries = self.left(group.planned), group.tries + 1
        if tries == MAX_TRIES:
            self.fail(left, fact("given_up", tries=tries, reason=reason))
            return []
        self._progress.postpone(left, reason)
        together = [left] if tries < MAX_TRIES - 1 else [(cell,) for cell in left]
        return [replace(group, only=cells, tries=tries) for cells in together if cells]
