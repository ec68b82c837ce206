"""New pictures and the finished methods that score them: cached, without any widget."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from dashboard.finished import FinishedCell
from dashboard.fitting import Opened, opened_cell
from dashboard.state import said
from dashboard.tables import method_title
from data_utils.images import UnreadableImageError
from data_utils.pictures import Pictures
from data_utils.transform import Transform
from detectors.base import AnomalyResult
from evaluation.cells import CellError
from evaluation.errors import sentence
from evaluation.inspection import (
    fitted_pictures,
    geometry_of,
    inspect_pictures,
    opened_picture,
    prepared,
)
from evaluation.spreadsheet import harmless
from evaluation.thresholds import threshold_for

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from detectors.patchcore import NearestGood

MAX_FILES = 200
BATCH_COLUMNS = ["file", "method", "score", "threshold", "verdict"]
DEFECTIVE, GOOD, UNDECIDED, NOT_READ = "defective", "good", "no threshold", "not read"


@dataclass(frozen=True)
class Chosen:
    """A picture to be scored.

    Attributes
    ----------
    name : str
        For people.
    image : uint8 [H, W, 3]
        As the detectors see it.
    undamaged : uint8 [H, W, 3] or None
        The picture before it was damaged here.
    mask : bool [H, W] or None
        Where it was damaged.
    """

    name: str
    image: NDArray[np.uint8]
    undamaged: NDArray[np.uint8] | None = None
    mask: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Ready:
    """A finished method of the category with its model loaded."""

    method: str
    opened: Opened

    def threshold(self, false_alarms: float) -> float:
        """Return the threshold at a false-alarm rate, NaN where it has none."""
        return threshold_for(self.opened.cell.calibration_scores, false_alarms)


def geometry(cells: Sequence[FinishedCell]) -> Transform:
    """Return how the first cell's pictures are resized and cropped.

    Raises
    ------
    CellError
        If the cell does not say.
    """
    try:
        return geometry_of(cells[0].about)
    except (KeyError, TypeError, ValueError) as error:
        raise CellError(
            f"The picture size of {cells[0].place.folder} is damaged; evaluate this cell again."
        ) from error


def ready_methods(
    cells: Sequence[FinishedCell], wanted: Transform
) -> tuple[list[Ready], list[str]]:
    """Return the cells with their models, and a sentence for each that cannot be used.

    Parameters
    ----------
    wanted : Transform
        A cell that was evaluated on pictures of another size cannot score these.
    """
    ready, problems = [], []
    for cell in cells:
        try:
            opened = opened_cell(cell.place, cell.about)
        except (ValueError, RuntimeError, OSError) as error:
            problems.append(sentence(error))
            continue
        if opened.cell.geometry != wanted:
            found = opened.cell.geometry
            size = said(
                "size_cropped" if found.shorter_side is not None else "size_whole",
                height=found.height,
                width=found.width,
                side=found.shorter_side,
            )
            place = f"{cell.place.category} / {method_title(cell.method)}"
            problems.append(said("inspection_other_size", cell=place, size=size))
        else:
            ready.append(Ready(cell.method, opened))
    return ready, problems


def verdict(score: float, threshold: float) -> str:
    """Return what a method says: ``defective``, ``good`` or ``no threshold``."""
    if math.isnan(threshold):
        return UNDECIDED
    return DEFECTIVE if score > threshold else GOOD


def scored_picture(method: Ready, image: NDArray[np.uint8]) -> AnomalyResult:
    """Return score and map of one prepared picture, uint8 ``[H, W, 3]``; N = 1."""
    return _scored(method.opened.stamp, _digest(image), method, image)


@st.cache_data(show_spinner=False, max_entries=48)
def _scored(
    stamp: tuple[str, int, int],  # noqa: ARG001  part of the cache's key, as is the next
    digest: str,  # noqa: ARG001
    _method: Ready,
    _image: NDArray[np.uint8],
) -> AnomalyResult:
    return inspect_pictures(_method.opened.cell, _image[None])


def uploaded_picture(
    file: UploadedFile, wanted: Transform
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Return an uploaded file's picture as the detectors see it, and its own (height, width).

    Raises
    ------
    UnreadableImageError
        If it is no picture, too large or damaged; the sentence is without the name.
    """
    return _uploaded(file.file_id, wanted, file)


