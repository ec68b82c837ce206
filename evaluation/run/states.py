"""The run matrix: what has become of each cell of the selected categories and methods.

Everything is read from disk and is cheap: no picture is opened. Whether a finished cell is out
of date or damaged is judged by evidence only; the run itself compares fingerprints and checksums.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from data_utils.facts import Fact, fact
from data_utils.layouts import data_folders
from data_utils.locations import leads_out
from detectors.registry import METHODS
from evaluation.run.progress import DONE, FAILED, RUNNING, WAITING, CellState, JobStatus
from evaluation.store.cells import StoredCell, read_failure, stored_cell
from evaluation.store.places import CELL_FILE, CellError, CellKey, CellPlace

STALE, MISSING = "stale", "missing"
CLOCK_STEP_S = 1.0


@dataclass(frozen=True)
class CellStatus:
    """The state of one cell with default settings.

    Attributes
    ----------
    category, method : str
    state : str
        ``done``, ``running``, ``waiting`` (planned by the running job, and without a result so
        far), ``failed``, ``stale`` (finished, but data or program may have changed since) or
        ``missing``.
    reason : Fact or None
        Why it is failed or stale.
    kept : bool
        Whether it failed while an earlier result is still there.
    """

    category: str
    method: str
    state: str
    reason: Fact | None = None
    kept: bool = False


def run_matrix(
    outputs: Path,
    data: Path | None,
    categories: Iterable[str],
    methods: Sequence[str],
    job: JobStatus | None,
    known: Mapping[Path, StoredCell] | None = None,
) -> list[CellStatus]:
    """Return the state of every cell, category by category, methods in the order given.

    Parameters
    ----------
    outputs, data : Path
        Without a data folder no cell is called stale for its data.
    job : JobStatus or None
        The current or last job, from ``evaluation.run.job.read_status``.
    known : mapping, optional
        Cells that have been read, as from ``store.cells.stored_cells``; others are read here.
    """
    planned = {
        (cell.category, cell.method): cell
        for cell in (job.cells if job else [])
        if not cell.settings_id
    }
    running = job is not None and job.state == RUNNING
    matrix = []
    for category in categories:
        changed = _last_change(data / category) if data is not None else ("", -math.inf)
        for method in methods:
            mine = planned.get((category, method))
            in_job = mine.state if running and mine is not None else ""
            if in_job == RUNNING:
                matrix.append(CellStatus(category, method, RUNNING))
                continue
            key = CellKey(category, method)
            status = _on_disk(outputs, data, key, known or {}, changed, mine)
            if in_job == WAITING and status.state not in (DONE, STALE):
                status = CellStatus(category, method, WAITING)
            matrix.append(status)
    return matrix


def _on_disk(
    outputs: Path,
    data: Path | None,
    key: CellKey,
    known: Mapping[Path, StoredCell],
    changed: tuple[str, float],
    planned: CellState | None,
) -> CellStatus:
    category, method, _ = key
    try:
        place = CellPlace(outputs, category, method)
    except CellError as error:
        return CellStatus(category, method, FAILED, error.fact)
    stored = known.get(place.folder)
    if stored is None and place.finished:
        stored = stored_cell(place.folder)
    if stored is not None and stored.about is None:
        return CellStatus(category, method, FAILED, stored.damage)
    note = None if leads_out(place.failure_file, outputs) else read_failure(place.failure_file)
    failure = note.reason if note else None
    if planned is not None and planned.state == FAILED:
        failure = planned.reason or failure
    if failure is not None:
        return CellStatus(category, method, FAILED, failure, kept=stored is not None)
    if stored is None or stored.about is None:
        return CellStatus(category, method, MISSING)
    reason = _outdated(stored.about, place, data, changed)
    if stored.damage and not (reason and reason.code == "other_version"):
        return CellStatus(category, method, FAILED, stored.damage)
    return CellStatus(category, method, STALE if reason else DONE, reason)


def is_from(cell: Mapping[Any, Any], data: Path) -> bool:
    """Tell whether a cell was made from this data folder, links followed.

    Also from one whose folder of the category is a link to the same place.
    """
    made, category = Path(str(cell["data_root"])), str(cell["category"])
    try:
        return made == data.resolve() or (made / category).resolve() == (data / category).resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, an impossible name
        return False


def _outdated(
    cell: dict[str, Any], place: CellPlace, data: Path | None, changed: tuple[str, float]
) -> Fact | None:
    """Return why a cell may be out of date."""
    method = place.method
    if data is not None and not is_from(cell, data):
        return fact("other_data", data=cell["data_root"])
    if method in METHODS and cell["method_version"] != METHODS[method].version:
        return fact("other_version")
    folder, time = changed
    return (
        fact("changed_data", folder=folder) if time > _checked(cell, place) + CLOCK_STEP_S else None
    )


def _checked(cell: dict[str, Any], place: CellPlace) -> float:
    """Return when a run last found the cell up to date, in seconds since the epoch.

    That is when it was finished, or when a later run skipped it: that run touches its file.
    """
    try:
        finished = datetime.fromisoformat(cell["finished"]).timestamp()
        return max(finished, (place.folder / CELL_FILE).stat().st_mtime)
    except (OSError, KeyError, TypeError, ValueError, OverflowError):
        return math.inf


def _last_change(category: Path) -> tuple[str, float]:
    """Return the folder of the category that changed last, as ``bottle/train/good``, and when.

    A folder changes when a file in it is added, removed or replaced.
    """
    latest = ("", -math.inf)
    for folder in data_folders(category):
        try:
            time = folder.stat().st_mtime
        except OSError:
            continue
        if time > latest[1]:
            latest = (folder.relative_to(category.parent).as_posix(), time)
    return latest
