"""An exported folder does as the cell does, without this project and without PyTorch."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from data_utils.images import read_picture
from data_utils.transform import Transform
from detectors.base import Detector
from detectors.denoising import AutoencoderSettings
from evaluation.new_pictures.opened_cell import OpenCell, open_cell
from evaluation.run.plan import Run
from evaluation.store.places import CellError
from evaluation.store.review_lines import ReviewLines
from tests.runs import states

pytest.importorskip("openvino")
from evaluation.new_pictures import predict
from evaluation.new_pictures.export import ExportError, export_cell

ISOLATED = """
import runpy, sys
for name in ("torch", "torchvision", "pandas", "scipy", "detectors", "data_utils", "evaluation"):
    sys.modules[name] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def predicted(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the exported program where nothing but NumPy, Pillow and OpenVINO can be imported."""
    command = [sys.executable, "-I", "-c", ISOLATED, folder / "predict.py", *arguments]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=folder)


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture(scope="module")
def exported(cells: list[OpenCell], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "model"
    export_cell(cells[1], folder, 0.1)
    return folder


@pytest.mark.parametrize("number", [0, 1])
def test_an_export_without_pytorch_gives_the_scores_and_verdicts_of_the_test_pictures(
    cells: list[OpenCell], evaluated: tuple[Path, Path], tmp_path: Path, number: int
) -> None:
    cell, folder = cells[number], tmp_path / "out" / "model"
    checked = export_cell(cell, folder, 0.1)
    test = evaluated[0] / "part" / "test"
    ended = predicted(folder, test, "--csv", "own.csv", "--maps", "maps")

    assert (ended.returncode, ended.stderr) == (0, "")
    table = pd.read_csv(cell.place.folder / "scores.csv").query("split == 'test'")
    expected = dict(zip(table["file"].str.removeprefix("part/test/"), table["score"], strict=True))
    found = {row["file"]: row for row in rows(folder / "own.csv")}
    assert found.keys() == expected.keys()
    for name, score in expected.items():
        assert float(found[name]["score"]) == pytest.approx(score, rel=1e-4)
        defective = score > cell.threshold(0.1)
        assert found[name]["verdict"] == ("defective" if defective else "good")
    assert len({row["verdict"] for row in found.values()}) == 2
    assert checked.pictures == len(expected)
    assert checked.largest_difference < 1e-4 * checked.largest_score
    assert len(list((folder / "maps").rglob("*.png"))) == len(expected)


def test_a_score_between_two_chosen_thresholds_is_to_be_reviewed(
    cells: list[OpenCell], evaluated: tuple[Path, Path], tmp_path: Path
) -> None:
    cell = cells[1]
    scores = pd.read_csv(cell.place.folder / "scores.csv").query("split == 'test'")["score"]
    low, high = (float(level) for level in np.quantile(scores, [0.3, 0.7]))
    chosen = ReviewLines("part", cell.method, "", low, high, str(cell.about["finished"]))
    export_cell(cell, tmp_path / "model", 0.1, chosen)
    predicted(tmp_path / "model", evaluated[0] / "part" / "test")

    verdicts = [row["verdict"] for row in rows(tmp_path / "model" / "scores.csv")]
    assert {one: verdicts.count(one) for one in ("good", "review", "defective")} == {
        "good": int((scores <= low).sum()),
        "review": int(((scores > low) & (scores <= high)).sum()),
        "defective": int((scores > high).sum()),
    }


def test_the_autoencoder_is_exported_with_its_resizing(
    evaluated: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brief = partial(
        AutoencoderSettings, epochs=1, pictures_per_epoch=8, fewest_per_epoch=8, sides=(64, 32)
    )
    monkeypatch.setattr("detectors.autoencoder.AutoencoderSettings", brief)
    run = Run(evaluated[0], tmp_path / "outputs", ["part"], ["ae"])
    assert states(run) == ["done"]
    cell = open_cell(run.place("part", "ae"), None)

    checked = export_cell(cell, tmp_path / "model", 0.2)
    assert checked.pictures == 12
    assert checked.largest_difference < 1e-4 * checked.largest_score
    assert not (tmp_path / "model" / "network.xml").exists()


@pytest.mark.parametrize("broken", ["scores", "verdicts"])
def test_an_export_that_does_not_do_as_the_cell_is_refused_and_leaves_nothing(
    cells: list[OpenCell], tmp_path: Path, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    factor = 1.01 if broken == "scores" else 3.0

    def otherwise(detector: Detector, *inputs: object, size: tuple[int, int]) -> Any:
        return right(detector, *inputs, size=size) * factor

    right: Callable[..., Any] = type(cells[0].detector).plain_map
    monkeypatch.setattr(type(cells[0].detector), "plain_map", otherwise)
    nothing_above = ReviewLines("part", "padim", "", 1e9, 1e9, str(cells[0].about["finished"]))
    chosen = nothing_above if broken == "scores" else None
    with pytest.raises(ExportError, match="nothing was written"):
        export_cell(cells[0], tmp_path / "out" / "model", 0.1, chosen)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_in_use_a_missing_package_and_pictures_that_are_gone_are_sentences(
    cells: list[OpenCell], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = tmp_path / "used"
    used.mkdir()
    (used / "kept").write_text("mine")
    with pytest.raises(ExportError, match=r"is not empty; give a new folder"):
        export_cell(cells[0], used, 0.1)
    assert (used / "kept").read_text() == "mine"
    gone = replace(cells[0], about=cells[0].about | {"data_root": str(tmp_path / "gone")})
    with pytest.raises(CellError, match="not there any more"):
        export_cell(gone, tmp_path / "model", 0.1)
    monkeypatch.setattr("detectors.backbones.engines.find_spec", {}.get)
    with pytest.raises(ExportError, match=r"pip install -r requirements-openvino\.txt"):
        export_cell(cells[0], tmp_path / "model", 0.1)
    assert not (tmp_path / "model").exists()


# ``predict.py`` reads a picture as the evaluation does.


def deep(path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 4000, (70, 90)).astype(np.uint16)
    Image.fromarray(values).save(path)


def with_alpha(path: Path) -> None:
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (70, 90, 4), np.uint8)).save(path)


def with_palette(path: Path) -> None:
    coloured = Image.fromarray(np.random.default_rng(2).integers(0, 256, (70, 90, 3), np.uint8))
    coloured.quantize(16).save(path)


def turned(path: Path) -> None:
    note = Image.Exif()
    note[0x0112] = 6
    coloured = Image.fromarray(np.random.default_rng(3).integers(0, 256, (70, 90, 3), np.uint8))
    coloured.save(path.with_suffix(".png"), exif=note)


@pytest.mark.parametrize("write", [deep, with_alpha, with_palette, turned])
@pytest.mark.parametrize(
    "geometry",
    [Transform(64, 96), Transform(32, 64, shorter_side=64), Transform(32, 32, None, 4095)],
)
def test_every_kind_of_picture_is_read_alike(
    tmp_path: Path, write: Callable[[Path], None], geometry: Transform
) -> None:
    path = tmp_path / "one.png"
    write(path)
    model = predict.Model.__new__(predict.Model)
    model.about = {"geometry": vars(geometry)}
    pixels, remark = model.read(path)
    expected = geometry.picture(read_picture(path, geometry.white).image)
    np.testing.assert_array_equal(pixels, expected)
    squeezed = geometry.width == geometry.height and geometry.shorter_side is None
    if not squeezed or write is turned:
        assert ("depth" in remark) == ((write is deep) != (geometry.white is not None))


def test_what_cannot_be_read_is_named_and_the_others_are_rated(
    exported: Path, evaluated: tuple[Path, Path], tmp_path: Path
) -> None:
    new = tmp_path / "new"
    shutil.copytree(evaluated[0] / "part" / "test" / "good", new)
    (new / "=broken.png").write_bytes(b"no picture")
    ended = predicted(exported, new)

    assert ended.returncode == 1
    table = rows(exported / "scores.csv")
    assert [row["file"] for row in table if row["remark"]] == ["'=broken.png"]
    assert all(float(row["score"]) > 0 for row in table if not row["remark"])
    nothing = predicted(exported, exported)
    assert (nothing.returncode, "no picture" in nothing.stderr) == (2, True)


def test_the_program_stays_short() -> None:
    assert len(Path(str(predict.__file__)).read_text(encoding="utf-8").splitlines()) <= 150