@st.cache_data(show_spinner=False, max_entries=16)
def _uploaded(
    file_id: str,  # noqa: ARG001  part of the cache's key
    wanted: Transform,
    _file: UploadedFile,
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    _file.seek(0)
    picture = opened_picture(_file)
    return prepared(picture, wanted), (picture.height, picture.width)


def file_scores(file: UploadedFile, wanted: Transform, ready: Sequence[Ready]) -> dict[str, float]:
    """Return the score of one uploaded file by every method; nothing else of it is kept.

    Raises
    ------
    UnreadableImageError
        As ``uploaded_picture``.
    """
    stamps = tuple(method.opened.stamp for method in ready)
    return _file_scores(file.file_id, wanted, stamps, file, ready)


@st.cache_data(show_spinner=False, max_entries=5 * MAX_FILES)
def _file_scores(
    file_id: str,  # noqa: ARG001  part of the cache's key, as is stamps
    wanted: Transform,
    stamps: tuple[tuple[str, int, int], ...],  # noqa: ARG001
    _file: UploadedFile,
    _ready: Sequence[Ready],
) -> dict[str, float]:
    _file.seek(0)
    image = prepared(opened_picture(_file), wanted)[None]
    return {
        method.method: float(inspect_pictures(method.opened.cell, image).scores[0])
        for method in _ready
    }


def batch_table(
    scores: Sequence[tuple[str, dict[str, float] | None]],
    ready: Sequence[Ready],
    false_alarms: float,
) -> pd.DataFrame:
    """Return one row per file and method: ``file, method, score, threshold, verdict``.

    Parameters
    ----------
    scores : sequence of (file name, score by method)
        None for a file that could not be read; its score is NaN.
    """
    rows = []
    for name, by_method in scores:
        for method in ready:
            threshold = method.threshold(false_alarms)
            score = math.nan if by_method is None else by_method[method.method]
            said = NOT_READ if by_method is None else verdict(score, threshold)
            rows.append((name, method.method, score, threshold, said))
    return pd.DataFrame(rows, columns=BATCH_COLUMNS)


def batch_csv(table: pd.DataFrame) -> bytes:
    """Return a table of ``batch_table`` as a file for spreadsheets; no name is a formula."""
    named = table.assign(file=table["file"].map(harmless))
    return named.to_csv(index=False, float_format="%.9g").encode("utf-8-sig", "replace")


def nearest_good(method: Ready, image: NDArray[np.uint8]) -> NearestGood:
    """Return PatchCore's strangest patch of a picture and the nearest good one."""
    found: NearestGood = _explained(
        method.opened.stamp, _digest(image), "nearest_good", method, image
    )
    return found


def reconstruction(method: Ready, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the autoencoder's picture, uint8 ``[h, w, 3]``."""
    redrawn: NDArray[np.uint8] = _explained(
        method.opened.stamp, _digest(image), "reconstruct", method, image[None]
    )
    return redrawn[0]


def distance_grid(method: Ready, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return PaDiM's distance at every position of its grid, float32 ``[h, w]``."""
    grid: NDArray[np.float32] = _explained(
        method.opened.stamp, _digest(image), "raw_distances", method, image[None]
    )
    return grid[0]


@st.cache_data(show_spinner=False, max_entries=24)
def _explained(
    stamp: tuple[str, int, int],  # noqa: ARG001  part of the cache's key, as is the next
    digest: str,  # noqa: ARG001
    how: str,
    _method: Ready,
    _images: NDArray[np.uint8],
) -> Any:
    return getattr(_method.opened.cell.detector, how)(_images)


def training_set(method: Ready) -> Pictures:
    """Return the pictures that a method was fitted on; raises CellError if they are gone."""
    return _training_set(method.opened.stamp, method.opened.cell.about)


@st.cache_resource(show_spinner=False, max_entries=2, ttl=60)
def _training_set(stamp: tuple[str, int, int], _about: dict[str, Any]) -> Pictures:  # noqa: ARG001
    return fitted_pictures(_about)


def refusal(name: str, error: UnreadableImageError) -> str:
    """Return the sentence about a file that cannot be read."""
    return f"{name} {error}."


def _digest(image: NDArray[np.uint8]) -> str:
    """Return a hash of all pixels; Streamlit's own takes a sample of a large array."""
    digest = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16)
    digest.update(repr(image.shape).encode())
    return digest.hexdigest()
