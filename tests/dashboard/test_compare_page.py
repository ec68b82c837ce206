"""The compare page on full, partial, empty and broken results."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import rankdata
from streamlit.testing.v1 import AppTest

from dashboard.compare.lineup import compared, judged_together, unlike
from dashboard.finished import FinishedCell
from dashboard.texts import translate
from evaluation.measure.disagreement import FALSE_ALARM, HIT, MISSED, UNKNOWN
from evaluation.measure.regions import border
from evaluation.store.places import CellPlace
from tests.dashboard.driver import (
    change_cell,
    component,
    forget_samples,
    opened,
    rescore,
    scores,
    send,
    shown,
    tick,
    viewer,
    write_scores,
)
from tests.dashboard.test_samples_page import stored
from tests.make_data import cell_content

PAGE = "pages/compare.py"
TABLE = "compare_table"
METHODS = ("padim", "patchcore")
LOW, HIGH = -1e6, 1e6


def disputes(app: AppTest) -> pd.DataFrame:
    return next(table.value for table in app.dataframe if table.key == TABLE)


def under(app: AppTest, method: str) -> list[str]:
    """Return verdict, score and rank below a method's picture."""
    return str(viewer(app)["under"][method]).split(" · ")


def counted(app: AppTest) -> dict[str, str]:
    """Return the buttons that count what methods make of the pictures together."""
    keys = ("compare_disputed", "compare_all_missed", "compare_all_false_alarm")
    return {one.label: str(one.key) for one in app.button if one.key in keys}


def finished(scores: dict[str, float], method: str = "padim", **about: Any) -> FinishedCell:
    """Return a cell with these test scores and held-out scores 1 to 40."""
    names = [name.split("/") for name in scores]
    test = pd.DataFrame(names, columns=["defect", "stem"])
    test["label"] = (test["defect"] != "good").astype(int)
    test["score"] = list(scores.values())
    place = CellPlace(Path("nowhere"), "part", method)
    return FinishedCell(place, cell_content(method=method, **about), test, np.arange(1.0, 41))


def test_a_picture_stands_once_then_overlay_score_threshold_and_rank_of_each_method(
    results: Path,
) -> None:
    app = opened(PAGE, category="part", sample="blot/003")
    assert not app.error
    panels = component(app, "viewer")["panels"]
    assert [(one["kind"], one["method"], one["title"]) for one in panels] == [
        ("image", "", "Image"),
        ("overlay", "padim", "PaDiM"),
        ("overlay", "patchcore", "PatchCore"),
    ]
    text = shown(app)
    for method, title, unit in (
        ("padim", "PaDiM", "Mahalanobis distance"),
        ("patchcore", "PatchCore", "distance to the nearest good patch"),
    ):
        test, threshold = stored(results, method)
        at = list(test["name"]).index("blot/003")
        rank = 100 * (rankdata(test["score"])[at] - 0.5) / len(test)
        told = ["✓ found", f"score {test['score'][at]:.4g}", f"percentile {rank:.0f}"]
        assert under(app, method) == told
        assert f"{title}: threshold {threshold:.4g} ({unit}), from 24 held-out" in text
        maps = np.load(results / "part" / method / "maps.npy")[at].astype(np.float32)
        assert viewer(app)["layers"][method]["border"] == border(maps > threshold)
    app.selectbox(key="category").set_value("bare").run()
    assert viewer(app)["absent"]["truth"] == "No mask for this picture"


def test_opposite_verdicts_stand_below_the_pictures_and_lead_the_most_disputed(
    results: Path,
) -> None:
    rescore(results / "part" / "padim", {"blot/002": HIGH, "good/000": LOW})
    rescore(results / "part" / "patchcore", {"blot/002": LOW, "good/000": HIGH})
    app = opened(PAGE, category="part", sample="blot/002")
    assert [under(app, method)[0] for method in METHODS] == ["✓ found", "✗ missed"]
    app.selectbox(key="sample").set_value("good/000").run()
    assert [under(app, method)[0] for method in METHODS] == ["✓ passed", "! false alarm"]

    table = disputes(app)
    assert len(table) == 12
    assert list(table["sample"][:2]) == ["good/000", "blot/002"]
    assert (np.diff(table["spread"]) <= 0).all()
    assert table["padim_rank"][1] == pytest.approx(100 * 11.5 / 12)
    assert table["patchcore_rank"][1] == pytest.approx(100 * 0.5 / 12)
    assert table["spread"][1] == pytest.approx(100 * 11 / 12)
    assert list(table["padim_verdict"][:2]) == ["✓ passed", "✓ found"]
    assert list(table["patchcore_verdict"][:2]) == ["! false alarm", "✗ missed"]

    app.selectbox(key="together_en").set_value("disputed").run()
    assert component(app, "viewer")["names"] == ["good/000", "blot/002"]
    assert sorted(disputes(app)["sample"]) == ["blot/002", "good/000"]
    assert app.query_params["together"] == "disputed"


