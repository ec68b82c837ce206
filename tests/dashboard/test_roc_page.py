"""The ROC page on full, partial, empty and broken results."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from dashboard.texts import translate
from evaluation.measure.operating_points import decide
from evaluation.store.cells import read_cell
from tests.dashboard.driver import change_cell, figures, opened, scores, shown

PAGE = "pages/roc.py"


def names(figure: Any) -> list[str]:
    return [trace.name for trace in figure.data]


def test_curves_of_every_method_are_drawn_with_its_metrics_in_each_view(results: Path) -> None:
    app = opened(PAGE, category="part", method="padim")
    assert not app.error
    image, pixel, *scores = figures(app)
    assert len(scores) == 2
    assert image.layout.xaxis.type != "log"
    of = read_cell(results / "part" / "patchcore")["metrics"]
    wanted = f"PatchCore: AUROC {of['image_auroc']:.3f} ({of['image_auroc_low']:.3f}"
    assert any(name.startswith(wanted) for name in names(image))
    assert f"PatchCore: AUROC {of['pixel_auroc']:.3f}" in names(pixel)

    app.checkbox(key="roc_log").check().run()
    assert [figure.layout.xaxis.type for figure in figures(app)[:2]] == ["log", "log"]

    app.segmented_control(key="roc_view").set_value("pr").run()
    image, pixel = figures(app)[:2]
    of = read_cell(results / "part" / "padim")["metrics"]
    assert f"PaDiM: AP {of['image_ap']:.3f}" in names(image)
    assert f"PaDiM: AP {of['pixel_ap']:.3f}" in names(pixel)
    assert "base rate 50 %" in names(image)


def test_the_slider_moves_threshold_counts_and_markers(results: Path) -> None:
    table = scores(results / "part" / "padim")
    test = table[table["split"] == "test"]
    held_out = table.loc[table["split"] == "calibration", "score"]
    app = opened(PAGE, category="part", method="padim", alarms="10")
    for percent in (10.0, 25.0):
        app.slider(key="alarms").set_value(percent).run()
        made = decide(test["score"], test["label"], held_out, percent / 100)
        assert [m.value for m in app.metric[:2]] == [
            f"{made.missed} of {made.defective}",
            f"{made.false_alarms} of {made.good}",
        ]
        right, found = made.good - made.false_alarms, made.defective - made.missed
        assert app.table[0].value.to_numpy().tolist() == [
            [f"{right} right", f"{made.false_alarms} false alarms"],
            [f"{made.missed} missed", f"{found} found"],
        ]
        mark = next(t for t in figures(app)[0].data if t.mode == "markers" and t.name == "PaDiM")
        assert mark.x[0] == pytest.approx(made.false_alarm_rate)
        assert mark.y[0] == pytest.approx(1 - made.missed_rate)
        text = shown(app).replace("\\", "")
        assert f"Threshold {made.threshold:.4g}" in text
        assert f"from {len(held_out)} good training pictures" in text

    app.slider(key="alarms").set_value(1.0).run()
    assert not app.metric
    text = shown(app)
    assert "only 24 held-out good training pictures, and at least 99 are needed" in text
    assert all(trace.mode != "markers" for trace in figures(app)[0].data)


@pytest.mark.usefixtures("results")
def test_without_masks_there_are_no_pixel_curves_and_a_sentence_says_so() -> None:
    app = opened(PAGE, category="bare", method="padim")
    titles = [figure.layout.title.text for figure in figures(app)]
    assert titles == ["ROC, pictures", "PaDiM", "PatchCore"]
    assert translate("roc_no_pixels", "en", category="bare") in shown(app)


def test_methods_that_are_missing_or_were_evaluated_on_other_pictures_are_named(
    results: Path,
) -> None:
    padim = results / "part" / "padim"
    change_cell(padim, data_fingerprint="other", data_root="/else/where")
    app = opened(PAGE, category="part", method="padim")
    assert any("different pictures" in warning.value for warning in app.warning)
    assert any("/else/where" in info.value for info in app.info)
    assert "Not evaluated yet: AE." in shown(app)

    shutil.rmtree(padim)
    app.run()
    assert "Not evaluated yet: AE, PaDiM" in shown(app)
    assert len(figures(app)) == 2 + 1


def test_a_damaged_cell_is_a_sentence_and_the_others_are_shown(results: Path) -> None:
    folder = results / "part" / "padim"
    app = opened(PAGE, category="part", method="padim")
    for name in ("curves.npz", "scores.csv", "cell.json"):
        (folder / name).write_bytes(b"nonsense")
        app.run()
        assert any(name in error.value and "again" in error.value for error in app.error)
        legend = names(figures(app)[0])
        assert any(str(one).startswith("PatchCore: AUROC") for one in legend)
        assert not any(str(one).startswith("PaDiM: AUROC") for one in legend)
