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
from evaluation.measure.disagreement import FALSE_ALARM, MISSED
from evaluation.store.places import CellPlace
from tests.dashboard.driver import change_cell, opened, rescore, scores, shown, write_scores
from tests.dashboard.test_samples_page import captions, stored
from tests.make_data import cell_content

PAGE = "pages/compare.py"
TABLE = "compare_table"
LOW, HIGH = -1e6, 1e6


def chips(app: AppTest) -> list[str]:
    """Return the verdicts below the methods' pictures."""
    return [text.value for text in app.markdown if "-badge[" in text.value][1:]


def disputes(app: AppTest) -> pd.DataFrame:
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


def test_a_picture_stands_once_then_map_score_threshold_and_rank_of_each_method(
    results: Path,
) -> None:
    app = opened(PAGE, category="part", sample="blot/003")
    assert not app.error
    methods = ["Heatmap", "Overlay"] * 2
    assert captions(app) == ["Image", "Ground truth", *methods]
    text = shown(app)
    for method, title, unit in (
        ("padim", "PaDiM", "Mahalanobis distance"),
        ("patchcore", "PatchCore", "nearest good patch"),
    ):
        assert f"**{title}**" in text
        test, threshold = stored(results, method)
        at = list(test["name"]).index("blot/003")
        rank = 100 * (rankdata(test["score"])[at] - 0.5) / len(test)
        line = next(line for line in text.splitlines() if unit in line)
        assert f"**{test['score'][at]:.4g}**" in line
        assert f"Threshold {threshold:.4g}, from 24 held-out" in text
        assert f"Rank {rank:.0f} %" in text
    app.selectbox(key="category").set_value("bare").run()
    assert "No mask for this picture" in shown(app)


def test_opposite_verdicts_are_chips_and_the_most_disputed_pictures(results: Path) -> None:
    rescore(results / "part" / "padim", {"blot/002": HIGH, "good/000": LOW})
    rescore(results / "part" / "patchcore", {"blot/002": LOW, "good/000": HIGH})
    app = opened(PAGE, category="part", sample="blot/002")
    hit, missed = chips(app)
    assert hit.startswith(":green-badge[")
    assert hit.endswith(" hit]")
    assert missed.startswith(":red-badge[")
    assert "missed defect" in missed
    app.selectbox(key="sample").set_value("good/000").run()
    right, alarm = chips(app)
    assert right.startswith(":green-badge[")
    assert "right: passed as good" in right
    assert alarm.startswith(":orange-badge[")
    assert "false alarm" in alarm

    table = disputes(app)
    assert len(table) == 12
    assert list(table["sample"][:2]) == ["good/000", "blot/002"]
    assert (np.diff(table["spread"]) <= 0).all()
    assert table["padim_rank"][1] == pytest.approx(100 * 11.5 / 12)
    assert table["patchcore_rank"][1] == pytest.approx(100 * 0.5 / 12)
    assert table["spread"][1] == pytest.approx(100 * 11 / 12)
    assert list(table["padim_verdict"][:2]) == ["✓ passed", "✓ hit"]
    assert list(table["patchcore_verdict"][:2]) == ["! alarm", "✗ missed"]


@pytest.mark.usefixtures("results")
def test_the_slider_moves_all_thresholds_down_to_where_there_is_none() -> None:
    app = opened(PAGE, category="part")
    before = [c.value for c in app.caption if c.value.startswith("Threshold")]
    app.slider(key="alarms").set_value(30.0).run()
    after = [c.value for c in app.caption if c.value.startswith("Threshold")]
    assert len(before) == len(after) == 2
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert app.query_params["alarms"] == "30.0"

    app.slider(key="alarms").set_value(1.0).run()
    assert len(chips(app)) == 2
    assert all("no threshold (needs 99 good pictures, has 24)" in chip for chip in chips(app))
    assert "at least two methods with a threshold" in shown(app)
    assert set(disputes(app)["padim_verdict"]) == {"n/a"}


