"""The samples page, run by Streamlit's own test driver on full, partial and broken results."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard.texts import translate
from evaluation.measure.operating_points import threshold_for
from tests.dashboard.driver import (
    change_cell,
    component,
    marks,
    opened,
    rescore,
    scores,
    send,
    shown,
    viewer,
    write_scores,
)

PAGE = "pages/samples.py"


def stored(results: Path, method: str, rate: float = 0.05) -> tuple[pd.DataFrame, float]:
    """Return the stored test pictures of ``part`` and the threshold at a false-alarm rate."""
    table = scores(results / "part" / method)
    held_out = table.loc[table["split"] == "calibration", "score"]
    test = table[table["split"] == "test"].reset_index(drop=True)
    return test.assign(name=test["defect"] + "/" + test["stem"]), threshold_for(held_out, rate)


def gallery(app: AppTest) -> dict[str, Any]:
    """Return what the page sends to the gallery."""
    return component(app, "gallery")


def outline_slider(app: AppTest) -> Any:
    return next(slider for slider in app.slider if str(slider.key).startswith("outline/"))


def test_a_sample_shows_its_score_and_panels_and_what_the_outline_covers(results: Path) -> None:
    app = opened(PAGE, category="part", method="patchcore", sample="blot/003")
    folder = results / "part" / "patchcore"
    test, threshold = stored(results, "patchcore")
    position = list(test["name"]).index("blot/003")
    assert marks(app) == [
        ["defect: blot", "defect"],
        [f"score {test['score'][position]:.4g}", ""],
        ["found", "right"],
    ]
    assert viewer(app)["place"] == f"{position + 1} of 12"
    panels = component(app, "viewer")["panels"]
    assert [one["title"] for one in panels] == ["Image", "Ground truth", "Heatmap", "Overlay"]
    assert viewer(app)["absent"] == {}

    assert outline_slider(app).value == pytest.approx(threshold)
    found = np.load(folder / "maps.npy")[position].astype(np.float32) > threshold
    marked = np.asarray(Image.open(folder / "blot_003_gt.png")) > 0
    covered = (found & marked).sum() / marked.sum()
    told = viewer(app)["layers"]["patchcore"]["summary"]
    assert f"covers {100 * covered:.3g} % of the defect ({marked.sum():,} px)" in told
    assert f"{(found & ~marked).sum():,} px outside" in told

    outline_slider(app).set_value(outline_slider(app).max).run()
    app.slider(key="alarms").set_value(20.0).run()
    assert outline_slider(app).value == pytest.approx(stored(results, "patchcore", 0.2)[1])

    app.selectbox(key="category").set_value("bare").run()
    assert "pixel AUROC n/a" in shown(app)
    assert viewer(app)["absent"]["truth"] == translate("no_mask", "en")
    told = viewer(app)["layers"]["patchcore"]["summary"]
    assert "without a mask it cannot be compared" in told


def test_the_regions_are_those_above_the_outline_in_pixels_of_the_original(results: Path) -> None:
    app = opened(PAGE, category="part", method="padim", sample="blot/003")
    test, threshold = stored(results, "padim")
    position = list(test["name"]).index("blot/003")
    anomaly_map = np.load(results / "part" / "padim" / "maps.npy")[position].astype(np.float32)
    listed = viewer(app)["layers"]["padim"]["regions"]
    rows, columns = np.nonzero(anomaly_map > threshold)
    boxes = np.array([one["box"] for one in listed])

    assert [one["number"] for one in listed] == [str(n + 1) for n in range(len(listed))]
    outer = (boxes[:, 0].min(), boxes[:, 1].min(), boxes[:, 2].max(), boxes[:, 3].max())
    assert outer == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    left, top, right, bottom = boxes[0]
    x, y = round((left + right) / 4), round((top + bottom) / 4)  # the original has half the side
    assert listed[0]["text"].startswith(f"1: at {x}, {y} px, ")
    assert f"highest {anomaly_map.max():.4g}, on the defect" in listed[0]["text"]


def test_zoomed_in_the_original_file_is_sent_and_only_while_it_is_what_was_evaluated(
    results: Path, evaluated: tuple[Path, Path], tmp_path: Path
) -> None:
    data = tmp_path / "own-data"
    shutil.copytree(evaluated[0], data)
    change_cell(results / "part" / "padim", data_root=str(data))
    url = {"category": "part", "method": "padim", "sample": "blot/003"}
    assert viewer(opened(PAGE, **url))["detail"] is None
    app = opened(PAGE, **url, zoom="4,0.5,0.25")
    assert component(app, "viewer")["view"] == [4, 0.5, 0.25]
    assert viewer(app)["detail"]["url"].startswith("data:image/jpeg;base64,")
    assert [viewer(app)["detail"][side] for side in ("x", "y", "width", "height")] == [
        *(0, 0, 128, 128)
    ]
    Image.new("RGB", (64, 64)).save(data / "part" / "test" / "blot" / "003.png")
    assert viewer(opened(PAGE, **url, zoom="4,0.5,0.25"))["detail"] is None


@pytest.mark.usefixtures("results")
def test_the_viewer_steps_to_samples_and_methods_and_keeps_the_place_in_the_address() -> None:
    app = opened(PAGE, category="part", method="padim", sample="blot/005", zoom="2,0.5,0.5")
    assert list(component(app, "viewer")["samples"]) == [
        *("blot/005", "good/000", "blot/004", "good/001")
    ]
    send(app, "viewer", sample="good/000")
    assert app.selectbox(key="sample").value == app.query_params["sample"] == "good/000"
    send(app, "viewer", sample="good/000", view=[3, 0.25, 0.75])
    assert app.query_params["zoom"] == "3,0.25,0.75"
    send(app, "viewer", sample="good/000", view=[3, 0.25, 0.75], method=-1)
    assert app.segmented_control(key="method").value == "ae"
    assert app.query_params["zoom"] == "3,0.25,0.75"


def test_the_first_sample_is_the_defect_that_methods_disagree_on_most(results: Path) -> None:
    rescore(results / "part" / "padim", {"blot/002": 1e6, "good/003": 1e6})
    rescore(results / "part" / "patchcore", {"blot/002": 0.0, "good/003": 0.0})
    assert opened(PAGE, category="part", method="padim").selectbox(key="sample").value == "blot/002"
    shutil.rmtree(results / "part" / "patchcore")
    rescore(results / "part" / "padim", {"blot/004": 2e6})
    assert opened(PAGE, category="part", method="padim").selectbox(key="sample").value == "blot/004"


def test_a_number_s_pictures_are_shown_and_can_be_taken_away(results: Path) -> None:
    rescore(results / "part" / "padim", {"blot/001": 0.0, "blot/004": 0.0, "good/002": 1e6})
    app = opened(PAGE, category="part", method="padim", show="missed")
    assert component(app, "viewer")["names"] == ["blot/001", "blot/004"]
    assert "**part, PaDiM at 5 % allowed false alarms: 2 missed**" in shown(app)
    assert ["missed", "wrong"] in marks(app)
    app.selectbox(key="show_en").set_value("false_alarm").run()
    assert component(app, "viewer")["names"] == ["good/002"]
    assert ["false alarm", "wrong"] in marks(app)
    assert app.query_params["show"] == "false_alarm"
    app.selectbox(key="defect_en").set_value("blot").run()
    assert translate("shown_nothing", "en") in shown(app)
    app.button(key="show_everything").click().run()
    assert len(component(app, "viewer")["names"]) == 12
    assert not {"show", "defect"} & app.query_params.keys()

    app = opened(PAGE, category="part", method="padim", show="above:nonsense")
    assert translate("not_here", "en", what="above:nonsense") in [one.value for one in app.warning]
    assert len(component(app, "viewer")["names"]) == 12


def test_results_of_other_settings_are_chosen_above_and_stand_in_the_address(
    results: Path,
) -> None:
    other = results / "settings" / "seed-1" / "part" / "padim"
    shutil.copytree(results / "part" / "padim", other)
    change_cell(other, settings_id="seed-1")
    rescore(other, {"blot/000": 77.0})
    app = opened(PAGE, category="part", method="padim", sample="blot/000")
    assert app.selectbox(key="settings").options == ["default", "seed 1"]
    assert ["score 77", ""] not in marks(app)
    app.selectbox(key="settings").set_value("seed-1").run()
    assert ["score 77", ""] in marks(app)
    assert app.query_params["settings"] == "seed-1"
    app.segmented_control(key="method").set_value("patchcore").run()
    assert not [box for box in app.selectbox if box.key == "settings"]
    assert marks(app)


def test_the_gallery_shows_every_picture_and_its_mistakes_follow_the_rate(results: Path) -> None:
    app = opened(PAGE, category="part", method="padim", sample="blot/001", alarms="12.5")
    tiles = gallery(app)["tiles"]
    test, _ = stored(results, "padim")
    defective = test["label"] > 0
    assert [tile["name"] for tile in tiles] == list(test["name"])
    assert [tile["score"] for tile in tiles] == [f"{score:.4g}" for score in test["score"]]
    assert [tile["defective"] for tile in tiles] == defective.tolist()
    assert all(tile["picture"].startswith("data:image/jpeg;base64,") for tile in tiles)
    assert app.query_params["alarms"] == "12.5"
    assert viewer(app)["place"] == "8 of 12"
    for percent in (5.0, 30.0):
        app.slider(key="alarms").set_value(percent).run()
        wrong = (test["score"] > stored(results, "padim", percent / 100)[1]) != defective
        assert [bool(tile["mark"]) for tile in gallery(app)["tiles"]] == wrong.tolist()
        missed, alarms = (wrong & defective).sum(), (wrong & ~defective).sum()
        assert f"missed defects: {missed}, false alarms: {alarms}" in shown(app)


def test_highest_score_first_and_the_order_stays_when_the_language_changes(results: Path) -> None:
    app = opened(PAGE, category="part", method="padim", sample="good/003")
    app.selectbox(key="order_en").set_value("score").run()
    test = stored(results, "padim")[0].sort_values("score", ascending=False, kind="stable")
    wanted = [
        f"{name} · {score:.4g}" for name, score in zip(test["name"], test["score"], strict=True)
    ]
    assert app.selectbox(key="sample").options == wanted
    assert app.selectbox(key="sample").value == test["name"].iloc[0]

    app.session_state["lang"] = "ko"
    app.run()
    assert app.selectbox(key="order_ko").value == "score"
    assert translate("sort_score", "ko") in app.selectbox(key="order_ko").options


def test_worst_mistakes_first_and_without_a_threshold_nothing_is_called_a_mistake(
    results: Path,
) -> None:
    threshold = stored(results, "padim", 0.1)[1]
    change = {"good/002": threshold + 3, "blot/004": threshold - 2}
    rescore(results / "part" / "padim", change)
    app = opened(PAGE, category="part", method="padim", alarms="10")
    app.selectbox(key="order_en").set_value("mistakes").run()
    names = [name.split(" · ")[0] for name in app.selectbox(key="sample").options]
    assert names[0] == "good/002"
    assert "blot/004" in names[1:3]
    marks_of = {tile["name"]: tile["mark"] for tile in gallery(app)["tiles"]}
    assert marks_of["good/002"] == "false alarm"
    assert marks_of["blot/004"] == "missed"

    app.slider(key="alarms").set_value(0.5).run()
    text = shown(app)
    assert "too few for 0.5 % false alarms; at least 199 are needed" in text
    assert "no threshold, so none is marked as a mistake" in text
    assert not any(tile["mark"] for tile in gallery(app)["tiles"])
    assert len(marks(app)) == 2


def test_the_filter_stays_for_another_method_and_gives_way_to_a_category_without_it(
    results: Path,
) -> None:
    folder = results / "bare" / "patchcore"
    write_scores(folder, scores(folder).replace({"defect": {"blot": "scratch"}}))
    app = opened(PAGE, category="part", method="padim")
    app.selectbox(key="defect_en").set_value("blot").run()
    assert len(app.selectbox(key="sample").options) == 6
    for method in ("ae", "patchcore"):
        app.segmented_control(key="method").set_value(method).run()
    assert app.selectbox(key="defect_en").value == "blot"
    assert len(app.selectbox(key="sample").options) == 6
    app.selectbox(key="category").set_value("bare").run()
    assert app.selectbox(key="defect_en").value == ""
    assert len(app.selectbox(key="sample").options) == 12


def test_a_cell_that_is_not_there_is_offered_to_be_made(
    results: Path, starts: list[list[str]]
) -> None:
    shutil.rmtree(results / "part" / "padim")
    app = opened(PAGE, category="part", method="padim")
    assert translate("not_evaluated", "en", category="part", method="PaDiM") in shown(app)
    assert component(app, "viewer") == {}
    app.button(key="evaluate_missing").click().run()
    assert starts[0][-4:] == ["--categories", "part", "--methods", "padim"]
    assert opened(PAGE, category="part").segmented_control(key="method").value == "patchcore"


@pytest.mark.usefixtures("results")
def test_of_very_many_pictures_the_gallery_shows_the_block_around_the_chosen_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dashboard.samples.picker.GALLERY_MOST", 5)
    app = opened(PAGE, category="part", method="padim", sample="good/005")
    content = gallery(app)
    names = [tile["name"] for tile in content["tiles"]]
    assert names == ["good/005", *(f"blot/00{n}" for n in range(4))]
    assert "Numbers 6 to 10 of 12 are shown" in shown(app)
    app.selectbox(key="sample").set_value("blot/005").run()
    assert [tile["name"] for tile in gallery(app)["tiles"]] == ["blot/004", "blot/005"]
