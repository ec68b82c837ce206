"""The overview, run by Streamlit's own test driver on full, partial, empty and broken results."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.finished import finished_cell
from dashboard.frame import PAGES
from dashboard.texts import plain, translate, wording
from evaluation.cells import CellError, CellPlace
from evaluation.decisions import decide, share_interval
from evaluation.latency import TIMED_PICTURES
from evaluation.summary import write_summary
from tests.dashboard.test_pages import opened, shown
from tests.make_data import write_category

PAGE = "pages/overview.py"


def table_with(app: AppTest, *columns: str) -> pd.DataFrame:
    """Return the first table on the page that has these columns."""
    found: pd.DataFrame = next(
        element.value for element in app.dataframe if set(columns) <= set(element.value.columns)
    )
    return found


def change_cell(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a cell's ``cell.json``."""
    cell = json.loads((folder / "cell.json").read_text())
    change(cell)
    (folder / "cell.json").write_text(json.dumps(cell))


def timed(folder: Path, ms: float) -> None:
    """Give a cell a median time of one picture, a 95th percentile 2 ms above it."""
    change_cell(folder, lambda cell: cell.update(latency_ms=ms, latency_p95_ms=ms + 2))


def timed_in_batches_only(cell: dict[str, Any]) -> None:
    """Make a cell one from before single pictures were timed."""
    del cell["latency_ms"], cell["latency_p95_ms"]
    cell["ms_per_image"] = 33.0


def rescored(folder: Path, score: Callable[[pd.Series], float]) -> None:
    """Give every picture of a cell the score that `score` makes of its row in ``scores.csv``."""
    path = folder / "scores.csv"
    table = pd.read_csv(path, dtype={"stem": str, "defect": str}, keep_default_na=False)
    table["score"] = table.apply(score, axis=1)
    table.to_csv(path, index=False)


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
    assert [image.caption for image in app.image[0].proto.imgs] == ["bare", "part"]


def test_a_category_whose_pictures_cannot_be_read_is_named_below_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_category(tmp_path / "data", "part")
    folder = write_category(tmp_path / "data", "torn", train=1, good=0)
    (folder / "train" / "good" / "000.png").write_bytes(b"torn")
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    app = opened(PAGE)
    assert not app.exception
    assert [image.caption for image in app.image[0].proto.imgs] == ["part"]
    assert translate("overview_no_picture", "en", names="torn") in shown(app)


def test_every_cell_has_a_row_and_every_method_a_mean_of_its_own_table(results: Path) -> None:
    app = opened(PAGE)
    cells = table_with(app, "category", "method", "interval", "fit_s")
    assert list(cells["category"]) == ["bare", "bare", "part", "part"]
    cell = json.loads((results / "part" / "padim" / "cell.json").read_text())
    padim = cells[cells["method"] == "PaDiM"].set_index("category")
    assert padim.loc["part", "image_auroc"] == pytest.approx(cell["metrics"]["image_auroc"])
    means = table_with(app, "categories", "image_auroc").set_index("method")
    assert list(means["categories"]) == [2, 2]
    assert means.loc["PaDiM", "image_auroc"] == pytest.approx(padim["image_auroc"].mean())
    assert means.loc["PaDiM", "pixel_auroc"] == pytest.approx(padim.loc["part", "pixel_auroc"])


def test_the_short_table_has_a_row_per_category_and_both_aurocs_per_method(results: Path) -> None:
    app = opened(PAGE)
    short = table_with(app, "patchcore_pixel_auroc").set_index("category")
    assert list(short.index) == ["bare", "part"]
    for method in ("padim", "patchcore"):
        metrics = json.loads((results / "part" / method / "cell.json").read_text())["metrics"]
        for name in ("image_auroc", "pixel_auroc"):
            assert short.loc["part", f"{method}_{name}"] == pytest.approx(metrics[name])
    assert short.loc["bare", ["padim_pixel_auroc", "patchcore_pixel_auroc"]].isna().all()
    assert "PaDiM Pixel AUROC 1 of 2 categories; PatchCore Pixel AUROC 1 of 2" in shown(app)


