"""The ROC page on full, partial, empty and broken results."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dashboard.texts import translate
from evaluation.measure.operating_points import decide, threshold_for
from evaluation.new_pictures.score_table import verdict_table
from evaluation.store.cells import read_cell
from evaluation.store.places import CellKey
from evaluation.store.review_lines import ReviewLines, read_lines
from tests.dashboard.driver import (
    LINK,
    change_cell,
    component,
    figures,
    notices,
    opened,
    rescore,
    scores,
    send,
    shown,
    tick,
    write_scores,
)

PAGE = "pages/roc.py"
LINES = "score_lines_padim"


def names(figure: Any) -> list[str]:
    return [trace.name for trace in figure.data]


def test_good_test_pictures_that_differ_from_held_out_ones_are_said_once(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluation.measure.drift.FEWEST", 6)
    for folder in (results / "part").glob("p*"):
        table = scores(folder)
        good = (table["split"] == "test") & (table["label"] == 0)
        shift = {"brightness": -50.0, "background": 9.0 if folder.name == "padim" else 0.0}
        write_scores(folder, table.assign(**{n: table[n] + good * by for n, by in shift.items()}))
    for page in (PAGE, "pages/samples.py"):
        told = notices(opened(page, category="part", method="padim"))
        (told_of,) = [one for one in told if "good test pictures differ" in one]
        assert told_of.startswith("part\\: good test pictures differ from held-out good training")
        assert told_of.count("they are darker (AUROC of brightness 1.00") == 1
        assert "PaDiM scores them higher even where nothing stands out" in told_of
    old = ["background", "sharpness", "size"]
    for folder in (results / "part").glob("p*"):
        write_scores(folder, scores(folder).drop(columns=old))
    (told_of,) = [one for one in notices(opened(PAGE, category="part")) if "good test" in one]
    assert "darker" in told_of
    assert "stands out" not in told_of


def test_curves_of_every_method_are_drawn_with_its_metrics_in_each_view(results: Path) -> None:
    app = opened(PAGE, category="part")
    assert not app.error
    image, pixel = figures(app)
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
    app = opened(PAGE, category="part", alarms="10")
    for percent in (10.0, 25.0):
        app.slider(key="alarms").set_value(percent).run()
        made = decide(test["score"], test["label"], held_out, percent / 100)
        missed, alarms = (one.proto for one in app.get("page_link")[:2])
        assert missed.label == LINK.format(f"Missed defects: {made.missed} of {made.defective}")
        assert alarms.label == LINK.format(f"False alarms: {made.false_alarms} of {made.good}")
        assert [missed.disabled, alarms.disabled] == [not made.missed, not made.false_alarms]
        mark = next(t for t in figures(app)[0].data if t.mode == "markers" and t.name == "PaDiM")
        assert mark.x[0] == pytest.approx(made.false_alarm_rate)
        assert mark.y[0] == pytest.approx(1 - made.missed_rate)
        text = shown(app).replace("\\", "")
        assert f"Threshold {made.threshold:.4g}" in text
        assert f"from {len(held_out)} good training pictures" in text

    app.slider(key="alarms").set_value(1.0).run()
    assert not app.get("page_link")
    text = shown(app)
    assert "only 24 held-out good training pictures, and at least 99 are needed" in text
    assert all(trace.mode != "markers" for trace in figures(app)[0].data)


def test_a_point_of_a_curve_opens_the_pictures_above_it(results: Path) -> None:
    rescore(results / "part" / "padim", {"blot/001": 1000.0, "good/002": 2000.0})
    app = opened(PAGE, category="part", method="patchcore", defect="good")
    tick(app, "roc_roc_image", points=[{"customdata": [0.2, 0.2, 0.5, 1000.0, 0]}])
    assert app.title[0].value == "Samples: part · PaDiM"
    assert component(app, "viewer")["names"] == ["good/002", "blot/001"]
    app = opened(PAGE, category="part", method="patchcore")
    for nothing in ([], [None], [[0, 0, 1, None, 0]]):
        tick(app, "roc_roc_image", points=[{"customdata": data} for data in nothing])
        assert app.title[0].value.startswith("ROC")


def test_lines_start_at_the_threshold_are_kept_when_moved_and_forgotten(results: Path) -> None:
    table = scores(results / "part" / "padim")
    held_out = table.loc[table["split"] == "calibration", "score"]
    threshold = threshold_for(held_out, 0.05)
    app = opened(PAGE, category="part")
    start = component(app, LINES)
    assert start["lines"] == [threshold] * 2
    assert start["held"] == sorted(held_out)
    assert len(start["promised"]) == len(held_out) + 1
    for kind in ("good", "defective", "held"):
        assert sum(start["counts"][kind]) == len(start[kind])

    send(app, LINES, lines=[1.25, 2.5])
    assert component(app, LINES)["lines"] == [1.25, 2.5]
    app = opened(PAGE, category="part", alarms="20")
    assert component(app, LINES)["lines"] == [1.25, 2.5]
    assert component(app, "score_lines_patchcore")["lines"] != [1.25, 2.5]
    assert translate("lines_kept", "en") in shown(app)
    kept = read_lines(results / "thresholds.json")[CellKey("part", "padim", "")]
    assert (kept.review_above, kept.reject_above) == (1.25, 2.5)

    change_cell(results / "part" / "padim", finished="2030-01-01T00:00:00+00:00")
    app.run()
    assert component(app, LINES)["lines"] == [threshold_for(held_out, 0.2)] * 2
    assert translate("lines_outdated", "en") in shown(app)
    change_cell(results / "part" / "padim", finished=kept.finished)
    app.run().button(key="lines_forget_padim").click().run()
    assert component(app, LINES)["lines"] == [threshold_for(held_out, 0.2)] * 2
    assert read_lines(results / "thresholds.json") == {}


def test_a_damaged_file_of_thresholds_is_a_sentence_and_is_left_as_it_is(results: Path) -> None:
    file = results / "thresholds.json"
    file.write_text("{")
    app = opened(PAGE, category="part")
    assert any("cannot be read as thresholds" in one.value for one in app.warning)
    assert component(app, LINES)["lines"]
    send(app, LINES, lines=[1.0, 2.0])
    assert any("cannot be read as thresholds" in one.value for one in app.error)
    assert file.read_text() == "{"


def test_with_too_few_held_out_pictures_the_line_starts_at_the_highest_score(
    results: Path,
) -> None:
    app = opened(PAGE, category="part", alarms="1")
    highest = scores(results / "part" / "padim")["score"].max()
    assert component(app, LINES)["lines"] == [highest] * 2
    assert "too few for a threshold at 1 % allowed false alarms" in shown(app)


def test_a_bar_opens_its_pictures(results: Path) -> None:
    app = opened(PAGE, category="part", method="patchcore")
    edges = component(app, LINES)["edges"]
    send(app, LINES, open=[edges[-2], edges[-1], "defective", "score"])
    test = scores(results / "part" / "padim")
    inside = test[(test["split"] == "test") & (test["label"] == 1) & (test["score"] >= edges[-2])]
    assert app.title[0].value == "Samples: part · PaDiM"
    assert component(app, "viewer")["names"] == list(inside["defect"] + "/" + inside["stem"])


def test_the_verdicts_of_the_lines_are_a_table_with_a_row_for_every_test_picture() -> None:
    test = pd.DataFrame(
        {
            **{"file": ["a", "b", "c"], "defect": "blot", "stem": ["0", "1", "2"], "label": 1},
            "score": [1.0, 1.5, 2.5],
        }
    )
    chosen = ReviewLines("part", "padim", "", 1.0, 2.0, "")
    table = verdict_table(test, chosen)
    assert list(table["verdict"]) == ["good", "review", "defective"]
    assert list(table["file"]) == ["a", "b", "c"]


@pytest.mark.usefixtures("results")
def test_without_masks_there_are_no_pixel_curves_and_a_sentence_says_so() -> None:
    app = opened(PAGE, category="bare")
    assert [figure.layout.title.text for figure in figures(app)] == ["ROC, pictures"]
    assert component(app, LINES)["good"]
    assert translate("roc_no_pixels", "en", category="bare") in shown(app)


def test_methods_that_are_missing_or_were_evaluated_on_other_pictures_are_named(
    results: Path,
) -> None:
    padim = results / "part" / "padim"
    change_cell(padim, data_fingerprint="other", data_root="/else/where")
    app = opened(PAGE, category="part")
    assert any("different pictures" in warning.value for warning in app.warning)
    assert any("/else/where" in notice for notice in notices(app))
    assert app.button(key="evaluate_missing").label == "Evaluate AE on part now"

    shutil.rmtree(padim)
    app.run()
    assert app.button(key="evaluate_missing").label == "Evaluate AE, PaDiM on part now"
    assert component(app, LINES) == {}
    assert component(app, "score_lines_patchcore")


def test_a_damaged_cell_is_a_sentence_and_the_others_are_shown(results: Path) -> None:
    folder = results / "part" / "padim"
    app = opened(PAGE, category="part")
    for name in ("curves.npz", "scores.csv", "cell.json"):
        (folder / name).write_bytes(b"nonsense")
        app.run()
        assert any(name in error.value and "again" in error.value for error in app.error)
        legend = names(figures(app)[0])
        assert any(str(one).startswith("PatchCore: AUROC") for one in legend)
        assert not any(str(one).startswith("PaDiM: AUROC") for one in legend)
