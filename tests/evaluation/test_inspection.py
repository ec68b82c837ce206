"""New pictures through a finished cell: the numbers of the evaluation, or a clear sentence."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from data_utils.images import UnreadableImageError
from data_utils.transform import Transform
from detectors.backbones.features import Backbone
from detectors.backbones.loading import load_backbone
from evaluation import inspection
from evaluation.cells import CellError, CellPlace
from evaluation.heatmap import OUTLINE_COLOUR
from evaluation.inspection import (
    fitted_pictures,
    inspect_pictures,
    marked_patch,
    open_cell,
    opened_picture,
    prepared,
)
from evaluation.progress import RunProgress
from evaluation.runner import Run, evaluate
from tests.make_data import write_category


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a data folder and the outputs of two methods on it."""
    base = tmp_path_factory.mktemp("inspection")
    data, outputs = base / "data", base / "outputs"
    write_category(data, "part")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MVTEC_CACHE", str(base / "cache"))
        run = Run(data, outputs, ["part"], ["padim", "patchcore"], weights="random")
        evaluate(run, RunProgress(outputs, [], show_bars=False))
    return data, outputs


@pytest.fixture
def place(evaluated: tuple[Path, Path], tmp_path: Path) -> CellPlace:
    """Return a cell of PaDiM that a test may damage."""
    shutil.copytree(evaluated[1], tmp_path / "own")
    return CellPlace(tmp_path / "own", "part", "padim")


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone("resnet18", "random")


def scores_of(outputs: Path, method: str) -> pd.DataFrame:
    table = pd.read_csv(outputs / "part" / method / "scores.csv", dtype={"stem": str})
    return table[table["split"] == "test"]


@pytest.mark.parametrize("method", ["padim", "patchcore"])
def test_test_pictures_get_the_scores_of_the_evaluation(
    evaluated: tuple[Path, Path], backbone: Backbone, method: str
) -> None:
    data, outputs = evaluated
    cell = open_cell(CellPlace(outputs, "part", method), backbone)
    table = scores_of(outputs, method)
    pictures = np.stack([prepared(data / file, cell.geometry) for file in table["file"]])
    scores = inspect_pictures(cell, pictures).scores
    np.testing.assert_array_equal(scores, table["score"].to_numpy(np.float32))


def changed(place: CellPlace, **values: Any) -> None:
    path = place.folder / "cell.json"
    cell = json.loads(path.read_text()) | values
    del cell["files"], cell["checksum"]
    path.write_text(json.dumps(cell))


def test_one_picture_at_a_time_gets_the_same_score(
    evaluated: tuple[Path, Path], backbone: Backbone
) -> None:
    data, outputs = evaluated
    cell = open_cell(CellPlace(outputs, "part", "patchcore"), backbone)
    row = scores_of(outputs, "patchcore").iloc[7]
    image = prepared(data / row["file"], cell.geometry)
    score = inspect_pictures(cell, image[None]).scores[0]
    assert float(score) == pytest.approx(float(row["score"]), rel=1e-5)


def test_an_open_cell_brings_its_scale_and_the_scores_of_held_out_pictures(
    place: CellPlace, backbone: Backbone
) -> None:
    cell = open_cell(place, backbone)
    table = pd.read_csv(place.folder / "scores.csv")
    held_out = table.loc[table["split"] == "calibration", "score"]
    np.testing.assert_array_equal(cell.calibration_scores, held_out)
    assert len(held_out) == 24
    assert cell.scale.low == cell.about["scale"]["low"]
    assert cell.geometry == Transform(224, 224)


def test_another_backbone_is_refused_with_both_weights_named(place: CellPlace) -> None:
    other = load_backbone("resnet18", "random", 1)
    with pytest.raises(CellError, match=r"random \(seed 0\).*random \(seed 1\)"):
        open_cell(place, other)
    with pytest.raises(CellError, match="those in use"):
        open_cell(place, None)


@pytest.mark.parametrize(
    "geometry",
    [
        {},
        {"height": 224, "width": "wide", "shorter_side": None},
        {"height": 1, "width": 224, "shorter_side": None},
    ],
)
def test_a_damaged_size_is_a_sentence(
    place: CellPlace, backbone: Backbone, geometry: dict[str, Any]
) -> None:
    changed(place, geometry=geometry)
    with pytest.raises(CellError, match="evaluate this cell again"):
        open_cell(place, backbone)


