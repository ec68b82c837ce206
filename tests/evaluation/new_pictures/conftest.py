"""Finished cells that score new pictures, made once by the real runner."""

from __future__ import annotations

from pathlib import Path

import pytest

from detectors.backbones.features import Backbone
from detectors.backbones.networks import load_backbone
from evaluation.new_pictures.opened_cell import OpenCell, open_cell
from evaluation.store.places import CellPlace
from tests.make_data import write_category
from tests.runs import BOTH, finished_run


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    base = tmp_path_factory.mktemp("new-pictures")
    write_category(base / "data", "part")
    run = finished_run(base, "part")
    return run.data, run.outputs


@pytest.fixture(scope="session")
def backbone() -> Backbone:
    return load_backbone("resnet18", "random")


@pytest.fixture(scope="session")
def cells(evaluated: tuple[Path, Path], backbone: Backbone) -> list[OpenCell]:
    return [open_cell(CellPlace(evaluated[1], "part", method), backbone) for method in BOTH]
