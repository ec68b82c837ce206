"""The original file of a test picture, at its own resolution and in register with its maps."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data_utils.images import UnreadableImageError, read_header, read_picture
from data_utils.locations import is_allowed
from data_utils.transform import SizeError, Transform

MOST_BYTES = 2_000_000
QUALITY, SMALLER = 90, 0.8
ALIKE = 1.0  # levels of 255; other versions of Pillow resize a little differently


@dataclass(frozen=True)
class Original:
    """A test picture's own file.

    Attributes
    ----------
    across, down : float
        Its pixels for one pixel of the maps.
    left, top : float
        Where the maps begin, in its pixels.
    """

    path: Path
    modified: int
    geometry: Transform
    across: float
    down: float
    left: float
    top: float


@dataclass(frozen=True)
class Detail:
    """The part of an original below the maps, as a JPEG file, and where it lies in their pixels."""

    jpeg: bytes
    x: float
    y: float
    width: float
    height: float


def original(about: Mapping[str, Any], row: Any) -> Original | None:
    """Return the original of a row of a cell's test pictures; None where it is not there.

    Parameters
    ----------
    about : mapping
        The content of ``cell.json``.
    row : Series
        With ``file``, its path within the data folder.
    """
    file = Path(str(row.get("file") or ""))
    path = Path(str(about["data_root"])) / file
    try:
        # A category may be a link to another place, but no name leads out of the folder.
        if file.is_absolute() or ".." in file.parts or not is_allowed(path) or not path.is_file():
            return None
        geometry, modified = Transform(**about["geometry"]), path.stat().st_mtime_ns
        height, width = read_header(path).size
    except (OSError, TypeError, ValueError, SizeError, UnreadableImageError):
        return None
    x, y, whole_width, whole_height = geometry.frame((width, height))
    across, down = width / whole_width, height / whole_height
    return Original(path, modified, geometry, across, down, -x * across, -y * down)


def detail(own: Original, seen: NDArray[np.uint8]) -> Detail | None:
    """Return the pixels of an original; None where they are not those that were evaluated.

    Parameters
    ----------
    own : Original
    seen : uint8 [H, W, 3]
        The picture as it was evaluated.
    """
    try:
        picture = read_picture(own.path, own.geometry.white).image
    except UnreadableImageError:
        return None
    if np.abs(own.geometry.picture(picture).astype(np.int16) - seen).mean() > ALIKE:
        return None
    left, top, right, bottom = own.geometry.kept(picture.size)
    return Detail(
        _at_most(picture.crop((left, top, right, bottom)), MOST_BYTES),
        (left - own.left) / own.across,
        (top - own.top) / own.down,
        (right - left) / own.across,
        (bottom - top) / own.down,
    )


def _at_most(picture: Image.Image, most: int) -> bytes:
    """Return a picture as JPEG of at most so many bytes, made smaller where it would have more."""
    while True:
        content = io.BytesIO()
        picture.save(content, "JPEG", quality=QUALITY)
        if content.tell() <= most:
            return content.getvalue()
        width, height = (max(1, round(side * SMALLER)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