@pytest.mark.usefixtures("results")
def test_the_slider_moves_all_thresholds_down_to_where_there_is_none() -> None:
    app = opened(PAGE, category="part")
    (before,) = [one.value for one in app.caption if ": threshold" in one.value]
    app.slider(key="alarms").set_value(30.0).run()
    (after,) = [one.value for one in app.caption if ": threshold" in one.value]
    changed = zip(before.split("\n"), after.split("\n"), strict=True)
    assert [one != other for one, other in changed] == [True, True]
    assert app.query_params["alarms"] == "30.0"

    app.slider(key="alarms").set_value(1.0).run()
    assert shown(app).count("no threshold (needs 99 held-out good pictures, has 24)") == 2
    assert [under(app, method)[0] for method in METHODS] == ["n/a", "n/a"]
    assert not counted(app)
    assert set(disputes(app)["padim_verdict"]) == {"n/a"}


@pytest.mark.usefixtures("results")
def test_a_sample_that_is_not_here_is_said_and_the_filter_keeps_one_defect_type() -> None:
    app = opened(PAGE, category="part", sample="good/999")
    assert translate("not_here", "en", what="good/999") in [one.value for one in app.warning]
    assert app.selectbox(key="sample").value == "good/000"
    send(app, "viewer", sample="blot/005")
    assert app.selectbox(key="sample").value == app.query_params["sample"] == "blot/005"
    app.selectbox(key="defect_en").set_value("good").run()
    assert app.selectbox(key="sample").value == "good/000"
    assert len(app.selectbox(key="sample").options) == 6
    assert all(name.startswith("good/") for name in disputes(app)["sample"])


@pytest.mark.usefixtures("results")
def test_a_ticked_row_is_opened() -> None:
    app = opened(PAGE, category="part", sample="good/000")
    for row in (7, 3):
        wanted = disputes(app)["sample"][row]
        tick(app, TABLE, rows=[row])
        assert app.selectbox(key="sample").value == app.query_params["sample"] == wanted
        assert component(app, "viewer")["chosen"] == wanted


def test_what_all_miss_or_report_wrongly_is_counted_and_shown_on_a_click(results: Path) -> None:
    for method, other in (("padim", "blot/001"), ("patchcore", "blot/005")):
        test, _ = stored(results, method)
        every = {name: HIGH if name.startswith("blot") else LOW for name in test["name"]}
        every |= {"blot/004": LOW, other: LOW, "good/003": HIGH}
        rescore(results / "part" / method, every)
    app = opened(PAGE, category="part", sample="good/000")
    wanted = {
        "2 on which verdicts differ": ["blot/001", "blot/005"],
        "1 missed by all methods": ["blot/004"],
        "false alarms of all methods\\: 1": ["good/003"],
    }
    assert list(counted(app)) == list(wanted)
    for label, names in wanted.items():
        app.button(key=counted(app)[label]).click().run()
        assert component(app, "viewer")["names"] == names
        assert [tile["name"] for tile in component(app, "gallery")["tiles"]] == names
    app.selectbox(key="together_en").set_value("").run()
    send(app, "gallery", picked="blot/004")
    assert app.selectbox(key="sample").value == "blot/004"

    rescore(results / "part" / "padim", {"blot/004": HIGH, "good/003": LOW})
    assert list(counted(app.run()))[1:] == [
        "0 missed by all methods",
        "false alarms of all methods\\: 0",
    ]
    app.button(key="compare_all_missed").click().run()
    assert translate("shown_nothing", "en") in shown(app)
    assert app.query_params["together"] == "all_missed"


def test_missing_methods_can_be_started_and_the_finders_ask_for_a_second(
    results: Path, starts: list[list[str]]
) -> None:
    shutil.rmtree(results / "part" / "patchcore")
    app = opened(PAGE, category="part", sample="blot/001")
    assert app.button(key="evaluate_missing").label == "Evaluate AE, PatchCore on part now"
    assert [one["method"] for one in component(app, "viewer")["panels"]] == ["", "padim"]
    assert shown(app).count("at least two methods") == 1
    assert not counted(app)
    app.button(key="evaluate_missing").click().run()
    assert starts[0][-5:] == ["--categories", "part", "--methods", "ae", "patchcore"]


