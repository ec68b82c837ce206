"""A finished cell on its way: its files by name, put in place where the run was started."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from data_utils.facts import Fault
from evaluation.store.cells import CELL_FORMAT, new_cell, write_cell_file
from evaluation.store.checksums import CHECKSUM, content_checksum, damaged_file
from evaluation.store.places import CELL_FILE, CellKey, CellPlace


class PackedError(Fault):
    """A packed cell that is not the one that it should be."""


def pack(folder: Path) -> dict[str, bytes]:
    """Return the files of a cell's folder by name, and remove it."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / CELL_FILE).unlink()
    shutil.rmtree(folder, ignore_errors=True)  # with the last cell, its maker does the same
    return files


def put_in_place(files: Mapping[str, bytes], place: CellPlace, data: Path, pictures: str) -> None:
    """Make a packed cell the cell at `place`, whole or not at all; it names the data folder here.

    Parameters
    ----------
    pictures : str
        Fingerprint of the pictures here, from which it must have been made.

    Raises
    ------
    PackedError
        If it is another cell, is damaged, or holds anything but files of its own folder.
    CellError
        If it cannot be written.
    """
    with new_cell(place) as folder:
        for name, content in files.items():
            if name != Path(name).name or name.startswith(".") or set(name) & set("/\\:"):
                raise PackedError("result_foreign_file", name=name)
            (folder / name).write_bytes(content)
        try:
            cell = json.loads(files[CELL_FILE])
            whole = cell[CHECKSUM] == content_checksum(cell) and not damaged_file(folder, cell)
        except (LookupError, TypeError, ValueError):
            whole = False
        if not whole:
            raise PackedError("result_corrupted", cell=place.key)
        made = CellKey(cell["category"], cell["method"], cell["settings_id"])
        if cell["format"] != CELL_FORMAT or made != place.key:
            raise PackedError("result_other_version", cell=place.key)
        if cell["data_fingerprint"] != pictures:
            raise PackedError("result_other_data", cell=place.key)
        write_cell_file(folder, cell | {"data_root": str(data.resolve())})