def test_different_sets_of_finished_categories_are_said_also_when_equally_many(
    results: Path,
) -> None:
    assert "Means are taken over" not in shown(opened(PAGE))
    shutil.rmtree(results / "part" / "padim")
    app = opened(PAGE)
    assert translate("means_mixed", "en", counts="PaDiM 1, PatchCore 2") in shown(app)
    assert "all methods have finished (1)" in shown(app)
    shutil.rmtree(results / "bare" / "patchcore")
    app = opened(PAGE)
    assert translate("means_mixed", "en", counts="PaDiM 1, PatchCore 1") in shown(app)
    assert not app.exception


def test_the_best_method_within_the_limits_is_named_with_its_interval(results: Path) -> None:
    rescored(results / "part" / "padim", blind)
    rescored(results / "part" / "patchcore", perfect)
    app = opened(PAGE, category="part")
    low, high = share_interval(0, 6)
    said = app.success[0].value
    assert "**PatchCore** misses the fewest defects on part" in said
    assert f"0 of 6 ({100 * low:.1f}–{100 * high:.1f} %)" in said
    assert "PaDiM 6 of 6" in said
    table = table_with(app, "missed", "realised").set_index("method")
    assert table.loc["PatchCore", "missed"] == "0 of 6"
    assert table.loc["PaDiM", "missed"] == "6 of 6"
    assert table.loc["PaDiM", "p"] == "0.031"


def test_equal_methods_are_said_to_be_equal_and_the_quicker_one_is_named(results: Path) -> None:
    for method, ms in (("padim", 40.0), ("patchcore", 7.0)):
        rescored(results / "part" / method, perfect)
        timed(results / "part" / method, ms)
    app = opened(PAGE, category="part")
    said = app.info[0].value
    assert "the intervals overlap and nothing can be told apart" in said
    assert "PatchCore 0 of 6" in said
    assert "PaDiM 0 of 6" in said
    assert "The quickest of them: **PatchCore**, 7 ms (95th percentile 9 ms) per part." in said


def test_what_is_slower_than_the_limit_is_named_with_its_time(results: Path) -> None:
    for method, ms in (("padim", 40.0), ("patchcore", 700.0)):
        rescored(results / "part" / method, perfect)
        timed(results / "part" / method, ms)
    app = opened(PAGE, category="part")
    app.number_input(key="overview_ms").set_value(100.0).run()
    assert "only **PaDiM** is left" in app.success[0].value
    slow = "Slower than 100 ms per part: PatchCore 700 ms (95th percentile 702 ms)"
    assert slow in app.success[0].value
    app.number_input(key="overview_ms").set_value(41.0).run()
    often = "more than one part in twenty takes longer: PaDiM 40 ms (95th percentile 42 ms)"
    assert often in app.success[0].value
    app.number_input(key="overview_ms").set_value(10.0).run()
    assert "No method is left" in app.warning[-1].value
    assert not app.success
    elsewhere = app.switch_page("pages/samples.py").run()
    back = elsewhere.switch_page(PAGE).run()
    assert back.number_input(key="overview_ms").value == 10.0


def test_median_and_95th_percentile_of_one_picture_stand_in_all_tables(results: Path) -> None:
    for method, ms in (("padim", 40.0), ("patchcore", 7.0)):
        timed(results / "part" / method, ms)
    app = opened(PAGE, category="part")
    choice = table_with(app, "missed", "realised").set_index("method")
    assert dict(choice["ms"]) == {"PaDiM": 40.0, "PatchCore": 7.0}
    assert dict(choice["p95"]) == {"PaDiM": 42.0, "PatchCore": 9.0}
    cells = table_with(app, "category", "latency_ms").set_index(["category", "method"])
    assert tuple(cells.loc[("part", "PaDiM"), ["latency_ms", "latency_p95_ms"]]) == (40.0, 42.0)
    assert translate("latency_explained", "en", most=TIMED_PICTURES) in shown(app)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_cell_timed_in_batches_only_is_said_to_be_so(results: Path, lang: str) -> None:
    for method in ("padim", "patchcore"):
        rescored(results / "part" / method, perfect)
        timed(results / "part" / method, 50.0)
    assert not older_notices(opened(PAGE, lang, category="part"), lang)
    change_cell(results / "part" / "padim", timed_in_batches_only)
    app = opened(PAGE, lang, category="part")
    assert not app.exception
    assert older_notices(app, lang) == [translate("overview_ms_older", lang, methods="PaDiM")]
    time = wording("time_in_batches", lang, ms="33")
    assert translate("overview_quickest", lang, method="PaDiM", time=time) in app.info[0].value
    table = table_with(app, "missed", "realised").set_index("method")
    assert table.loc["PaDiM", "ms"] == 33.0
    assert table["p95"].isna()["PaDiM"]