def test_damaged_files_leave_the_rest_readable(results: Path) -> None:
    for method in METHODS:
        (results / "part" / method / "blot_001_img.png").unlink()
    app = opened(PAGE, category="part", sample="blot/001")
    for kind in ("image", "overlay"):
        assert "blot_001_img.png is missing" in viewer(app)["absent"][kind]
    assert viewer(app)["truth"]
    assert list(viewer(app)["layers"]) == list(METHODS)

    folder = results / "part" / "padim"
    (folder / "maps.npy").write_bytes(b"nonsense")
    forget_samples()
    app.run()
    assert "maps.npy is missing or damaged" in viewer(app)["absent"]["padim"]
    assert list(viewer(app)["layers"]) == ["patchcore"]
    assert list(viewer(app)["under"]) == list(METHODS)
    assert len(disputes(app)) == 12

    for name in ("scores.csv", "cell.json"):
        path = folder / name
        path.write_bytes(path.read_bytes()[:50])
        forget_samples()
        app.run()
        assert len(app.error) == 1
        assert name in app.error[0].value
        assert "AE, PaDiM" in app.button(key="evaluate_missing").label
        assert list(viewer(app)["layers"]) == ["patchcore"]


def test_a_picture_that_one_method_has_not_scored_is_said_and_not_ranked(results: Path) -> None:
    folder = results / "part" / "padim"
    table = scores(folder)
    kept = table[(table["split"] != "test") | (table["defect"] + table["stem"] != "blot005")]
    np.save(folder / "maps.npy", np.load(folder / "maps.npy")[:-1])
    write_scores(folder, kept, counts={"test_defective": 5})
    app = opened(PAGE, category="part", sample="blot/005")
    assert "blot/005 is not among the results of PaDiM" in viewer(app)["absent"]["padim"]
    assert list(viewer(app)["layers"]) == ["patchcore"]
    assert "1 test pictures that only some" in shown(app)
    assert "blot/005" not in list(disputes(app)["sample"])

    write_scores(folder, kept.assign(stem="9" + kept["stem"]))
    app.run()
    assert "no test picture in common" in shown(app)


def test_each_method_s_map_is_held_against_the_mask_of_its_own_size(results: Path) -> None:
    folder = results / "part" / "patchcore"
    np.save(folder / "maps.npy", np.load(folder / "maps.npy")[:, ::2, ::2])
    for path in folder.glob("*_[ig][mt]*.png"):
        with Image.open(path) as picture:
            picture.resize((64, 64), Image.Resampling.NEAREST).save(path)
    change_cell(folder, geometry={"height": 64, "width": 64})
    app = opened(PAGE, category="part", sample="blot/003")
    layers = viewer(app)["layers"]
    assert "picture size (PaDiM: 128 x 128 px, PatchCore: 64 x 64 px)" in shown(app).replace(
        "\\", ""
    )
    assert "of the defect (576 px)" in layers["padim"]["summary"]
    assert "of the defect (144 px)" in layers["patchcore"]["summary"]
    assert [layer["regions"][0]["hit"] for layer in layers.values()] == ["hit", "hit"]


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


def test_methods_without_a_threshold_do_not_judge_and_what_was_not_scored_is_unknown() -> None:
    scores = {"good/0": 50.0, "hole/0": 0.0, "hole/1": 99.0}
    few = finished(scores, "ae")
    few = FinishedCell(few.place, few.about, few.test, np.arange(3.0))
    other = finished({"good/0": 50.0, "hole/1": 99.0}, "patchcore")
    comparison = compared([few, finished(scores), other], 0.05)
    assert math.isnan(comparison.thresholds["ae"])
    assert comparison.with_threshold == ["padim", "patchcore"]
    test = few.test.iloc[::-1].reset_index(drop=True)
    judged = judged_together(comparison, test)
    assert judged.to_dict("list") == {
        "padim": [HIT, MISSED, FALSE_ALARM],
        "patchcore": [HIT, UNKNOWN, FALSE_ALARM],
    }


def test_of_one_method_the_strongest_defect_is_opened_first(results: Path) -> None:
    shutil.rmtree(results / "part" / "patchcore")
    test = scores(results / "part" / "padim").query("split == 'test' and label > 0")
    strongest = test.sort_values("score").iloc[-1]
    app = opened("pages/compare.py", category="part")
    assert app.selectbox(key="sample").value == f"{strongest['defect']}/{strongest['stem']}"
