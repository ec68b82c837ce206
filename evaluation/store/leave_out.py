"""Training pictures that are not to be used: a text file of paths below the data folder, by line.

A line without a slash that begins with ``#`` is a remark. The file stands in the outputs folder,
because nothing is ever written into a data folder. Nothing that it names is opened: a name only
takes a picture away that is there anyway.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from data_utils.facts import Fault
from evaluation.store.files import is_short_file, write_atomically

LEAVE_OUT_FILE = "leave_out.txt"
SHOWN = 200  # characters of a line that is no path
HEADING = "# Training pictures that are left out with: evaluate.py --leave-out FILE\n"


class LeaveOutError(Fault):
    """A file of pictures to leave out that cannot be used."""


def read_left_out(path: Path) -> dict[str, tuple[str, ...]]:
    """Return the pictures named in a file by category, each group in order.

    Raises
    ------
    LeaveOutError
        If it cannot be read, or a line is no path of a picture below a category.
    """
    try:
        if not is_short_file(path):
            raise OSError("it is no short text file")
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, ValueError) as error:
        raise LeaveOutError("leave_out_unreadable", path=path, error=str(error)) from error
    found: dict[str, set[str]] = {}
    for line in (line.rstrip("\r") for line in lines):
        if not line.strip() or (line.startswith("#") and "/" not in line):
            continue
        category, *rest = line.split("/")
        if not category or not rest or ".." in rest:
            raise LeaveOutError("leave_out_wrong_line", path=path, line=line[:SHOWN])
        found.setdefault(category, set()).add(line)
    return {category: tuple(sorted(names)) for category, names in found.items()}


def kept_left_out(outputs: Path) -> dict[str, tuple[str, ...]]:
    """Return the pictures named in an outputs folder; none without a file."""
    path = outputs / LEAVE_OUT_FILE
    return read_left_out(path) if path.exists() else {}


def change_left_out(
    outputs: Path, category: str, add: Iterable[str] = (), remove: Iterable[str] = ()
) -> None:
    """Add pictures of a category to those named in an outputs folder, or take some away.

    Raises LeaveOutError if the file that is there cannot be used, OSError if it cannot be written.
    """
    kept = kept_left_out(outputs)
    kept[category] = tuple(sorted({*kept.get(category, ()), *add} - {*remove}))
    lines = "".join(f"{name}\n" for some in kept.values() for name in some)
    write_atomically(outputs / LEAVE_OUT_FILE, HEADING + lines, lasting=False)
