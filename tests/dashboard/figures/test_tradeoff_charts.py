"""Trade-off and phase figures on small tables."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard.figures.style import method_colour, method_symbol
from dashboard.figures.tradeoff_charts import (
    PHASE_COLOURS,
    phase_chart,
    series_names,
    tradeoff_chart,
    with_front,
)
from evaluation.store.summary import PHASE_NAMES, phase_column


def row(category: str, method: str, runtime: float, auroc: float, **other: Any) -> dict[str, Any]:
    """Return one point with numbers that are easy to tell apart."""
    names = {"category": category, "method": method, "settings_id": "", "weights": "ImageNet"}
    aurocs = {"": auroc, "_low": auroc - 0.1, "_high": min(auroc + 0.05, 1.0)}
    times = {"ms_per_image": 10 * runtime, "latency_ms": 20 * runtime}
    return {
        **names,
        **{f"image_auroc{part}": value for part, value in aurocs.items()},
        **times,
        **{"origin": "", "categories": 1, "pixel_auroc": 0.9, "runtime_s": runtime},
        **{"fit_s": runtime / 2, "score_s": runtime / 2},
        **{"model_mb": 4.0},
        **other,
    }


def chart(rows: list[dict[str, Any]], gain: str = "image_auroc") -> go.Figure:
    points = with_front(pd.DataFrame(rows), "runtime_s", gain)
    return tradeoff_chart(points, "runtime_s", gain, "en")


def markers(figure: go.Figure) -> dict[str, Any]:
    return {trace.name: trace for trace in figure.data if trace.mode == "markers"}


def test_every_point_stands_at_its_time_and_auroc_and_carries_its_cell() -> None:
    figure = chart([row("a", "padim", 5, 0.9), row("b", "padim", 6, 0.8), row("a", "ae", 50, 0.7)])
    points = markers(figure)
    assert list(points["PaDiM"].x) == [5, 6]
    assert list(points["PaDiM"].y) == [0.9, 0.8]
    assert [list(data) for data in points["PaDiM"].customdata] == [
        ["a", "padim", "", ""],
        ["b", "padim", "", ""],
    ]
    assert points["AE"].marker.color == method_colour("ae")
    assert points["AE"].marker.symbol == method_symbol("ae")


@pytest.mark.parametrize("times", [(5.0, 5.0), (7.0, 9.0), (0.5, 500.0), (0.01, 9000.0)])
def test_time_is_logarithmic_with_round_ticks_and_all_points_lie_inside_the_axes(
    times: tuple[float, float],
) -> None:
    figure = chart([row("a", "padim", times[0], 0.9), row("a", "ae", times[1], 0.45)])
    axis = figure.layout.xaxis
    low, high = axis.range
    assert axis.type == "log"
    assert low < math.log10(times[0]) <= math.log10(times[1]) < high
    assert figure.layout.yaxis.range[0] < 0.35
    assert figure.layout.yaxis.range[1] > 1
    assert "(s)" in axis.title.text
    assert 1 <= len(axis.tickvals) <= 12
    assert all(low <= math.log10(tick) <= high for tick in axis.tickvals)
    assert [float(text) for text in axis.ticktext] == pytest.approx(list(axis.tickvals))


def test_points_without_a_number_are_left_out_and_never_on_the_front() -> None:
    rows = [row("a", "ae", 0.1, math.nan), row("a", "padim", 5, 0.9), row("b", "padim", 5, 0.2)]
    points = with_front(pd.DataFrame(rows), "runtime_s", "image_auroc")
    assert list(points["category"]) == ["a", "b"]
    assert points["on_front"].all()


def test_the_front_joins_the_unbeaten_points_of_one_category_only() -> None:
    figure = chart(
        [
            row("a", "padim", 5, 0.8),
            row("a", "patchcore", 8, 0.9),
            row("a", "ae", 50, 0.7),
            row("b", "padim", 1, 0.99),
        ]
    )
    fronts = [trace for trace in figure.data if trace.mode == "lines"]
    assert [(list(front.x), list(front.y)) for front in fronts] == [
        ([5, 8], [0.8, 0.9]),
        ([1], [0.99]),
    ]
    assert [front.showlegend for front in fronts] == [True, False]
    assert fronts[0].line.shape == "hv"
    points = markers(figure)
    assert points["PatchCore"].marker.line.width[0] > points["AE"].marker.line.width[0]


def test_where_points_are_named_by_their_category_no_fronts_lie_across_each_other() -> None:
    rows = [row("<b>", "padim", 5, 0.8), row("a", "ae", 50, 0.7)]
    points = with_front(pd.DataFrame(rows), "runtime_s", "image_auroc")
    figure = tradeoff_chart(points, "runtime_s", "image_auroc", "en", named=True)
    assert [list(trace.text) for trace in figure.data] == [["&lt;b&gt;"], ["a"]]
    assert {trace.mode for trace in figure.data} == {"markers+text"}


ENGINES = {"": "torch float32", "engine-openvino_precision-int8": "openvino int8"}


def on_engines(category: str, method: str, *points: tuple[float, float], **other: Any) -> list[Any]:
    """Return the point of each engine, PyTorch's first, with these times and AUROCs."""
    settings = zip(ENGINES, points, strict=True)
    return [row(category, method, *point, settings_id=name, **other) for name, point in settings]


