"""A finished cell as one string of bytes, packed where it was made and put in place elsewhere."""

from __future__ import annotations

import io
import json
import shutil
import uuid
from pathlib import Path
from zipfile import ZIP_STORED, BadZipFile, ZipFile

from evaluation.cell_fields import damage, is_complete
from evaluation.cell_files import CHECKSUM, changed_files, content_checksum
from evaluation.cells import CELL_FILE, CELL_FORMAT, CellPlace, new_cell, write_cell_file


class ParcelError(ValueError):
    """A parcel that does not hold the cell that it should; the message is a full sentence."""


def pack(folder: Path, aside: Path) -> bytes | None:
    """Pack a cell's folder, and remove it; None if it is not there, or is being packed already.

    Parameters
    ----------
    aside : Path
        A folder of the same file system, to which it is moved first.
    """
    claimed = aside / f"{folder.name}-{uuid.uuid4().hex}"
    try:
        folder.rename(claimed)
    except OSError:
        return None
    file = io.BytesIO()
    try:
        with ZipFile(file, "w", ZIP_STORED) as archive:  # pictures are packed already
            for path in sorted(claimed.iterdir()):
                archive.write(path, path.name)
    finally:
        shutil.rmtree(claimed, ignore_errors=True)
    return file.getvalue()


def put_in_place(parcel: bytes, place: CellPlace, data: Path, data_fingerprint: str) -> None:
    """Make a parcel the cell at `place`, whole or not at all.

    Parameters
    ----------
    data : Path
        The data folder here, which the cell is to name.
    data_fingerprint : str
        Of the pictures here, from which the cell must have been made.

    Raises
    ------
    ParcelError
        If it is another cell, is damaged, or holds anything but files of its own folder.
    CellError
        If it cannot be written.
    """
    with new_cell(place) as folder:
        _unpack(parcel, folder)
        try:
            cell = json.loads((folder / CELL_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise ParcelError(f"The result for {place.key} arrived corrupted.") from error
        if not is_complete(cell) or cell["format"] != CELL_FORMAT or damage(cell, place.folder):
            raise ParcelError(f"The result for {place.key} is that of another cell or version.")
        whole = cell.get(CHECKSUM) == content_checksum(cell) and not changed_files(folder, cell)
        if not whole:
            raise ParcelError(f"The result for {place.key} arrived corrupted.")
        if cell["settings_id"] != place.settings_id or cell["data_fingerprint"] != data_fingerprint:
            raise ParcelError(f"The result for {place.key} was made from other data or settings.")
        cell["data_root"] = str(data.resolve())
        cell[CHECKSUM] = content_checksum(cell)
        write_cell_file(folder, cell)


def _unpack(parcel: bytes, folder: Path) -> None:
    """Write the files of a parcel; only plain names in `folder` itself, nothing compressed."""
    try:
        with ZipFile(io.BytesIO(parcel)) as archive:
            for member in archive.infolist():
                name = member.filename
                plain = name == Path(name).name and "\\" not in name and ":" not in name
                if not plain or name.startswith(".") or member.compress_type != ZIP_STORED:
                    raise ParcelError(f"A result holds '{name}', which is no file of a cell.")
                (folder / name).write_bytes(archive.read(member))
    except BadZipFile as error:
        raise ParcelError("A result arrived corrupted.") from error
