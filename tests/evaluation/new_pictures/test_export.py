"""An exported folder does as the cell does, without this project and without PyTorch."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from data_utils.images import UnreadableImageError, read_picture
from data_utils.transform import Transform
from detectors.backbones.engines import openvino
from detectors.base import Detector
from detectors.denoising import AutoencoderSettings
from evaluation.new_pictures.export import ExportError, export_cell
from evaluation.new_pictures.opened_cell import OpenCell, open_cell
from evaluation.run.plan import Run
from evaluation.store.places import CellError
from evaluation.store.review_lines import ReviewLines
from tests.engines import needs_openvino
from tests.make_data import save
from tests.runs import states

pytestmark = needs_openvino
ISOLATED = """
import runpy, sys
for name in ("torch", "torchvision", "pandas", "scipy", "detectors", "data_utils", "evaluation"):
    sys.modules[name] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def program() -> Any:
    """Return ``predict.py`` as a module, imported as the project does."""
    openvino()
    return import_module("evaluation.new_pictures.predict")


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
    ended = predicted(folder, test, "--csv", "own.csv")

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
    np.testing.assert_allclose(checked[0], checked[1], rtol=1e-4)
    assert checked.shape == (2, len(expected))
    assert {path.name for path in folder.iterdir()} == {
        *("about.json", "predict.py", "requirements.txt", "own.csv"),
        *("network.xml", "network.bin", "method.xml", "method.bin"),
    }


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
    np.testing.assert_allclose(checked[0], checked[1], rtol=1e-4)
    assert checked.shape == (2, 12)
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


# ``predict.py`` reads a picture as the evaluation does, or not at all.


def noise(*shape: int, most: int = 256, kind: type = np.uint8) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, most, shape).astype(kind))


def turned(path: Path, picture: Image.Image, **options: Any) -> None:
    note = Image.Exif()
    note[0x0112] = 6
    picture.save(path, exif=note, **options)


PICTURES: dict[str, Callable[[Path], None]] = {
    "deep.png": lambda path: noise(70, 90, most=4000, kind=np.uint16).save(path),
    "alpha.png": lambda path: noise(70, 90, 4).save(path),
    "palette.png": lambda path: noise(70, 90, 3).quantize(16).save(path),
    "cmyk.jpg": lambda path: noise(70, 90, 3).convert("CMYK").save(path),
    "animated.gif": lambda path: noise(70, 90).save(path),
    "modern.avif": lambda path: noise(70, 90, 3).save(path),
    "turned.jpg": lambda path: turned(path, noise(70, 90, 3)),
    "turned.tif": lambda path: turned(path, noise(70, 90)),
    "deep_turned.tif": lambda path: turned(path, noise(70, 90, most=4000, kind=np.uint16)),
    "odd_note.png": lambda path: noise(70, 90, 3).save(path, exif=b"nonsense"),
    "negative.tif": lambda path: Image.fromarray(np.full((40, 40), -5, np.int32)).save(path),
    "numbers.tif": lambda path: noise(40, 40, kind=np.float32).save(path),
    "long.png": lambda path: noise(40, 3000, 3).save(path),
    "empty.png": lambda path: path.touch(),
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize(
    "geometry",
    [Transform(64, 96), Transform(32, 64, shorter_side=64), Transform(64, 64, None, 4095)],
)
def test_every_kind_of_picture_is_read_alike(
    program: Any, tmp_path: Path, name: str, geometry: Transform
) -> None:
    path = tmp_path / name
    PICTURES[name](path)
    model = program.Model.__new__(program.Model)
    model.about = {"geometry": vars(geometry)}
    try:
        expected = geometry.picture(read_picture(path, geometry.white).image)
    except UnreadableImageError:
        with pytest.raises((ValueError, OSError)):
            model.read(path)
        return
    pixels, _ = model.read(path)
    np.testing.assert_array_equal(pixels, expected)


def test_another_depth_or_shape_than_the_training_pictures_is_remarked(
    program: Any, tmp_path: Path
) -> None:
    model = program.Model.__new__(program.Model)
    found = {}
    for name, geometry in (("same", Transform(64, 96)), ("tall", Transform(96, 64))):
        model.about = {"geometry": vars(geometry)}
        found[name] = model.read(save(np.zeros((60, 90, 3), np.uint8), tmp_path / "one.png"))[1]
        deep = save(np.zeros((60, 90), np.uint16), tmp_path / "deep.png")
        found[f"{name}, deep"] = model.read(deep)[1]
    assert not found["same"]
    assert "depth" in found["same, deep"]
    assert "shape" in found["tall"]


def test_what_cannot_be_read_is_named_and_the_others_are_rated(
    exported: Path, evaluated: tuple[Path, Path], tmp_path: Path
) -> None:
    new = tmp_path / "new"
    shutil.copytree(evaluated[0] / "part" / "test" / "good", new)
    for name in ("=broken.png", "\t=x.png", "phone.heic", ".hidden.png", "notes.txt"):
        (new / name).write_bytes(b"no picture")
    ended = predicted(exported, new)

    assert ended.returncode == 1
    table = rows(exported / "scores.csv")
    assert [row["file"] for row in table if row["remark"]] == [
        "'\t=x.png",
        "'=broken.png",
        "phone.heic",
    ]
    assert all(row["score"] == "" for row in table if row["remark"])
    assert sum(float(row["score"]) > 0 for row in table if not row["remark"]) == 6
    for arguments in ([new, "--csv", new / "phone.heic"], [new, "--csv", "no folder/own.csv"]):
        ended = predicted(exported, *arguments)
        assert ended.returncode == 2
        assert ended.stderr.splitlines()[-1].startswith("predict.py: error: ")


def test_a_processor_without_bfloat16_is_told_of_not_asked_for_it(
    program: Any, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(exported, tmp_path / "model")
    about = json.loads((exported / "about.json").read_text())
    about["stages"] = dict.fromkeys(about["stages"], "bf16")
    (tmp_path / "model" / "about.json").write_text(json.dumps(about))
    monkeypatch.setattr("openvino.Core.get_property", lambda *_: ["FP32", "INT8"])
    with pytest.raises(OSError, match="does not compute in bfloat16; export float32 or int8"):
        program.Model(tmp_path / "model")


def test_the_program_stays_short(program: Any) -> None:
    assert len(Path(program.__file__).read_text(encoding="utf-8").splitlines()) <= 150
