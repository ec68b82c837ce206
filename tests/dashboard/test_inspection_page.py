"""The page that inspects new pictures, on full, partial, empty and broken results."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard.components.canvas import StrokesError
from dashboard.inspection import scoring as inspection
from dashboard.inspection import sources as inspection_sources
from data_utils.damage import Stroke
from tests.dashboard.test_pages import opened, shown

PAGE = "pages/inspection.py"
TEST = inspection_sources.TEST


def page(category: str = "part", lang: str = "en") -> AppTest:
    return opened(PAGE, lang, category=category, method="padim")


def with_test_picture(category: str = "part", sample: str = "good/000") -> AppTest:
    app = opened(PAGE, category=category, method="padim", sample=sample)
    app.session_state["inspection_source"] = TEST
    return app.run()


def png(picture: np.ndarray | None = None, size: tuple[int, int] = (64, 64)) -> bytes:
    file = io.BytesIO()
    image = Image.new("RGB", size, "gray") if picture is None else Image.fromarray(picture)
    image.save(file, "PNG")
    return file.getvalue()


def upload(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    given = [(name, content, "image/png") for name, content in files]
    app.file_uploader(key="inspection_files").set_value(given)
    return app.run()


def stored_score(results: Path, method: str, name: str) -> float:
    table = pd.read_csv(results / "part" / method / "scores.csv", dtype={"stem": str})
    defect, stem = name.split("/")
    row = table[(table["split"] == "test") & (table["defect"] == defect) & (table["stem"] == stem)]
    return float(row["score"].iloc[0])


def printed(score: float) -> str:
    return f"Score {score:.4g}"


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.usefixtures("results")
def test_the_page_waits_for_a_picture_and_names_what_is_not_evaluated(lang: str) -> None:
    app = page(lang=lang)
    assert not app.exception
    assert not app.error
    assert not app.header
    assert any("AE" in caption.value for caption in app.caption)


def test_an_uploaded_test_picture_gets_the_score_of_the_evaluation(
    results: Path, evaluated: tuple[Path, Path]
) -> None:
    file = evaluated[0] / "part" / "test" / "blot" / "002.png"
    app = upload(page(), ("blot.png", file.read_bytes()))
    assert not app.exception
    assert not app.error
    text = shown(app)
    for method in ("padim", "patchcore"):
        assert printed(stored_score(results, method, "blot/002")) in text
    assert "64 x 64 px" in text
    assert "Distance" in text
    assert "train/good/" in text.replace("\\", "")
    assert "56 x 56 positions" in text


def test_the_threshold_follows_the_shared_slider(
    results: Path, evaluated: tuple[Path, Path]
) -> None:
    file = evaluated[0] / "part" / "test" / "blot" / "002.png"
    app = upload(page(), ("blot.png", file.read_bytes()))
    table = pd.read_csv(results / "part" / "padim" / "scores.csv")
    held_out = np.sort(table.loc[table["split"] == "calibration", "score"])
    assert f"Threshold {held_out[23]:.4g} for 5 %" in shown(app)
    app.slider(key="alarms").set_value(20.0).run()
    assert f"Threshold {held_out[19]:.4g} for 20 %" in shown(app)
    app.slider(key="alarms").set_value(1.0).run()
    assert "need 99 held-out good pictures, there are 24" in shown(app)
    assert "no verdict" in shown(app)


@pytest.mark.usefixtures("results")
def test_a_picture_of_another_shape_is_said_to_be_squeezed() -> None:
    app = upload(page(), ("wide.png", png(size=(128, 64))))
    assert any("another shape" in warning.value for warning in app.warning)
    app = upload(page(), ("square.png", png(size=(128, 128))))
    assert not any("another shape" in warning.value for warning in app.warning)


@pytest.mark.parametrize("content", [b"", b"<script>", png()[:60]])
@pytest.mark.usefixtures("results")
def test_a_file_that_is_no_picture_is_one_sentence_with_its_name(content: bytes) -> None:
    app = upload(page(), ("*odd*.png", content))
    assert not app.exception
    assert len(app.error) == 1
    assert "\\*odd\\*.png" in app.error[0].value
    assert not app.header


@pytest.mark.usefixtures("results")
def test_a_picture_with_too_many_pixels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.inspection.MAX_PIXELS", 100)
    app = upload(page(), ("huge.png", png()))
    assert "huge.png has 64 x 64 pixels" in app.error[0].value


def test_many_pictures_become_a_table_with_a_row_per_file(
    results: Path, evaluated: tuple[Path, Path]
) -> None:
    folder = evaluated[0] / "part" / "test"
    names = ["good/000", "blot/001", "blot/003"]
    files = [
        (name.replace("/", "_") + ".png", (folder / f"{name}.png").read_bytes()) for name in names
    ]
    app = upload(page(), *files, ("broken.png", b"nothing"))
    assert not app.exception
    table = app.dataframe[0].value
    assert list(table["File"]) == ["good_000.png", "blot_001.png", "blot_003.png", "broken.png"]
    for method, title in (("padim", "PaDiM"), ("patchcore", "PatchCore")):
        expected = [stored_score(results, method, name) for name in names]
        assert list(table[f"{title} score"][:3]) == pytest.approx(expected, rel=1e-5)
    assert np.isnan(table["PaDiM score"][3])
    assert table["PaDiM verdict"][3] == "not read"
    assert [error.value for error in app.error] == ["broken.png is not a picture."]
    app.selectbox(key="inspection_look_at").set_value(2).run()
    assert printed(stored_score(results, "padim", "blot/003")) in shown(app)
    upload(app, *files[:2])
    assert not app.exception
    assert printed(stored_score(results, "padim", "good/000")) in shown(app)


@pytest.mark.usefixtures("results")
def test_only_the_first_of_too_many_files_are_scored_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inspection_sources, "MAX_FILES", 2)
    app = upload(page(), *((f"{i}.png", png(size=(64, 64 + i))) for i in range(3)))
    assert list(app.dataframe[0].value["File"]) == ["0.png", "1.png"]
    assert any("3 files were chosen; only the first 2" in one.value for one in app.warning)


def test_an_undamaged_test_picture_has_its_stored_score(results: Path) -> None:
    app = with_test_picture(sample="blot/004")
    assert not app.exception
    assert printed(stored_score(results, "padim", "blot/004")) in shown(app)
    assert "undamaged" not in shown(app)


@pytest.mark.parametrize("kind", ["scratch", "stain", "hole"])
def test_damage_raises_the_score_and_both_scores_are_shown(results: Path, kind: str) -> None:
    app = with_test_picture()
    app.session_state["inspection_damage"] = f"inspection_{kind}"
    app.run()
    app.slider(key="inspection_size").set_value(40).run()
    assert not app.exception
    text = shown(app)
    before = stored_score(results, "patchcore", "good/000")
    line = next(line for line in text.splitlines() if f"undamaged {before:.4g}" in line)
    assert float(line.split("**")[1].removeprefix("Score ")) > before
    assert "Hottest spot" in text


def test_strokes_from_the_canvas_are_scored(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stroke = Stroke(((60.0, 60.0), (150.0, 150.0)), 20, "#ff00ff")
    monkeypatch.setattr(inspection_sources, "draw_canvas", lambda *_: [stroke])
    app = with_test_picture()
    app.session_state["inspection_damage"] = inspection_sources.DRAW
    app.run()
    assert not app.exception
    before = stored_score(results, "patchcore", "good/000")
    assert f"undamaged {before:.4g}" in shown(app)


@pytest.mark.usefixtures("results")
def test_strokes_that_are_refused_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:

    def refuse(*_: object) -> list[Stroke]:
        raise StrokesError("The canvas sent a point outside the picture.")

    monkeypatch.setattr(inspection_sources, "draw_canvas", refuse)
    app = with_test_picture()
    app.session_state["inspection_damage"] = inspection_sources.DRAW
    app.run()
    assert not app.exception
    assert [error.value for error in app.error] == ["The canvas sent a point outside the picture."]


def test_the_empty_canvas_itself_is_drawn(results: Path) -> None:
    app = with_test_picture(sample="blot/004")
    app.session_state["inspection_damage"] = inspection_sources.DRAW
    app.run()
    assert not app.exception
    assert printed(stored_score(results, "padim", "blot/004")) in shown(app)


@pytest.mark.usefixtures("results")
def test_the_camera_is_drawn_only_when_it_is_chosen() -> None:
    app = page()
    assert not app.camera_input
    app.session_state["inspection_source"] = inspection_sources.CAMERA
    app.run()
    assert not app.exception
    assert len(app.camera_input) == 1


def test_without_results_the_page_says_what_to_press(
    results: Path,
) -> None:
    shutil.rmtree(results / "part")
    app = page()
    assert not app.exception
    assert "Run full evaluation" in shown(app)
    assert not app.file_uploader


@pytest.mark.parametrize("name", ["cell.json", "scores.csv", "model.safetensors"])
def test_a_damaged_cell_is_a_sentence_and_the_other_method_goes_on(
    results: Path, name: str
) -> None:
    (results / "part" / "padim" / name).write_bytes(b"nonsense")
    app = upload(page(), ("gray.png", png()))
    assert not app.exception
    assert len(app.error) == 1
    assert "again" in app.error[0].value
    bold = [element.value for element in app.markdown]
    assert "**PatchCore**" in bold
    assert "**PaDiM**" not in bold


def test_other_weights_are_a_sentence_and_nothing_is_scored(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    import torch

    from detectors.backbones.weights import random_weights

    torch.save(random_weights("resnet18", seed=5).state, tmp_path / "other.pth")
    monkeypatch.setenv("BACKBONE_WEIGHTS", str(tmp_path / "other.pth"))
    for method in ("padim", "patchcore"):
        path = results / "part" / method / "cell.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"weights": "ImageNet"}))
    app = upload(page(), ("gray.png", png()))
    assert not app.exception
    assert len(app.error) == 2
    assert all("was evaluated with other backbone weights" in error.value for error in app.error)
    assert not app.header


def test_missing_weights_are_a_sentence(results: Path) -> None:
    import json

    for method in ("padim", "patchcore"):
        path = results / "part" / method / "cell.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"weights": "ImageNet"}))
    app = upload(page(), ("gray.png", png()))
    assert not app.exception
    assert all("--weights FILE" in error.value for error in app.error)
    assert not app.header


def test_training_pictures_that_are_gone_take_only_their_own_explanation(
    results: Path, evaluated: tuple[Path, Path], tmp_path: Path
) -> None:
    import json

    path = results / "part" / "patchcore" / "cell.json"
    about = json.loads(path.read_text()) | {"data_root": str(tmp_path / "gone")}
    path.write_text(json.dumps(about))
    file = evaluated[0] / "part" / "test" / "blot" / "002.png"
    app = upload(page(), ("blot.png", file.read_bytes()))
    assert not app.exception
    assert any("cannot be shown" in info.value for info in app.info)
    assert "56 x 56 positions" in shown(app)


def test_the_table_of_many_says_no_threshold_and_not_read() -> None:
    class NoThreshold:
        method = "padim"

        def threshold(self, false_alarms: float) -> float:
            return float("nan") if false_alarms < 0.1 else 2.0

    scores = [("a", {"padim": 2.0}), ("b", {"padim": 2.1}), ("c", None)]
    ready = [NoThreshold()]
    said = inspection.batch_table(scores, ready, 0.05)  # type: ignore[arg-type]
    assert list(said["verdict"]) == ["no threshold", "no threshold", "not read"]
    said = inspection.batch_table(scores, ready, 0.2)  # type: ignore[arg-type]
    assert list(said["verdict"]) == ["good", "defective", "not read"]
    assert list(said.columns) == ["file", "method", "score", "threshold", "verdict"]


def test_no_name_of_an_uploaded_file_is_a_formula_in_the_table_to_download() -> None:
    names = ["=HYPERLINK(1).png", "+a.png", "-a.png", "@a.png", "a=b.png", "나사.png"]
    scores = [(name, "padim", 1.0, 2.0, "good") for name in names]
    content = inspection.batch_csv(pd.DataFrame(scores, columns=inspection.BATCH_COLUMNS))
    table = pd.read_csv(io.BytesIO(content), encoding="utf-8-sig")
    assert list(table.columns) == inspection.BATCH_COLUMNS
    assert list(table["file"]) == [*(f"'{name}" for name in names[:4]), *names[4:]]
    assert list(table["score"]) == [1.0] * 6
