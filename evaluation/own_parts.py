"""Scoring a folder of new pictures, without labels, with a finished cell: one CSV line each."""

from __future__ import annotations

import csv
import io
import math
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_utils.images import UnreadableImageError, is_picture
from data_utils.transform import Transform
from detectors.backbones.features import BATCH_SIZE, batches
from detectors.backbones.loading import load_backbone
from detectors.registry import METHODS
from evaluation.cells import CellError, CellPlace, read_cell, write_atomically
from evaluation.inspection import (
    OpenCell,
    backbone_of,
    inspect_pictures,
    open_cell,
    opened_picture,
    prepared,
)
from evaluation.settings import Settings
from evaluation.spreadsheet import harmless
from evaluation.thresholds import threshold_for

COLUMNS = ("file", "score", "threshold", "verdict", "false_alarms", "remark")
DEFECTIVE, GOOD, NOT_AVAILABLE = "defective", "good", "n/a"
BYTE_ORDER_MARK = "\ufeff"
READ_THREADS = min(8, os.cpu_count() or 1)
OTHER_SHAPE = 1.32  # the cell's sides are rounded to multiples of 32, up to 15 % off

Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class ScoredFile:
    """One picture of the folder.

    Attributes
    ----------
    name : str
        Path below the folder, with ``/``.
    score : float
        Raw; NaN where the picture cannot be read.
    remark : str
        Why it cannot be read, or that it has another shape; else empty.
    """

    name: str
    score: float
    remark: str = ""

    @property
    def readable(self) -> bool:
        """Whether there is a score."""
        return not math.isnan(self.score)


def finished_cell_for(
    outputs: Path, category: str, method: str, settings: Settings, weights: str | None
) -> OpenCell:
    """Open the finished cell of a category and a method with these settings.

    Raises
    ------
    CellError, WeightsError
        If it was never made, is damaged, or the backbone's weights are not those it was made with.
    """
    place = CellPlace(outputs, category, method, settings.identifier(method))
    title = METHODS[method].title
    if not place.finished:
        made = f" with settings {place.settings_id}" if place.settings_id else ""
        raise CellError(
            f"There are no results of {title} on '{category}'{made} in {outputs}; evaluate it "
            f"first with --categories {category} --methods {method}."
        )
    about = read_cell(place.folder)
    backbone = None
    if METHODS[method].reads_backbone:
        name = backbone_of(place, about) if settings.automatic else settings.backbone
        backbone = load_backbone(name, weights, settings.options.seed)
    return open_cell(place, backbone)


def pictures_below(folder: Path) -> list[Path]:
    """Return the pictures in a folder and its subfolders, by folder and name, hidden ones left out.

    Links to folders are not followed.

    Raises
    ------
    ValueError
        If there is no such folder, no picture in it, or a folder in it that cannot be read: parts
        in there would go unchecked.
    """
    if not folder.is_dir():
        raise ValueError(f"There is no folder {folder} with pictures to score.")
    found: list[Path] = []
    for place, inner, names in os.walk(folder, onerror=_refuse):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        found += [path for name in sorted(names) if is_picture(path := Path(place, name))]
    if not found:
        raise ValueError(f"There is no picture (PNG, JPEG, BMP, TIFF) in {folder}.")
    return found


def _refuse(error: OSError) -> None:
    raise ValueError(
        f"The folder {error.filename} cannot be read ({error.strerror}); make it readable, or move "
        "it elsewhere, so that no part goes unchecked."
    )


def score_files(
    cell: OpenCell, folder: Path, files: Sequence[Path], progress: Progress | None = None
) -> list[ScoredFile]:
    """Score pictures, a batch in memory at a time; return them in the same order."""
    scored: list[ScoredFile] = []
    with ThreadPoolExecutor(READ_THREADS) as pool:
        for part in batches(len(files), BATCH_SIZE):
            some = files[part]
            read = list(pool.map(lambda path: _read(path, cell.geometry), some))
            images = [image for image, _ in read if image is not None]
            scores = iter(inspect_pictures(cell, np.stack(images)).scores if images else ())
            for path, (image, remark) in zip(some, read, strict=True):
                name = path.relative_to(folder).as_posix()
                score = math.nan if image is None else float(next(scores))
                scored.append(ScoredFile(name, score, remark))
            if progress is not None:
                progress(len(scored), len(files))
    return scored


def verdict(score: float, threshold: float) -> str:
    """Return ``defective``, ``good``, or ``n/a`` where score or threshold is NaN."""
    if math.isnan(score) or math.isnan(threshold):
        return NOT_AVAILABLE
    return DEFECTIVE if score > threshold else GOOD


def scores_csv(scored: Sequence[ScoredFile], threshold: float, false_alarms: float) -> str:
    """Return the table as text that a spreadsheet opens, Korean names and all.

    It starts with a byte order mark. A name that a spreadsheet would take for a formula (one that
    begins with ``= + - @``) gets an apostrophe in front.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in scored:
        writer.writerow(
            [
                harmless(one.name),
                f"{one.score:.9g}" if one.readable else "",
                NOT_AVAILABLE if math.isnan(threshold) else f"{threshold:.9g}",
                verdict(one.score, threshold),
                f"{false_alarms:g}",
                harmless(one.remark),
            ]
        )
    content = BYTE_ORDER_MARK + text.getvalue()
    return content.encode("utf-8", "replace").decode("utf-8")


def default_file(folder: Path) -> Path:
    """Return where the table goes: ``<folder's name>_scores.csv`` in the current folder."""
    name = folder.resolve().name
    return Path(f"{name}_scores.csv" if name else "scores.csv").absolute()


def check_target(path: Path) -> None:
    """Refuse a file that cannot be written, before anything is computed.

    Raises
    ------
    ValueError
        With a sentence for the user.
    """
    if path.suffix.lower() != ".csv":
        raise ValueError(f"The table is written as CSV; let '{path.name}' end in .csv.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            with path.open("r+b"):
                pass
        else:
            with tempfile.TemporaryFile(dir=path.parent):
                pass
    except OSError as error:
        raise ValueError(
            f"{path} cannot be written ({error.strerror}); close it where it is open, or choose "
            "another file with --csv."
        ) from error


def write_scores(
    path: Path, cell: OpenCell, scored: Sequence[ScoredFile], false_alarms: float
) -> float:
    """Write the table in one step; return the threshold, NaN where there is none."""
    threshold = threshold_for(cell.calibration_scores, false_alarms)
    write_atomically(path, scores_csv(scored, threshold, false_alarms))
    return threshold


def _read(path: Path, geometry: Transform) -> tuple[NDArray[np.uint8] | None, str]:
    try:
        picture = opened_picture(path)
    except (UnreadableImageError, OSError) as error:
        return None, str(error)
    ratio = (picture.width / picture.height) / (geometry.width / geometry.height)
    squeezed = geometry.shorter_side is None and max(ratio, 1 / ratio) > OTHER_SHAPE
    remark = (
        f"another shape than the training pictures ({picture.width} x {picture.height} px), "
        "squeezed"
        if squeezed
        else ""
    )
    return prepared(picture, geometry), remark
