"""Models of finished cells for the pages, kept between reruns; PyTorch comes with the first."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from detectors.backbones.engines import Engine, engine_in
from detectors.backbones.names import ALWAYS_THERE, RANDOM, WEIGHTS_VARIABLE, weights_kind
from detectors.registry import METHODS, Options
from evaluation.new_pictures.opened_cell import OpenCell, Stamp, backbone_of, open_cell, stamp_of
from evaluation.store.places import CellPlace
from evaluation.store.settings import Settings

if TYPE_CHECKING:
    from detectors.backbones.features import Backbone


def opened_cell(place: CellPlace, about: dict[str, Any]) -> OpenCell:
    """Return a finished cell with its model, the backbone shared between cells.

    Raises what ``open_cell`` does, and WeightsError, with a sentence that can be shown.
    """
    backbone = None
    if METHODS[place.method].reads_backbone:
        name, seed = backbone_of(place, about), about["settings"].get("seed", 0)
        source = RANDOM if weights_kind(str(about["weights"])) == RANDOM else None
        engine = engine_in(about["settings"])
        backbone = _backbone(name, seed, source, engine, _weights_stamp(name))
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
    source: str | None,
    engine: Engine,
    stamp: str,  # noqa: ARG001  part of the cache's key
) -> Backbone:
    """Return a backbone that all detectors share; raises WeightsError if there are no weights."""
    from evaluation.run.backbone_source import BackboneSource

    settings = Settings(name, Options(seed), automatic=False, engine=engine)
    return BackboneSource(settings, source).get()


def _weights_stamp(backbone: str) -> str:
    """Return what changes when other weights would be loaded."""
    from detectors.backbones.weights import cached_file

    if backbone in ALWAYS_THERE:
        return ""
    path = Path(os.environ.get(WEIGHTS_VARIABLE) or cached_file(backbone))
    return f"{path} {path.stat().st_mtime_ns if path.is_file() else 0}"
