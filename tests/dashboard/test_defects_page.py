"""The Defect types page on full, partial, empty and broken results."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.defects.tables import METRIC_KEYS, REASONS, VERDICTS, signed
from dashboard.texts import TEXTS, translate
from evaluation.decisions import decide, share_interval
from evaluation.published import OFFICIAL_COUNTS, comparisons
from tests.dashboard.test_pages import opened, shown
from tests.make_data import write_category

PAGE = "pages/defects.py"


def charts(app: AppTest) -> list[dict[str, Any]]:
    """Return the page's figures as Plotly JSON."""
    return [json.loads(element.proto.spec) for element in app.get("plotly_chart")]


def changed_scores(results: Path, category: str, method: str, **columns: Any) -> None:
    """Overwrite columns of the defective test pictures in scores.csv."""
    path = results / category / method / "scores.csv"
    table = pd.read_csv(path, dtype={"stem": "str", "defect_pixels": "Int64"})
    for name, values in columns.items():
        table.loc[(table["split"] == "test") & (table["label"] == 1), name] = values
    table.to_csv(path, index=False)


def renamed(results: Path, category: str, new: str, **changes: Any) -> None:
    """Let the results of `category` be those of an official category."""
    shutil.copytree(results / category, results / new)
    for path in (results / new).glob("*/cell.json"):
        cell = json.loads(path.read_text())
        path.write_text(json.dumps(cell | {"category": new} | changes))


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.usefixtures("results")
def test_the_page_is_drawn_on_full_results(lang: str) -> None:
    app = opened(PAGE, lang, category="part")
    assert not app.exception
    assert not app.error
    assert len(charts(app)) == 2
    assert translate("defects_published_header", lang) in shown(app)


def test_the_heatmap_shows_the_stored_values_and_the_switch_changes_the_metric(
    results: Path,
) -> None:
    app = opened(PAGE, category="part")
    for metric in METRIC_KEYS:
        app.segmented_control(key="defects_types_metric").set_value(metric).run()
        notes = {note["x"]: note["text"] for note in charts(app)[0]["layout"]["annotations"]}
        for method, title in (("padim", "PaDiM"), ("patchcore", "PatchCore")):
            cell = json.loads((results / "part" / method / "cell.json").read_text())
            assert notes[title] == f"{cell['metrics'][metric]:.3f}"
        assert TEXTS[METRIC_KEYS[metric]][0] in charts(app)[0]["layout"]["title"]["text"]


def test_a_missing_method_is_named_and_the_others_are_shown(results: Path) -> None:
    shutil.rmtree(results / "part" / "padim")
    app = opened(PAGE, category="part")
    assert any("AE, PaDiM" in info.value for info in app.info)
    assert charts(app)[0]["data"][0]["x"] == ["PatchCore"]


