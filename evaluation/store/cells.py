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
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data_utils.facts import Fact, fact, from_json
from data_utils.locations import leads_out
from evaluation.store.checksums import CHECKSUM, FILES, content_checksum, lost_file, recorded
from evaluation.store.files import (
    UNFINISHED_SUFFIX,
    flush_files,
    flush_names,
    is_short_file,
    remove,
    retried,
    write_atomically,
)
from evaluation.store.places import (
    CELL_FILE,
    CURVES_FILE,
    FAILURE_SUFFIX,
    MAPS_FILE,
    MODEL_FILE,
    PICTURE_SUFFIX,
    SCORES_FILE,
    SETTINGS_FOLDER,
    CellError,
    CellKey,
    CellPlace,
)

CELL_FORMAT = 6
NEW_SUFFIX = ".cell-new"
OLD_SUFFIX = ".cell-old"
OTHER_FILES = (SCORES_FILE, CURVES_FILE, MAPS_FILE, MODEL_FILE)
TEXTS = ("category", "method", "backbone", "weights", "backbone_identity", "settings_id")
METRICS = ("image_auroc", "image_auroc_low", "image_auroc_high", "pixel_auroc")
AMOUNTS = (
    "fit_s",
    "score_s",
    "runtime_s",
    "ms_per_image",
    "latency_ms",
    "model_mb",
)
SECTIONS = ("metrics", "counts", "timings", "settings", "geometry", "scale", FILES)


@dataclass(frozen=True)
class StoredCell:
    """What stands in the place of a finished cell.

    Attributes
    ----------
    about : dict or None
        The content of ``cell.json`` without its record of files; None if it cannot be read.
    damage : Fact or None
        What is wrong with it or with its files.
    """

    about: dict[str, Any] | None
    damage: Fact | None = None


@dataclass(frozen=True)
class Failure:
    """Why the last try to make a cell failed."""

    category: str
    method: str
    reason: Fact


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
            "result_unwritable", outputs=place.outputs, error=error.strerror or error
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def write_cell_file(folder: Path, cell: dict[str, Any]) -> None:
    """Write ``cell.json`` beside the cell's other files, with a record of them; NaN becomes null.

    Call it when all of them are written.
    """
    (folder / CELL_FILE).unlink(missing_ok=True)
    content = _nan_to_none(cell) | {FILES: recorded(folder)}
    content[CHECKSUM] = content_checksum(content)
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
    (folder / CELL_FILE).write_text(text, encoding="utf-8")


