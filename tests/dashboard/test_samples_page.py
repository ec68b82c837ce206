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
from evaluation.thresholds import threshold_for
from tests.dashboard.test_pages import opened, shown
from tests.make_data import write_category

PAGE = "pages/samples.py"


def scores_of(results: Path, method: str, category: str = "part") -> pd.DataFrame:
    """Return ``scores.csv`` of a cell."""
    path = results / category / method / "scores.csv"
    return pd.read_csv(path, dtype={"stem": str, "defect": str})


def threshold_of(results: Path, method: str, rate: float = 0.05) -> float:
    """Return the threshold from the held-out good pictures in ``scores.csv``."""
    table = scores_of(results, method)
    return threshold_for(table.loc[table["split"] == "calibration", "score"], rate)


def gallery(app: AppTest) -> dict[str, Any]:
    """Return what the page sends to the gallery."""
    element = next(node for node in app if getattr(node, "type", "") == "bidi_component")
    content: dict[str, Any] = json.loads(element.proto.mixed.json or element.proto.json)
    return content


def outline_slider(app: AppTest) -> Any:
    """Return the slider for the outline's score."""
    return next(slider for slider in app.slider if str(slider.key).startswith("outline/"))


def test_a_sample_shows_its_score_label_and_four_panels(results: Path) -> None:
    app = opened(PAGE, category="part", method="patchcore", sample="blot/003")
    table = scores_of(results, "patchcore")
    row = table[(table["split"] == "test") & (table["defect"] == "blot") & (table["stem"] == "003")]
    text = shown(app)
    assert f"{row['score'].item():.4g}" in text
    assert "defect: blot" in text.replace("\\", "")
    captions = [image.proto.imgs[0].caption for image in app.image]
    assert captions == ["Image", "Ground truth", "Heatmap", "Overlay", ""]


@pytest.mark.usefixtures("results")
def test_next_and_previous_walk_through_the_samples_and_around() -> None:
    app = opened(PAGE, category="part", method="padim", sample="good/005")
    assert "6 of 12" in shown(app)
    app.button(key="next").click().run()
    assert app.selectbox(key="sample").value == "blot/000"
    app.button(key="previous").click().run()
    app.button(key="previous").click().run()
    assert app.selectbox(key="sample").value == "good/004"
    app.selectbox(key="sample").set_value("good/000").run()
    app.button(key="previous").click().run()
    assert app.selectbox(key="sample").value == "blot/005"


def test_highest_score_first_puts_the_highest_score_first(results: Path) -> None:
    table = scores_of(results, "padim")
    app = opened(PAGE, category="part", method="padim", sample="good/003")
    app.selectbox(key="order_en").set_value("score").run()
    names = app.selectbox(key="sample").options
    scores = [float(name.rsplit("·", 1)[1]) for name in names]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 12
    best = table[table["split"] == "test"].nlargest(1, "score").iloc[0]
    assert app.selectbox(key="sample").value == f"{best['defect']}/{best['stem']}"


@pytest.mark.usefixtures("results")
def test_the_order_stays_when_the_language_changes_and_reads_in_it() -> None:
    app = opened(PAGE, category="part", method="padim")
    app.selectbox(key="order_en").set_value("mistakes").run()
    app.session_state["lang"] = "ko"
    app.run()
    assert not app.exception
    assert app.selectbox(key="order_ko").value == "mistakes"
    assert translate("sort_mistakes", "ko") in app.selectbox(key="order_ko").options


def test_worst_mistakes_first_starts_with_the_farthest_beyond_the_threshold(results: Path) -> None:
    path = results / "part" / "padim" / "scores.csv"
    table = scores_of(results, "padim")
    threshold = threshold_of(results, "padim", 0.1)
    planted = {("good", "002"): threshold + 3, ("blot", "004"): threshold - 2}
    for (defect, stem), score in planted.items():
        chosen = (table["split"] == "test") & (table["defect"] == defect) & (table["stem"] == stem)
        table.loc[chosen, "score"] = score
    table.to_csv(path, index=False)

    app = opened(PAGE, category="part", method="padim", alarms="10")
    app.selectbox(key="order_en").set_value("mistakes").run()

    names = [name.split(" · ")[0] for name in app.selectbox(key="sample").options]
    assert names[0] == "good/002"
    assert "blot/004" in names[1:3]
    marks = {tile["name"]: tile["mark"] for tile in gallery(app)["tiles"]}
    assert marks["good/002"] == "false alarm"
    assert marks["blot/004"] == "missed defect"


