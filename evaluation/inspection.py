"""New pictures through a finished cell: the same code from file to score as the evaluation's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from data_utils.images import UnreadableImageError, read_picture, stored_size
from data_utils.locations import is_allowed
from data_utils.memory import free_bytes
from data_utils.mvtec import DatasetError, scan_category
from data_utils.pictures import DECODE_PIXEL_BYTES, Pictures, load_pictures
from data_utils.transform import Transform
from detectors.backbones.names import BACKBONES
from detectors.base import AnomalyResult, Detector, ModelFileError
from detectors.registry import METHODS
from evaluation.cells import MODEL_FILE, SCORES_FILE, CellError, CellPlace, read_cell
from evaluation.heatmap import OUTLINE_COLOUR, OUTLINE_EDGE_COLOUR, Scale

if TYPE_CHECKING:
    from detectors.backbones.features import Backbone

MAX_PIXELS = 64_000_000
CONTEXT_PX = 64
ENLARGED = 4


@dataclass(frozen=True)
class OpenCell:
    """A finished cell with its model, ready to score new pictures.

    Attributes
    ----------
    detector : Detector
        The stored model.
    geometry : Transform
        How every picture of the cell was resized and cropped.
    scale : Scale
        The cell's fixed colour scale.
    calibration_scores : float64 [K]
        Scores of held-out good training pictures; thresholds come from them.
    about : dict
        The content of ``cell.json``.
    """

    detector: Detector
    geometry: Transform
    scale: Scale
    calibration_scores: NDArray[np.float64]
    about: dict[str, Any]


def open_cell(place: CellPlace, backbone: Backbone | None) -> OpenCell:
    """Read a finished cell and its model.

    Parameters
    ----------
    place : CellPlace
    backbone : Backbone or None
        The one that the cell was made with; None for a method that reads none.

    Raises
    ------
    CellError
        If the cell is missing or damaged, its method is not known, or the backbone is another.
    """
    about = read_cell(place.folder)
    method = METHODS.get(place.method)
    if method is None:
        raise CellError(
            f"This version does not know the method '{place.method}' of {place.folder}."
        )
    _check_backbone(place, about, backbone if method.reads_backbone else None)
    try:
        geometry = geometry_of(about)
        scale = Scale(float(about["scale"]["low"]), float(about["scale"]["high"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CellError(
            f"The size or the colour scale in {place.folder} is damaged; evaluate this cell again."
        ) from error
    calibration_scores = _calibration_scores(place.folder / SCORES_FILE)
    try:
        detector = method.load(place.folder / MODEL_FILE, backbone)
    except ModelFileError as error:
        raise CellError(str(error)) from error
    return OpenCell(detector, geometry, scale, calibration_scores, about)


def backbone_of(place: CellPlace, about: dict[str, Any]) -> str:
    """Return the name of a cell's backbone; raises CellError if it is not one of ``BACKBONES``."""
    name = str(about.get("backbone"))
    if name not in BACKBONES:
        raise CellError(f"The backbone of {place.folder} is not known; evaluate it again.")
    return name


def geometry_of(about: dict[str, Any]) -> Transform:
    """Return the transform that ``cell.json`` notes.

    Raises
    ------
    KeyError, TypeError, ValueError
        If what it notes is no transform.
    """
    noted = about["geometry"]
    shorter = noted["shorter_side"]
    return Transform(
        int(noted["height"]), int(noted["width"]), None if shorter is None else int(shorter)
    )


def opened_picture(file: Path | IO[bytes]) -> Image.Image:
    """Decode a picture as the evaluation does, to 8-bit RGB.

    Raises
    ------
    UnreadableImageError
        If it is no picture, has more than 64 million pixels or more than there is memory for, or
        cannot be decoded.
    """
    height, width = stored_size(file)
    if height * width > MAX_PIXELS:
        raise UnreadableImageError(
            f"has {width} x {height} pixels; at most {MAX_PIXELS // 1_000_000} million are read"
        )
    needed, free = height * width * DECODE_PIXEL_BYTES, free_bytes()
    if needed > free:
        raise UnreadableImageError(
            f"needs {needed / 1e6:.0f} MB of memory to be read, of which {free / 1e6:.0f} MB are "
            "free; make it smaller, or try again later"
        )
    if not isinstance(file, Path):
        file.seek(0)
    return read_picture(file)