@pytest.mark.parametrize("name", ["model.safetensors", "scores.csv", "cell.json"])
@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_a_damaged_file_is_a_sentence(
    place: CellPlace, backbone: Backbone, name: str, content: bytes | None
) -> None:
    path = place.folder / name
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(CellError, match="again"):
        open_cell(place, backbone)


def test_a_method_that_this_version_does_not_know_is_a_sentence(place: CellPlace) -> None:
    other = CellPlace(place.outputs, "part", "oracle")
    shutil.copytree(place.folder, other.folder)
    changed(other, method="oracle")
    with pytest.raises(CellError, match="does not know the method 'oracle'"):
        open_cell(other, None)


def test_a_file_object_is_decoded_like_the_file(tmp_path: Path) -> None:
    levels = np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16)
    Image.fromarray(levels).save(tmp_path / "deep.png")
    geometry = Transform(32, 64)
    from_bytes = opened_picture(io.BytesIO((tmp_path / "deep.png").read_bytes()))
    np.testing.assert_array_equal(
        prepared(from_bytes, geometry), prepared(tmp_path / "deep.png", geometry)
    )
    assert from_bytes.mode == "RGB"
    assert prepared(from_bytes, geometry).shape == (32, 64, 3)


def test_what_is_no_picture_or_has_too_many_pixels_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(UnreadableImageError, match="is not a picture"):
        opened_picture(io.BytesIO(b"<html>"))
    with pytest.raises(UnreadableImageError, match="is not a picture"):
        opened_picture(io.BytesIO(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"))
    file = io.BytesIO()
    Image.new("RGB", (40, 30)).save(file, "PNG")
    monkeypatch.setattr(inspection, "MAX_PIXELS", 40 * 30)
    assert opened_picture(file).size == (40, 30)
    monkeypatch.setattr(inspection, "MAX_PIXELS", 40 * 30 - 1)
    with pytest.raises(UnreadableImageError, match="has 40 x 30 pixels"):
        opened_picture(file)


def test_the_pictures_of_the_fit_come_back_in_its_order(
    evaluated: tuple[Path, Path], backbone: Backbone
) -> None:
    data, outputs = evaluated
    cell = open_cell(CellPlace(outputs, "part", "patchcore"), backbone)
    pictures = fitted_pictures(cell.about)
    assert [path.name for path in pictures.records["image_path"][:24]] == [
        f"{position:03}.png" for position in range(24)
    ]
    twelfth = prepared(data / "part" / "train" / "good" / "012.png", cell.geometry)
    np.testing.assert_array_equal(pictures.train[12], twelfth)


def test_training_pictures_that_are_gone_or_changed_are_a_sentence(
    evaluated: tuple[Path, Path], place: CellPlace, backbone: Backbone, tmp_path: Path
) -> None:
    shutil.copytree(evaluated[0], tmp_path / "moved")
    about = open_cell(place, backbone).about
    moved = about | {"data_root": str(tmp_path / "moved")}
    assert fitted_pictures(moved).train_count == 24
    (tmp_path / "moved" / "part" / "train" / "good" / "003.png").unlink()
    with pytest.raises(CellError, match="have changed since the evaluation"):
        fitted_pictures(moved)
    with pytest.raises(CellError, match="not there any more"):
        fitted_pictures(about | {"data_root": str(tmp_path / "nowhere")})


@pytest.mark.parametrize(
    ("position", "centre"),
    [((3, 4), (28, 36)), ((0, 0), (4, 4)), ((7, 9), (60, 76)), ((0, 9), (4, 76))],
)
def test_the_frame_lies_around_the_patch_wherever_it_is(
    position: tuple[int, int], centre: tuple[int, int]
) -> None:
    picture = np.full((64, 80, 3), 90, np.uint8)
    row, column = centre
    picture[row - 1 : row + 1, column - 1 : column + 1] = 255
    shown = marked_patch(picture, position, (8, 10), context=32)
    assert shown.shape == (128, 128, 3)
    frame = np.argwhere((shown == OUTLINE_COLOUR).all(axis=2))
    spot = np.argwhere((shown > 250).all(axis=2)).mean(axis=0)
    inside = np.clip(frame.mean(axis=0), 0, 127)
    assert len(frame)
    assert np.abs(inside - spot).max() < 12


def test_a_picture_smaller_than_the_context_is_shown_whole() -> None:
    shown = marked_patch(np.zeros((32, 48, 3), np.uint8), (1, 1), (4, 6))
    assert shown.shape == (128, 192, 3)
