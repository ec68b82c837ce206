"""The ROC page on full, partial, empty and broken results."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.io
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.texts import translate
from evaluation.decisions import decide
from tests.dashboard.test_pages import opened, shown
from tests.make_data import write_category

PAGE = "pages/roc.py"


def figures(app: AppTest) -> list[Any]:
    """Return the figures on the page."""
    return [plotly.io.from_json(chart.proto.spec) for chart in app.get("plotly_chart")]


def titles(app: AppTest) -> list[str]:
    return [figure.layout.title.text for figure in figures(app)]


def stored(results: Path, method: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the stored scores and the cell of category ``part``."""
    folder = results / "part" / method
    return pd.read_csv(folder / "scores.csv"), json.loads((folder / "cell.json").read_text())


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.usefixtures("results")
def test_both_curves_and_the_scores_of_every_method_are_drawn(lang: str) -> None:
    app = opened(PAGE, lang, category="part", method="padim")
    assert not app.exception
    assert not app.error
    assert len(figures(app)) == 2 + 2


def test_the_legend_gives_the_metrics_of_the_cell(results: Path) -> None:
    app = opened(PAGE, category="part", method="padim")
    _, cell = stored(results, "patchcore")
    image, pixel = figures(app)[:2]
    names = [trace.name for trace in image.data]
    metrics = cell["metrics"]
    wanted = f"PatchCore: AUROC {metrics['image_auroc']:.3f} ({metrics['image_auroc_low']:.3f}"
    assert any(name.startswith(wanted) for name in names)
    wanted = f"PatchCore: AUROC {metrics['pixel_auroc']:.3f}"
    assert wanted in [trace.name for trace in pixel.data]


def test_precision_and_recall_come_with_average_precision_and_base_rate(results: Path) -> None:
    app = opened(PAGE, category="part", method="padim")
    app.segmented_control(key="roc_view").set_value("pr").run()
    assert not app.exception
    _, cell = stored(results, "padim")
    image, pixel = figures(app)[:2]
    assert f"PaDiM: AP {cell['metrics']['image_ap']:.3f}" in [t.name for t in image.data]
    assert f"PaDiM: AP {cell['metrics']['pixel_ap']:.3f}" in [t.name for t in pixel.data]
    assert "base rate 50 %" in [t.name for t in image.data]


@pytest.mark.parametrize("percent", [10.0, 25.0])
def test_the_slider_moves_threshold_counts_and_markers(results: Path, percent: float) -> None:
    app = opened(PAGE, category="part", method="padim", alarms=str(percent))
    scores, _ = stored(results, "padim")
    test = scores[scores["split"] == "test"]
    held_out = scores.loc[scores["split"] == "calibration", "score"]
    made = decide(test["score"], test["label"], held_out, percent / 100)
    assert [m.value for m in app.metric[:2]] == [
        f"{made.missed} of {made.defective}",
        f"{made.false_alarms} of {made.good}",
    ]
    matrix = app.table[0].value
    assert matrix.iloc[0].tolist() == [
        f"{made.good - made.false_alarms} right",
        f"{made.false_alarms} false alarms",
    ]
    assert matrix.iloc[1].tolist() == [
        f"{made.missed} missed",
        f"{made.defective - made.missed} found",
    ]
    mark = next(t for t in figures(app)[0].data if t.mode == "markers" and t.name == "PaDiM")
    assert mark.x[0] == pytest.approx(made.false_alarm_rate)
    assert mark.y[0] == pytest.approx(1 - made.missed_rate)
    text = shown(app).replace("\\", "")
    assert f"Threshold {made.threshold:.4g}" in text
    assert f"from {len(held_out)} good training pictures" in text


@pytest.mark.usefixtures("results")
def test_too_few_held_out_pictures_are_said_with_the_number_that_is_needed() -> None:
    app = opened(PAGE, category="part", method="padim", alarms="1")
    assert not app.exception
    assert not app.metric
    text = shown(app)
    assert "only 24 held-out good training pictures, and at least 99 are needed" in text
    assert all(trace.mode != "markers" for trace in figures(app)[0].data)


@pytest.mark.usefixtures("results")
def test_low_false_positive_rates_can_be_stretched() -> None:
    app = opened(PAGE, category="part", method="padim")
    assert figures(app)[0].layout.xaxis.type != "log"
    app.checkbox(key="roc_log").check().run()
    assert not app.exception
    assert [figure.layout.xaxis.type for figure in figures(app)[:2]] == ["log", "log"]


def test_a_missing_method_is_named(results: Path) -> None:
    shutil.rmtree(results / "part" / "padim")
    app = opened(PAGE, category="part", method="padim")
    assert not app.exception
    assert "Not evaluated yet: AE, PaDiM" in shown(app)
    assert len(figures(app)) == 2 + 1


@pytest.mark.usefixtures("results")
def test_without_masks_there_are_no_pixel_curves_and_a_sentence_says_so() -> None:
    app = opened(PAGE, category="bare", method="padim")
    assert not app.exception
    assert titles(app) == ["ROC, pictures", "PaDiM", "PatchCore"]
    assert translate("roc_no_pixels", "en", category="bare") in shown(app)


def test_without_results_the_page_says_what_to_press(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_category(tmp_path / "data")
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    app = opened(PAGE)
    assert not app.exception
    assert "Run full evaluation" in shown(app)
    assert not figures(app)


@pytest.mark.parametrize("name", ["cell.json", "scores.csv", "curves.npz"])
@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_damaged_cell_is_a_sentence_and_the_others_are_shown(
    results: Path, name: str, content: bytes
) -> None:
    (results / "part" / "padim" / name).write_bytes(content)
    app = opened(PAGE, category="part", method="padim")
    assert not app.exception
    assert any("again" in error.value for error in app.error)
    names = [trace.name for trace in figures(app)[0].data]
    assert any(str(name).startswith("PatchCore: AUROC") for name in names)
    assert not any(str(name).startswith("PaDiM: AUROC") for name in names)


def test_curves_that_do_not_fit_together_are_a_sentence(results: Path) -> None:
    path = results / "part" / "padim" / "curves.npz"
    with np.load(path) as file:
        arrays: dict[str, Any] = {name: file[name] for name in file.files}
    np.savez(path, **arrays | {"pixel_tpr": arrays["pixel_tpr"][:3]})
    app = opened(PAGE, category="part", method="padim")
    assert not app.exception
    assert any("damaged" in error.value for error in app.error)


def test_methods_evaluated_on_different_pictures_are_not_compared_in_silence(results: Path) -> None:
    path = results / "part" / "padim" / "cell.json"
    cell = json.loads(path.read_text())
    path.write_text(json.dumps(cell | {"data_fingerprint": "another"}))
    app = opened(PAGE, category="part", method="padim")
    assert any("different pictures" in warning.value for warning in app.warning)


def test_results_from_another_data_folder_say_so(results: Path) -> None:
    path = results / "part" / "padim" / "cell.json"
    cell = json.loads(path.read_text())
    path.write_text(json.dumps(cell | {"data_root": "/else/where"}))
    app = opened(PAGE, category="part", method="padim")
    assert any("/else/where" in info.value for info in app.info)
