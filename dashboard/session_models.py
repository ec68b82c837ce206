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

from data_utils.mvtec import DatasetError, folders_stamp, scan_category
from data_utils.pictures import load_pictures
from detectors.backbones.names import ALWAYS_THERE, RANDOM, WEIGHTS_VARIABLE, weights_kind
from detectors.base import AnomalyResult, Calibration
from detectors.registry import METHODS, Options
from evaluation.new_pictures.opened_cell import OpenCell, Stamp, backbone_of, open_cell, stamp_of
from evaluation.run.job import lock_outputs
from evaluation.store.heatmap import Scale
from evaluation.store.places import CellPlace
from evaluation.store.settings import Settings

if TYPE_CHECKING:
    from detectors.backbones.features import Backbone


@dataclass(frozen=True)
class Scored:
    """Test pictures of one category scored in this session.

    Attributes
    ----------
    records : DataFrame
        The test pictures (``defect, stem, label, has_mask``).
    images, masks : uint8 [T, H, W, 3], bool [T, H, W]
    """

    records: pd.DataFrame
    images: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    result: AnomalyResult
    calibration: Calibration
    scale: Scale
    weights: str


def scored(data: Path, outputs: Path, category: str, method: str, settings: Settings) -> Scored:
    """Score all test pictures with a model that is fitted now, under the lock.

    Raises
    ------
    DatasetError, WeightsError, BusyError, ValueError
        With a sentence that can be shown.
    """
    pictures = folders_stamp(data, [category])
    weights = _weights_stamp(settings.backbone)
    return _scored(str(data), str(outputs), category, method, settings, pictures, weights)


@st.cache_resource(show_spinner=False, max_entries=4)
def _scored(
    data: str,
    outputs: str,
    category: str,
    method: str,
    settings: Settings,
    stamp: tuple[tuple[str, int], ...],  # noqa: ARG001  part of the cache's key
    weights: str,
) -> Scored:
    from evaluation.run.writing import colour_scale

    scanned = scan_category(Path(data), category)
    if scanned.train.empty or scanned.test.empty:
        raise DatasetError("category_empty", category=category, data=data)
    pictures = load_pictures(scanned, settings.transform_for(scanned))
    entry, backbone = METHODS[method], None
    if entry.reads_backbone:
        backbone = _backbone(
            settings.backbone, settings.options.seed, settings.automatic, None, weights
        )
        settings = replace(settings, backbone=backbone.name)
    detector = entry.make(settings.options, backbone)
    with lock_outputs(Path(outputs)):
        detector.fit(np.asarray(pictures.train))
    calibration = detector.calibrate(np.asarray(pictures.train))
    scale, _ = colour_scale(detector, calibration, pictures.train)
    return Scored(
        records=pictures.test_records,
        images=np.asarray(pictures.test),
        masks=pictures.masks,
        result=detector.score(np.asarray(pictures.test)),
        calibration=calibration,
        scale=scale,
        weights=backbone.weights_label if backbone else "",
    )


def opened_cell(place: CellPlace, about: dict[str, Any]) -> OpenCell:
    """Return a finished cell with its model, the backbone shared between cells.

    Raises what ``open_cell`` does, and WeightsError, with a sentence that can be shown.
    """
    backbone = None
    if METHODS[place.method].reads_backbone:
        name, seed = backbone_of(place, about), about["settings"].get("seed", 0)
        source = RANDOM if weights_kind(str(about["weights"])) == RANDOM else None
        backbone = _backbone(name, seed, False, source, _weights_stamp(name))
    return _opened(stamp_of(place), backbone.identity if backbone else "", place, backbone)


@st.cache_resource(show_spinner=False, max_entries=4)
def _opened(
    stamp: Stamp,  # noqa: ARG001  part of the cache's key, as is the next
    identity: str,  # noqa: ARG001
    _place: CellPlace,
    _backbone: Backbone | None,
) -> OpenCell:
    return open_cell(_place, _backbone)


@st.cache_resource(show_spinner=False, max_entries=3)
def _backbone(
    name: str,
    seed: int,
    automatic: bool,
    source: str | None,
    stamp: str,  # noqa: ARG001  part of the cache's key
) -> Backbone:
    """Return a backbone that all detectors share; raises WeightsError if there are no weights."""
    from evaluation.run.backbone_source import BackboneSource

    return BackboneSource(Settings(name, Options(seed), automatic=automatic), source).get()


def _weights_stamp(backbone: str) -> str:
    """Return what changes when other weights would be loaded."""
    from detectors.backbones.weights import cached_file

    if backbone in ALWAYS_THERE:
        return ""
    path = Path(os.environ.get(WEIGHTS_VARIABLE) or cached_file(backbone))
    return f"{path} {path.stat().st_mtime_ns if path.is_file() else 0}"
