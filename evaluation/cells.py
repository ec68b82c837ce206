"""Finished cells on disk: one folder per category and method, whole or not there.

A cell is written into a temporary folder beside its place and moved there by renaming. A cell
that it replaces is renamed aside first and deleted last, so at every moment one whole cell is
on disk; ``repair`` finishes or undoes an interrupted exchange.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from data_utils.locations import leads_out, readable
from evaluation.cell_fields import damage, is_complete
from evaluation.cell_files import CHECKSUM, FILES, content_checksum, lost_files, recorded
from evaluation.lasting import flush_files, flush_names

CELL_FILE = "cell.json"
SCORES_FILE = "scores.csv"
CURVES_FILE = "curves.npz"
MAPS_FILE = "maps.npy"
MODEL_FILE = "model.safetensors"
PICTURE_SUFFIX = ".png"
FAILURE_SUFFIX = ".failed.json"
SETTINGS_FOLDER = "settings"
CELL_FORMAT = 3
LARGEST_TEXT_BYTES = 50_000_000
NEW_SUFFIX = ".cell-new"
OLD_SUFFIX = ".cell-old"
UNFINISHED_SUFFIX = ".text-new"
RENAME_TRIES = 10
RENAME_PAUSE_S = 0.2


class CellError(ValueError):
    """A cell on disk that cannot be read; the message is a full sentence."""


class CellKey(NamedTuple):
    """What names a cell within an outputs folder; `settings_id` is "" for the default settings."""

    category: str
    method: str
    settings_id: str = ""

    def __str__(self) -> str:
        setting = f" ({self.settings_id})" if self.settings_id else ""
        return f"{self.category} / {self.method}{setting}"


@dataclass(frozen=True)
class CellPlace:
    """Where the cell of one category and method with one set of settings stands."""

    outputs: Path
    category: str
    method: str
    settings_id: str = ""

    def __post_init__(self) -> None:
        if self.category == SETTINGS_FOLDER or self.category.startswith("."):
            raise CellError(
                f"A category cannot be called '{self.category}': the outputs folder uses that "
                "name itself; rename the category's folder."
            )
        if leads_out(self.folder.parent, self.outputs):
            raise CellError(
                f"{self.folder.parent} leads out of the outputs folder {self.outputs}, so nothing "
                "is read or written there; remove the link."
            )

    @property
    def key(self) -> CellKey:
        """What names the cell within the outputs folder."""
        return CellKey(self.category, self.method, self.settings_id)

    @property
    def folder(self) -> Path:
        """The cell's folder, whether it exists or not."""
        if not self.settings_id:
            return self.outputs / self.category / self.method
        return self.outputs / SETTINGS_FOLDER / self.settings_id / self.category / self.method

    @property
    def failure_file(self) -> Path:
        """The note about the last failed try, beside the cell."""
        return self.folder.with_name(self.method + FAILURE_SUFFIX)

    @property
    def finished(self) -> bool:
        """Whether a finished cell stands there, perhaps a damaged one."""
        return os.path.lexists(self.folder / CELL_FILE)


@dataclass(frozen=True)
class StoredCell:
    """What stands in the place of a finished cell.

    Attributes
    ----------
    about : dict or None
        The content of ``cell.json`` without its record of files; None if it cannot be read.
    damage : str
        What is wrong with it or with its files, as a sentence; "" if nothing is.
    """

    about: dict[str, Any] | None
    damage: str = ""