def prepared(picture: Image.Image | Path, geometry: Transform) -> NDArray[np.uint8]:
    """Bring a picture to the form in which a cell's detector sees it.

    Parameters
    ----------
    picture : PIL picture in mode RGB, or Path
        A file is decoded as the evaluation decodes it.
    geometry : Transform

    Returns
    -------
    uint8 [H, W, 3]

    Raises
    ------
    UnreadableImageError
        If a file cannot be decoded.
    """
    rgb = picture if isinstance(picture, Image.Image) else opened_picture(picture)
    return geometry.picture(rgb)


def inspect_pictures(cell: OpenCell, images: NDArray[np.uint8]) -> AnomalyResult:
    """Score prepared pictures, uint8 ``[N, H, W, 3]``.

    PaDiM's last digit can depend on how many pictures are scored at a time.
    """
    return cell.detector.score(images)


def fitted_pictures(about: dict[str, Any]) -> Pictures:
    """Return the pictures of a cell's category; ``train`` is in the order of fitting.

    Parameters
    ----------
    about : dict
        The content of ``cell.json``.

    Raises
    ------
    CellError
        If the data folder is gone, or its pictures are not those of the evaluation.
    """
    root, name = Path(about["data_root"]), str(about["category"])
    if not is_allowed(root / name):
        raise CellError(
            f"The training pictures cannot be shown: {root} is outside the allowed folders."
        )
    try:
        pictures = load_pictures(scan_category(root, name), geometry_of(about))
    except (DatasetError, OSError, KeyError, TypeError, ValueError) as error:
        raise CellError(
            f"The training pictures are not there any more: {root / name} cannot be read."
        ) from error
    if not pictures.train_count:
        raise CellError(f"The training pictures are not there any more: {root / name} has none.")
    if pictures.fingerprint != about.get("data_fingerprint"):
        raise CellError(
            f"The pictures in {root / name} have changed since the evaluation; evaluate again."
        )
    return pictures


def marked_patch(
    picture: NDArray[np.uint8],
    position: tuple[int, int],
    grid: tuple[int, int],
    context: int = CONTEXT_PX,
) -> NDArray[np.uint8]:
    """Cut out a patch with its surroundings, enlarged four times, and frame the patch.

    Parameters
    ----------
    picture : uint8 [H, W, 3]
    position : (row, column)
        Of the patch on the grid.
    grid : (h, w)
        Patches per column and row of the picture.
    context : int
        Side of the cut in pixels; smaller where the picture is.

    Returns
    -------
    uint8 [4 * side, 4 * side, 3]
    """
    box = []
    for index, cells, side in zip(position, grid, picture.shape[:2], strict=True):
        first, last = index * side / cells, (index + 1) * side / cells
        length = min(context, side)
        start = min(max(round((first + last - length) / 2), 0), side - length)
        box.append((start, start + length, first - start, last - start))
    (top, bottom, *rows), (left, right, *columns) = box
    cut = Image.fromarray(np.ascontiguousarray(picture[top:bottom, left:right]))
    shown = cut.resize((cut.width * ENLARGED, cut.height * ENLARGED), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(shown)
    frame = [round(ENLARGED * value) for value in (columns[0], rows[0], columns[1], rows[1])]
    for grown, colour in ((3, OUTLINE_EDGE_COLOUR), (2, OUTLINE_COLOUR)):
        around = (frame[0] - grown, frame[1] - grown, frame[2] + grown - 1, frame[3] + grown - 1)
        draw.rectangle(around, outline=colour, width=2)
    return np.asarray(shown)


def _check_backbone(place: CellPlace, about: dict[str, Any], backbone: Backbone | None) -> None:
    made_with = about["backbone_identity"]
    given = backbone.identity if backbone is not None else ""
    if made_with != given:
        raise CellError(
            f"{place.category} / {METHODS[place.method].title} was evaluated with other backbone "
            f"weights ({about['weights']}) than those in use "
            f"({backbone.weights_label if backbone is not None else 'none'}); give the same "
            "weights with BACKBONE_WEIGHTS, or evaluate again with “Repeat finished cells”."
        )


def _calibration_scores(path: Path) -> NDArray[np.float64]:
    try:
        table = pd.read_csv(path, usecols=["split", "score"], dtype={"split": str})
        scores = table.loc[table["split"] == "calibration", "score"].to_numpy(np.float64)
    except (OSError, ValueError) as error:
        raise CellError(f"{path} is missing or damaged; evaluate this cell again.") from error
    return scores
