"""The run matrix: what has become of each cell of the selected categories and methods.

Everything is read from disk and is cheap: no picture is opened. Whether a finished cell is out
of date or damaged is judged by evidence only; the run itself compares fingerprints and checksums.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from data_utils.locations import leads_out
from detectors.registry import METHODS
from evaluation import job as jobs
from evaluation.cells import (
    CELL_FILE,
    CellError,
    CellKey,
    CellPlace,
    StoredCell,
    read_failure,
    stored_cell,
)
from evaluation.job import CellState, JobStatus

DONE, RUNNING, WAITING, FAILED, STALE, MISSING = (
    "done",
    "running",
    "waiting",
    "failed",
    "stale",
    "missing",
)
OTHER_VERSION, OTHER_DATA, CHANGED_DATA = "version", "other_data", "changed_data"
KEPT, DAMAGED = "kept", "damaged"
DATA_PARTS = ("train", "test", "ground_truth")
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
    reason : str
        Why it is failed or stale, as a sentence; else empty.
    cause, detail : str
        The same for a translation. A stale cell's cause is ``version`` (made by another version
        of the method), ``other_data`` (detail: that folder) or ``changed_data`` (detail: the
        folder that changed since); a failed one's is ``kept`` if an earlier result is still
        there, ``damaged`` if that is not whole.
    """

    category: str
    method: str
    state: str
    reason: str = ""
    cause: str = ""
    detail: str = ""


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
        The current or last job, from ``evaluation.job.read_status``.
    known : mapping, optional
        Cells that have been read, as from ``evaluation.cells.stored_cells``; others are read here.
    """
    planned = {
        (cell.category, cell.method): cell
        for cell in (job.cells if job else [])
        if not cell.settings_id
    }
    running = job is not None and job.state == jobs.RUNNING
    matrix = []
    for category in categories:
        changed = _last_change(data / category) if data is not None else ("", -math.inf)
        for method in methods:
            mine = planned.get((category, method))
            in_job = mine.state if running and mine is not None else ""
            if in_job == jobs.RUNNING:
                matrix.append(CellStatus(category, method, RUNNING))
                continue
            key = CellKey(category, method)
            status = _on_disk(outputs, data, key, known or {}, changed, mine)
            if in_job == jobs.WAITING and status.state not in (DONE, STALE):
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
        return CellStatus(category, method, FAILED, str(error), DAMAGED)
    stored = known.get(place.folder)
    if stored is None and place.finished:
        stored = stored_cell(place.folder)
    if stored is not None and stored.about is None:
        return CellStatus(category, method, FAILED, stored.damage, DAMAGED)
    failure = _failure(place)
    if planned is not None and planned.state == jobs.FAILED:
        failure = planned.reason or failure
    if failure is not None:
        return CellStatus(category, method, FAILED, failure, KEPT if stored else "")
    if stored is None or stored.about is None:
        return CellStatus(category, method, MISSING)
    cause, detail = _evidence(stored.about, place, data, changed)
    if stored.damage and cause != OTHER_VERSION:
        return CellStatus(category, method, FAILED, stored.damage, DAMAGED)
    if not cause:
        return CellStatus(category, method, DONE)
    reason = {
        OTHER_VERSION: "It was made by another version of the method; the next run makes it again.",
        OTHER_DATA: f"It was made from another data folder ({detail}); only a run that repeats "
        "finished cells replaces it.",
        CHANGED_DATA: f"{detail} has changed since; the next run checks it.",
    }[cause]
    return CellStatus(category, method, STALE, reason, cause, detail)


def _evidence(
    cell: dict[str, Any], place: CellPlace, data: Path | None, changed: tuple[str, float]
) -> tuple[str, str]:
    """Return cause and detail of a cell that is out of date, else two empty strings."""
    method = place.method
    if data is not None and cell["data_root"] != str(data.resolve()):
        return OTHER_DATA, str(cell["data_root"])
    version = cell.get("method_version")
    if method in METHODS and version is not None and version != METHODS[method].version:
        return OTHER_VERSION, ""
    folder, time = changed
    return (CHANGED_DATA, folder) if time > _checked(cell, place) + CLOCK_STEP_S else ("", "")


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
    for folder in _data_folders(category):
        try:
            time = folder.stat().st_mtime
        except OSError:
            continue
        if time > latest[1]:
            latest = (folder.relative_to(category.parent).as_posix(), time)
    return latest


def _data_folders(category: Path) -> Iterator[Path]:
    for part in DATA_PARTS:
        folder = category / part
        yield folder
        try:
            yield from sorted(child for child in folder.iterdir() if child.is_dir())
        except OSError:
            continue


def _failure(place: CellPlace) -> str | None:
    """Return why the last try failed, None if it did not."""
    file = place.failure_file
    if not file.is_file() or leads_out(file, place.outputs):
        return None
    try:
        note = read_failure(file)
    except FileNotFoundError:
        return None
    return note["reason"] if note else "The last try failed; its reason cannot be read."
