"""The overview, on full, partial, empty and broken results."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.texts import told, translate
from data_utils.facts import fact
from evaluation.measure.operating_points import decide, share_interval
from evaluation.run.timing import TIMED_PICTURES
from evaluation.store.cells import read_cell, record_failure
from evaluation.store.places import CellPlace
from evaluation.store.summary import write_summary
from tests.dashboard.driver import (
    LINK,
    change_cell,
    component,
    notices,
    opened,
    scores,
    shown,
    table_with,
    tick,
    write_scores,
)
from tests.make_data import write_category

PAGE = "pages/overview.py"


def rescored(folder: Path, score: Callable[[pd.Series], float], ms: float = 50.0) -> None:
    """Give every picture of a cell a score made of its row, and one picture a median time."""
    table = scores(folder)
    table["score"] = table.apply(score, axis=1)
    write_scores(folder, table, latency_ms=ms)


def without_pictures(category: Path, defect: str, count: str) -> None:
    """Take the test pictures of `defect` out of the cells, whose `count` becomes 0."""
    for folder in category.glob("p*"):
        table = scores(folder)
        gone = (table["split"] == "test") & (table["defect"] == defect)
        write_scores(folder, table[~gone], counts={count: 0})


def recommended(app: AppTest) -> pd.DataFrame:
    """Return the numbers behind the recommendation, by method."""
    return table_with(app, "missed", "realised").set_index("method")


def perfect(row: pd.Series) -> float:
    """Score every defective picture above every good one."""
    return float(row["label"])


def blind(row: pd.Series) -> float:
    """Score every defective picture below the held-out good ones."""
    return float(row["split"] == "calibration")


def alarmist(row: pd.Series) -> float:
    """Score every test picture above the held-out good ones."""
    return float(row["split"] == "test")


@pytest.mark.usefixtures("results")
def test_data_are_counted_and_shown() -> None:
    app = opened(PAGE)
    counts = table_with(app, "train", "types").set_index("category")
    assert list(counts.index) == ["bare", "part"]
    assert list(counts.loc["part", ["train", "good", "defective", "types"]]) == [24, 6, 6, 1]
    assert counts.loc["part", "names"] == "blot (6)"
    assert "training pictures: 48 · test pictures: 12 good, 12 defective" in shown(app)
    assert [image.caption for image in app.image[-1].proto.imgs] == ["bare", "part"]


def test_a_category_whose_pictures_cannot_be_read_is_named_below_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_category(tmp_path / "data", "part")
    folder = write_category(tmp_path / "data", "torn", train=1, good=0)
    (folder / "train" / "good" / "000.png").write_bytes(b"torn")
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    app = opened(PAGE)
    assert [image.caption for image in app.image[0].proto.imgs] == ["part"]
    assert translate("overview_no_picture", "en", names="torn") in shown(app)


def test_every_cell_has_a_row_every_method_a_mean_and_every_category_both_aurocs(
    results: Path,
) -> None:
    app = opened(PAGE)
    cells = table_with(app, "category", "method", "interval", "fit_s")
    assert list(cells["category"]) == ["bare", "bare", "part", "part"]
    means = table_with(app, "categories", "image_auroc").set_index("method")
    assert list(means["categories"]) == [2, 2]
    by_category = table_with(app, "patchcore_pixel_auroc").set_index("category")
    assert list(by_category.index) == ["bare", "part"]
    for method, title in (("padim", "PaDiM"), ("patchcore", "PatchCore")):
        metrics = read_cell(results / "part" / method)["metrics"]
        own = cells[cells["method"] == title].set_index("category")
        assert means.loc[title, "image_auroc"] == pytest.approx(own["image_auroc"].mean())
        assert means.loc[title, "pixel_auroc"] == pytest.approx(own.loc["part", "pixel_auroc"])
        for name in ("image_auroc", "pixel_auroc"):
            assert own.loc["part", name] == pytest.approx(metrics[name])
            assert by_category.loc["part", f"{method}_{name}"] == pytest.approx(metrics[name])
    assert by_category.loc["bare", ["padim_pixel_auroc", "patchcore_pixel_auroc"]].isna().all()
    assert "PaDiM Pixel AUROC 1 of 2 categories; PatchCore Pixel AUROC 1 of 2" in shown(app)


def test_different_sets_of_finished_categories_are_said_also_when_equally_many(
    results: Path,
) -> None:
    app = opened(PAGE)
    assert "Means are taken over" not in shown(app)
    shutil.rmtree(results / "part" / "padim")
    app.run()
    assert translate("means_mixed", "en", counts="PaDiM 1, PatchCore 2") in shown(app)
    assert "all methods have finished (1)" in shown(app)
    shutil.rmtree(results / "bare" / "patchcore")
    app.run()
    assert translate("means_mixed", "en", counts="PaDiM 1, PatchCore 1") in shown(app)
    assert "all methods have finished" not in shown(app)


def test_the_best_method_within_the_limits_is_named_with_its_interval(results: Path) -> None:
    rescored(results / "part" / "padim", blind)
    rescored(results / "part" / "patchcore", perfect)
    app = opened(PAGE, category="part")
    low, high = share_interval(0, 6)
    said = app.success[0].value
    assert "**PatchCore** misses the fewest defects on part" in said
    assert f"0 of 6 ({100 * low:.1f}–{100 * high:.1f} %)" in said
    assert "PaDiM 6 of 6" in said
    assert dict(recommended(app)["missed"]) == {"PatchCore": "0 of 6", "PaDiM": "6 of 6"}
    assert recommended(app).loc["PaDiM", "p"] == "0.031"


def test_the_answer_shows_what_the_method_found_missed_and_reported_wrongly(
    results: Path,
) -> None:
    def mixed(row: pd.Series) -> float:
        turned = row["stem"] in ("001", "004") and row["split"] == "test"
        return float((row["label"] != turned) + int(row["stem"]) / 100)

    rescored(results / "part" / "patchcore", mixed)
    rescored(results / "part" / "padim", alarmist)
    app = opened(PAGE, category="part", alarms="5")
    titles = [header.value for header in app.header]
    assert titles[0] == translate("overview_choice_title", "en", category="part")
    *pictures, contact_sheet = [image.proto.imgs[0].caption for image in app.image]
    assert pictures == [r"blot/005", r"blot/001", r"good/004"]
    links = [(one.proto.label, one.proto.query_string) for one in app.get("page_link")]
    assert [label for label, _ in links] == [
        LINK.format(words) for words in ("4 found", "2 missed", "false alarms: 2")
    ]
    for (_, query), show in zip(links, ("hit", "missed", "false_alarm"), strict=True):
        assert query == f"lang=en&category=part&method=patchcore&show={show}"
    assert contact_sheet == "bare"


@pytest.mark.usefixtures("results")
def test_a_click_on_an_auroc_opens_its_samples() -> None:
    app = opened(PAGE, category="part", method="padim")
    table = table_with(app, "patchcore_image_auroc")
    row = list(table["category"]).index("bare")
    for nothing in ("category", "patchcore_pixel_auroc"):  # bare has no masks
        tick(app, "overview_pivot", cells=[[row, nothing]])
        assert app.title[0].value == translate("overview_title", "en")
    tick(app, "overview_pivot", cells=[[row, "patchcore_image_auroc"]])
    assert app.title[0].value == "Samples: bare · PatchCore"
    assert len(component(app, "viewer")["names"]) == 12


def test_a_click_on_a_count_opens_its_pictures_of_the_default_settings(results: Path) -> None:
    rescored(results / "part" / "padim", blind)
    other = results / "settings" / "seed-1" / "part" / "padim"
    shutil.copytree(results / "part" / "padim", other)
    change_cell(other, settings_id="seed-1")
    rescored(other, perfect)
    app = opened("pages/samples.py", category="part", method="padim", settings="seed-1")
    app.switch_page(PAGE).run()
    row = list(recommended(app).index).index("PaDiM")
    assert recommended(app).loc["PaDiM", "missed"] == "6 of 6"
    tick(app, "overview_choice", cells=[[row, "missed"]])
    assert app.title[0].value == "Samples: part · PaDiM"
    assert component(app, "viewer")["names"] == [f"blot/00{number}" for number in range(6)]


def test_links_that_lead_nowhere_are_named(
    evaluated: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "part").symlink_to(evaluated[0] / "part")
    (tmp_path / "links" / "gone").symlink_to(tmp_path / "nowhere")
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "links"))
    assert translate("overview_dangling", "en", names="gone") in shown(opened(PAGE))


def test_of_equal_methods_the_quicker_stands_first_and_what_is_slower_than_the_limit(
    results: Path,
) -> None:
    for method, ms in (("padim", 40.0), ("patchcore", 700.0)):
        rescored(results / "part" / method, perfect, ms)
    app = opened(PAGE, category="part")
    choice = recommended(app)
    assert dict(choice["latency_ms"]) == {"PaDiM": 40.0, "PatchCore": 700.0}
    cells = table_with(app, "category", "latency_ms").set_index(["category", "method"])
    assert cells.loc[("part", "PaDiM"), "latency_ms"] == 40.0
    assert translate("latency_explained", "en", most=TIMED_PICTURES) in shown(app)
    said = app.info[0].value
    assert "6 defective and 6 good test pictures are too few to name one" in said
    assert "**PaDiM** 0 of 6 (0.0–45.9 %), and 0 at equal false alarms" in said
    assert "not told apart from it: PatchCore 0 of 6" in said

    limit = app.number_input(key="overview_ms")
    limit.set_value(100.0).run()
    assert "only **PaDiM** is left" in app.success[0].value
    assert "Slower than 100.0 ms per part: PatchCore 700.0 ms" in app.success[0].value
    limit.set_value(10.0).run()
    assert "No method is left" in app.warning[-1].value
    assert not app.success
    back = app.switch_page("pages/samples.py").run().switch_page(PAGE).run()
    assert back.number_input(key="overview_ms").value == 10.0


def test_a_method_that_reports_good_pictures_too_is_flagged_not_praised(results: Path) -> None:
    rescored(results / "part" / "padim", alarmist)
    rescored(results / "part" / "patchcore", blind)
    said = opened(PAGE, category="part").success[0].value
    assert "only **PatchCore** is left" in said
    assert "clearly more than 5 % of the good test pictures were reported" in said
    low, high = share_interval(6, 6)
    assert f"PaDiM 6 of 6 ({100 * low:.1f}–{100 * high:.1f} %)" in said


def test_the_shared_slider_changes_the_numbers_until_too_few_pictures_are_held_out(
    results: Path,
) -> None:
    table = scores(results / "part" / "padim")
    test, held_out = (table[table["split"] == name] for name in ("test", "calibration"))
    noisy = held_out["score"].median()
    rescored(
        results / "part" / "padim",
        lambda row: row["score"] if row["split"] == "calibration" else noisy,
    )
    app = opened(PAGE, category="part", alarms="30")
    at_30 = decide([noisy] * len(test), test["label"], held_out["score"], 0.3)
    assert recommended(app).loc["PaDiM", "missed"] == f"{at_30.missed} of 6"
    assert recommended(app).loc["PaDiM", "asked"] == "28 % (12.6–46.7 %)"
    app.slider(key="alarms").set_value(0.5).run()
    assert "It takes at least 199 good pictures" in app.warning[-1].value
    assert "PaDiM has 24 such pictures; PatchCore has 24" in app.warning[-1].value
    assert set(recommended(app)["missed"]) == {"n/a"}


def test_random_weights_demo_data_and_missing_methods_are_said_with_the_choice(
    results: Path,
) -> None:
    change_cell(results / "part" / "padim", demo_data=True)
    text = shown(opened(PAGE, category="part"))
    assert translate("overview_from_random", "en", methods="PaDiM, PatchCore") in text
    assert translate("overview_from_demo", "en", methods="PaDiM") in text
    assert translate("method_missing", "en", methods="AE") in text


def test_brightness_that_gives_the_defects_away_is_said(results: Path) -> None:
    for folder in results.glob("*/p*"):
        change_cell(folder, metrics={"brightness_auroc": 0.5})
    app = opened(PAGE)
    assert not [notice for notice in notices(app) if "brightness" in notice]
    change_cell(results / "part" / "padim", metrics={"brightness_auroc": 0.95})
    assert [notice for notice in notices(app.run()) if "brightness" in notice] == [
        told(fact("brightness_tells", category="part", value=0.95), "en")
    ]


def test_a_category_without_defective_or_good_test_pictures_is_shown(results: Path) -> None:
    for folder in (results / "bare").glob("p*"):
        metrics = read_cell(folder)["metrics"].keys() - {"by_defect"}
        change_cell(folder, metrics=dict.fromkeys(metrics, math.nan))
    without_pictures(results / "bare", "blot", "test_defective")
    app = opened(PAGE, category="bare")
    assert table_with(app, "padim_image_auroc")["padim_image_auroc"].isna().sum() == 1
    assert translate("overview_no_defective", "en", category="bare") in app.warning[-1].value
    without_pictures(results / "part", "good", "test_good")
    words = "False alarms could not be checked: there are no good test pictures for"
    assert f"{words} PaDiM; PatchCore." in shown(opened(PAGE, category="part")).replace("\\", "")


@pytest.mark.usefixtures("results")
def test_without_a_data_folder_the_results_are_still_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "empty"))
    app = opened(PAGE)
    assert translate("overview_no_data", "en") in [element.value for element in app.info]
    assert len(table_with(app, "padim_image_auroc")) == 2


def test_damaged_and_failed_cells_are_named_and_the_others_still_shown(results: Path) -> None:
    (results / "part" / "padim" / "cell.json").write_text('{"format": 1')
    record_failure(CellPlace(results, "part", "ae"), fact("plain", message="all are equal"))
    app = opened(PAGE, category="part")
    assert any("padim" in warning.value for warning in app.warning)
    assert any("all are equal" in error.value for error in app.error)
    assert len(table_with(app, "category", "method", "fit_s")) == 3
    assert list(recommended(app).index) == ["PatchCore"]

    file = results / "part" / "patchcore" / "scores.csv"
    file.write_text(file.read_text().replace("test,good,000,0", "test,good,000,1"))
    app.run()
    assert any("scores.csv was changed" in one.value.replace("\\", "") for one in app.error)
    assert not [one for one in app.dataframe if "missed" in one.value]


def test_the_tables_are_what_the_summary_says_without_a_look_at_the_cells(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_summary(results)
    sent = tmp_path / "sent"
    sent.mkdir()
    shutil.copy(results / "summary.csv", sent)
    whole = opened(PAGE, category="part", method="padim")
    monkeypatch.setenv("MVTEC_OUTPUTS", str(sent))
    app = opened(PAGE, category="part", method="padim")

    for column in ("image_auroc", "padim_image_auroc"):
        ours, theirs = table_with(whole, column), table_with(app, column)
        pd.testing.assert_frame_equal(ours, theirs, check_exact=False, atol=1e-6)
    assert "this needs them" in shown(app)


def test_a_row_whose_cell_was_removed_is_named_on_overview_and_trade_off(results: Path) -> None:
    write_summary(results)
    shutil.rmtree(results / "part" / "padim")
    for page in (PAGE, "pages/tradeoff.py"):
        app = opened(page, category="bare", method="padim")
        assert any("not in the folder (part / padim)" in warning.value for warning in app.warning)
