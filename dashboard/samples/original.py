"""The original file of a test picture, at its own resolution and in register with its maps."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from dashboard.components.data_url import data_url
from data_utils.images import UnreadableImageError, read_header, read_picture
from data_utils.locations import is_allowed
from data_utils.transform import SizeError, Transform

MOST_BYTES = 2_000_000
QUALITY, SMALLER = 90, 0.8
ALIKE = 1.0  # levels of 255; other versions of Pillow resize a little differently
KEPT = 12


@dataclass(frozen=True)
class Detail:
    """The part of an original that the maps cover, and where it lies in their pixels."""

    url: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Original:
    """A test picture's own file.

    Attributes
    ----------
    path : Path
    across, down : float
        Its pixels for one pixel of the maps.
    left, top : float
        Where the maps begin, in its pixels.
    geometry : Transform
    """

    path: Path
    across: float
    down: float
    left: float
    top: float
    geometry: Transform

    def detail(self, seen: np.ndarray | None) -> Detail | None:
        """Return the file's pixels; None where they are not those that were evaluated.

        Parameters
        ----------
        seen : uint8 [H, W, 3] or None
            The picture as it was evaluated.
        """
        if seen is None:
            return None
        stamp = self.path.stat().st_mtime_ns if self.path.exists() else 0
        return _detail(str(self.path), stamp, self.geometry, seen.tobytes())


def original(about: Mapping[str, Any], row: Any) -> Original | None:
    """Return the original of a row of a cell's test pictures; None where it is not there.

    Parameters
    ----------
    about : mapping
        The content of ``cell.json``.
    row : Series
        With ``file``, its path within the data folder.
    """
    root = Path(str(about["data_root"]))
    file = Path(str(row.get("file") or ""))
    path = root / file
    try:
        geometry = Transform(**about["geometry"])
        # A category may be a link to another place, but no name leads out of the folder.
        if file.is_absolute() or ".." in file.parts or not is_allowed(path) or not path.is_file():
            return None
        height, width = _size(str(path), path.stat().st_mtime_ns)
    except (OSError, TypeError, ValueError, SizeError, UnreadableImageError):
        return None
    x, y, whole_width, whole_height = geometry.frame((width, height))
    across, down = width / whole_width, height / whole_height
    return Original(path, across, down, -x * across, -y * down, geometry)


@st.cache_data(show_spinner=False, max_entries=4096)
def _size(path: str, modified: int) -> tuple[int, int]:  # noqa: ARG001
    return read_header(Path(path)).size


@st.cache_data(show_spinner=False, max_entries=KEPT)
def _detail(path: str, modified: int, geometry: Transform, seen: bytes) -> Detail | None:  # noqa: ARG001
    try:
        picture = read_picture(Path(path), geometry.white).image
    except UnreadableImageError:
        return None
    now = geometry.picture(picture)
    before = np.frombuffer(seen, np.uint8).reshape(now.shape)
    if np.abs(now.astype(np.int16) - before).mean() > ALIKE:
        return None
    x, y, width, height = geometry.frame(picture.size)
    across, down = width / picture.width, height / picture.height
    box = geometry.kept(picture.size)
    left, top, right, bottom = box
    return Detail(
        data_url(_at_most(picture.crop(box), MOST_BYTES), "jpeg"),
        x + left * across,
        y + top * down,
        (right - left) * across,
        (bottom - top) * down,
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