def read_cell(folder: Path) -> dict[str, Any]:
    """Read a finished cell's ``cell.json``; undefined metrics come back as NaN.

    Raises
    ------
    CellError
        If it is missing, damaged, of another format, or was changed after it was written.
    """
    path = folder / CELL_FILE
    for one in (folder, *(folder / name for name in (CELL_FILE, *OTHER_FILES))):
        if one.is_symlink() and leads_out(one, folder.parent):
            raise CellError("cell_link_out", path=one)
    if not is_short_file(path):
        raise CellError("cell_unreadable", path=path)
    try:
        cell = json.loads(path.read_text(encoding="utf-8"))
        version = cell["format"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise CellError("cell_unreadable", path=path) from error
    if version != CELL_FORMAT:
        raise CellError("cell_other_version", path=path)
    if not _is_of_a_cell(cell):
        raise CellError("cell_unreadable", path=path)
    if cell.get(CHECKSUM) != content_checksum(cell) or not _stands_where_it_was_made(cell, folder):
        raise CellError("cell_changed", path=path)
    metrics: dict[str, Any] = _none_to_nan(cell["metrics"])
    return {**cell, "metrics": metrics}


def stored_cells(outputs: Path) -> dict[Path, StoredCell]:
    """Read all cells below `outputs`, by folder."""
    stored = {}
    for folder in (file.parent for file in cell_files(outputs)):
        if leads_out(folder.parent, outputs):
            damage = fact("leads_out", folder=folder.parent, outputs=outputs)
            stored[folder] = StoredCell(None, damage)
        else:
            stored[folder] = stored_cell(folder)
    return stored


def stored_cell(folder: Path) -> StoredCell:
    """Read one cell, and look whether its files are all there, of the size that they had."""
    try:
        cell = read_cell(folder)
    except CellError as error:
        return StoredCell(None, error.fact)
    lost = lost_file(folder, cell)
    damage = fact("cell_damaged", folder=folder, damage=lost) if lost else None
    return StoredCell({name: cell[name] for name in cell if name != FILES}, damage)


def readable_cells(outputs: Path) -> list[dict[str, Any]]:
    """Return the content of every ``cell.json`` that can be read, without its record of files."""
    return abouts(stored_cells(outputs))


def abouts(stored: Mapping[Path, StoredCell]) -> list[dict[str, Any]]:
    """Return the content of those that can be read."""
    return [one.about for one in stored.values() if one.about is not None]


def damages(stored: Iterable[StoredCell]) -> list[Fact]:
    """Return what is wrong with the others, and with those that have lost other files."""
    return [one.damage for one in stored if one.damage is not None]


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


def record_failure(place: CellPlace, reason: Fact) -> None:
    """Note beside the cell's place why the last try failed; earlier results stay."""
    note = {"category": place.category, "method": place.method, "reason": asdict(reason)}
    text = json.dumps(note, ensure_ascii=False, indent=1).encode(errors="backslashreplace")
    write_atomically(place.failure_file, text.decode())


def read_failure(path: Path) -> Failure | None:
    """Return the note about a failed try, None if there is none."""
    if not path.is_file():
        return None
    try:
        if not is_short_file(path):
            raise ValueError
        note = json.loads(path.read_text(encoding="utf-8"))
        return Failure(str(note["category"]), str(note["method"]), from_json(note["reason"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        method = path.name.removesuffix(FAILURE_SUFFIX)
        return Failure(path.parent.name, method, fact("failure_unreadable"))


def failures(outputs: Path) -> list[Failure]:
    """Return the notes about failed tries below `outputs`."""
    patterns = (f"*/*{FAILURE_SUFFIX}", f"{SETTINGS_FOLDER}/*/*/*{FAILURE_SUFFIX}")
    found = [path for pattern in patterns for path in sorted(outputs.glob(pattern))]
    notes = (read_failure(path) for path in found if not leads_out(path, outputs))
    return [note for note in notes if note is not None]


def repair(outputs: Path) -> None:
    """Finish or undo exchanges that a killed run left half done, and remove its unfinished files.

    Only call it while holding the outputs folder's lock.
    """
    for pattern in (".*", "*/.*", f"{SETTINGS_FOLDER}/*/*/.*"):
        for leftover in list(outputs.glob(pattern)):
            if not leads_out(leftover.parent, outputs):
                _repair(leftover)


def remove_cell(place: CellPlace) -> None:
    """Remove a cell with all its files, if it is there; raises OSError if it cannot be.

    It is renamed to what a killed run leaves behind and then deleted, so it is never half there.
    """
    place.failure_file.unlink(missing_ok=True)
    if place.finished:
        parent = place.folder.parent
        aside = Path(tempfile.mkdtemp(NEW_SUFFIX, f".{place.method}-", parent))
        place.folder.rename(aside / place.method)
        shutil.rmtree(aside)


def _repair(leftover: Path) -> None:
    if leftover.name.endswith(OLD_SUFFIX):
        place = leftover.with_name(leftover.name[1 : -len(OLD_SUFFIX)])
        if not (place / CELL_FILE).is_file() and (leftover / CELL_FILE).is_file():
            remove(place)
            leftover.rename(place)
        else:
            remove(leftover)
    elif leftover.name.endswith((NEW_SUFFIX, UNFINISHED_SUFFIX)):
        remove(leftover)


def _exchange(new: Path, place: Path) -> None:
    old = place.with_name(f".{place.name}{OLD_SUFFIX}")
    if os.path.lexists(place):
        remove(old)
        retried(lambda: place.rename(old))
    try:
        retried(lambda: new.rename(place))
    except BaseException:  # also Ctrl-C between the two renames, or just after the second
        if os.path.lexists(old) and not os.path.lexists(place):
            old.rename(place)
        raise
    flush_names(place.parent)
    remove(old)


def _is_of_a_cell(cell: Mapping[str, Any]) -> bool:
    """Tell whether what the pages and the evaluator rely on is there, and of the right kind."""
    try:
        sections = [cell[name] for name in SECTIONS]
        amounts = [cell.get(name) for name in AMOUNTS]
        numbers = [
            one for part in sections[:3] for one in part.values() if not isinstance(one, dict)
        ]
        for finding in cell.get("findings", []):
            from_json(finding["problem"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    return (
        all(isinstance(cell.get(name), str) for name in TEXTS)
        and all(isinstance(part, dict) for part in sections)
        and all(isinstance(one, (int, float, type(None))) for one in [*amounts, *numbers])
        and all(name in cell["metrics"] for name in METRICS)
    )


def _stands_where_it_was_made(cell: Mapping[str, Any], folder: Path) -> bool:
    """Compare names; file systems and archives may take Korean syllables apart."""
    noted = f"{cell['category']}/{cell['method']}"
    found = f"{folder.parent.name}/{folder.name}"
    return unicodedata.normalize("NFC", noted) == unicodedata.normalize("NFC", found)


def _nan_to_none(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _nan_to_none(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_nan_to_none(item) for item in value]
    return value


def _none_to_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _none_to_nan(item) for key, item in value.items()}
    return math.nan if value is None else value