@pytest.mark.usefixtures("results")
def test_next_and_previous_walk_around_and_the_filter_keeps_one_defect_type() -> None:
    app = opened(PAGE, category="part", sample="good/999")
    assert app.selectbox(key="sample").value == "good/000"
    app.button(key="previous").click().run()
    assert app.selectbox(key="sample").value == "blot/005"
    assert app.query_params["sample"] == "blot/005"
    app.button_group(key="compare_defect").set_value("good").run()
    assert app.selectbox(key="sample").value == "good/000"
    assert len(app.selectbox(key="sample").options) == 6
    assert all(name.startswith("good/") for name in disputes(app)["sample"])
    assert "No defective pictures in this choice" in shown(app)


def test_a_ticked_row_is_opened_and_one_that_the_page_has_ticked_takes_no_other_click_back(
    results: Path,
) -> None:
    names = ["blot/000", "blot/001"]
    for method in ("padim", "patchcore"):
        rescore(results / "part" / method, dict.fromkeys(names, LOW))
    app = opened(PAGE, category="part", sample="good/000")
    for row in (7, 3):
        wanted = disputes(app)["sample"][row]
        tick(app, row)
        assert app.selectbox(key="sample").value == wanted
        assert app.query_params["sample"] == wanted
        assert app.session_state[TABLE]["selection"]["rows"] == [row]
    app.selectbox(key="sample").set_value("blot/000").run()
    app.button_group(key="compare_pick_missed").set_value("blot/001")
    tick(app, list(disputes(app)["sample"]).index("blot/000"))
    assert app.selectbox(key="sample").value == "blot/001"


def test_missed_by_all_and_false_alarm_of_all_are_listed_and_opened(results: Path) -> None:
    for method, other in (("padim", "blot/001"), ("patchcore", "blot/005")):
        test, _ = stored(results, method)
        every = {name: HIGH if name.startswith("blot") else LOW for name in test["name"]}
        every |= {"blot/004": LOW, other: LOW, "good/003": HIGH}
        rescore(results / "part" / method, every)
    app = opened(PAGE, category="part", sample="good/000")
    titles = [header.value for header in app.subheader]
    assert "Missed by all (1)" in titles
    assert "False alarm of all (1)" in titles
    assert app.button_group(key="compare_pick_missed").options == ["blot/004"]
    assert app.button_group(key="compare_pick_missed").value is None
    app.button_group(key="compare_pick_missed").set_value("blot/004").run()
    assert app.selectbox(key="sample").value == "blot/004"
    assert app.button_group(key="compare_pick_missed").value == "blot/004"
    app.button_group(key="compare_pick_false_alarm").set_value("good/003").run()
    assert app.selectbox(key="sample").value == "good/003"

    rescore(results / "part" / "padim", {"blot/004": HIGH, "good/003": LOW})
    text = shown(app.run())
    assert "Missed by all (0)" in text
    assert "found by at least one method" in text
    assert "passed by at least one method" in text


def test_missing_methods_are_named_and_can_be_started_and_the_finders_ask_for_a_second(
    results: Path, starts: list[list[str]]
) -> None:
    shutil.rmtree(results / "part" / "patchcore")
    app = opened(PAGE, category="part", sample="blot/001")
    assert "Not evaluated yet: AE, PatchCore" in shown(app)
    assert len(app.image) == 4
    assert shown(app).count("at least two methods") == 2
    app.button(key="compare_evaluate").click().run()
    assert starts[0][-5:] == ["--categories", "part", "--methods", "ae", "patchcore"]


