"""Files that outlast a power failure.

A rename is no promise that what was renamed is on the disk: the system may keep a name and lose
what was written under it. What must not be lost is therefore flushed before it takes its place.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


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
