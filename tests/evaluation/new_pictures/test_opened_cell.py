"""A finished cell opened to score new pictures, or a clear sentence why it cannot be."""

from __future__ import annotations

import shutil
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from data_utils.transform import Transform
from detectors.backbones.features import Backbone
from detectors.backbones.networks import load_backbone
from detectors.base import ModelFileError
from evaluation.measure.operating_points import threshold_for
from evaluation.new_pictures.opened_cell import (
    OpenCell,
    fitted_pictures,
    open_cell,
)
from evaluation.new_pictures.scoring import opened_picture
from evaluation.store.cells import read_cell, write_cell_file
from evaluation.store.places import CellError, CellPlace


@pytest.fixture
def place(evaluated: tuple[Path, Path], tmp_path: Path) -> CellPlace:
    """Return a cell of PaDiM that a test may damage."""
    own = CellPlace(tmp_path / "own", "part", "padim")
    shutil.copytree(CellPlace(evaluated[1], "part", "padim").folder, own.folder)
    return own


def test_an_open_cell_brings_its_scale_and_the_threshold_of_held_out_pictures(
    cells: list[OpenCell],
) -> None:
    cell = cells[0]
    table = pd.read_csv(cell.place.folder / "scores.csv")
    held_out = table.loc[table["split"] == "calibration", "score"]
    np.testing.assert_array_equal(cell.calibration_scores, held_out)
    assert len(held_out) == 24
    assert cell.threshold(0.1) == threshold_for(held_out, 0.1)
    assert cell.scale.low == cell.about["scale"]["low"]
    assert cell.geometry == Transform(224, 224)


def test_another_backbone_is_refused_with_both_weights_named(place: CellPlace) -> None:
    other = load_backbone("resnet18", "random", 1)
    with pytest.raises(CellError, match=r"random \(seed 0\).*random \(seed 1\)"):
        open_cell(place, other)
    with pytest.raises(CellError, match="those in use"):
        open_cell(place, None)


def test_the_same_weights_on_another_engine_are_refused_with_both_identities_named(
    place: CellPlace, backbone: Backbone
) -> None:
    other = copy(backbone)
    other.identity = f"{backbone.identity}-openvino-float32"
    with pytest.raises(CellError) as refused:
        open_cell(place, other)

    assert refused.value.fact.code == "other_weights"
    assert f"({backbone.identity})" in str(refused.value)
    assert f"({other.identity})" in str(refused.value)


@pytest.mark.parametrize("name", ["model.safetensors", "scores.csv", "cell.json"])
@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_a_damaged_file_is_a_sentence(
    place: CellPlace, backbone: Backbone, name: str, content: bytes | None
) -> None:
    path = place.folder / name
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises((CellError, ModelFileError), match="again"):
        open_cell(place, backbone)


def test_the_model_of_another_cell_is_not_used(place: CellPlace, backbone: Backbone) -> None:
    file = place.folder / "model.safetensors"
    tensors = load_file(file)
    with safe_open(file, "np") as stored:
        about = stored.metadata()
    save_file(tensors | {"layer1.mean": tensors["layer1.mean"] + 1}, file, about)
    with pytest.raises(CellError, match=r"model\.safetensors was changed after the evaluation"):
        open_cell(place, backbone)


def test_a_method_that_this_version_does_not_know_is_a_sentence(place: CellPlace) -> None:
    other = CellPlace(place.outputs, "part", "oracle")
    shutil.copytree(place.folder, other.folder)
    write_cell_file(other.folder, read_cell(place.folder) | {"method": "oracle"})
    with pytest.raises(CellError, match="does not know the method 'oracle'"):
        open_cell(other, None)


def test_the_pictures_of_the_fit_come_back_in_its_order(
    evaluated: tuple[Path, Path], cells: list[OpenCell]
) -> None:
    pictures = fitted_pictures(cells[1].about)
    names = [path.name for path in pictures.records["image_path"][:24]]
    assert names == [f"{position:03}.png" for position in range(24)]
    twelfth, _ = opened_picture(evaluated[0] / "part" / "train" / "good" / "012.png")
    np.testing.assert_array_equal(pictures.train[12], cells[1].geometry.picture(twelfth))


def test_training_pictures_that_are_gone_or_changed_are_a_sentence(
    evaluated: tuple[Path, Path], cells: list[OpenCell], tmp_path: Path
) -> None:
    def in_folder(name: str) -> OpenCell:
        return replace(cells[0], about=cells[0].about | {"data_root": str(tmp_path / name)})

    shutil.copytree(evaluated[0], tmp_path / "moved")
    assert fitted_pictures(in_folder("moved").about).train_count == 24
    (tmp_path / "moved" / "part" / "train" / "good" / "003.png").unlink()
    with pytest.raises(CellError, match="have changed since the evaluation"):
        fitted_pictures(in_folder("moved").about)
    with pytest.raises(CellError, match="not there any more"):
        fitted_pictures(in_folder("nowhere").about)
