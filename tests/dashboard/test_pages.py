"""Every page, run by Streamlit's own test driver on full, partial, empty and broken results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.texts import translate
from data_utils.locations import PROJECT
from tests.make_data import write_category

PAGES = ["pages/overview.py", "pages/samples.py"]


def opened(page: str, lang: str = "en", **url: str) -> AppTest:
    """Run the app and go to `page` with the given URL parameters."""
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    app.query_params["lang"] = lang
    for key, value in url.items():
        app.query_params[key] = value
    app.run()
    return app.switch_page(page).run()


def shown(app: AppTest) -> str:
    """Return all text on the page."""
    groups = (app.title, app.header, app.subheader, app.markdown, app.caption, app.info)
    alerts = (app.warning, app.error, app.success)
    return "\n".join(str(element.value) for group in (*groups, *alerts) for element in group)


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_drawn_on_full_results(results: Path, page: str, lang: str) -> None:
    app = opened(page, lang, category="part", method="padim")
    assert not app.exception
    assert app.title[0].value
    assert results.is_dir()


def test_overview_has_a_row_per_cell_and_a_mean_row_per_method(results: Path) -> None:
    table = opened("pages/overview.py").dataframe[0].value
    assert list(table["category"]) == ["bare", "bare", "part", "part", "mean of 2", "mean of 2"]
    cell = json.loads((results / "part" / "padim" / "cell.json").read_text())
    row = table[(table["category"] == "part") & (table["method"] == "PaDiM")].iloc[0]
    assert row["image_auroc"] == pytest.approx(cell["metrics"]["image_auroc"])
    padim = table[table["method"] == "PaDiM"]
    mean = padim[padim["category"] == "mean of 2"].iloc[0]
    assert mean["image_auroc"] == pytest.approx(padim["image_auroc"].iloc[:2].mean())
    assert mean["pixel_auroc"] == pytest.approx(row["pixel_auroc"])


def test_random_weights_are_said_on_every_page(results: Path) -> None:
    assert results.is_dir()
    for page in PAGES:
        app = opened(page, category="part", method="padim")
        assert any("Random backbone weights" in warning.value for warning in app.warning)


def test_a_sample_shows_its_score_label_and_four_panels(results: Path) -> None:
    app = opened("pages/samples.py", category="part", method="patchcore", sample="blot/003")
    text = shown(app)
    scores = (results / "part" / "patchcore" / "scores.csv").read_text().splitlines()
    line = next(line for line in scores if line.startswith("test,blot,003,"))
    assert f"{float(line.split(',')[4]):.4g}" in text
    assert "defect: blot" in text.replace("\\", "")
    captions = [image.proto.imgs[0].caption for image in app.image]
    assert captions == ["Image", "Ground truth", "Heatmap", "Overlay", ""]


def test_next_and_previous_walk_through_the_samples_and_around(results: Path) -> None:
    assert results.is_dir()
    app = opened("pages/samples.py", category="part", method="padim", sample="good/005")
    app.button(key="next").click().run()
    assert app.selectbox(key="sample").value == "blot/000"
    app.button(key="previous").click().run()
    app.button(key="previous").click().run()
    assert app.selectbox(key="sample").value == "good/004"
    app.selectbox(key="sample").set_value("good/000").run()
    app.button(key="previous").click().run()
    assert app.selectbox(key="sample").value == "blot/005"


def test_highest_score_first_puts_the_highest_score_first(results: Path) -> None:
    assert results.is_dir()
    app = opened("pages/samples.py", category="part", method="padim")
    app.segmented_control(key="order").set_value("highest score first").run()
    names = app.selectbox(key="sample").options
    scores = [float(name.rsplit("·", 1)[1]) for name in names]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 12


def test_a_view_survives_in_the_url(results: Path) -> None:
    assert results.is_dir()
    url = {"category": "part", "method": "patchcore", "sample": "blot/002"}
    overview = opened("pages/overview.py", "ko", **url)
    assert overview.selectbox(key="category").value == "part"
    assert overview.selectbox(key="method").value == "patchcore"
    assert overview.query_params == {"lang": "ko", **url}
    samples = overview.switch_page("pages/samples.py").run()
    assert samples.selectbox(key="sample").value == "blot/002"


@pytest.mark.parametrize("value", ["../../etc", "<b>", "nope"])
def test_unknown_names_in_the_url_are_replaced_by_existing_ones(results: Path, value: str) -> None:
    assert results.is_dir()
    app = opened("pages/samples.py", category=value, method=value, sample=value)
    assert app.selectbox(key="category").value == "bare"
    assert app.selectbox(key="method").value == "ae"
    app.selectbox(key="method").set_value("padim").run()
    assert not app.exception
    assert app.selectbox(key="sample").value == "good/000"


def test_pixel_metrics_of_a_category_without_masks_are_not_available(results: Path) -> None:
    assert results.is_dir()
    app = opened("pages/samples.py", category="bare", method="padim", sample="blot/000")
    text = shown(app)
    assert "pixel AUROC n/a" in text
    assert translate("no_mask", "en") in text


def test_without_results_the_overview_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_category(tmp_path / "data")
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    app = opened("pages/overview.py")
    assert not app.exception
    assert "Run full evaluation" in shown(app)
    assert not app.dataframe


def test_an_unreadable_cell_is_named_and_the_others_are_still_shown(results: Path) -> None:
    (results / "part" / "padim" / "cell.json").write_text('{"format": 1')
    app = opened("pages/overview.py")
    assert not app.exception
    assert "part" in "".join(warning.value for warning in app.warning)
    assert len(app.dataframe[0].value) == 3 + 2


@pytest.mark.parametrize("name", ["maps.npy", "scores.csv", "good_000_img.png"])
@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_a_damaged_file_of_a_cell_is_a_sentence_not_a_traceback(
    results: Path, name: str, content: bytes | None
) -> None:
    path = results / "part" / "padim" / name
    path.unlink() if content is None else path.write_bytes(content)
    app = opened("pages/samples.py", category="part", method="padim", sample="good/000")
    assert not app.exception
    complaints = [element.value for element in (*app.error, *app.info)]
    assert any("again" in complaint for complaint in complaints)


def test_a_failed_cell_is_shown_with_its_reason(results: Path) -> None:
    note = {"category": "part", "method": "ae", "reason": "the training pictures are all equal"}
    (results / "part" / "ae.failed.json").write_text(json.dumps(note))
    app = opened("pages/overview.py")
    assert any("the training pictures are all equal" in error.value for error in app.error)


def test_a_category_that_was_never_evaluated_can_be_fitted_in_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from detectors.weights import random_weights

    weights = tmp_path / "weights.pth"
    torch.save(random_weights("resnet18").state, weights)
    write_category(tmp_path / "data")
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    monkeypatch.setenv("BACKBONE_WEIGHTS", str(weights))
    app = opened("pages/samples.py", category="part", method="patchcore")
    assert "has not been evaluated" in shown(app)
    app.button(key="fit_now").click().run()
    assert not app.exception
    assert not app.error
    assert "not saved" in shown(app)
    assert "weights.pth" in shown(app)
    assert len(app.selectbox(key="sample").options) == 12
    assert not list(tmp_path.glob("outputs/part/*"))


def test_without_weights_a_fit_in_the_page_ends_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_category(tmp_path / "data")
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    app = opened("pages/samples.py", category="part", method="padim")
    app.button(key="fit_now").click().run()
    assert not app.exception
    assert any("--weights FILE" in error.value for error in app.error)


def test_a_wrong_data_folder_is_one_sentence_in_the_sidebar(results: Path) -> None:
    assert results.is_dir()
    app = opened("pages/overview.py")
    app.text_input(key="data_folder").set_value("/no/such/folder").run()
    assert not app.exception
    assert any("There is no data folder" in error.value for error in app.error)


def test_the_language_can_be_changed_on_every_page(results: Path) -> None:
    assert results.is_dir()
    for page in PAGES:
        app = opened(page, category="part", method="padim")
        english = app.title[0].value
        app.session_state["lang"] = "ko"
        app.run()
        assert not app.exception
        assert app.title[0].value != english
