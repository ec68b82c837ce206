"""Small pictures for the gallery, made when first needed and kept for the last few cells."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from data_utils.locations import leads_out
from data_utils.transform import MAX_SIDE
from evaluation.cells import CELL_FILE

SIDE_PX = 96
QUALITY = 65
KEPT_CELLS = 8
THREADS = min(4, os.cpu_count() or 1)


def stored_thumbnails(
    folder: Path, positions: Sequence[int], picture_path: Callable[[int], Path]
) -> list[str]:
    """Return thumbnails of a finished cell's pictures as data URLs, "" where there is none.

    Parameters
    ----------
    folder : Path
        The cell's folder; when its ``cell.json`` changes, thumbnails are made anew.
    positions : sequence of int
        Which of the cell's test pictures.
    picture_path : callable
        Gives the file of the picture at a position.
    """
    try:
        modified = (folder / CELL_FILE).stat().st_mtime_ns
    except OSError:
        modified = 0
    kept = _of_cell(str(folder), modified)
    return _filled(kept, positions, lambda position: _from_file(picture_path(position), folder))


def session_thumbnails(images: NDArray[np.uint8], positions: Sequence[int]) -> list[str]:
    """Return thumbnails of pictures in memory, uint8 ``[T, H, W, 3]``, as data URLs."""
    kept = _of_pictures(images.shape, np.ascontiguousarray(images[:, ::8, ::8]))
    return _filled(kept, positions, lambda position: _data_url(Image.fromarray(images[position])))


def _filled(
    kept: dict[int, str], positions: Sequence[int], make: Callable[[int], str]
) -> list[str]:
    missing = [position for position in positions if position not in kept]
    if missing:
        with ThreadPoolExecutor(THREADS) as pool:
            kept.update(zip(missing, pool.map(make, missing), strict=True))
    return [kept[position] for position in positions]


@st.cache_resource(show_spinner=False, max_entries=KEPT_CELLS)
def _of_cell(folder: str, modified: int) -> dict[int, str]:  # noqa: ARG001
    return {}


@st.cache_resource(show_spinner=False, max_entries=KEPT_CELLS)
def _of_pictures(shape: tuple[int, ...], sampled: NDArray[np.uint8]) -> dict[int, str]:  # noqa: ARG001
    return {}


def _from_file(path: Path, folder: Path) -> str:
    if not path.is_file() or leads_out(path, folder):
        return ""
    try:
        with Image.open(path) as picture:
            return _data_url(picture) if max(picture.size) <= MAX_SIDE else ""
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ""


def _data_url(picture: Image.Image) -> str:
    small = picture.convert("RGB")
    small.thumbnail((SIDE_PX, SIDE_PX))
    content = io.BytesIO()
    small.save(content, "JPEG", quality=QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"
