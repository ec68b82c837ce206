"""The compare page on full, partial, empty and broken results."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata
from streamlit.testing.v1 import AppTest

from dashboard.compare.lineup import compared, unlike
from dashboard.finished import FinishedCell
from dashboard.texts import translate
from evaluation.cells import CellPlace
from evaluation.disagreement import FALSE_ALARM, MISSED
from evaluation.thresholds import threshold_for
from tests.dashboard.test_pages import opened, shown
from tests.make_data import cell_content, write_category

PAGE = "pages/compare.py"
TABLE = "compare_table"
LOW, HIGH = -1e6, 1e6


def rescored(results: Path, method: str, scores: dict[str, float]) -> None:
    """Change stored scores of ``part``: ``<defect>/<stem>`` to score."""
    path = results / "part" / method / "scores.csv"
    table = pd.read_csv(path, dtype={"stem": str})
    for name, score in scores.items():
        defect, stem = name.split("/")
        chosen = (table["split"] == "test") & (table["defect"] == defect) & (table["stem"] == stem)
        assert chosen.sum() == 1
        table.loc[chosen, "score"] = score
    table.to_csv(path, index=False)


def stored(results: Path, method: str) -> tuple[pd.DataFrame, float]:
    """Return the stored test pictures of ``part`` and the threshold at 5 % false alarms."""
    table = pd.read_csv(results / "part" / method / "scores.csv", dtype={"stem": str})
    held_out = table.loc[table["split"] == "calibration", "score"]
    test = table[table["split"] == "test"].reset_index(drop=True)
    return test.assign(name=test["defect"] + "/" + test["stem"]), threshold_for(held_out, 0.05)


def chips(app: AppTest) -> list[str]:
    """Return the verdicts below the methods' pictures."""
    return [text.value for text in app.markdown if "-badge[" in text.value][1:]


def disputes(app: AppTest) -> pd.DataFrame:
    """Return the table of disputed pictures."""
    return next(table.value for table in app.dataframe if table.key == TABLE)


def tick(app: AppTest, row: int) -> None:
    """Tick a row of the table, as a click in the browser does."""
    states = app._tree.get_widget_states()
    ticked = states.widgets.add()
    ticked.id = next(table.proto.id for table in app.dataframe if table.key == TABLE)
    ticked.string_value = json.dumps({"selection": {"rows": [row], "columns": [], "cells": []}})
    app._run(states)


def finished(scores: dict[str, float], method: str = "padim", **about: Any) -> FinishedCell:
    """Return a cell with these test scores and held-out scores 1 to 40."""
    names = [name.split("/") for name in scores]
    test = pd.DataFrame(names, columns=["defect", "stem"])
    test["label"] = (test["defect"] != "good").astype(int)
    test["score"] = list(scores.values())
    place = CellPlace(Path("nowhere"), "part", method)
    return FinishedCell(place, cell_content(method=method, **about), test, np.arange(1.0, 41))


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.usefixtures("results")
def test_picture_and_truth_stand_once_then_map_and_overlay_of_each_method(lang: str) -> None:
    app = opened(PAGE, lang, category="part", sample="blot/003")
    assert not app.exception
    assert not app.error
    captions = [image.proto.imgs[0].caption for image in app.image]
    keys = ["panel_image", "panel_truth", *["panel_heatmap", "panel_overlay"] * 2]
    assert captions == [translate(key, lang) for key in keys]
    assert all(f"**{method}**" in shown(app) for method in ("PaDiM", "PatchCore"))


def test_each_method_shows_its_score_with_unit_threshold_and_rank(results: Path) -> None:
    text = shown(opened(PAGE, category="part", sample="blot/003"))
    for method, unit in (("padim", "Mahalanobis distance"), ("patchcore", "nearest good patch")):
        test, threshold = stored(results, method)
        at = list(test["name"]).index("blot/003")
        rank = 100 * (rankdata(test["score"])[at] - 0.5) / len(test)
        line = next(line for line in text.splitlines() if unit in line)
        assert f"**{test['score'][at]:.4g}**" in line
        assert f"Threshold {threshold:.4g}, from 24 held-out" in text
        assert f"Rank {rank:.0f} %" in text


