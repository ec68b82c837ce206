"""The Trade-off page on full, partial, empty and broken results."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard.tables import machine
from dashboard.tradeoff.chart_panel import follow_click
from evaluation.store.cells import read_cell
from evaluation.store.summary import MACHINE_COLUMNS, table_of, write_summary
from tests.dashboard.driver import change_cell, figures, opened, shown, tick
from tests.make_data import cell_content

PAGE = "pages/tradeoff.py"
METHODS = ("padim", "patchcore")


def page(view: str = "") -> AppTest:
    """Open the page, and choose what its points are."""
    app = opened(PAGE, category="part", method="padim")
    return app.segmented_control(key="tradeoff_view").set_value(view).run() if view else app


def series(app: AppTest) -> dict[str, Any]:
    """Return the traces with points of the first chart, by name."""
    return {trace.name: trace for trace in figures(app)[0].data if "markers" in trace.mode}


def points(app: AppTest) -> list[list[str]]:
    """Return what the points of the first chart stand for."""
    return [list(data) for trace in series(app).values() for data in trace.customdata]


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.usefixtures("results")
def test_means_and_phases_are_drawn(lang: str) -> None:
    app = opened(PAGE, lang, category="part", method="padim")
    assert points(app) == [["", "padim", "", ""], ["", "patchcore", "", ""]]
    bars = [trace for trace in figures(app)[1].data if trace.type == "bar"]
    assert [list(trace.y) for trace in bars] == [["PaDiM", "PatchCore"]] * 7


def test_every_cell_stands_at_its_own_time_and_auroc_and_those_without_are_named(
    results: Path,
) -> None:
    app = page("category")
    assert points(app) == [["part", method, "", ""] for method in METHODS]
    cell = read_cell(results / "part" / "padim")
    bars = {trace.name: trace for trace in figures(app)[1].data}
    backbone = cell["timings"]["backbone_fit"] + cell["timings"]["backbone_score"]
    assert bars["backbone"].x[0] == pytest.approx(backbone)
    assert bars["fit"].x[0] == pytest.approx(cell["timings"]["fit"])

    app.segmented_control(key="tradeoff_view").set_value("cells").run()
    assert sorted(points(app)) == [
        [category, method, "", ""] for category in ("bare", "part") for method in METHODS
    ]
    padim = series(app)["PaDiM"]
    position = [data[0] for data in padim.customdata].index("part")
    assert padim.x[position] == pytest.approx(cell["runtime_s"])
    assert padim.y[position] == pytest.approx(cell["metrics"]["image_auroc"])

    app.segmented_control(key="tradeoff_gain").set_value("pixel_auroc").run()
    assert [data[0] for data in points(app)] == ["part", "part"]
    assert "bare / PaDiM, bare / PatchCore" in shown(app)
    app.selectbox(key="tradeoff_cost").set_value("ms_per_image").run()
    app.segmented_control(key="tradeoff_view").set_value("mean").run()
    layout = figures(app)[0].layout
    assert layout.xaxis.type == "log"
    assert "(ms)" in layout.xaxis.title.text
    assert "Pixel AUROC" in layout.yaxis.title.text
    assert "has this metric and time: part" in shown(app)
    assert series(app)["PaDiM"].x[0] == pytest.approx(cell["ms_per_image"])
    assert series(app)["PaDiM"].y[0] == pytest.approx(cell["metrics"]["pixel_auroc"])


def test_one_picture_alone_can_be_the_time_and_a_cell_without_it_is_named(results: Path) -> None:
    padim, nothing = results / "part" / "padim", math.nan
    change_cell(padim, ms_per_image=5.0, latency_ms=9.0)
    change_cell(results / "bare" / "padim", latency_ms=nothing)
    app = page()
    app.selectbox(key="tradeoff_cost").set_value("latency_ms").run()
    assert "has this metric and time: part" in shown(app)
    app.segmented_control(key="tradeoff_view").set_value("cells").run()
    assert "batch of one" in figures(app)[0].layout.xaxis.title.text
    drawn = series(app)["PaDiM"]
    assert [list(data) for data in drawn.customdata] == [["part", "padim", "", ""]]
    assert list(drawn.x) == [9.0]
    assert "one picture 9.0 ms" in drawn.hovertext[0]
    assert "accuracy or time is n/a: bare / PaDiM" in shown(app)
    change_cell(padim, latency_ms=nothing)
    app.segmented_control(key="tradeoff_view").set_value("mean").run()
    assert points(app) == [["", "patchcore", "", ""]]
    assert "accuracy or time is n/a: PaDiM." in shown(app)


def test_demo_and_random_results_are_never_drawn_together_with_others(results: Path) -> None:
    change_cell(results / "bare" / "padim", demo_data=True)
    change_cell(results / "bare" / "patchcore", weights="ImageNet")
    app = page("cells")
    drawn = []
    for position, name in enumerate(app.selectbox(key="tradeoff_group").options):
        app.selectbox(key="tradeoff_group").set_value(position).run()
        drawn.append(points(app))
        warned = "Random backbone weights: these" in shown(app)
        assert warned == ("RANDOM" in name)
    assert drawn == [
        [["bare", "patchcore", "", ""]],
        [["part", "padim", "", ""], ["part", "patchcore", "", ""]],
        [["bare", "padim", "", ""]],
    ]


def test_other_settings_are_left_out_until_they_are_chosen(results: Path) -> None:
    other = results / "settings" / "image_size-64"
    shutil.copytree(results / "part" / "padim", other / "part" / "padim")
    change_cell(other / "part" / "padim", settings_id="image_size-64")
    app = page("category")
    assert len(points(app)) == 2
    app.button_group(key="tradeoff_settings").set_value(["", "image_size-64"]).run()
    assert ["part", "padim", "image_size-64", ""] in points(app)
    app.button_group(key="tradeoff_settings").set_value([]).run()
    assert app.button_group(key="tradeoff_settings").value == [""]
    assert len(points(app)) == 2


def test_all_engines_are_shown_at_first_as_one_curve_that_names_the_machine(
    results: Path,
) -> None:
    int8, other = (
        "engine-openvino_precision-int8",
        "engine-openvino_padim_channels-9_precision-int8",
    )
    for settings_id in (int8, other):
        cell = results / "settings" / settings_id / "part" / "padim"
        shutil.copytree(results / "part" / "padim", cell)
        change_cell(cell, settings_id=settings_id, runtime_s=0.001)
    assert page().button_group(key="tradeoff_settings").value == [""]  # int8 lacks categories
    for folder in {path.parent.parent for path in results.glob("*/*/cell.json")}:
        if folder.name != "part":
            shutil.rmtree(folder)
    app = page()
    assert app.button_group(key="tradeoff_settings").value == ["", int8]
    assert points(app) == [
        ["", "padim", int8, ""],
        ["", "padim", "", ""],
        ["", "patchcore", "", ""],
    ]
    assert list(series(app)["PaDiM"].text) == ["int8", "torch"]
    assert "A line joins" in shown(app)
    title = figures(app)[0].layout.title.subtitle.text
    assert title.replace("<br>", " ") == machine(read_cell(results / "part" / "padim"))
    bars = [trace for trace in figures(app)[1].data if trace.type == "bar"]
    assert set(bars[0].y) == {"PaDiM", "PaDiM (openvino, int8)", "PatchCore"}
    app.button_group(key="tradeoff_settings").set_value([int8]).run()
    assert list(series(app)) == ["PaDiM (openvino, int8)"]
    assert figures(app)[0].layout.title.subtitle.text is None
    assert "A line joins" not in shown(app)


def test_a_machine_is_named_with_its_threads_or_not_at_all() -> None:
    assert machine({"cpu": "X"}) == "X, n/a threads"
    named = {"cpu": "X", "threads": 2, "system": "Linux"}
    for noted, text in (
        (named, "X, 2 threads, Linux"),
        (dict.fromkeys(MACHINE_COLUMNS), "a machine that is not recorded"),
    ):
        [row] = table_of([cell_content(**noted)]).to_dict("records")
        assert machine(noted) == machine(row) == text


def test_the_machine_is_stated_and_different_machines_are_warned_of(results: Path) -> None:
    app = page()
    assert f"{read_cell(results / 'part' / 'padim')['threads']} threads" in shown(app)
    assert not any("different machines" in warning.value for warning in app.warning)
    change_cell(results / "part" / "padim", cpu="Another processor")
    assert any("different machines" in warning.value for warning in app.run().warning)


def test_a_damaged_cell_is_a_sentence_and_without_a_shared_category_there_is_no_mean(
    results: Path,
) -> None:
    (results / "part" / "padim" / "cell.json").write_text('{"format"')
    shutil.rmtree(results / "bare" / "patchcore")
    app = page()
    assert any("again" in warning.value for warning in app.warning)
    assert "no means to compare" in shown(app)
    app.segmented_control(key="tradeoff_view").set_value("cells").run()
    assert len(points(app)) == 2


@pytest.mark.usefixtures("results")
def test_a_clicked_cell_opens_its_samples_and_a_point_without_samples_says_why() -> None:
    app = page("cells")
    chart = "chart_tradeoff_cells_image_auroc_runtime_s"
    for clicked, said in (
        (["", "padim", "", ""], "A mean has no samples"),
        (["part", "padim", "", "their laptop"], "from their laptop"),
    ):
        tick(app, chart, points=[{"customdata": clicked}])
        assert app.title[0].value == "Time against accuracy"
        assert any(said in toast.value for toast in app.toast)
    tick(app, chart, points=[{"customdata": ["bare", "patchcore", "", ""]}])
    assert app.title[0].value == "Samples: bare · PatchCore"


def test_a_click_opens_the_cell_with_its_settings_and_a_click_on_nothing_opens_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    for nothing in ([], [None]):
        follow_click(nothing)
        assert state == {}
    for cell in ({0: "part", 1: "patchcore", 2: "seed-1", 3: ""}, ["bare", "padim", "", ""]):
        state |= {"sample": "blot/001", "show": "missed", "defect": "blot", "zoom": "2,0,0"}
        follow_click([cell])
        values = list(cell.values()) if isinstance(cell, dict) else cell
        assert [state[key] for key in ("category", "method", "settings")] == values[:3]
        assert [state[key] for key in ("show", "defect", "zoom")] == ["", "", ""]
        assert "sample" not in state


def test_another_summary_is_hollow_points_of_its_own_series_with_machine_and_weights(
    results: Path,
) -> None:
    write_summary(results)
    theirs = (results / "summary.csv").read_text().replace("random (seed 0)", "random (seed 5)")
    app = page()
    own = points(app)
    upload = app.file_uploader(key="tradeoff_other")
    upload.set_value(("theirs.csv", theirs.encode(), "text/csv")).run()
    found = series(app)
    hollow = {name for name in found if str(found[name].marker.symbol).endswith("-open")}

    assert len(points(app)) == 2 * len(own) == 2 * len(hollow)
    assert {name for name in found if " threads" in name} == hollow
    assert {name for name in found if "random (seed 5)" in name} == hollow
    assert {name for name in found if "random (seed 0)" in name} == found.keys() - hollow

    upload = app.file_uploader(key="tradeoff_other")
    upload.set_value(("x.csv", b"a,b\n1,2\n", "text/csv")).run()
    assert [error.value for error in app.error] == [
        "x.csv is damaged or of another version. Give a summary.csv that this version has written."
    ]
    assert points(app) == own


def test_a_folder_with_nothing_but_a_summary_shows_the_trade_off(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_summary(results)
    sent = tmp_path / "sent"
    sent.mkdir()
    shutil.copy(results / "summary.csv", sent)
    whole = points(page())
    monkeypatch.setenv("MVTEC_OUTPUTS", str(sent))
    app = page()
    assert points(app) == whole
    assert "this needs them" in shown(app)