def test_the_overview_is_drawn_where_no_cell_knows_the_time_of_one_picture(results: Path) -> None:
    for category in ("part", "bare"):
        for method in ("padim", "patchcore"):
            change_cell(results / category / method, timed_in_batches_only)
    app = opened(PAGE, category="part")
    assert not app.exception
    means = table_with(app, "categories", "latency_ms")
    assert means["latency_ms"].isna().all()
    assert list(means["ms_per_image"]) == [33.0, 33.0]


def older_notices(app: AppTest, lang: str) -> list[str]:
    """Return the notices about cells that were timed in batches only."""
    start = wording("overview_ms_older", lang, methods="").split(":")[0]
    return [one.value for one in app.warning if one.value.startswith(start)]


def test_a_method_that_reports_good_pictures_too_is_flagged_not_praised(results: Path) -> None:
    rescored(results / "part" / "padim", alarmist)
    rescored(results / "part" / "patchcore", blind)
    said = opened(PAGE, category="part").success[0].value
    assert "only **PatchCore** is left" in said
    assert "Promise and reality differ" in said
    low, high = share_interval(6, 6)
    assert f"PaDiM 6 of 6 ({100 * low:.1f}–{100 * high:.1f} %)" in said


@pytest.mark.usefixtures("results")
def test_a_rate_below_what_the_held_out_pictures_allow_says_how_many_it_needs() -> None:
    app = opened(PAGE, category="part", alarms="0.5")
    assert "It takes at least 199 good pictures" in app.warning[-1].value
    assert "PaDiM has 24; PatchCore has 24" in app.warning[-1].value
    assert set(table_with(app, "missed", "realised")["missed"]) == {"n/a"}


def test_the_shared_slider_changes_the_numbers(results: Path) -> None:
    table = pd.read_csv(results / "part" / "padim" / "scores.csv", dtype={"stem": str})
    test, held_out = (table[table["split"] == name] for name in ("test", "calibration"))
    noisy = held_out["score"].median()
    rescored(
        results / "part" / "padim",
        lambda row: row["score"] if row["split"] == "calibration" else noisy,
    )
    app = opened(PAGE, category="part", alarms="30")
    at_30 = decide([noisy] * len(test), test["label"], held_out["score"], 0.3)
    row = table_with(app, "missed", "realised").set_index("method").loc["PaDiM"]
    assert row["missed"] == f"{at_30.missed} of 6"
    assert row["asked"] == "30 %"
    assert app.slider(key="alarms").value == 30.0


def test_random_weights_demo_data_and_missing_methods_are_said_with_the_choice(
    results: Path,
) -> None:
    change_cell(results / "part" / "padim", lambda cell: cell.update(demo_data=True))
    text = shown(opened(PAGE, category="part"))
    assert translate("overview_from_random", "en", methods="PaDiM, PatchCore") in text
    assert translate("overview_from_demo", "en", methods="PaDiM") in text
    assert translate("method_missing", "en", methods="AE") in text


def test_brightness_that_gives_the_defects_away_is_said(results: Path) -> None:
    def dark(cell: dict[str, Any]) -> None:
        cell["metrics"]["brightness_auroc"] = 0.5

    for category in ("bare", "part"):
        for method in ("padim", "patchcore"):
            change_cell(results / category / method, dark)
    assert "mean brightness" not in shown(opened(PAGE))
    change_cell(
        results / "part" / "padim", lambda cell: cell["metrics"].update(brightness_auroc=0.95)
    )
    warnings = [element.value for element in opened(PAGE).warning]
    assert [text for text in warnings if "brightness" in text] == [
        translate("brightness_notice", "en", category="part", value=0.95)
    ]


