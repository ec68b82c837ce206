"""Removing finished cells: each is gone at once, and the summaries follow."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from evaluation.cells import NEW_SUFFIX, CellKey, CellPlace
from evaluation.job import lock_outputs
from evaluation.summary import write_summary


def remove_cells(outputs: Path, cells: Iterable[CellKey]) -> None:
    """Remove cells with all their files; one that is not there is passed over.

    A cell is renamed to what a killed run leaves behind and then deleted, so that it is never
    half there.

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
            place = CellPlace(outputs, *cell)
            place.failure_file.unlink(missing_ok=True)
            if place.finished:
                parent = place.folder.parent
                aside = Path(tempfile.mkdtemp(NEW_SUFFIX, f".{place.method}-", parent))
                place.folder.rename(aside / place.method)
                shutil.rmtree(aside)
        write_summary(outputs)
