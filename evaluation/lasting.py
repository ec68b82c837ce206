"""Files that outlast a power failure.

A rename is no promise that what was renamed is on the disk: the system may keep a name and lose
what was written under it. What must not be lost is therefore flushed before it takes its place.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

FOLDERS_NOT_FLUSHED = frozenset({errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EACCES})


def flush_files(folder: Path, passed_over: str) -> None:
    """Bring the files of a folder to the disk, and then the folder's list of names.

    Parameters
    ----------
    passed_over : str
        How the names end of files that can be made again.
    """
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix != passed_over:
            with path.open("rb+") as file:  # Windows flushes only what may be written
                os.fsync(file.fileno())
    flush_names(folder)


def flush_names(folder: Path) -> None:
    """Bring a folder's list of names to the disk, on systems that can be asked to."""
    if os.name == "nt":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in FOLDERS_NOT_FLUSHED:  # some network drives cannot
            raise
