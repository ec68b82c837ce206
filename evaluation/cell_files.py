"""What a cell's files were when they were written, so that damage to them is found later.

``cell.json`` records the size and the checksum of every other file of its cell, and a checksum
of its own content. Sizes are compared without opening anything; checksums read every byte. Cells
written before there was a record have none: only opening their files finds what is wrong.
"""

from __future__ import annotations

import json
import os
import stat
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILES, CHECKSUM = "files", "checksum"
BLOCK_BYTES = 1 << 20
MOST_NAMED = 3


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


def lost_files(folder: Path, cell: Mapping[str, Any]) -> str:
    """Return which recorded files are missing or have another size; "" if none, or no record.

    Nothing is opened.
    """
    found = _sizes(folder)
    wrong = []
    for name, (size, _) in cell.get(FILES, {}).items():
        if name not in found:
            wrong.append(f"{name} is missing")
        elif found[name] is None:
            wrong.append(f"{name} is not a file")
        elif found[name] != size:
            wrong.append(f"{name} has {found[name]} of {size} bytes")
    return _listed(wrong)


def changed_files(folder: Path, cell: Mapping[str, Any]) -> str:
    """Return which recorded files are not as they were written; "" if none, or no record.

    Every file is read.
    """
    if lost := lost_files(folder, cell):
        return lost
    return _listed(
        [f"{name} has changed" for name in cell.get(FILES, {}) if changed(folder / name, cell)]
    )


def changed(path: Path, cell: Mapping[str, Any]) -> bool:
    """Tell whether a file of a cell is not as it was written; False if it was not recorded."""
    record = cell.get(FILES, {}).get(path.name)
    try:
        return record is not None and file_checksum(path) != record[1]
    except OSError:
        return True


def is_record(value: object) -> bool:
    """Tell whether it can be a record: file names with size and checksum."""
    return isinstance(value, dict) and all(
        name == os.path.basename(name) not in (".", "..")  # noqa: PTH119  a Path takes far longer
        and isinstance(noted, list)
        and [type(one) for one in noted] == [int, str]
        for name, noted in value.items()
    )


def _sizes(folder: Path) -> dict[str, int | None]:
    """Return the size of every file in a folder, None for what is no file."""
    sizes: dict[str, int | None] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    about = entry.stat()
                except OSError:
                    continue
                sizes[entry.name] = about.st_size if stat.S_ISREG(about.st_mode) else None
    except OSError:
        return {}
    return sizes


def _listed(wrong: list[str]) -> str:
    more = len(wrong) - MOST_NAMED
    return "; ".join([*wrong[:MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])