def test_a_category_with_undefined_metrics_only_is_shown(results: Path) -> None:
    def undefined(cell: dict[str, Any]) -> None:
        cell["metrics"] = {
            name: value if isinstance(value, dict) else None
            for name, value in cell["metrics"].items()
        }

        cell["counts"]["test_defective"] = 0

    for method in ("padim", "patchcore"):
        change_cell(results / "bare" / method, undefined)
        path = results / "bare" / method / "scores.csv"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if not line.startswith("test,blot,")))
    app = opened(PAGE, category="bare")
    assert not app.exception
    assert table_with(app, "padim_image_auroc")["padim_image_auroc"].isna().sum() == 1
    assert translate("overview_no_defective", "en", category="bare") in app.warning[-1].value


def test_without_results_the_overview_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_category(tmp_path / "data")
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    app = opened(PAGE)
    assert not app.exception
    assert "No results yet" in [element.value for element in app.subheader]
    assert "Run full evaluation" in shown(app)
    assert [list(element.value.columns)[:2] for element in app.dataframe] == [["category", "train"]]


@pytest.mark.usefixtures("results")
def test_without_a_data_folder_the_results_are_still_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "empty"))
    app = opened(PAGE)
    assert not app.exception
    assert translate("overview_no_data", "en") in [element.value for element in app.info]
    assert len(table_with(app, "padim_image_auroc")) == 2


def test_an_unreadable_cell_is_named_and_the_others_are_still_shown(results: Path) -> None:
    (results / "part" / "padim" / "cell.json").write_text('{"format": 1')
    app = opened(PAGE, category="part")
    assert not app.exception
    assert any("padim" in warning.value for warning in app.warning)
    assert len(table_with(app, "category", "method", "fit_s")) == 3
    assert list(table_with(app, "missed", "realised")["method"]) == ["PatchCore"]


@pytest.mark.parametrize("content", ["", "nonsense", "split,defect,stem,label,score\n", None])
def test_a_damaged_score_table_is_a_sentence_and_the_other_method_is_still_judged(
    results: Path, content: str | None
) -> None:
    path = results / "part" / "padim" / "scores.csv"
    path.unlink() if content is None else path.write_text(content)
    app = opened(PAGE, category="part")
    assert not app.exception
    assert any("evaluate this cell again" in error.value for error in app.error)
    assert list(table_with(app, "missed", "realised")["method"]) == ["PatchCore"]


def test_a_score_that_is_no_number_makes_a_score_table_damaged(results: Path) -> None:
    path = results / "part" / "padim" / "scores.csv"
    lines = path.read_text().splitlines()
    parts = lines[1].split(",")
    parts[4] = "much"
    path.write_text("\n".join([lines[0], ",".join(parts), *lines[2:]]))
    app = opened(PAGE, category="part")
    assert not app.exception
    assert any("evaluate this cell again" in error.value for error in app.error)


def row_with(row: str, **values: str) -> str:
    """Return a row of ``scores.csv`` with other values."""
    names = ("split", "defect", "stem", "label", "score", "has_mask", "area", "brightness", "file")
    return ",".join((dict(zip(names, row.split(","), strict=True)) | values).values())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda rows: [row_with(rows[0], score=""), *rows[1:]], "a score is not a number"),
        (lambda rows: [row_with(rows[0], score="inf"), *rows[1:]], "a score is not a number"),
        (lambda rows: [row_with(rows[0], label="2"), *rows[1:]], "a label is neither 0 nor 1"),
        (lambda rows: [row_with(rows[0], label=""), *rows[1:]], "a label is neither 0 nor 1"),
        (lambda rows: [rows[1], *rows[1:]], "a picture has two rows"),
        (
            lambda rows: [row for row in rows if not row.startswith("test,good,003,")],
            "rows of good test pictures: 5, counted in the evaluation: 6",
        ),
        (
            lambda rows: [row for row in rows if not row.startswith("test,blot,003,")],
            "rows of defective test pictures: 5, counted in the evaluation: 6",
        ),
        (lambda rows: rows[:-1], "rows of held-out training pictures: 23, counted in the"),
    ],
)
def test_scores_of_other_pictures_than_the_evaluations_are_refused_with_the_reason(
    results: Path, change: Callable[[list[str]], list[str]], reason: str
) -> None:
    path = results / "part" / "padim" / "scores.csv"
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *change(rows)]) + "\n")
    with pytest.raises(CellError, match=rf"scores\.csv is damaged \({reason}.*again\.$"):
        finished_cell(CellPlace(results, "part", "padim"))
    app = opened(PAGE, category="part")
    assert not app.exception
    assert plain(reason) in app.error[0].value
    assert list(table_with(app, "missed", "realised")["method"]) == ["PatchCore"]


