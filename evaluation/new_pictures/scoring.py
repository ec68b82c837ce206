"""From picture files to scores, by the same code as in the evaluation."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import IO, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from data_utils.decoding import DECODE_BYTES, DECODE_PIXEL_BYTES, DECODE_THREADS
from data_utils.facts import Fact, Fault, fact
from data_utils.images import (
    UnreadableImageError,
    is_picture,
    may_be_picture,
    read_header,
    read_picture,
    stored_size,
)
from data_utils.locations import free_bytes
from data_utils.transform import Transform
from detectors.registry import METHODS
from evaluation.measure.drift import appearance, background, differences, joined
from evaluation.new_pictures.opened_cell import OpenCell

MAX_PIXELS = 64_000_000
AT_ONCE = 16
OTHER_SHAPE = 1.32  # both sides are rounded to multiples of 32, each up to 15 % off

File = Path | IO[bytes]
one_large_picture = Lock()


class FolderError(Fault):
    """A folder whose pictures cannot be scored."""


@dataclass(frozen=True)
class ScoredPicture:
    """A new picture and what the methods say about it.

    Attributes
    ----------
    name : str
    scores, backgrounds : dict
        Raw, by method; empty where the picture cannot be read.
    looks : dict
        ``brightness``, ``sharpness`` and ``size``, as in ``scores.csv``.
    remark : Fact or None
        Why it cannot be read, or what is unusual about it.
    """

    name: str
    scores: dict[str, float] = field(default_factory=dict)
    remark: Fact | None = None
    backgrounds: dict[str, float] = field(default_factory=dict)
    looks: dict[str, Any] = field(default_factory=dict)

    @property
    def readable(self) -> bool:
        """Whether there are scores."""
        return bool(self.scores)

    def score(self, method: str) -> float:
        """Return the score by one method, NaN where the picture cannot be read."""
        return self.scores.get(method, math.nan)


def score_pictures(
    cells: Sequence[OpenCell],
    pictures: Sequence[tuple[str, File]],
    progress: Callable[[int], object] | None = None,
) -> list[ScoredPicture]:
    """Score pictures, a few in memory at a time; return them in the same order.

    Parameters
    ----------
    cells : sequence of OpenCell
        At least one; all with the same geometry.
    pictures : sequence of (name, Path or binary file)
    progress : callable (done), optional
    """
    scored: list[ScoredPicture] = []
    geometry = cells[0].geometry
    with ThreadPoolExecutor(DECODE_THREADS) as pool:
        for start in range(0, len(pictures), AT_ONCE):
            some = pictures[start : start + AT_ONCE]
            read = list(pool.map(lambda picture: _read(picture[1], geometry), some))
            images = [image for image, _, _ in read if image is not None]
            measured = iter(_measured(cells, np.stack(images)) if images else ())
            for (name, _), (image, remark, size) in zip(some, read, strict=True):
                if image is None:
                    scored.append(ScoredPicture(name, remark=remark))
                    continue
                scores, backgrounds, looks = next(measured)
                looks["size"] = size
                scored.append(ScoredPicture(name, scores, remark, backgrounds, looks))
            if progress is not None:
                progress(len(scored))
    return scored


def _measured(
    cells: Sequence[OpenCell], images: NDArray[np.uint8]
) -> list[tuple[dict[str, float], dict[str, float], dict[str, Any]]]:
    """Return scores and backgrounds by method, and the looks, of each picture."""
    results = {cell.method: cell.detector.score(images) for cell in cells}
    scores = pd.DataFrame({method: one.scores for method, one in results.items()})
    backgrounds = pd.DataFrame({method: background(one.maps) for method, one in results.items()})
    tables = (scores, backgrounds, appearance(images))
    return list(zip(*(table.to_dict("records") for table in tables), strict=True))


def unlike_held_out(scored: Sequence[ScoredPicture], cells: Sequence[OpenCell]) -> Fact | None:
    """Return in what new pictures differ from those that the cells' thresholds are from, if so."""
    read = [one for one in scored if one.looks]
    looks = pd.DataFrame([one.looks for one in read])
    found: list[Fact] = []
    for cell in cells:
        pictures = looks.assign(background=[one.backgrounds[cell.method] for one in read])
        found += differences(cell.held_out, pictures, METHODS[cell.method].title)
    what = joined(found)
    return fact("drift", count=len(read), what=what) if what else None


def _read(file: File, geometry: Transform) -> tuple[NDArray[np.uint8] | None, Fact | None, str]:
    """Return the pixels as the detectors see them, a remark, and the size of the file.

    No pixels if it is unreadable.
    """
    if isinstance(file, Path) and not is_picture(file):
        return None, fact("not_read"), ""
    try:
        picture, remarks = opened_picture(file, geometry.white)
    except UnreadableImageError as error:
        return None, error.fact, ""
    if geometry.shorter_side is None and has_other_shape(*picture.size, geometry):
        remarks.append(fact("squeezed", size=f"{picture.width} x {picture.height} px"))
    told = remarks[0] if remarks else None
    for more in remarks[1:]:
        told = fact("two_remarks", first=told, second=more)
    return geometry.picture(picture), told, f"{picture.width}x{picture.height}"


def has_other_shape(width: int, height: int, geometry: Transform) -> bool:
    """Tell whether a picture's sides have another ratio than the cell's, rounded as those are."""
    ratio = (width / height) / (geometry.width / geometry.height)
    return max(ratio, 1 / ratio) > OTHER_SHAPE


def opened_picture(file: File, white: int | None = None) -> tuple[Image.Image, list[Fact]]:
    """Decode a picture as the evaluation does, to 8-bit RGB, and say what is unusual about it.

    `white` is that of the cell's training pictures, None if these have 8 bits.

    Raises
    ------
    UnreadableImageError
        If it is no picture, has more than 64 million pixels or more than there is memory for, or
        cannot be decoded.
    """
    height, width = stored_size(file)
    if height * width > MAX_PIXELS:
        most = MAX_PIXELS // 1_000_000
        raise UnreadableImageError("picture_too_large", width=width, height=height, most=most)
    needed = height * width * DECODE_PIXEL_BYTES
    with one_large_picture if needed > DECODE_BYTES // DECODE_THREADS else nullcontext():
        if needed > (free := free_bytes()):
            amounts = {"needed": f"{needed / 1e6:.0f} MB", "free": f"{free / 1e6:.0f} MB"}
            raise UnreadableImageError("picture_needs_memory", **amounts)
        read = read_picture(file, white)
    header = read_header(file)
    remarks = [*header.remarks, *read.remarks]
    if header.deep != (white is not None):
        remarks.append(fact("other_depth"))
    return read.image, remarks


def pictures_below(folder: Path) -> list[tuple[str, Path]]:
    """Find what may be pictures in a folder and its subfolders, by folder and name.

    Hidden files and files that are known to be something else are left out; links to folders are
    not followed.

    Returns
    -------
    list of (path below the folder with ``/``, path)

    Raises
    ------
    FolderError
        If there is no such folder, no picture in it, or a folder in it that cannot be read: parts
        in there would go unchecked.
    """
    if not folder.is_dir():
        raise FolderError("no_folder_to_score", folder=folder)
    found: list[Path] = []
    for place, inner, names in os.walk(folder, onerror=_refuse):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        found += [path for name in sorted(names) if may_be_picture(path := Path(place, name))]
    if not found:
        raise FolderError("no_picture_to_score", folder=folder)
    return [(path.relative_to(folder).as_posix(), path) for path in found]


def _refuse(error: OSError) -> None:
    raise FolderError("folder_unread", folder=error.filename, error=error.strerror)