def test_the_chip_says_hit_miss_right_or_false_alarm(results: Path) -> None:
    rescored(results, "padim", {"blot/000": HIGH, "good/000": LOW})
    rescored(results, "patchcore", {"blot/000": LOW, "good/000": HIGH})
    app = opened(PAGE, category="part", sample="blot/000")
    hit, missed = chips(app)
    assert "green-badge" in hit
    assert "hit" in hit
    assert "red-badge" in missed
    assert "missed defect" in missed
    app.selectbox(key="sample").set_value("good/000").run()
    right, alarm = chips(app)
    assert "green-badge" in right
    assert "right: passed as good" in right
    assert "orange-badge" in alarm
    assert "false alarm" in alarm


@pytest.mark.usefixtures("results")
def test_without_enough_held_out_pictures_the_chip_says_how_many_are_needed() -> None:
    app = opened(PAGE, category="part", alarms="1.0")
    assert not app.exception
    assert len(chips(app)) == 2
    assert all("no threshold (needs 99 good pictures, has 24)" in chip for chip in chips(app))
    assert "at least two methods with a threshold" in shown(app)
    assert set(disputes(app)["padim_verdict"]) == {"n/a"}


@pytest.mark.usefixtures("results")
def test_the_slider_moves_all_thresholds_and_stays_in_the_url() -> None:
    app = opened(PAGE, category="part")
    before = [c.value for c in app.caption if c.value.startswith("Threshold")]
    app.slider(key="alarms").set_value(30.0).run()
    after = [c.value for c in app.caption if c.value.startswith("Threshold")]
    assert len(before) == len(after) == 2
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert app.query_params["alarms"] == "30.0"


@pytest.mark.usefixtures("results")
def test_next_and_previous_walk_around_and_the_filter_keeps_one_defect_type() -> None:
    app = opened(PAGE, category="part", sample="good/005")
    app.button(key="next").click().run()
    assert app.selectbox(key="sample").value == "blot/000"
    assert app.query_params["sample"] == "blot/000"
    app.button_group(key="compare_defect").set_value("good").run()
    assert app.selectbox(key="sample").value == "good/000"
    assert len(app.selectbox(key="sample").options) == 6
    assert all(name.startswith("good/") for name in disputes(app)["sample"])
    app.button(key="previous").click().run()
    assert app.selectbox(key="sample").value == "good/005"


def test_the_most_disputed_picture_stands_first_with_its_ranks(results: Path) -> None:
    rescored(results, "padim", {"blot/002": HIGH})
    rescored(results, "patchcore", {"blot/002": LOW})
    table = disputes(opened(PAGE, category="part"))
    assert len(table) == 12
    assert table["sample"][0] == "blot/002"
    assert table["padim_rank"][0] == pytest.approx(100 * 11.5 / 12)
    assert table["patchcore_rank"][0] == pytest.approx(100 * 0.5 / 12)
    assert table["spread"][0] == pytest.approx(100 * 11 / 12)
    assert (np.diff(table["spread"]) <= 0).all()
    assert table["padim_verdict"][0] == "✓ hit"
    assert table["patchcore_verdict"][0] == "✗ missed"


@pytest.mark.usefixtures("results")
def test_a_ticked_row_is_opened_above() -> None:
    app = opened(PAGE, category="part", sample="good/000")
    for row in (7, 3):
        wanted = disputes(app)["sample"][row]
        tick(app, row)
        assert not app.exception
        assert app.selectbox(key="sample").value == wanted
        assert app.query_params["sample"] == wanted
        assert app.session_state[TABLE]["selection"]["rows"] == [row]


def test_a_row_that_the_page_has_ticked_itself_takes_no_other_click_back(results: Path) -> None:
    names = ["blot/000", "blot/001"]
    for method in ("padim", "patchcore"):
        rescored(results, method, dict.fromkeys(names, LOW))
    app = opened(PAGE, category="part", sample="blot/000")
    app.button_group(key="compare_pick_missed").set_value("blot/001")
    tick(app, list(disputes(app)["sample"]).index("blot/000"))
    assert app.selectbox(key="sample").value == "blot/001"


