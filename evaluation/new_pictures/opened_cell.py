"""A finished cell with its model, ready to score new pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_utils.decoding import Pictures
from data_utils.locations import is_allowed
from data_utils.mvtec import DatasetError, scan_category
from data_utils.pictures import load_pictures
from data_utils.transform import Transform
from detectors.backbones.names import BACKBONES
from detectors.base import Detector
from detectors.registry import METHODS
from evaluation.measure.operating_points import threshold_for
from evaluation.store.cells import read_cell
from evaluation.store.checksums import changed
from evaluation.store.heatmap import Scale
from evaluation.store.places import CELL_FILE, MODEL_FILE, CellError, CellPlace
from evaluation.store.scores import calibration_scores, held_out, read_scores
from evaluation.store.settings import Settings

if TYPE_CHECKING:
    from detectors.backbones.features import Backbone

Stamp = tuple[str, int, int]


@dataclass(frozen=True)
class OpenCell:
    """A finished cell with its model.

    Attributes
    ----------
    about : dict
        The content of ``cell.json``.
    stamp : tuple
        What ``stamp_of`` returned when the cell was opened.
    geometry : Transform
        How every picture of the cell was resized and cropped.
    held_out : DataFrame
        The rows of ``scores.csv`` of held-out good training pictures.
    """

    place: CellPlace
    about: dict[str, Any]
    stamp: Stamp
    detector: Detector
    geometry: Transform
    scale: Scale
    held_out: pd.DataFrame

    @property
    def calibration_scores(self) -> NDArray[np.float64]:
        """Scores of held-out good training pictures, float64 ``[K]``."""
        return calibration_scores(self.held_out)

    @property
    def method(self) -> str:
        """The method's key."""
        return self.place.method

    def threshold(self, false_alarms: float) -> float:
        """Return the threshold at a false-alarm rate, NaN where it has none."""
        return threshold_for(self.calibration_scores, false_alarms)


def open_cell(place: CellPlace, backbone: Backbone | None) -> OpenCell:
    """Read a finished cell and its model.

    Parameters
    ----------
    place : CellPlace
    backbone : Backbone or None
        The one that the cell was made with; None for a method that reads none.

    Raises
    ------
    CellError, ModelFileError
        If the cell is missing or damaged, its method is not known, or the backbone is another.
    """
    folder, stamp = place.folder, stamp_of(place)
    about = read_cell(folder)
    method = METHODS.get(place.method)
    if method is None:
        raise CellError("method_unknown", method=place.method, folder=folder)
    _check_backbone(place, about, backbone if method.reads_backbone else None)
    scale = Scale(about["scale"]["low"], about["scale"]["high"])
    good = held_out(read_scores(folder, about))
    detector = method.load(folder / MODEL_FILE, backbone)
    if changed(folder / MODEL_FILE, about):
        raise CellError("cell_changed", path=folder / MODEL_FILE)
    return OpenCell(place, about, stamp, detector, geometry_of(about), scale, good)


def _check_backbone(place: CellPlace, about: dict[str, Any], backbone: Backbone | None) -> None:
    made, used = about["backbone_identity"], backbone.identity if backbone else ""
    if made != used:
        label = backbone.weights_label if backbone else "none"
        if about["weights"] != label:
            made, used = about["weights"], label
        cell = f"{place.category} / {METHODS[place.method].title}"
        raise CellError("other_weights", cell=cell, made=made, used=used)


def stamp_of(place: CellPlace) -> Stamp:
    """Return what changes whenever another cell stands in this place."""
    files = (place.folder / CELL_FILE, place.folder / MODEL_FILE)
    cell, model = (file.stat().st_mtime_ns if file.is_file() else 0 for file in files)
    return str(place.folder), cell, model


def geometry_of(about: Mapping[str, Any]) -> Transform:
    """Return how a cell's pictures were resized and cropped."""
    return Transform(**about["geometry"])


def backbone_of(place: CellPlace, about: dict[str, Any]) -> str:
    """Return the name of a cell's backbone; raises CellError if it is not one of ``BACKBONES``."""
    name = str(about.get("backbone"))
    if name not in BACKBONES:
        raise CellError("backbone_unknown", folder=place.folder)
    return name


def finished_cell_for(
    outputs: Path, category: str, method: str, settings: Settings, weights: str | None
) -> OpenCell:
    """Open the finished cell of a category and a method with these settings.

    Raises
    ------
    CellError, ModelFileError, WeightsError
        If it was never made, is damaged, or the backbone's weights are not those it was made with.
    """
    from detectors.backbones.networks import load_backbone

    place = CellPlace(outputs, category, method, settings.identifier(method))
    if not place.finished:
        raise CellError(
            "no_results",
            title=METHODS[method].title,
            method=method,
            category=category,
            settings=place.settings_id or "default",
            outputs=outputs,
        )
    backbone = None
    if METHODS[method].reads_backbone:
        named = settings.backbone
        name = backbone_of(place, read_cell(place.folder)) if settings.automatic else named
        backbone = load_backbone(name, weights, settings.options.seed, settings.engine)
    return open_cell(place, backbone)


def fitted_pictures(about: Mapping[str, Any]) -> Pictures:
    """Return the pictures of what ``cell.json`` says; ``train`` is in the order of fitting.

    Raises CellError if the data folder is gone or holds other pictures than were evaluated.
    """
    root, name = Path(about["data_root"]), str(about["category"])
    if not is_allowed(root / name):
        raise CellError("training_not_allowed", folder=root)
    try:
        category = scan_category(root, name)
        pictures = load_pictures(category, geometry_of(about))
        pictures = pictures.without(about.get("left_out", ()), category.root)
    except (DatasetError, OSError) as error:
        raise CellError("training_gone", folder=root / name) from error
    if not pictures.train_count:
        raise CellError("training_gone", folder=root / name)
    if pictures.fingerprint != about["data_fingerprint"]:
        raise CellError("training_changed", folder=root / name)
    return pictures
