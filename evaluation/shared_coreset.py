"""One greedy choice for all cells of PatchCore that differ only in the size of their memory bank.

The cell with the largest bank is fitted; the banks of the others are the first part of it. Each
is charged the seconds until that part was chosen, which is about what it would cost alone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from detectors.base import Progress
from detectors.patchcore import Patchcore
from evaluation.cell_work import CellWork


def families(works: Sequence[CellWork]) -> list[list[CellWork]]:
    """Return the cells that can share one greedy choice together, every other by itself."""
    found: dict[object, list[CellWork]] = {}
    for work in works:
        detector = work.detector
        family = detector.settings.seed if isinstance(detector, Patchcore) else work.place
        found.setdefault(family, []).append(work)
    return list(found.values())


def share_coresets(works: Sequence[CellWork]) -> list[CellWork]:
    """Let cells with a smaller memory bank follow the one with the largest; put them last."""
    leading, following = [], []
    for family in families(works):
        first, *others = sorted(family, key=_ratio, reverse=True)
        leading.append(first)
        for work in others:
            work.larger = first
            following.append(work)
    return leading + following


def watched(work: CellWork, progress: Progress) -> Progress:
    """Return a progress that also notes when how many patches had been chosen."""
    before, began = work.clock["fit"], time.perf_counter()

    def report(done: int, total: int) -> None:
        work.chosen_after.append((done, before + time.perf_counter() - began))
        progress(done, total)

    return report


def follow(work: CellWork) -> None:
    """Give a cell its part of the larger memory bank."""
    larger = work.larger
    assert larger is not None
    assert isinstance(work.detector, Patchcore)
    assert isinstance(larger.detector, Patchcore)
    if larger.failure:
        work.failure = larger.failure
        return
    with work.guarded():
        work.detector = larger.detector.reduced(work.detector.settings.coreset_ratio)
        size = len(work.detector.memory_bank_)
        until = (seconds for done, seconds in larger.chosen_after if done >= size)
        work.clock.seconds["fit"] = next(until, larger.clock["fit"])


def _ratio(work: CellWork) -> float:
    detector = work.detector
    return detector.settings.coreset_ratio if isinstance(detector, Patchcore) else 0.0
