"""Fitting a detector, or opening a finished cell's, right in the page; kept between reruns.

A fit runs under the same lock as an evaluation. PyTorch is imported only when something is fitted
or loaded.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from data_utils.locations import readable
from data_utils.mvtec import DatasetError, scan_category
from data_utils.pictures import Pictures, load_pictures
from detectors.backbones.names import (
    ALWAYS_THERE,
    RANDOM,
    WEIGHTS_VARIABLE,
    weights_kind,
)
from detectors.base import AnomalyResult, Calibration, Detector, ModelFileError
from detectors.registry import METHODS, Options
from evaluation.cells import CELL_FILE, MODEL_FILE, CellError, CellPlace, read_cell
from evaluation.heatmap import Scale, colour_scale
from evaluation.inspection import OpenCell, backbone_of, open_cell
from evaluation.job import lock_outputs
from evaluation.settings import Settings

if TYPE_CHECKING:
    from detectors.backbones.features import Backbone


@dataclass(frozen=True)
class Fitted:
    """A fitted detector and where its backbone's weights came from."""

    detector: Detector
    weights: str


@dataclass(frozen=True)
class Scored:
    """Test pictures of one category scored in this session.

    Attributes
    ----------
    records : DataFrame
        The test pictures (``defect, stem, label, has_mask``).
    images, masks : uint8 [T, H, W, 3], bool [T, H, W]
    result : AnomalyResult
    calibration : Calibration
    scale : Scale
    weights : str
    """

    records: pd.DataFrame
    images: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    result: AnomalyResult
    calibration: Calibration
    scale: Scale
    weights: str


def pictures_of(data: Path, category: str, settings: Settings) -> Pictures:
    """Return the pictures of a category; raises DatasetError if it cannot be used."""
    folders = sorted((data / category).glob("*/*"))
    stamp = tuple(
        (readable(folder.name), folder.stat().st_mtime_ns if folder.exists() else 0)
        for folder in folders
    )
    return _pictures(data, category, settings, stamp)


@st.cache_resource(show_spinner=False, max_entries=4)
def _pictures(
    data: Path,
    category: str,
    settings: Settings,
    stamp: tuple[tuple[str, int], ...],  # noqa: ARG001  part of the cache's key
) -> Pictures:
    scanned = scan_category(data, category)
    if scanned.train.empty or scanned.test.empty:
        raise DatasetError(f"{category} has no training or no test pictures in {data}.")
    return load_pictures(scanned, settings.transform_for(scanned))


def fitted_detector(
    data: Path, outputs: Path, category: str, method: str, settings: Settings
) -> Fitted:
    """Return the cell's stored model, or fit it now under the evaluation's lock.

    Raises
    ------
    DatasetError, WeightsError, BusyError, ValueError
        With a sentence that can be shown.
    """
    pictures = pictures_of(data, category, settings)
    weights = _weights_stamp(settings.backbone)
    return _fitted(
        str(data), str(outputs), category, method, settings, pictures.fingerprint, weights
    )


def _weights_stamp(backbone: str) -> str:
    """Return what changes when other weights would be loaded."""
    from detectors.backbones.weights import cached_file

    if backbone in ALWAYS_THERE:
        return ""
    path = Path(os.environ.get(WEIGHTS_VARIABLE) or cached_file(backbone))
    return f"{path} {path.stat().st_mtime_ns if path.is_file() else 0}"


def _shared_backbone(settings: Settings, source: str | None) -> Backbone:
    """Return a backbone that all detectors share; raises WeightsError if there are no weights."""
    chosen = Settings(
        settings.backbone, Options(settings.options.seed), automatic=settings.automatic
    )
    return _loaded_backbone(chosen, source, _weights_stamp(settings.backbone))


@st.cache_resource(show_spinner=False, max_entries=3)
def _loaded_backbone(
    settings: Settings,
    source: str | None,
    stamp: str,  # noqa: ARG001  part of the cache's key
) -> Backbone:
    from evaluation.backbone_source import BackboneSource

    return BackboneSource(settings, source).get()