def test_damaged_files_leave_the_rest_readable(results: Path) -> None:
    for method in ("padim", "patchcore"):
        (results / "part" / method / "blot_001_img.png").unlink()
    app = opened(PAGE, category="part", sample="blot/001")
    assert "blot_001_img.png" in shown(app).replace("\\", "")
    assert captions(app) == ["Ground truth", "Heatmap", "Heatmap"]

    folder = results / "part" / "padim"
    (folder / "maps.npy").write_bytes(b"nonsense")
    app.run()
    assert any("maps" in warning.value for warning in app.warning)
    assert captions(app) == ["Ground truth", "Heatmap"]
    assert len(chips(app)) == 2
    assert len(disputes(app)) == 12

    for name in ("scores.csv", "cell.json"):
        path = folder / name
        path.write_bytes(path.read_bytes()[:50])
        app.run()
        assert len(app.error) == 1
        assert name in app.error[0].value
        assert "Not evaluated yet: AE, PaDiM." in shown(app)
        assert captions(app) == ["Ground truth", "Heatmap"]


def test_a_picture_that_one_method_has_not_scored_is_said_and_not_ranked(results: Path) -> None:
    folder = results / "part" / "padim"
    table = scores(folder)
    kept = table[(table["split"] != "test") | (table["defect"] + table["stem"] != "blot005")]
    np.save(folder / "maps.npy", np.load(folder / "maps.npy")[:-1])
    write_scores(folder, kept, counts={"test_defective": 5})
    app = opened(PAGE, category="part", sample="blot/005")
    assert "blot/005 is not among the results of PaDiM" in shown(app)
    assert len(app.image) == 4
    assert "1 test pictures that only some" in shown(app)
    assert "blot/005" not in list(disputes(app)["sample"])

    write_scores(folder, kept.assign(stem="9" + kept["stem"]))
    app.run()
    assert "no test picture in common" in shown(app)


def test_cells_that_were_not_evaluated_alike_are_said_in_one_line(results: Path) -> None:
    change_cell(results / "part" / "padim", data_root="/else*where*", weights="ImageNet")
    app = opened(PAGE, category="part")
    said = "Evaluated under different conditions"
    (line,) = [warning.value for warning in app.warning if said in warning.value]
    assert r"PaDiM\: /else\*where\*" in line
    assert r"PaDiM\: ImageNet" in line


def test_each_difference_between_cells_is_named_but_not_the_weights_of_one_without_a_backbone() -> (
    None
):
    scored = {"good/0": 1.0}
    ae = finished(scored, "ae", weights="none", backbone_identity="")
    padim = finished(scored, "padim")
    assert unlike([ae, padim, finished(scored, "patchcore")]) == ""
    changes: list[tuple[dict[str, Any], str]] = [
        ({"data_root": "/other"}, "data folder (PaDiM: /data, PatchCore: /other)"),
        ({"geometry": {"height": 96, "width": 128}}, "PatchCore: 96 x 128 px"),
        ({"weights": "ImageNet"}, "PatchCore: ImageNet"),
        ({"backbone_identity": "resnet18-1"}, "PatchCore: resnet18-1"),
        ({"data_fingerprint": "other"}, "have changed in between"),
    ]
    for change, said in changes:
        assert said in unlike([padim, finished(scored, "patchcore", **change)])


def test_a_method_without_a_threshold_does_not_take_part_in_missed_by_all() -> None:
    scores = {"good/0": 50.0, "hole/0": 0.0, "hole/1": 99.0}
    few = finished(scores, "ae")
    few = FinishedCell(few.place, few.about, few.test, np.arange(3.0))
    comparison = compared([few, finished(scores), finished(scores, "patchcore")], 0.05)
    assert math.isnan(comparison.thresholds["ae"])
    assert comparison.with_threshold == ["padim", "patchcore"]
    names = comparison.together.names
    everything = comparison.rows("")
    assert [names[row] for row in comparison.wrong_together(everything, MISSED)] == ["hole/0"]
    assert [names[row] for row in comparison.wrong_together(everything, FALSE_ALARM)] == ["good/0"]
    assert comparison.wrong_together(comparison.rows("good"), MISSED) == []
