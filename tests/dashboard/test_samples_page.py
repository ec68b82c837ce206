"""The samples page, run by Streamlit's own test driver on full, partial and broken results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard.texts import translate
from evaluation.measure.operating_points import threshold_for
from tests.dashboard.driver import opened, rescore, scores, shown, write_scores
from tests.make_data import write_category

PAGE = "pages/samples.py"


def stored(results: Path, method: str, rate: float = 0.05) -> tuple[pd.DataFrame, float]:
    """Return the stored test pictures of ``part`` and the threshold at a false-alarm rate."""
    table = scores(results / "part" / method)
    held_out = table.loc[table["split"] == "calibration", "score"]
    test = table[table["split"] == "test"].reset_index(drop=True)
    return test.assign(name=test["defect"] + "/" + test["stem"]), threshold_for(held_out, rate)


def captions(app: AppTest) -> list[str]:
    return [image.proto.imgs[0].caption for image in app.image]


def gallery(app: AppTest) -> dict[str, Any]:
    """Return what the page sends to the gallery."""
    element = next(node for node in app if getattr(node, "type", "") == "bidi_component")
    content: dict[str, Any] = json.loads(element.proto.mixed.json or element.proto.json)
    return content


def outline_slider(app: AppTest) -> Any:
    return next(slider for slider in app.slider if str(slider.key).startswith("outline/"))


def test_a_sample_shows_its_score_and_panels_and_what_the_outline_covers(results: Path) -> None:
    app = opened(PAGE, category="part", method="patchcore", sample="blot/003")
    folder = results / "part" / "patchcore"
    test, threshold = stored(results, "patchcore")
    position = list(test["name"]).index("blot/003")
    text = shown(app).replace("\\", "")
    assert f"{test['score'][position]:.4g}" in text
    assert "defect: blot" in text
    assert captions(app) == ["Image", "Ground truth", "Heatmap", "Overlay", ""]

    assert outline_slider(app).value == pytest.approx(threshold)
    found = np.load(folder / "maps.npy")[position].astype(np.float32) > threshold
    marked = np.asarray(Image.open(folder / "blot_003_gt.png")) > 0
    covered = (found & marked).sum() / marked.sum()
    assert f"covers {100 * covered:.3g} % of the marked defect ({marked.sum():,} px)" in text
    assert f"{(found & ~marked).sum():,} px outside" in text

    outline_slider(app).set_value(outline_slider(app).max).run()
    app.slider(key="alarms").set_value(20.0).run()
    assert outline_slider(app).value == pytest.approx(stored(results, "patchcore", 0.2)[1])

    app.selectbox(key="category").set_value("bare").run()
    text = shown(app)
    assert "pixel AUROC n/a" in text
    assert translate("no_mask", "en") in text
    assert "without a mask it cannot be compared" in text


def test_the_gallery_shows_every_picture_and_its_mistakes_follow_the_rate(results: Path) -> None:
    app = opened(PAGE, category="part", method="padim", sample="blot/001", alarms="12.5")
    tiles = gallery(app)["tiles"]
    test, _ = stored(results, "padim")
    defective = test["label"] > 0
    assert [tile["name"] for tile in tiles] == list(test["name"])
    assert [tile["score"] for tile in tiles] == [f"{score:.4g}" for score in test["score"]]
    assert [tile["defective"] for tile in tiles] == defective.tolist()
    assert all(tile["picture"].startswith("data:image/jpeg;base64,") for tile in tiles)
    assert gallery(app)["chosen"] == "blot/001"
    assert app.query_params["alarms"] == "12.5"
    assert "8 of 12" in shown(app)
    for percent in (5.0, 30.0):
        app.slider(key="alarms").set_value(percent).run()
        wrong = (test["score"] > stored(results, "padim", percent / 100)[1]) != defective
        assert [bool(tile["mark"]) for tile in gallery(app)["tiles"]] == wrong.tolist()
        missed, alarms = (wrong & defective).sum(), (wrong & ~defective).sum()
        assert f"{missed} missed defects and {alarms} false alarms" in shown(app)


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
    marks = {tile["name"]: tile["mark"] for tile in gallery(app)["tiles"]}
    assert marks["good/002"] == "false alarm"
    assert marks["blot/004"] == "missed defect"

    app.slider(key="alarms").set_value(0.5).run()
    text = shown(app)
    assert "too few for 0.5 % false alarms; at least 199 are needed" in text
    assert "no threshold, so none is marked as a mistake" in text
    assert not any(tile["mark"] for tile in gallery(app)["tiles"])
    assert "reported defective" not in text
    assert "passed as good" not in text


def test_the_filter_stays_for_another_method_and_gives_way_to_a_category_without_it(
    results: Path,
) -> None:
    folder = results / "bare" / "patchcore"
    write_scores(folder, scores(folder).replace({"defect": {"blot": "scratch"}}))
    app = opened(PAGE, category="part", method="padim")
    app.button_group(key="defect_filter").set_value("blot").run()
    assert len(app.selectbox(key="sample").options) == 6
    for method in ("ae", "patchcore"):
        app.selectbox(key="method").set_value(method).run()
    assert app.button_group(key="defect_filter").value == "blot"
    assert len(app.selectbox(key="sample").options) == 6
    app.selectbox(key="category").set_value("bare").run()
    assert app.button_group(key="defect_filter").value == ""
    assert len(app.selectbox(key="sample").options) == 12


def test_a_category_that_was_never_evaluated_can_be_fitted_in_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from detectors.backbones.weights import random_weights

    weights = tmp_path / "weights.pth"
    write_category(tmp_path / "data", train=8, good=2, bad=2)
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    monkeypatch.setenv("BACKBONE_WEIGHTS", str(weights))
    app = opened(PAGE, category="part", method="patchcore")
    assert "has not been evaluated" in shown(app)
    app.button(key="fit_now").click().run()
    assert [error.value for error in app.error if "weights.pth" in error.value]

    torch.save(random_weights("resnet18").state, weights)
    app.run()
    app.button(key="fit_now").click().run()
    assert not app.error
    assert "not saved" in shown(app)
    assert "weights.pth" in shown(app)
    assert len({tile["picture"] for tile in gallery(app)["tiles"]}) == 4
    assert not list(tmp_path.glob("outputs/part/*"))

    monkeypatch.delenv("BACKBONE_WEIGHTS")
    app.selectbox(key="method").set_value("padim").run()
    app.button(key="fit_now").click().run()
    assert not app.error
    assert "ran on EfficientNet-Lite0" in shown(app)


@pytest.mark.usefixtures("results")
def test_of_very_many_pictures_the_gallery_shows_the_block_around_the_chosen_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dashboard.samples.picker.GALLERY_MOST", 5)
    app = opened(PAGE, category="part", method="padim", sample="good/005")
    content = gallery(app)
    names = [tile["name"] for tile in content["tiles"]]
    assert names == ["good/005", *(f"blot/00{n}" for n in range(4))]
    assert content["chosen"] == "good/005"
    assert "Numbers 6 to 10 of 12 are shown" in shown(app)
    app.selectbox(key="sample").set_value("blot/005").run()
    assert [tile["name"] for tile in gallery(app)["tiles"]] == ["blot/004", "blot/005"]