def test_without_results_the_page_says_what_to_press(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_category(tmp_path / "data")
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    app = opened(PAGE)
    assert not app.exception
    assert "Run full evaluation" in shown(app)
    assert not charts(app)


@pytest.mark.usefixtures("results")
def test_pixel_auroc_without_masks_is_not_available_and_the_page_says_why() -> None:
    app = opened(PAGE, category="bare")
    app.segmented_control(key="defects_types_metric").set_value("pixel_auroc").run()
    assert {note["text"] for note in charts(app)[0]["layout"]["annotations"]} == {"n/a"}
    assert translate("defects_types_na", "en") in shown(app)
    assert "none of the 6 defective test pictures has a mask" in shown(app)
    assert len(charts(app)) == 1


def test_recall_by_size_is_counted_from_the_scores(results: Path) -> None:
    areas = [10, 20, 30, 40, 50, 60]
    for method in ("padim", "patchcore"):
        changed_scores(results, "part", method, defect_pixels=areas)
    changed_scores(results, "part", "padim", score=[0.0, 1e9, 0.0, 0.0, 1e9, 1e9])
    app = opened(PAGE, category="part", alarms="10")
    chart = charts(app)[1]
    padim = next(trace for trace in chart["data"] if trace["name"] == "PaDiM")
    assert list(padim["customdata"]) == [
        f"{count} / 2 · " + "–".join(f"{100 * end:.0f}" for end in share_interval(count, 2)) + " %"
        for count in (1, 0, 2)
    ]
    assert chart["layout"]["xaxis"]["ticktext"][0].startswith("small<br>10–20 px<br>")
    table = next(frame.value for frame in app.dataframe if "PaDiM" in frame.value.columns)
    assert [text.split(" (")[0] for text in table["PaDiM"]] == ["50 %", "0 %", "100 %"]
    assert "6 of 6 defective pictures" in shown(app)
    assert "up to 20 px, up to 40 px" in shown(app)


def test_the_false_alarm_rate_moves_the_threshold(results: Path) -> None:
    scores = pd.read_csv(results / "part" / "padim" / "scores.csv")
    held_out = scores.loc[scores["split"] == "calibration", "score"].sort_values().to_list()
    between = (held_out[-2] + held_out[-1]) / 2
    for method in ("padim", "patchcore"):
        changed_scores(results, "part", method, defect_pixels=range(1, 7))
    changed_scores(results, "part", "padim", score=between)
    expected = [decide([between], [1], held_out, rate).missed for rate in (0.045, 0.3)]
    assert expected == [1, 0]
    app = opened(PAGE, category="part", alarms="4.5")
    for rate, missed in ((4.5, 1), (30.0, 0)):
        app.slider(key="alarms").set_value(rate).run()
        table = next(frame.value for frame in app.dataframe if "PaDiM" in frame.value.columns)
        assert {text.split(" (")[0] for text in table["PaDiM"]} == {f"{100 * (1 - missed)} %"}


@pytest.mark.usefixtures("results")
def test_too_few_held_out_pictures_for_the_rate_are_said() -> None:
    app = opened(PAGE, category="part", alarms="1")
    assert not app.exception
    assert sum("no threshold" in warning.value for warning in app.warning) == 2
    assert any("at least 99" in warning.value for warning in app.warning)
    assert len(charts(app)) == 1


def test_fewer_than_three_masks_are_said(results: Path) -> None:
    for method in ("padim", "patchcore"):
        changed_scores(
            results, "part", method, defect_pixels=pd.array([5, 6, *[None] * 4], "Int64")
        )
    app = opened(PAGE, category="part")
    assert not app.exception
    assert "only 2 of 6 defective test pictures have a marked area" in shown(app)


def test_pictures_without_mask_and_outside_the_crop_are_counted(results: Path) -> None:
    for method in ("padim", "patchcore"):
        areas = pd.array([0, None, 7, 8, 9, 10], "Int64")
        changed_scores(results, "part", method, defect_pixels=areas)
    text = shown(opened(PAGE, category="part"))
    assert "4 of 6 defective pictures" in text
    assert "1 defective pictures have no usable mask" in text
    assert "1 defective pictures are left out: their defect lies outside" in text


def test_equal_areas_make_fewer_groups_and_the_page_says_so(results: Path) -> None:
    for method in ("padim", "patchcore"):
        changed_scores(results, "part", method, defect_pixels=50)
    app = opened(PAGE, category="part")
    assert charts(app)[1]["layout"]["xaxis"]["ticktext"][0].startswith("50 px<br>")
    assert translate("defects_size_ties", "en") in shown(app)


def test_a_method_that_saw_other_pictures_is_left_out_of_the_sizes(results: Path) -> None:
    changed_scores(results, "part", "padim", stem=[f"90{number}" for number in range(6)])
    for method, finished in (("padim", "2024"), ("patchcore", "2025")):
        path = results / "part" / method / "cell.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"finished": finished}))
    app = opened(PAGE, category="part")
    assert any("Left out here: PaDiM" in warning.value for warning in app.warning)
    assert [trace["name"] for trace in charts(app)[1]["data"]] == ["PatchCore"]


def test_the_hardest_types_of_all_categories_are_sorted(results: Path) -> None:
    path = results / "bare" / "padim" / "cell.json"
    cell = json.loads(path.read_text())
    cell["metrics"]["by_defect"]["<b>dent"] = {
        "count": 3,
        "image_auroc": 0.1,
        "pixel_auroc": None,
    }
    path.write_text(json.dumps(cell))
    app = opened(PAGE, category="part")
    table = next(frame.value for frame in app.dataframe if "defect" in frame.value.columns)
    assert list(table.iloc[0][["category", "defect", "method"]]) == ["bare", "<b>dent", "PaDiM"]
    assert table["image_auroc"].is_monotonic_increasing
    assert len(table) == 5


@pytest.mark.usefixtures("results")
def test_other_categories_have_no_published_values() -> None:
    app = opened(PAGE, category="part")
    assert any("only the fifteen categories" in info.value for info in app.info)
    app.segmented_control(key="defects_scope").set_value("defects_scope_all").run()
    assert not app.exception
    assert translate("defects_none_compared", "en") in shown(app)


def test_published_values_stand_beside_ours_with_the_reasons(results: Path) -> None:
    renamed(results, "part", "carpet")
    app = opened(PAGE, category="carpet")
    assert not app.exception
    table = next(frame.value for frame in app.dataframe if "published" in frame.value.columns)
    cells = [json.loads(path.read_text()) for path in results.glob("carpet/*/cell.json")]
    assert len(table) == len(comparisons(cells)) > 10
    assert set(table["comparable"]) == {"no"}
    assert table["reason"].str.contains("random weights").all()
    data = "carpet has 24 / 6 / 6 training / good / defective pictures here, officially 280 / 28"
    assert table["reason"].str.contains(data).all()
    ours = table["ours"] - table["published"]
    assert table["difference"].to_list() == pytest.approx(ours.to_list())
    assert "on carpet (image AUROC) differ among themselves: 0.945 to 0.996" in shown(app)
    assert len(charts(app)) == 3


def test_a_complete_category_with_weights_leaves_only_what_is_not_stated(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OFFICIAL_COUNTS, "carpet", (24, 6, 6))
    paper = {"height": 224, "width": 224, "shorter_side": 256}
    renamed(results, "part", "carpet", weights="ImageNet", geometry=paper)
    app = opened(PAGE, category="carpet")
    table = next(frame.value for frame in app.dataframe if "published" in frame.value.columns)
    same = table[table["variant"].str.contains("resnet18")]
    assert set(same["comparable"]) == {"unclear"}
    other = table[table["variant"].str.contains("wide_resnet50_2")]
    assert set(other["comparable"]) == {"no"}
    chart = charts(app)[2]
    padim = next(trace for trace in chart["data"] if trace["name"] == "ours: PaDiM")
    assert set(padim["marker"]["symbol"]) == {"square", "square-open"}


def test_all_evaluated_categories_are_in_one_table(results: Path) -> None:
    for category in ("carpet", "zipper"):
        renamed(results, "part", category)
    app = opened(PAGE, category="part")
    app.segmented_control(key="defects_scope").set_value("defects_scope_all").run()
    table = next(frame.value for frame in app.dataframe if "published" in frame.value.columns)
    assert list(dict.fromkeys(table["category"])) == ["carpet", "zipper"]


def test_an_official_category_without_results_says_what_to_press(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_category(tmp_path / "data", "tile")
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    app = opened(PAGE, category="tile")
    assert not app.exception
    assert "tile has published values, but no results here" in shown(app)


@pytest.mark.parametrize("name", ["cell.json", "scores.csv", "curves.npz", "maps.npy"])
@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_a_damaged_file_never_takes_the_page_down(
    results: Path, name: str, content: bytes | None
) -> None:
    path = results / "part" / "padim" / name
    path.unlink() if content is None else path.write_bytes(content)
    app = opened(PAGE, category="part")
    assert not app.exception
    assert "PatchCore" in charts(app)[0]["data"][0]["x"]
    if name == "scores.csv" or (name == "cell.json" and content is not None):
        assert any("again" in error.value for error in app.error)


@pytest.mark.parametrize("by_defect", [None, {}, [1], {"blot": 3}, {"blot": {"count": "x"}}])
def test_cells_without_readable_types_are_a_sentence(results: Path, by_defect: object) -> None:
    for method in ("padim", "patchcore"):
        path = results / "part" / method / "cell.json"
        cell = json.loads(path.read_text())
        cell["metrics"]["by_defect"] = by_defect
        path.write_text(json.dumps(cell))
    app = opened(PAGE, category="part")
    assert not app.exception
    assert "name no defect types" in shown(app)


def test_every_verdict_and_reason_has_a_text() -> None:
    assert {*VERDICTS.values(), *REASONS.values()} <= set(TEXTS)


@pytest.mark.parametrize(
    ("difference", "text"),
    [(0.0104, "+0.010"), (-0.0126, "-0.013"), (-0.0004, "0.000"), (0.0, "0.000")],
)
def test_differences_are_signed_with_three_decimals(difference: float, text: str) -> None:
    assert signed(difference) == text