@dataclass(frozen=True)
class Opened:
    """A finished cell with its model, and what changes whenever it is another one."""

    cell: OpenCell
    stamp: tuple[str, int, int]


def opened_cell(place: CellPlace, about: dict[str, Any]) -> Opened:
    """Return a finished cell with its model, the backbone shared between cells.

    Parameters
    ----------
    about : dict
        The content of its ``cell.json``.

    Raises
    ------
    CellError, WeightsError
        With a sentence that can be shown.
    """
    backbone = None
    if METHODS[place.method].reads_backbone:
        name, seed = backbone_of(place, about), about["settings"].get("seed", 0)
        if not isinstance(seed, int):
            raise CellError(f"The backbone of {place.folder} is not known; evaluate it again.")
        random = weights_kind(str(about["weights"])) == RANDOM
        asked = Settings(name, automatic=False, options=Options(seed))
        backbone = _shared_backbone(asked, RANDOM if random else None)
    files = (place.folder / CELL_FILE, place.folder / MODEL_FILE)
    modified = [file.stat().st_mtime_ns if file.is_file() else 0 for file in files]
    stamp = (str(place.folder), modified[0], modified[1])
    return _opened(stamp, backbone.identity if backbone else "", place, backbone)


@st.cache_resource(show_spinner=False, max_entries=4)
def _opened(
    stamp: tuple[str, int, int],
    identity: str,  # noqa: ARG001  part of the cache's key
    _place: CellPlace,
    _backbone: Backbone | None,
) -> Opened:
    return Opened(open_cell(_place, _backbone), stamp)


@st.cache_resource(show_spinner=False, max_entries=3)
def _fitted(
    data: str,
    outputs: str,
    category: str,
    method: str,
    settings: Settings,
    fingerprint: str,
    weights: str,  # noqa: ARG001  part of the cache's key
) -> Fitted:
    entry = METHODS[method]
    backbone = None
    if entry.reads_backbone:
        backbone = _shared_backbone(settings, None)
        settings = replace(settings, backbone=backbone.name)
    label = backbone.weights_label if backbone else ""
    place = CellPlace(Path(outputs), category, method, settings.identifier(method))
    try:
        cell = read_cell(place.folder)
        if cell["fingerprint"] == settings.fingerprint(method, fingerprint):
            return Fitted(entry.load(place.folder / MODEL_FILE, backbone), label)
    except (CellError, ModelFileError):
        pass
    pictures = pictures_of(Path(data), category, settings)
    detector = entry.make(settings.options, backbone)
    with lock_outputs(Path(outputs)):
        detector.fit(np.asarray(pictures.train))
    return Fitted(detector, label)


def scored(data: Path, outputs: Path, category: str, method: str, settings: Settings) -> Scored:
    """Fit if needed and score all test pictures of the category; see ``fitted_detector``."""
    pictures = pictures_of(data, category, settings)
    fitted = fitted_detector(data, outputs, category, method, settings)
    return _scored(
        category, method, settings, pictures.fingerprint, fitted.weights, pictures, fitted
    )


@st.cache_resource(show_spinner=False, max_entries=4)
def _scored(
    category: str,  # noqa: ARG001  part of the cache's key, as are the next four
    method: str,  # noqa: ARG001
    settings: Settings,  # noqa: ARG001
    fingerprint: str,  # noqa: ARG001
    weights: str,
    _pictures: Pictures,
    _fitted: Fitted,
) -> Scored:
    calibration = _fitted.detector.calibrate(np.asarray(_pictures.train))
    result = _fitted.detector.score(np.asarray(_pictures.test))
    scale, _ = colour_scale(_fitted.detector, calibration, _pictures.train)
    return Scored(
        records=_pictures.test_records,
        images=np.asarray(_pictures.test),
        masks=_pictures.masks,
        result=result,
        calibration=calibration,
        scale=scale,
        weights=weights,
    )