def test_missed_by_all_and_false_alarm_of_all_are_listed_and_opened(results: Path) -> None:
    for method, other in (("padim", "blot/001"), ("patchcore", "blot/005")):
        test, _ = stored(results, method)
        every = {name: HIGH if name.startswith("blot") else LOW for name in test["name"]}
        every |= {"blot/004": LOW, other: LOW, "good/003": HIGH}
        rescored(results, method, every)
    app = opened(PAGE, category="part", sample="good/000")
    titles = [header.value for header in app.subheader]
    assert "Missed by all (1)" in titles
    assert "False alarm of all (1)" in titles
    assert app.button_group(key="compare_pick_missed").options == ["blot/004"]
    assert app.button_group(key="compare_pick_missed").value is None
    app.button_group(key="compare_pick_missed").set_value("blot/004").run()
    assert app.selectbox(key="sample").value == "blot/004"
    assert app.button_group(key="compare_pick_missed").value == "blot/004"
    app.button_group(key="compare_pick_alarms").set_value("good/003").run()
    assert app.selectbox(key="sample").value == "good/003"


def test_where_nothing_is_wrong_for_all_the_page_says_so(results: Path) -> None:
    test, _ = stored(results, "padim")
    rescored(results, "padim", {n: HIGH if n.startswith("blot") else LOW for n in test["name"]})
    app = opened(PAGE, category="part")
    text = shown(app)
    assert "Missed by all (0)" in text
    assert "found by at least one method" in text
    assert "passed by at least one method" in text
    app.button_group(key="compare_defect").set_value("good").run()
    assert "No defective pictures in this choice" in shown(app)


@pytest.mark.usefixtures("results")
def test_a_missing_method_is_named_and_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(
        "dashboard.run.control.start", lambda _, arguments: started.append(arguments)
    )
    app = opened(PAGE, category="part")
    assert "Not evaluated yet: AE" in shown(app)
    app.button(key="compare_evaluate").click().run()
    assert not app.exception
    assert started[0][-4:] == ["--categories", "part", "--methods", "ae"]


def test_one_method_is_shown_and_the_finders_ask_for_a_second(results: Path) -> None:
    shutil.rmtree(results / "part" / "patchcore")
    app = opened(PAGE, category="part", sample="blot/001")
    assert not app.exception
    assert "Not evaluated yet: AE, PatchCore" in shown(app)
    assert len(app.image) == 4
    assert shown(app).count("at least two methods") == 2


def test_a_category_without_results_says_what_to_press(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_category(tmp_path / "data")
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    app = opened(PAGE, category="part")
    assert not app.exception
    assert "part has no results yet" in shown(app)
    assert app.button(key="compare_evaluate").label.startswith("Evaluate AE, PaDiM, PatchCore")


def test_without_a_category_the_page_asks_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path))
    app = opened(PAGE)
    assert not app.exception
    assert "Choose a category" in shown(app)


@pytest.mark.parametrize("file", ["cell.json", "scores.csv"])
def test_a_damaged_method_is_one_sentence_and_the_other_is_still_shown(
    results: Path, file: str
) -> None:
    path = results / "part" / "padim" / file
    path.write_bytes(path.read_bytes()[:50])
    app = opened(PAGE, category="part", sample="blot/001")
    assert not app.exception
    assert len(app.error) == 1
    assert file in app.error[0].value
    assert "Not evaluated yet: AE." in shown(app)
    captions = [image.proto.imgs[0].caption for image in app.image]
    assert captions == ["Image", "Ground truth", "Heatmap", "Overlay"]


@pytest.mark.parametrize("keep", [0, 60, 5000])
def test_damaged_maps_leave_scores_and_verdicts_readable(results: Path, keep: int) -> None:
    path = results / "part" / "padim" / "maps.npy"
    path.write_bytes(path.read_bytes()[:keep])
    app = opened(PAGE, category="part", sample="blot/001")
    assert not app.exception
    assert any("maps" in warning.value for warning in app.warning)
    assert len(app.image) == 4
    assert len(chips(app)) == 2
    assert len(disputes(app)) == 12


def test_a_missing_picture_is_named_and_the_maps_are_still_shown(results: Path) -> None:
    for method in ("padim", "patchcore"):
        (results / "part" / method / "blot_001_img.png").unlink()
    app = opened(PAGE, category="part", sample="blot/001")
    assert not app.exception
    assert "blot_001_img.png" in shown(app).replace("\\", "")
    captions = [image.proto.imgs[0].caption for image in app.image]
    assert captions == ["Ground truth", "Heatmap", "Heatmap"]