def test_the_gallery_shows_every_picture_with_its_label_and_score(results: Path) -> None:
    app = opened(PAGE, category="part", method="padim", sample="blot/001")
    content = gallery(app)
    table = scores_of(results, "padim")
    test = table[table["split"] == "test"]
    wanted = [f"{row.defect}/{row.stem}" for row in test.itertuples()]
    assert [tile["name"] for tile in content["tiles"]] == wanted
    assert [tile["score"] for tile in content["tiles"]] == [f"{s:.4g}" for s in test["score"]]
    assert [tile["defective"] for tile in content["tiles"]] == (test["label"] > 0).tolist()
    assert all(tile["picture"].startswith("data:image/jpeg;base64,") for tile in content["tiles"])
    assert content["chosen"] == "blot/001"


def test_mistakes_in_the_gallery_follow_the_false_alarm_rate(results: Path) -> None:
    table = scores_of(results, "padim")
    test = table[table["split"] == "test"]
    app = opened(PAGE, category="part", method="padim")
    for percent in (5.0, 30.0):
        app.slider(key="alarms").set_value(percent).run()
        threshold = threshold_of(results, "padim", percent / 100)
        wrong = (test["score"] > threshold) != (test["label"] > 0)
        assert [bool(tile["mark"]) for tile in gallery(app)["tiles"]] == wrong.tolist()
        missed = int((wrong & (test["label"] > 0)).sum())
        alarms = int(wrong.sum()) - missed
        assert f"{missed} missed defects and {alarms} false alarms" in shown(app)


@pytest.mark.usefixtures("results")
def test_at_a_rate_without_a_threshold_nothing_is_called_a_mistake() -> None:
    app = opened(PAGE, category="part", method="padim", alarms="0.5")
    text = shown(app)
    assert not app.exception
    assert "too few for 0.5 % false alarms; at least 199 are needed" in text
    assert "no threshold, so none is marked as a mistake" in text
    assert not any(tile["mark"] for tile in gallery(app)["tiles"])
    assert "reported defective" not in text
    assert "passed as good" not in text
    app.selectbox(key="order_en").set_value("mistakes").run()
    assert not app.exception


@pytest.mark.usefixtures("results")
def test_the_filter_stays_when_the_method_changes_and_when_a_page_lies_between() -> None:
    app = opened(PAGE, category="part", method="padim")
    app.button_group(key="defect_filter").set_value("blot").run()
    assert len(app.selectbox(key="sample").options) == 6
    for method in ("ae", "patchcore"):
        app.selectbox(key="method").set_value(method).run()
    assert app.button_group(key="defect_filter").value == "blot"
    assert len(app.selectbox(key="sample").options) == 6
    app.switch_page("pages/compare.py").run()
    app.switch_page(PAGE).run()
    assert app.button_group(key="defect_filter").value == "blot"


def test_a_filter_that_the_category_does_not_have_gives_way(results: Path) -> None:
    path = results / "bare" / "padim" / "scores.csv"
    path.write_text(path.read_text().replace("test,blot,", "test,scratch,"))
    app = opened(PAGE, category="part", method="padim")
    app.button_group(key="defect_filter").set_value("blot").run()
    app.selectbox(key="category").set_value("bare").run()
    assert not app.exception
    assert app.button_group(key="defect_filter").value == ""
    assert len(app.selectbox(key="sample").options) == 12


def test_the_outline_starts_at_the_threshold_and_follows_the_rate(results: Path) -> None:
    app = opened(PAGE, category="part", method="patchcore", sample="blot/000")
    assert outline_slider(app).value == pytest.approx(threshold_of(results, "patchcore"))
    outline_slider(app).set_value(outline_slider(app).max).run()
    assert not app.exception
    app.slider(key="alarms").set_value(20.0).run()
    assert outline_slider(app).value == pytest.approx(threshold_of(results, "patchcore", 0.2))


def test_the_overlap_is_counted_on_the_raw_map_and_the_mask(results: Path) -> None:
    app = opened(PAGE, category="part", method="patchcore", sample="blot/000")
    folder = results / "part" / "patchcore"
    table = scores_of(results, "patchcore")
    position = table[(table["defect"] == "blot") & (table["stem"] == "000")].index[0]
    anomaly_map = np.load(folder / "maps.npy")[position].astype(np.float32)
    found = anomaly_map > threshold_of(results, "patchcore")
    marked = np.asarray(Image.open(folder / "blot_000_gt.png")) > 0
    covered = (found & marked).sum() / marked.sum()
    text = shown(app)
    assert f"covers {100 * covered:.3g} % of the marked defect ({marked.sum():,} px)" in text
    assert f"{(found & ~marked).sum():,} px outside" in text


@pytest.mark.usefixtures("results")
def test_without_a_mask_the_outline_is_not_compared_with_one() -> None:
    app = opened(PAGE, category="bare", method="padim", sample="blot/000")
    text = shown(app)
    assert "pixel AUROC n/a" in text
    assert translate("no_mask", "en") in text
    assert "without a mask it cannot be compared" in text


