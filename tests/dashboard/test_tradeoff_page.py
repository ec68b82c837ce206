"""The Trade-off page on full, partial, empty and broken results."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import plotly.io
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from evaluation.summary import write_summary
from tests.dashboard.test_pages import opened, shown
from tests.make_data import write_category

PAGE = "pages/tradeoff.py"


def figures(app: AppTest) -> list[Any]:
    """Return the figures on the page."""
    return [plotly.io.from_json(chart.proto.spec) for chart in app.get("plotly_chart")]


def points(app: AppTest) -> list[list[str]]:
    """Return what the points of the first chart stand for."""
    traces = [trace for trace in figures(app)[0].data if trace.mode == "markers"]
    return [list(data) for trace in traces for data in trace.customdata]


def change(results: Path, category: str, method: str, **changes: Any) -> None:
    """Change what a stored cell says."""
    path = results / category / method / "cell.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def forget_latency(results: Path, category: str, method: str) -> None:
    """Make a stored cell one from before single pictures were timed."""
    path = results / category / method / "cell.json"
    cell = json.loads(path.read_text())
    del cell["latency_ms"], cell["latency_p95_ms"]
    path.write_text(json.dumps(cell))


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.usefixtures("results")
def test_means_and_phases_are_drawn(lang: str) -> None:
    app = opened(PAGE, lang, category="part", method="padim")
    assert not app.exception
    assert points(app) == [["", "padim", "", ""], ["", "patchcore", "", ""]]
    bars = [trace for trace in figures(app)[1].data if trace.type == "bar"]
    assert [list(trace.y) for trace in bars] == [["PaDiM", "PatchCore"]] * 7


def test_every_cell_stands_at_its_own_time_and_auroc(results: Path) -> None:
    app = opened(PAGE, category="part", method="padim")
    app.segmented_control(key="tradeoff_view").set_value("cells").run()
    assert not app.exception
    assert sorted(points(app)) == [
        ["bare", "padim", "", ""],
        ["bare", "patchcore", "", ""],
        ["part", "padim", "", ""],
        ["part", "patchcore", "", ""],
    ]
    cell = json.loads((results / "part" / "padim" / "cell.json").read_text())
    padim = next(trace for trace in figures(app)[0].data if trace.name == "PaDiM")
    position = [data[0] for data in padim.customdata].index("part")
    assert padim.x[position] == pytest.approx(cell["runtime_s"])
    assert padim.y[position] == pytest.approx(cell["metrics"]["image_auroc"])


def test_one_category_can_be_chosen_and_its_phases_are_shown(results: Path) -> None:
    app = opened(PAGE, category="part", method="padim")
    app.segmented_control(key="tradeoff_view").set_value("category").run()
    assert points(app) == [["part", "padim", "", ""], ["part", "patchcore", "", ""]]
    timings = json.loads((results / "part" / "padim" / "cell.json").read_text())["timings"]
    bars = {trace.name: trace for trace in figures(app)[1].data}
    backbone = timings["backbone_fit"] + timings["backbone_score"]
    assert bars["backbone"].x[0] == pytest.approx(backbone)
    assert bars["fit"].x[0] == pytest.approx(timings["fit"])


def test_time_and_accuracy_can_be_chosen(results: Path) -> None:
    app = opened(PAGE, category="part", method="padim")
    app.segmented_control(key="tradeoff_gain").set_value("pixel_auroc").run()
    app.selectbox(key="tradeoff_cost").set_value("ms_per_image").run()
    assert not app.exception
    axis = figures(app)[0].layout
    assert axis.xaxis.type == "log"
    assert "(ms)" in axis.xaxis.title.text
    assert "Pixel AUROC" in axis.yaxis.title.text
    assert "has this metric and time: part" in shown(app)
    cell = json.loads((results / "part" / "padim" / "cell.json").read_text())
    padim = next(trace for trace in figures(app)[0].data if trace.name == "PaDiM")
    assert padim.x[0] == pytest.approx(cell["ms_per_image"])
    assert padim.y[0] == pytest.approx(cell["metrics"]["pixel_auroc"])


def test_one_picture_alone_can_be_the_time_and_an_older_cell_is_named(results: Path) -> None:
    change(results, "part", "padim", ms_per_image=5.0, latency_ms=9.0, latency_p95_ms=12.0)
    forget_latency(results, "bare", "padim")
    app = opened(PAGE, category="part", method="padim")
    app.selectbox(key="tradeoff_cost").set_value("latency_ms").run()
    assert "has this metric and time: part" in shown(app)
    app.segmented_control(key="tradeoff_view").set_value("cells").run()
    assert not app.exception
    assert "batch of one" in figures(app)[0].layout.xaxis.title.text
    padim = next(trace for trace in figures(app)[0].data if trace.name == "PaDiM")
    assert [list(data) for data in padim.customdata] == [["part", "padim", "", ""]]
    assert list(padim.x) == [9.0]
    assert "one picture 9.0 ms (95th percentile 12.0 ms)" in padim.hovertext[0]
    assert "accuracy or time is n/a: bare / PaDiM" in shown(app)


def test_a_method_without_the_time_is_named_beside_the_means(results: Path) -> None:
    for category in ("bare", "part"):
        forget_latency(results, category, "padim")
    app = opened(PAGE, category="part", method="padim")
    app.selectbox(key="tradeoff_cost").set_value("latency_ms").run()
    assert not app.exception
    assert points(app) == [["", "patchcore", "", ""]]
    assert "accuracy or time is n/a: PaDiM." in shown(app)


@pytest.mark.usefixtures("results")
def test_cells_without_the_metric_are_named_and_not_drawn() -> None:
    app = opened(PAGE, category="part", method="padim")
    app.segmented_control(key="tradeoff_view").set_value("cells").run()
    app.segmented_control(key="tradeoff_gain").set_value("pixel_auroc").run()
    assert [data[0] for data in points(app)] == ["part", "part"]
    assert "bare / PaDiM, bare / PatchCore" in shown(app)


def test_demo_and_random_results_are_never_drawn_together_with_others(results: Path) -> None:
    change(results, "bare", "padim", demo_data=True)
    change(results, "bare", "patchcore", weights="ImageNet")
    app = opened(PAGE, category="part", method="padim")
    app.segmented_control(key="tradeoff_view").set_value("cells").run()
    groups = app.selectbox(key="tradeoff_group")
    assert len(groups.options) == 3
    drawn = []
    for position in range(3):
        groups = app.selectbox(key="tradeoff_group").set_value(position)
        groups.run()
        drawn.append(points(app))
        random = "RANDOM" in groups.options[position]
        assert (
            any("Random backbone" in w.value and "accuracies" in w.value for w in app.warning)
            == random
        )
    assert drawn == [
        [["bare", "patchcore", "", ""]],
        [["part", "padim", "", ""], ["part", "patchcore", "", ""]],
        [["bare", "padim", "", ""]],
    ]


def test_other_settings_are_left_out_until_they_are_chosen(results: Path) -> None:
    other = results / "settings" / "image_size-64" / "part" / "padim"
    shutil.copytree(results / "part" / "padim", other)
    content = json.loads((other / "cell.json").read_text())
    (other / "cell.json").write_text(json.dumps(content | {"settings_id": "image_size-64"}))
    app = opened(PAGE, category="part", method="padim")
    app.segmented_control(key="tradeoff_view").set_value("category").run()
    assert len(points(app)) == 2
    app.button_group(key="tradeoff_settings").set_value(["", "image_size-64"]).run()
    assert not app.exception
    assert ["part", "padim", "image_size-64", ""] in points(app)
    app.button_group(key="tradeoff_settings").set_value([]).run()
    assert not app.exception
    assert len(points(app)) == 2


def test_the_machine_is_stated_and_different_machines_are_warned_of(results: Path) -> None:
    app = opened(PAGE, category="part", method="padim")
    cell = json.loads((results / "part" / "padim" / "cell.json").read_text())
    assert f"{cell['threads']} threads" in shown(app)
    assert not any("different machines" in warning.value for warning in app.warning)
    change(results, "part", "padim", cpu="Another processor")
    app = opened(PAGE, category="part", method="padim")
    assert any("different machines" in warning.value for warning in app.warning)


def test_a_method_without_a_shared_category_has_no_mean_to_compare(results: Path) -> None:
    shutil.rmtree(results / "part" / "padim")
    shutil.rmtree(results / "bare" / "patchcore")
    app = opened(PAGE, category="part", method="padim")
    assert not app.exception
    assert "no means to compare" in shown(app)
    app.segmented_control(key="tradeoff_view").set_value("cells").run()
    assert len(points(app)) == 2


def test_without_results_the_page_says_what_to_press(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_category(tmp_path / "data")
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    app = opened(PAGE)
    assert not app.exception
    assert "Run full evaluation" in shown(app)
    assert not figures(app)


def test_a_damaged_cell_is_a_sentence_and_the_others_are_drawn(results: Path) -> None:
    (results / "part" / "padim" / "cell.json").write_text('{"format"')
    app = opened(PAGE, category="part", method="padim")
    assert not app.exception
    assert any("again" in warning.value for warning in app.warning)
    app.segmented_control(key="tradeoff_view").set_value("cells").run()
    assert len(points(app)) == 3


@pytest.mark.usefixtures("results")
def test_a_clicked_cell_opens_its_samples() -> None:
    app = opened(PAGE, category="bare", method="padim")
    app.session_state["_tradeoff_clicked"] = ("part", "patchcore", "", "")
    app.session_state["category"] = "part"
    app.session_state["method"] = "patchcore"
    app.run()
    assert not app.exception
    assert "part" in app.title[0].value
    assert "PatchCore" in app.title[0].value


@pytest.mark.parametrize(
    ("clicked", "said"),
    [
        (("", "padim", "", ""), "A mean has no samples"),
        (("part", "padim", "seed-1", ""), "other settings"),
        (("part", "padim", "", "their laptop"), "from their laptop"),
    ],
)
@pytest.mark.usefixtures("results")
def test_a_point_without_samples_says_why(clicked: tuple[str, ...], said: str) -> None:
    app = opened(PAGE, category="part", method="padim")
    app.session_state["_tradeoff_clicked"] = clicked
    app.run()
    assert app.title[0].value == "Time against accuracy"
    assert any(said in toast.value for toast in app.toast)


def test_a_click_selects_the_cell_and_a_click_on_a_mean_selects_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from dashboard.tradeoff.click import remember_click

    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    remember_click([])
    assert state == {}
    remember_click([["", "padim", "", ""]])
    assert set(state.values()) == {("", "padim", "", "")}
    for elsewhere in (["part", "patchcore", "seed-1", ""], ["part", "patchcore", "", "laptop"]):
        remember_click([elsewhere])
        assert "category" not in state
    remember_click([["part", "patchcore", "", ""]])
    assert (state["category"], state["method"]) == ("part", "patchcore")


def test_another_summary_is_hollow_points_of_its_own_series_with_its_machine(results: Path) -> None:
    write_summary(results)
    theirs = (results / "summary.csv").read_bytes()
    app = opened(PAGE, category="part", method="padim")
    own = len(points(app))
    app.file_uploader(key="tradeoff_other").set_value(("theirs.csv", theirs, "text/csv"))
    app.run()
    markers = [trace for trace in figures(app)[0].data if trace.mode == "markers"]
    theirs_only = [trace for trace in markers if str(trace.marker.symbol).endswith("-open")]

    assert not app.exception
    assert len(points(app)) == 2 * own
    assert len(theirs_only) == own
    assert all(" threads" in trace.name for trace in theirs_only)
    assert not any(" threads" in trace.name for trace in markers if trace not in theirs_only)


@pytest.mark.usefixtures("results")
def test_an_upload_that_is_no_summary_is_one_sentence_and_the_page_goes_on() -> None:
    app = opened(PAGE, category="part", method="padim")
    app.file_uploader(key="tradeoff_other").set_value(("x.csv", b"a,b\n1,2\n", "text/csv"))
    app.run()

    assert not app.exception
    assert [error.value for error in app.error] == [
        "x.csv is damaged or of another version. Give a summary.csv that this version has written."
    ]
    assert points(app)


def test_a_folder_with_nothing_but_a_summary_shows_the_trade_off(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_summary(results)
    sent = tmp_path / "sent"
    sent.mkdir()
    shutil.copy(results / "summary.csv", sent)
    whole = points(opened(PAGE, category="part", method="padim"))
    monkeypatch.setenv("MVTEC_OUTPUTS", str(sent))
    app = opened(PAGE, category="part", method="padim")

    assert not app.exception
    assert points(app) == whole
    assert "this needs them" in shown(app)


def test_networks_are_told_apart_in_the_legend_also_where_one_is_only_in_the_upload(
    results: Path,
) -> None:
    write_summary(results)
    theirs = (results / "summary.csv").read_text().replace("random (seed 0)", "random (seed 5)")
    app = opened(PAGE, category="part", method="padim")
    app.file_uploader(key="tradeoff_other").set_value(("x.csv", theirs.encode(), "text/csv")).run()
    names = [trace.name for trace in figures(app)[0].data if trace.mode == "markers"]

    assert sorted("seed 5" in name for name in names) == [False, False, True, True]
    assert all("random (seed" in name for name in names)