def curves(figure: go.Figure) -> dict[str, list[Any]]:
    """Return the points of every joined trace, by its name and their category."""
    return {
        f"{trace.name} {trace.customdata[0][0]}": list(zip(trace.x, trace.y, strict=True))
        for trace in figure.data
        if trace.mode.startswith("lines+markers")
    }


def test_engines_of_one_method_are_one_curve_in_order_of_time_and_each_point_says_which() -> None:
    padim = on_engines("a", "padim", (5, 0.9), (2, 0.8))
    alone = row("a", "patchcore", 7, 0.95, settings_id="engine-openvino_precision-int8")
    figure = chart([*padim, alone, row("a", "ae", 50, 0.7)])
    assert curves(figure) == {"PaDiM a": [(2, 0.8), (5, 0.9)]}
    (curve,) = [trace for trace in figure.data if trace.name == "PaDiM"]
    assert list(curve.text) == ["int8", "torch"]
    assert ["PaDiM, openvino int8" in curve.hovertext[0], "torch" in curve.hovertext[0]] == [1, 0]
    assert "PaDiM, torch float32" in curve.hovertext[1]
    assert [data[2] for data in curve.customdata] == [row["settings_id"] for row in padim[::-1]]
    assert curve.line.color == curve.marker.color == method_colour("padim")
    assert set(markers(figure)) == {"PatchCore (openvino, int8)", "AE"}
    assert "torch" not in str(markers(figure))


def test_a_curve_never_joins_backbones_weights_origins_or_categories() -> None:
    two = (5.0, 0.9), (2.0, 0.8)
    other = [
        point | {"settings_id": "_".join(filter(None, ("backbone-x", point["settings_id"])))}
        for point in on_engines("a", "padim", *two)
    ]
    rows = [*on_engines("a", "padim", *two), *on_engines("b", "padim", *two), *other]
    rows += on_engines("a", "padim", *two, origin="laptop")
    rows += on_engines("a", "patchcore", *two, weights="file x")
    rows += on_engines("a", "patchcore", *two)
    points = with_front(pd.DataFrame(rows), "runtime_s", "image_auroc")
    figure = tradeoff_chart(points, "runtime_s", "image_auroc", "en", named=True)
    joined = curves(figure)
    assert sorted(joined) == [
        "PaDiM (backbone x) a",
        "PaDiM a",
        "PaDiM b",
        "PaDiM, laptop a",
        "PatchCore, ImageNet a",
        "PatchCore, file x a",
    ]
    assert all(found == [(2, 0.8), (5, 0.9)] for found in joined.values())
    padim = [trace for trace in figure.data if trace.name == "PaDiM"]
    assert [list(trace.text) for trace in padim] == [["a", ""], ["b", ""]]
    assert [trace.showlegend for trace in padim] == [None, False]
    assert {trace.legendgroup for trace in padim} == {"PaDiM"}


def test_the_chart_names_the_machine_where_it_compares_engines_and_only_there() -> None:
    for rows, named in (
        (on_engines("a", "padim", (5, 0.9), (2, 0.8)), "Fast &amp; cool,<br>2 threads"),
        ([row("a", "padim", 5, 0.9), row("a", "ae", 6, 0.8)], None),
    ):
        points = with_front(pd.DataFrame(rows), "runtime_s", "image_auroc")
        machine = f"Fast & cool,{' ' * 60}2 threads"
        figure = tradeoff_chart(points, "runtime_s", "image_auroc", "en", machine=machine)
        assert figure.layout.title.subtitle.text == named