@pytest.mark.usefixtures("results")
def test_a_chosen_sample_and_rate_are_in_the_url() -> None:
    app = opened(PAGE, category="part", method="padim")
    app.slider(key="alarms").set_value(12.5).run()
    app.button(key="next").click().run()
    assert app.query_params["sample"] == "good/001"
    assert app.query_params["alarms"] == "12.5"


@pytest.mark.parametrize("value", ["../../etc", "<b>", "nope"])
@pytest.mark.usefixtures("results")
def test_unknown_names_in_the_url_are_replaced_by_existing_ones(value: str) -> None:
    app = opened(PAGE, category=value, method=value, sample=value)
    assert app.selectbox(key="category").value == "bare"
    assert app.selectbox(key="method").value == "ae"
    app.selectbox(key="method").set_value("padim").run()
    assert not app.exception
    assert app.selectbox(key="sample").value == "good/000"


@pytest.mark.parametrize("name", ["cell.json", "maps.npy", "scores.csv", "good_000_img.png"])
@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_a_damaged_file_of_a_cell_is_a_sentence_not_a_traceback(
    results: Path, name: str, content: bytes | None
) -> None:
    path = results / "part" / "padim" / name
    path.unlink() if content is None else path.write_bytes(content)
    app = opened(PAGE, category="part", method="padim", sample="good/000")
    assert not app.exception
    complaints = [element.value for element in (*app.error, *app.info)]
    expected = "not been evaluated" if name == "cell.json" and content is None else "again"
    assert any(expected in complaint for complaint in complaints)


def test_a_missing_ground_truth_file_is_named(results: Path) -> None:
    (results / "part" / "padim" / "blot_002_gt.png").unlink()
    app = opened(PAGE, category="part", method="padim", sample="blot/002")
    assert not app.exception
    assert any("blot_002_gt.png" in info.value.replace("\\", "") for info in app.info)


def test_names_from_disk_are_not_read_as_markup(results: Path) -> None:
    name = "<img src=x> **b**"
    folder = results / "part" / "padim"
    for path in folder.glob("blot_*.png"):
        path.rename(folder / path.name.replace("blot", name))
    path = folder / "scores.csv"
    path.write_text(path.read_text().replace("test,blot,", f"test,{name},"))
    app = opened(PAGE, category="part", method="padim", sample=f"{name}/000")
    assert not app.exception
    assert gallery(app)["chosen"] == f"{name}/000"
    badges = [str(element.value) for element in app.markdown if "-badge[" in str(element.value)]
    assert badges
    assert not any("<img" in badge.replace("\\<", "") for badge in badges)
    assert not any("**b**" in badge for badge in badges)


def test_a_category_that_was_never_evaluated_can_be_fitted_in_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from detectors.backbones.weights import random_weights

    weights = tmp_path / "weights.pth"
    torch.save(random_weights("resnet18").state, weights)
    write_category(tmp_path / "data")
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    monkeypatch.setenv("BACKBONE_WEIGHTS", str(weights))
    app = opened(PAGE, category="part", method="patchcore")
    assert "has not been evaluated" in shown(app)
    app.button(key="fit_now").click().run()
    assert not app.exception
    assert not app.error
    assert "not saved" in shown(app)
    assert "weights.pth" in shown(app)
    assert len(app.selectbox(key="sample").options) == 12
    pictures = [tile["picture"] for tile in gallery(app)["tiles"]]
    assert len(set(pictures)) == 12
    assert not list(tmp_path.glob("outputs/part/*"))


def test_without_weights_and_network_a_fit_in_the_page_uses_lite0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_category(tmp_path / "data")
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    app = opened(PAGE, category="part", method="padim")
    app.button(key="fit_now").click().run()
    assert not app.exception
    assert not app.error
    assert "ran on EfficientNet-Lite0" in shown(app)


def test_a_weights_file_that_is_not_there_ends_a_fit_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_category(tmp_path / "data")
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    monkeypatch.setenv("BACKBONE_WEIGHTS", str(tmp_path / "lost.pth"))
    app = opened(PAGE, category="part", method="padim")
    app.button(key="fit_now").click().run()
    assert not app.exception
    assert [error.value for error in app.error if "lost.pth" in error.value]


@pytest.mark.usefixtures("results")
def test_of_very_many_pictures_the_gallery_shows_the_block_around_the_chosen_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dashboard.samples.gallery.GALLERY_MOST", 5)
    app = opened(PAGE, category="part", method="padim", sample="good/005")
    content = gallery(app)
    names = [tile["name"] for tile in content["tiles"]]
    assert names == ["good/005", *(f"blot/00{n}" for n in range(4))]
    assert content["chosen"] == "good/005"
    assert "Numbers 6 to 10 of 12 are shown" in shown(app)
    app.selectbox(key="sample").set_value("blot/005").run()
    assert [tile["name"] for tile in gallery(app)["tiles"]] == ["blot/004", "blot/005"]
