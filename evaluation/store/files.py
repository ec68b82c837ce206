"""Files that outlast a power failure.

A rename is no promise that what was renamed is on the disk: the system may keep a name and lose
what was written under it. What must not be lost is therefore flushed before it takes its place.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

LARGEST_TEXT_BYTES = 50_000_000
UNFINISHED_SUFFIX = ".text-new"
RENAME_TRIES = 10
RENAME_PAUSE_S = 0.2


def flush_files(folder: Path, passed_over: str) -> None:
    """Bring the files of a folder to the disk, and then the folder's list of names.

    Parameters
    ----------
    passed_over : str
        How the names end of files that can be made again.

    Raises
    ------
    OSError
        If the system could not write them.
    """
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix != passed_over:
            with path.open("rb+") as file:  # Windows flushes only what may be written
                os.fsync(file.fileno())
    flush_names(folder)


def flush_names(folder: Path) -> None:
    """Bring a folder's list of names to the disk, where the system can be asked to.

    File systems keep the order of changes to names, so without it the latest ones may be undone
    by a power failure, and nothing is half there.
    """
    with suppress(OSError):  # Windows and some network drives cannot
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def is_short_file(path: Path) -> bool:
    """Tell whether it is a file, and of a size that a text or a table of a cell can have."""
    try:
        return path.is_file() and path.stat().st_size <= LARGEST_TEXT_BYTES
    except OSError:
        return False


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
        retried(lambda: Path(name).replace(path))
        if lasting:
            flush_names(path.parent)
    finally:
        Path(name).unlink(missing_ok=True)


def retried(action: Callable[[], object]) -> None:
    """Run `action`; on Windows an open file blocks a rename for a moment, so try again."""
    for left in reversed(range(RENAME_TRIES)):
        try:
            action()
            return
        except PermissionError:
            if left == 0 or os.name != "nt":
                raise
            time.sleep(RENAME_PAUSE_S)


def remove(path: Path) -> None:
    """Remove a folder with all in it, a file or a link, as far as the system lets it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
