"""What a cell's files were when they were written, so that damage to them is found later.

``cell.json`` records the size and the CRC-32 of every other file of its cell, and a checksum of
its own content, which stands for every field in it. Sizes are compared without opening anything;
checksums read every byte.
"""

from __future__ import annotations

import json
import stat
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_utils.facts import Fact, fact

FILES, CHECKSUM = "files", "checksum"
BLOCK_BYTES = 1 << 20


def recorded(folder: Path) -> dict[str, list[int | str]]:
    """Return size in bytes and checksum of every file in `folder`, by name."""
    return {
        path.name: [path.stat().st_size, file_checksum(path)]
        for path in sorted(folder.iterdir())
        if path.is_file()
    }


def content_checksum(cell: Mapping[str, Any]) -> str:
    """Return the checksum of the content of a ``cell.json`` as JSON has it, without its own."""
    content = {name: value for name, value in cell.items() if name != CHECKSUM}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return f"{zlib.crc32(text.encode()):08x}"


def file_checksum(path: Path) -> str:
    """Return the CRC-32 of a file's content, as eight hexadecimal digits."""
    value = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            value = zlib.crc32(block, value)
    return f"{value:08x}"


def lost_file(folder: Path, cell: Mapping[str, Any]) -> Fact | None:
    """Return what is wrong with a recorded file that is missing or cut. Opens nothing."""
    for name, (size, _) in cell[FILES].items():
        try:
            found = (folder / name).stat()
        except OSError:
            return fact("file_missing", name=name)
        if not stat.S_ISREG(found.st_mode):
            return fact("file_no_file", name=name)
        if found.st_size != size:
            return fact("file_cut", name=name, found=found.st_size, size=size)
    return None


def damaged_file(folder: Path, cell: Mapping[str, Any]) -> Fact | None:
    """Return what is wrong with a recorded file that is not as it was written. Reads them all."""
    for name in cell[FILES]:
        if changed(folder / name, cell):
            return lost_file(folder, cell) or fact("file_changed", name=name)
    return None


def changed(path: Path, cell: Mapping[str, Any]) -> bool:
    """Tell whether a file of a cell is not as it was written."""
    try:
        size, checksum = cell[FILES][path.name]
        return path.stat().st_size != size or file_checksum(path) != checksum
    except (OSError, KeyError):
        return True