def test_without_good_test_pictures_the_overview_says_that_nothing_was_checked(
    results: Path,
) -> None:
    for method in ("padim", "patchcore"):
        change_cell(results / "part" / method, lambda cell: cell["counts"].update(test_good=0))
        path = results / "part" / method / "scores.csv"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if not line.startswith("test,good,")))
    words = "False alarms could not be checked: there are no good test pictures for"
    assert f"{words} PaDiM; PatchCore." in shown(opened(PAGE, category="part")).replace("\\", "")


def test_a_failed_cell_is_shown_with_its_reason(results: Path) -> None:
    note = {"category": "part", "method": "ae", "reason": "the training pictures are all equal"}
    (results / "part" / "ae.failed.json").write_text(json.dumps(note))
    app = opened(PAGE)
    assert any("the training pictures are all equal" in error.value for error in app.error)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_names_from_disk_are_never_markup(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    name = "**bold** :red[x] $y$"
    data = tmp_path / "odd"
    write_category(data, name)
    monkeypatch.setenv("MVTEC_ROOT", str(data))
    shutil.copytree(results / "part", results / name)
    for method in ("padim", "patchcore"):
        change_cell(results / name / method, lambda cell: cell.update(category=name))
    app = opened(PAGE, lang, category=name)
    assert not app.exception
    lines = [line for line in shown(app).splitlines() if "bold" in line]
    assert lines
    assert not [line for line in lines if name in line]


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

    assert not app.exception
    for column in ("image_auroc", "padim_image_auroc"):
        ours, theirs = table_with(whole, column), table_with(app, column)
        pd.testing.assert_frame_equal(ours, theirs, check_exact=False, atol=1e-6)
    assert "this needs them" in shown(app)


def test_a_missing_summary_is_named_and_made_from_the_cells(results: Path) -> None:
    (results / "summary.csv").unlink()
    app = opened(PAGE, category="part", method="padim")

    assert any("is missing; the next evaluation" in warning.value for warning in app.warning)
    assert len(table_with(app, "padim_image_auroc")) == 2


def test_an_edited_summary_is_said_not_to_agree_with_the_cells(results: Path) -> None:
    write_summary(results)
    path = results / "summary.csv"
    [auroc, *_] = pd.read_csv(path, dtype=str)["image_auroc"]
    path.write_text(path.read_text().replace(auroc, "0.123456", 1))
    app = opened(PAGE, category="part", method="padim")

    assert any("does not agree with the finished cells" in w.value for w in app.warning)


def test_a_row_whose_cell_was_removed_is_named_on_overview_and_trade_off(results: Path) -> None:
    write_summary(results)
    shutil.rmtree(results / "part" / "padim")
    for page in (PAGE, "pages/tradeoff.py"):
        app = opened(page, category="bare", method="padim")
        assert not app.exception
        assert any("not in the folder (part / padim)" in warning.value for warning in app.warning)


@pytest.mark.parametrize("page", [f"pages/{name}.py" for name in PAGES])
def test_a_whole_summary_is_drawn_from_without_a_word_about_it(results: Path, page: str) -> None:
    write_summary(results)
    app = opened(page, category="part", method="padim")

    assert not app.exception
    assert "summary.csv" not in "".join(warning.value for warning in app.warning)