def test_a_picture_that_one_method_has_not_scored_is_said_and_not_ranked(results: Path) -> None:
    path = results / "part" / "padim" / "scores.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("test,blot,005,")))
    maps = results / "part" / "padim" / "maps.npy"
    np.save(maps, np.load(maps)[:-1])
    about = results / "part" / "padim" / "cell.json"
    cell = json.loads(about.read_text())
    cell["counts"]["test_defective"] = 5
    about.write_text(json.dumps(cell))
    app = opened(PAGE, category="part", sample="blot/005")
    assert not app.exception
    assert "blot/005 is not among the results of PaDiM" in shown(app)
    assert len(app.image) == 4
    assert "1 test pictures that only some" in shown(app)
    assert "blot/005" not in list(disputes(app)["sample"])


def test_methods_without_a_common_picture_are_not_ranked(results: Path) -> None:
    path = results / "part" / "padim" / "scores.csv"
    path.write_text(
        path.read_text().replace("test,blot,0", "test,blot,9").replace("test,good,0", "test,good,9")
    )
    app = opened(PAGE, category="part")
    assert not app.exception
    assert "no test picture in common" in shown(app)


@pytest.mark.usefixtures("results")
def test_pictures_without_masks_say_so() -> None:
    app = opened(PAGE, category="bare", sample="blot/001")
    assert not app.exception
    assert "No mask for this picture" in shown(app)


def test_cells_that_were_not_evaluated_alike_are_said_in_one_line(results: Path) -> None:
    path = results / "part" / "padim" / "cell.json"
    cell = json.loads(path.read_text())
    cell |= {"data_root": "/else*where*", "weights": "ImageNet"}
    path.write_text(json.dumps(cell))
    app = opened(PAGE, category="part")
    said = "Evaluated under different conditions"
    lines = [warning.value for warning in app.warning if said in warning.value]
    assert len(lines) == 1
    assert r"PaDiM\: /else\*where\*" in lines[0]
    assert r"PaDiM\: ImageNet" in lines[0]


@pytest.mark.parametrize("value", ["../../etc", "<b>", "good/999"])
@pytest.mark.usefixtures("results")
def test_an_unknown_sample_in_the_url_is_replaced_by_the_first(value: str) -> None:
    app = opened(PAGE, category="part", sample=value)
    assert not app.exception
    assert app.selectbox(key="sample").value == "good/000"


def test_equal_cells_are_alike_and_the_weights_of_a_method_without_a_backbone_do_not_count() -> (
    None
):
    scores = {"good/0": 1.0}
    ae = finished(scores, "ae", weights="none", backbone_identity="")
    assert unlike([ae, finished(scores, "padim"), finished(scores, "patchcore")]) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data_root": "/other"}, "data folder (PaDiM: /data, PatchCore: /other)"),
        ({"geometry": {"height": 96, "width": 128}}, "PatchCore: 96 x 128 px"),
        ({"weights": "ImageNet"}, "PatchCore: ImageNet"),
        ({"backbone_identity": "resnet18-1"}, "PatchCore: resnet18-1"),
        ({"data_fingerprint": "other"}, "have changed in between"),
    ],
)
def test_each_difference_between_cells_is_named(change: dict[str, Any], said: str) -> None:
    cells = [finished({"good/0": 1.0}, "padim"), finished({"good/0": 1.0}, "patchcore", **change)]
    assert said in unlike(cells)


def test_a_method_without_a_threshold_does_not_take_part_in_missed_by_all() -> None:
    scores = {"good/0": 50.0, "hole/0": 0.0, "hole/1": 99.0}
    few = finished(scores, "ae")
    few = FinishedCell(few.place, few.about, few.test, np.arange(3.0))
    comparison = compared([few, finished(scores), finished(scores, "patchcore")], 0.05)
    assert math.isnan(comparison.thresholds["ae"])
    assert comparison.with_threshold == ["padim", "patchcore"]
    names = comparison.together.names
    assert [names[row] for row in comparison.wrong_together("", MISSED)] == ["hole/0"]
    assert [names[row] for row in comparison.wrong_together("", FALSE_ALARM)] == ["good/0"]
    assert comparison.wrong_together("good", MISSED) == []
