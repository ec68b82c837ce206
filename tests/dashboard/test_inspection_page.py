"""The page that inspects new pictures, on full, partial, empty and broken results."""

from __future__ import annotations

import io
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import evaluate
from dashboard.components.canvas import StrokesError
from dashboard.inspection import picture_choice
from dashboard.inspection.scored_picture import marked_patch
from data_utils.damage import Stroke
from detectors.backbones.weights import random_weights
from evaluation.store.cells import read_cell
from evaluation.store.heatmap import OUTLINE_COLOUR
from tests.dashboard.driver import change_cell, opened, scores, shown, tick
from tests.engines import INSTALL, without_packages
from tests.make_data import good_picture

PAGE = "pages/inspection.py"
MARK = "zz-uploaded-zz"
opened_paths: list[str] = []
sys.addaudithook(
    lambda event, arguments: (
        opened_paths.append(str(arguments[0]))
        if event in ("open", "os.mkdir", "os.rename", "os.remove") and MARK in str(arguments[0])
        else None
    )
)


def page(lang: str = "en") -> AppTest:
    return opened(PAGE, lang, category="part", method="padim")


def png(size: tuple[int, int] = (64, 64)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "gray").save(file, "PNG")
    return file.getvalue()


def upload(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    given = [(name, content, "image/png") for name, content in files]
    app.file_uploader(key="inspection_files").set_value(given)
    return app.run()


@pytest.fixture
def blot(evaluated: tuple[Path, Path]) -> tuple[str, bytes]:
    return "blot.png", (evaluated[0] / "part" / "test" / "blot" / "002.png").read_bytes()


def stored_score(results: Path, method: str, name: str) -> float:
    table = scores(results / "part" / method)
    named = (table["split"] == "test") & (table["defect"] + "/" + table["stem"] == name)
    return float(table.loc[named, "score"].iloc[0])


def printed(score: float) -> str:
    return f"Score {score:.4g}"


def test_an_uploaded_test_picture_gets_the_score_of_the_evaluation_and_the_shared_threshold(
    results: Path, blot: tuple[str, bytes]
) -> None:
    app = page()
    assert not app.header
    assert not app.camera_input
    assert app.button(key="evaluate_missing").label == "Evaluate AE on part now"
    upload(app, blot)
    assert not app.error
    text = shown(app)
    for method in ("padim", "patchcore"):
        assert printed(stored_score(results, method, "blot/002")) in text
    assert "64 x 64 px" in text
    assert "Distance" in text
    assert "train/good/" in text.replace("\\", "")
    assert "32 x 32 positions" in text
    table = scores(results / "part" / "padim")
    held_out = np.sort(table.loc[table["split"] == "calibration", "score"])
    assert f"Threshold {held_out[23]:.4g} for 5 %" in text
    app.slider(key="alarms").set_value(20.0).run()
    assert f"Threshold {held_out[19]:.4g} for 20 %" in shown(app)
    app.slider(key="alarms").set_value(1.0).run()
    assert "need 99 held-out good pictures, there are 24" in shown(app)
    assert "no verdict" in shown(app)
    change_cell(results / "part" / "patchcore", data_root="/gone")
    gone = upload(page(), blot)
    assert any("cannot be shown" in info.value for info in gone.info)
    assert "32 x 32 positions" in shown(gone)


@pytest.mark.usefixtures("results")
def test_a_picture_of_another_shape_or_none_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = upload(page(), ("wide.png", png((128, 64))))
    assert any("another shape" in warning.value for warning in app.warning)
    upload(app, ("square.png", png((128, 128))))
    assert not any("another shape" in warning.value for warning in app.warning)
    upload(app, ("*odd*.png", png()[:60]))
    assert len(app.error) == 1
    assert "\\*odd\\*.png" in app.error[0].value
    assert not app.header
    monkeypatch.setattr("evaluation.new_pictures.scoring.MAX_PIXELS", 100)
    upload(app, ("huge.png", png()))
    assert "huge.png has 64 x 64 pixels" in app.error[0].value


def test_many_pictures_become_a_table_with_a_row_per_file(
    results: Path, evaluated: tuple[Path, Path]
) -> None:
    names = ["blot/001", "blot/003", "good/000"]
    files = [
        (
            name.replace("/", "_") + ".png",
            (evaluated[0] / "part" / "test" / f"{name}.png").read_bytes(),
        )
        for name in names
    ]
    app = upload(page(), ("broken.png", b"nothing"), *reversed(files))
    table = app.dataframe[0].value
    assert list(table["File"]) == ["blot_001.png", "blot_003.png", "broken.png", "good_000.png"]
    for method, title in (("padim", "PaDiM"), ("patchcore", "PatchCore")):
        expected = [stored_score(results, method, name) for name in names]
        assert list(table[f"{title} score"].dropna()) == pytest.approx(expected, rel=1e-5)
    assert np.isnan(table["PaDiM score"][2])
    assert table["PaDiM verdict"][2] == "not read"
    assert [error.value for error in app.error] == ["broken.png is not a picture."]
    for row, name in ((1, "blot/003"), (3, "good/000"), (2, "blot/001")):  # 2 is not readable
        tick(app, "inspection_table", rows=[row])
        assert printed(stored_score(results, "padim", name)) in shown(app)
    upload(app, *files[::2])
    assert printed(stored_score(results, "padim", "blot/001")) in shown(app)


def test_the_file_to_download_is_the_one_that_the_command_line_writes(
    results: Path, evaluated: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(results / "part" / "patchcore")
    folder = tmp_path / "new"
    shutil.copytree(evaluated[0] / "part" / "test" / "blot", folder)
    for number in range(12):  # more than are scored at once
        good = evaluated[0] / "part" / "train" / "good" / f"{number:03}.png"
        shutil.copy(good, folder / f"=good {number}, 양품.png")
    (folder / "broken.png").write_bytes(b"nothing")
    (folder / "wide.png").write_bytes(png((128, 64)))
    given: list[str] = []
    monkeypatch.setattr("streamlit.download_button", lambda _, data, **__: given.append(data))
    for lang in ("en", "ko"):
        upload(page(lang), *((path.name, path.read_bytes()) for path in folder.iterdir()))
    file = tmp_path / "scores.csv"
    options = ["--category", "part", "--method", "padim", "--weights", "random"]
    status = evaluate.main(
        ["--score", str(folder), *options, "--out", str(results), "--csv", str(file)]
    )

    assert status == evaluate.EXIT_FAILED_CELLS
    assert [content.encode() for content in given] == [file.read_bytes()] * 2
    table = pd.read_csv(file)
    assert len(table) == 6 + 12 + 2 + 1
    remarks = table.set_index("file")["remark"].dropna()
    assert sorted(remarks.index) == ["(all pictures)", "broken.png", "wide.png"]
    assert remarks["(all pictures)"].startswith("19 pictures scored. ")
    assert "another shape than the training pictures (128 x 64 px)" in remarks["wide.png"]
    assert set(table["verdict"].dropna()) == {"good", "defective"}


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize(("share", "words"), [(1, ""), (0.8, "AUROC of brightness 1.00")])
def test_many_darker_pictures_are_said_to_differ_once_for_all_methods(
    share: float, words: str
) -> None:
    rng = np.random.default_rng(5)
    files = []
    for number in range(10):
        file = io.BytesIO()
        Image.fromarray((good_picture(rng) * share).astype(np.uint8)).save(file, "PNG")
        files.append((f"{number}.png", file.getvalue()))
    said = [one.value for one in upload(page(), *files).warning if "differ from" in one.value]
    assert len(said) == bool(words)
    assert all(one.count(words) == 1 for one in said)
    assert not upload(page(), *files[:5]).warning


@pytest.mark.usefixtures("results")
def test_only_so_many_files_and_bytes_are_taken_and_the_others_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forgotten: list[str] = []
    monkeypatch.setattr(
        "streamlit.runtime.memory_uploaded_file_manager.MemoryUploadedFileManager.remove_file",
        lambda _, session_id, file_id: forgotten.append(f"{session_id} {file_id}"),
    )
    files = [(f"{number}.png", png()) for number in range(4)]
    monkeypatch.setattr(picture_choice, "MAX_FILES", 3)
    app = upload(page(), *files)
    assert list(app.dataframe[0].value["File"]) == ["0.png", "1.png", "2.png"]
    assert any("4 files were chosen; only the first 3 are" in one.value for one in app.warning)
    assert len(set(forgotten)) == 1
    monkeypatch.setattr(picture_choice, "MAX_BYTES", 2 * len(png()))
    app.run()
    assert any("only the first 2 are scored and kept" in one.value for one in app.warning)
    assert list(app.dataframe[0].value["File"]) == ["0.png", "1.png"]
    assert len(set(forgotten)) == 2


@pytest.mark.usefixtures("results")
def test_the_name_of_an_upload_is_shown_and_never_a_path() -> None:
    opened_paths.clear()
    names = [f"../../{MARK}.png", f"/tmp/{MARK}.png", f"C:\\{MARK}.png", f"{MARK}/.png"]
    app = upload(page(), *((name, png()) for name in names), (f"second {MARK}.png", b"<svg/>"))
    assert MARK in shown(app)
    assert opened_paths == []
    assert not Path(os.sep, "tmp", f"{MARK}.png").exists()


def test_a_test_picture_has_its_stored_score_and_damage_raises_it(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(PAGE, category="part", method="padim", sample="good/000")
    app.session_state["inspection_source"] = picture_choice.TEST
    app.session_state["inspection_size"] = 40

    def after(damage: str) -> str:
        app.session_state["inspection_damage"] = damage
        app.run()
        return shown(app)

    before = stored_score(results, "patchcore", "good/000")
    for untouched in (picture_choice.NONE, picture_choice.DRAW):  # an empty canvas
        assert printed(before) in (text := after(untouched))
        assert "undamaged" not in text
    stroke = Stroke(((30.0, 30.0), (75.0, 75.0)), 10, "#ff00ff")
    monkeypatch.setattr(picture_choice, "draw_canvas", lambda *_: [stroke])
    for damage in (*picture_choice.DAMAGES, picture_choice.DRAW):
        text = after(damage)
        line = next(line for line in text.splitlines() if f"undamaged {before:.4g}" in line)
        assert float(line.split("**")[1].removeprefix("Score ")) > before
        assert "Hottest spot" in text

    wrong = "The canvas sent a point outside the picture."
    refusing = mock.Mock(side_effect=StrokesError(wrong))
    monkeypatch.setattr(picture_choice, "draw_canvas", refusing)
    after(picture_choice.DRAW)
    assert [error.value for error in app.error] == [wrong]
    app.session_state["inspection_source"] = picture_choice.CAMERA
    assert len(app.run().camera_input) == 1


def test_a_damaged_model_or_other_size_is_a_sentence_and_the_other_method_goes_on(
    results: Path,
) -> None:
    (results / "part" / "padim" / "model.safetensors").write_bytes(b"nonsense")
    app = upload(page(), ("gray.png", png()))
    assert len(app.error) == 1
    assert "again" in app.error[0].value
    bold = [element.value for element in app.markdown]
    assert "**PatchCore**" in bold
    assert "**PaDiM**" not in bold

    geometry = {"height": 192, "width": 256, "shorter_side": None}
    change_cell(results / "bare" / "patchcore", geometry=geometry)
    app = upload(opened(PAGE, category="bare", method="padim"), ("gray.png", png()))
    assert len(app.error) == 1
    assert "bare / PatchCore was evaluated on pictures of another size" in app.error[0].value


def test_missing_or_other_weights_are_a_sentence_and_nothing_is_scored(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    for method in ("padim", "patchcore"):
        change_cell(results / "part" / method, weights="ImageNet")
    app = upload(page(), ("gray.png", png()))
    assert all("--weights FILE" in error.value for error in app.error)
    assert not app.header
    torch.save(random_weights("resnet18", seed=5).state, tmp_path / "other.pth")
    monkeypatch.setenv("BACKBONE_WEIGHTS", str(tmp_path / "other.pth"))
    app.run()
    assert len(app.error) == 2
    assert all("was evaluated with other backbone weights" in error.value for error in app.error)
    assert not app.header


def test_a_cell_of_an_engine_that_is_not_here_or_gives_another_network_is_a_sentence(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = {"engine": "openvino", "precision": "float32"}
    for method in ("padim", "patchcore"):
        change_cell(results / "part" / method, settings=engine)
    without_packages(monkeypatch, "openvino")
    app = upload(page(), ("gray.png", png()))
    assert len(app.error) == 2
    assert all(INSTALL in error.value for error in app.error)

    if find_spec("openvino"):
        without_packages(monkeypatch)
        made = read_cell(results / "part" / "padim")["backbone_identity"]
        said = [error.value for error in app.run().error]
        assert len(said) == 2
        assert all(made in one and f"{made}-openvino-float32" in one for one in said)
    assert not app.header


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