@contextmanager
def new_cell(place: CellPlace) -> Iterator[Path]:
    """Give a temporary folder that becomes the cell when the context ends without an error.

    Raises
    ------
    CellError
        If it cannot be written: a full disk, a limit on files, no permission, a removed folder.
    """
    temporary: Path | None = None
    try:
        place.folder.parent.mkdir(parents=True, exist_ok=True)
        name = tempfile.mkdtemp(NEW_SUFFIX, f".{place.method}-", place.folder.parent)
        temporary = Path(name)
        temporary.chmod(0o755)
        yield temporary
        flush_files(temporary, passed_over=PICTURE_SUFFIX)
        _exchange(temporary, place.folder)
        place.failure_file.unlink(missing_ok=True)
    except OSError as error:
        raise CellError(
            f"The result cannot be written to {place.outputs} ({error.strerror or error}). Make "
            "room there, or choose another folder with --out, and run again; earlier results are "
            "kept."
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def record_failure(place: CellPlace, reason: str) -> None:
    """Note beside the cell's place why the last try failed; earlier results stay."""
    place.folder.parent.mkdir(parents=True, exist_ok=True)
    note = {"category": place.category, "method": place.method, "reason": readable(reason)}
    write_atomically(place.failure_file, json.dumps(note, ensure_ascii=False, indent=1))


def read_cell(folder: Path) -> dict[str, Any]:
    """Read a finished cell's ``cell.json``; undefined metrics come back as NaN.

    Raises
    ------
    CellError
        If it is missing, damaged, of another format, or was changed after it was written.
    """
    path = folder / CELL_FILE
    if link := _link_out(folder):
        raise CellError(f"{link} is a link that leads out of its folder; evaluate this cell again.")
    if not is_short_file(path):
        raise CellError(f"{path} is missing or damaged; evaluate this cell again.")
    try:
        text = path.read_text(encoding="utf-8")
        cell = json.loads(text)
        if "\\u" in text:  # an escape may be half of a character, which nothing can show
            json.dumps(cell, ensure_ascii=False).encode()
    except (OSError, ValueError, RecursionError) as error:
        raise CellError(f"{path} is missing or damaged; evaluate this cell again.") from error
    if not is_complete(cell):
        raise CellError(f"{path} is incomplete; evaluate this cell again.")
    if cell["format"] != CELL_FORMAT:
        raise CellError(f"{path} was written by another version; evaluate this cell again.")
    if wrong := damage(cell, folder):
        raise CellError(f"{path} is damaged ({wrong}); evaluate this cell again.")
    if CHECKSUM in cell and cell[CHECKSUM] != content_checksum(cell):
        raise CellError(f"{path} was changed after the evaluation; evaluate this cell again.")
    restored: dict[str, Any] = _none_to_nan(cell)
    return restored


def is_short_file(path: Path) -> bool:
    """Tell whether it is a file, and of a size that a text or a table of a cell can have."""
    try:
        return path.is_file() and path.stat().st_size <= LARGEST_TEXT_BYTES
    except OSError:
        return False


def write_cell_file(folder: Path, cell: dict[str, Any]) -> None:
    """Write ``cell.json`` into the cell's temporary folder; NaN becomes null."""
    text = json.dumps(_nan_to_none(cell), ensure_ascii=False, indent=1, allow_nan=False)
    (folder / CELL_FILE).write_text(text, encoding="utf-8")


def seal(folder: Path) -> None:
    """Record in a cell's ``cell.json`` what its files are; call it when all are written."""
    path = folder / CELL_FILE
    cell = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    cell[FILES] = recorded(folder)
    cell[CHECKSUM] = content_checksum(cell)
    write_cell_file(folder, cell)


def lost_parts(folder: Path, cell: dict[str, Any]) -> str:
    """Return a sentence about files of a cell that are missing or cut, "" if there are none.

    Nothing is opened: a file that keeps its size is not noticed. Of a cell older than the record
    of files, only what is no file at all, or a table that is far too large, is noticed.
    """
    lost = lost_files(folder, cell) if FILES in cell else _no_files(folder)
    return f"The cell in {folder} is damaged ({lost}); evaluate this cell again." if lost else ""


def all_cells(outputs: Path) -> tuple[list[tuple[Path, dict[str, Any]]], list[str]]:
    """Return ``(folder, cell)`` of every cell whose ``cell.json`` can be read, and problems.

    A problem is a sentence about a cell that cannot be read, or that has lost other files; the
    numbers of such a one are still there. The record of files is left out of the cells.
    """
    return cells_and_problems(stored_cells(outputs))


def stored_cells(outputs: Path) -> dict[Path, StoredCell]:
    """Read all cells below `outputs`, by folder."""
    stored = {}
    for file in cell_files(outputs):
        folder = file.parent
        if leads_out(folder.parent, outputs):
            damage = f"{folder.parent} leads out of {outputs}; it is not read."
            stored[folder] = StoredCell(None, damage)
        else:
            stored[folder] = stored_cell(folder)
    return stored


def stored_cell(folder: Path) -> StoredCell:
    """Read one cell, and look whether its files are all there."""
    try:
        cell = read_cell(folder)
    except CellError as error:
        return StoredCell(None, str(error))
    about = {name: cell[name] for name in cell if name != FILES}
    return StoredCell(about, lost_parts(folder, cell))


def cells_and_problems(
    stored: Mapping[Path, StoredCell],
) -> tuple[list[tuple[Path, dict[str, Any]]], list[str]]:
    """Return the cells that can be read and the problems, as ``all_cells`` does."""
    cells = [(folder, one.about) for folder, one in stored.items() if one.about is not None]
    return cells, [one.damage for one in stored.values() if one.damage]


def failures(outputs: Path) -> list[dict[str, str]]:
    """Return the notes about failed tries below `outputs`."""
    notes = []
    for pattern in (f"*/*{FAILURE_SUFFIX}", f"{SETTINGS_FOLDER}/*/*/*{FAILURE_SUFFIX}"):
        for path in sorted(outputs.glob(pattern)):
            if leads_out(path, outputs) or not path.is_file():
                continue
            with suppress(FileNotFoundError):
                if note := read_failure(path):
                    notes.append(note)
    return notes


def read_failure(path: Path) -> dict[str, str] | None:
    """Return category, method and reason of a note about a failed try, None if it is damaged.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    try:
        if path.stat().st_size > LARGEST_TEXT_BYTES:
            return None
        note = json.loads(path.read_text(encoding="utf-8"))
        return {key: readable(str(note[key])) for key in ("category", "method", "reason")}
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def repair(outputs: Path) -> None:
    """Finish or undo exchanges that a killed run left half done, and remove its unfinished files.

    Only call it while holding the outputs folder's lock.
    """
    for pattern in (".*", "*/.*", f"{SETTINGS_FOLDER}/*/*/.*"):
        for leftover in list(outputs.glob(pattern)):
            if not leads_out(leftover.parent, outputs):
                _repair(leftover)


def repair_cell(place: CellPlace) -> None:
    """Do the same for one cell whose writer is dead, while others are being written."""
    for pattern in (f".{place.method}{OLD_SUFFIX}", f".{place.method}-*{NEW_SUFFIX}"):
        for leftover in list(place.folder.parent.glob(pattern)):
            _repair(leftover)


def _repair(leftover: Path) -> None:
    if leftover.name.endswith(OLD_SUFFIX):
        place = leftover.with_name(leftover.name[1 : -len(OLD_SUFFIX)])
        if not (place / CELL_FILE).is_file() and (leftover / CELL_FILE).is_file():
            _remove(place)
            leftover.rename(place)
        else:
            _remove(leftover)
    elif leftover.name.endswith(NEW_SUFFIX):
        shutil.rmtree(leftover, ignore_errors=True)
    elif leftover.name.endswith(UNFINISHED_SUFFIX):
        leftover.unlink(missing_ok=True)


def write_atomically(path: Path, text: str, lasting: bool = True) -> None:
    """Replace the file `path` by `text` in one step.

    Parameters
    ----------
    lasting : bool
        Whether it must be whole after a power failure, too; this takes some milliseconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(UNFINISHED_SUFFIX, f".{path.name}-", path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            if lasting:
                file.flush()
                os.fsync(handle)
        Path(name).chmod(0o644)
        _retried(lambda: Path(name).replace(path))
        if lasting:
            flush_names(path.parent)
    finally:
        Path(name).unlink(missing_ok=True)


def _exchange(new: Path, place: Path) -> None:
    old = place.with_name(f".{place.name}{OLD_SUFFIX}")
    if os.path.lexists(place):
        _remove(old)
        _retried(lambda: place.rename(old))
    try:
        _retried(lambda: new.rename(place))
    except BaseException:  # also Ctrl-C between the two renames, or just after the second
        if os.path.lexists(old) and not os.path.lexists(place):
            old.rename(place)
        raise
    flush_names(place.parent)
    _remove(old)


def _remove(path: Path) -> None:
    """Remove a cell's folder, or the file or link that stands in place of one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _retried(action: Any) -> None:
    """Run `action`; on Windows an open file blocks a rename for a moment, so try again."""
    for left in reversed(range(RENAME_TRIES)):
        try:
            action()
            return
        except PermissionError:
            if left == 0 or os.name != "nt":
                raise
            time.sleep(RENAME_PAUSE_S)


def _link_out(folder: Path) -> Path | None:
    """Return which of a cell's folder and files is a link that leads out of where it should be."""
    files = (CELL_FILE, SCORES_FILE, CURVES_FILE, MAPS_FILE, MODEL_FILE)
    for path in (folder, *(folder / name for name in files)):
        if path.is_symlink() and leads_out(path, folder.parent):
            return path
    return None


def _no_files(folder: Path) -> str:
    for name in (SCORES_FILE, CURVES_FILE, MAPS_FILE, MODEL_FILE):
        path = folder / name
        if os.path.lexists(path) and not path.is_file():
            return f"{name} is not a file"
    scores = folder / SCORES_FILE
    too_large = os.path.lexists(scores) and not is_short_file(scores)
    return f"{SCORES_FILE} is too large" if too_large else ""


def cell_files(outputs: Path) -> list[Path]:
    """Return the ``cell.json`` of every finished cell."""
    patterns = (f"*/*/{CELL_FILE}", f"{SETTINGS_FOLDER}/*/*/*/{CELL_FILE}")
    return [
        path
        for pattern in patterns
        for path in sorted(outputs.glob(pattern))
        if not any(part.startswith(".") for part in path.relative_to(outputs).parts)
    ]


def key_of(outputs: Path, file: Path) -> CellKey:
    """Return what names the cell of a ``cell.json`` within the outputs folder."""
    *settings, category, method, _ = file.relative_to(outputs).parts
    return CellKey(category, method, settings[1] if settings else "")


def _nan_to_none(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _nan_to_none(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_nan_to_none(item) for item in value]
    return value


def _none_to_nan(cell: dict[str, Any]) -> dict[str, Any]:
    def restore(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: restore(item) for key, item in value.items()}
        return math.nan if value is None else value

    return {**cell, "metrics": restore(cell["metrics"])}