def test_error_bars_are_the_interval_of_the_image_auroc_and_of_nothing_else() -> None:
    (_, point) = chart([row("a", "padim", 5, 0.9)]).data
    assert point.error_y.visible
    assert point.error_y.array[0] == pytest.approx(0.05)
    assert point.error_y.arrayminus[0] == pytest.approx(0.1)
    (_, pixel) = chart([row("a", "padim", 5, 0.9)], "pixel_auroc").data
    assert not pixel.error_y.visible
    nothing = {"image_auroc_low": math.nan, "image_auroc_high": math.nan}
    (_, mean) = chart([row("", "padim", 5, 0.9, **nothing)]).data
    assert not mean.error_y.visible


def test_a_larger_model_is_a_larger_point_and_one_of_unknown_size_a_point() -> None:
    sizes = (64.0, 1.0, math.nan)
    rows = [row("a", "padim", 5, 0.9, model_mb=size) for size in sizes]
    large, small, unknown = markers(chart(rows))["PaDiM"].marker.size
    assert large > small > 0
    assert unknown > 0


def test_hovering_tells_numbers_and_units_and_escapes_names_and_a_mean_says_of_how_many() -> None:
    rows = [
        row("<b>a</b>", "padim", 5, 0.9, settings_id="<s>"),
        row("", "ae", 5, 0.9, categories=7),
    ]
    points = markers(chart(rows))
    for part in (
        "&lt;b&gt;a",
        "0.900 (0.800–0.950)",
        "5.00 s",
        "one picture 100.0 ms",
        "in batches 50.0 ms per picture",
        "4.0 MB",
    ):
        assert part in points["PaDiM (&lt;s&gt;)"].hovertext[0]
    assert "mean of 7 categories" in points["AE"].hovertext[0]
    assert list(points["AE"].customdata[0]) == ["", "ae", "", ""]


def test_series_are_told_apart_by_settings_origin_and_weights_where_these_differ() -> None:
    same = {"method": "padim", "settings_id": "", "origin": "", "weights": "ImageNet"}
    rows = [
        same | {"method": "ae", "weights": "none"},
        same,
        same | {"weights": "file x"},
        same | {"settings_id": "seed-1"},
        same | {"origin": "laptop", "settings_id": "s"},
    ]
    assert list(series_names(pd.DataFrame(rows))) == [
        "AE",
        "PaDiM, ImageNet",
        "PaDiM, file x",
        "PaDiM (seed 1)",
        "PaDiM (s), laptop",
    ]


def phases(method: str, **seconds: float) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(("settings_id", "origin"), "")
    row |= {"method": method, "weights": "ImageNet"}
    return row | {phase_column(name): seconds.get(name, 0.0) for name in PHASE_NAMES}


def test_phases_are_stacked_seconds_with_their_total_at_the_end() -> None:
    other = {"settings_id": "<s>"}
    rows = [phases("ae", decode=1, fit=8), phases("padim", backbone=4, fit=2, score=2) | other]
    figure = phase_chart(pd.DataFrame(rows), "en")
    bars = {trace.name: trace for trace in figure.data if trace.type == "bar"}
    assert figure.layout.barmode == "stack"
    assert list(bars["fit"].y) == ["AE", "PaDiM (&lt;s&gt;)"]
    assert list(bars["fit"].x) == [8, 2]
    assert list(bars["backbone"].x) == [0, 4]
    assert list(bars["fit"].customdata) == ["88.9%", "25.0%"]
    (totals,) = [trace for trace in figure.data if trace.type == "scatter"]
    assert list(totals.x) == [9, 8]
    assert list(totals.text) == ["9 s", "8 s"]
    assert "(s)" in figure.layout.xaxis.title.text


def test_unknown_phases_appear_only_where_there_are_any_and_every_one_has_a_colour() -> None:
    without = phase_chart(pd.DataFrame([phases("ae", fit=8)]), "en")
    given = phase_chart(pd.DataFrame([phases("ae", fit=8, other=3)]), "en")
    assert len(given.data) == len(without.data) + 1
    assert len(set(PHASE_COLOURS)) == len(PHASE_NAMES)
