"""Trade-off and phase figures on small tables."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard.figures.style import method_colour, method_symbol
from dashboard.figures.tradeoff import PHASE_COLOURS, phase_chart, tradeoff_chart
from dashboard.tradeoff.groups import with_front
from evaluation.summary import PHASE_NAMES, phase_column


def row(category: str, method: str, runtime: float, auroc: float, **other: Any) -> dict[str, Any]:
    """Return one point with numbers that are easy to tell apart."""
    return {
        "category": category,
        "method": method,
        "settings_id": "",
        "weights": "ImageNet",
        "origin": "",
        "categories": 1,
        "image_auroc": auroc,
        "image_auroc_low": auroc - 0.1,
        "image_auroc_high": min(auroc + 0.05, 1.0),
        "pixel_auroc": 0.9,
        "runtime_s": runtime,
        "fit_s": runtime / 2,
        "score_s": runtime / 2,
        "ms_per_image": 10 * runtime,
        "latency_ms": 20 * runtime,
        "latency_p95_ms": 30 * runtime,
        "model_mb": 4.0,
    } | other


def chart(rows: list[dict[str, Any]], gain: str = "image_auroc", lang: str = "en") -> go.Figure:
    return tradeoff_chart(
        with_front(pd.DataFrame(rows), "runtime_s", gain), "runtime_s", gain, lang
    )


def test_every_point_stands_at_its_time_and_auroc_and_carries_its_cell() -> None:
    figure = chart([row("a", "padim", 5, 0.9), row("b", "padim", 6, 0.8), row("a", "ae", 50, 0.7)])
    points = {trace.name: trace for trace in figure.data if trace.mode == "markers"}
    assert list(points["PaDiM"].x) == [5, 6]
    assert list(points["PaDiM"].y) == [0.9, 0.8]
    assert [list(data) for data in points["PaDiM"].customdata] == [
        ["a", "padim", "", ""],
        ["b", "padim", "", ""],
    ]
    assert points["AE"].marker.color == method_colour("ae")
    assert points["AE"].marker.symbol == method_symbol("ae")


def test_time_is_logarithmic_and_all_points_lie_inside_the_axes() -> None:
    figure = chart([row("a", "padim", 0.5, 0.9), row("a", "ae", 500, 0.45)])
    low, high = figure.layout.xaxis.range
    assert figure.layout.xaxis.type == "log"
    assert low < math.log10(0.5) < math.log10(500) < high
    assert figure.layout.yaxis.range[0] < 0.35
    assert figure.layout.yaxis.range[1] > 1
    assert "(s)" in figure.layout.xaxis.title.text
    assert all(low <= math.log10(tick) <= high for tick in figure.layout.xaxis.tickvals)


@pytest.mark.parametrize("times", [(5.0, 5.0), (7.0, 9.0), (1.0, 30.0), (0.01, 9000.0)])
def test_the_time_axis_has_round_ticks_at_any_span(times: tuple[float, float]) -> None:
    figure = chart([row("a", "padim", times[0], 0.9), row("a", "ae", times[1], 0.8)])
    assert 1 <= len(figure.layout.xaxis.tickvals) <= 12


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
    (ae,) = [trace for trace in figure.data if trace.name == "AE"]
    (patchcore,) = [trace for trace in figure.data if trace.name == "PatchCore"]
    assert patchcore.marker.line.width[0] > ae.marker.line.width[0]


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


def test_a_larger_model_is_a_larger_point() -> None:
    rows = [row("a", "padim", 5, 0.9, model_mb=64.0), row("b", "padim", 5, 0.9, model_mb=1.0)]
    (point,) = [trace for trace in chart(rows).data if trace.mode == "markers"]
    assert point.marker.size[0] > point.marker.size[1] > 0
    (unknown,) = [
        trace
        for trace in chart([row("a", "padim", 5, 0.9, model_mb=math.nan)]).data
        if trace.mode == "markers"
    ]
    assert unknown.marker.size[0] > 0


def test_hovering_tells_category_numbers_and_units_and_escapes_names() -> None:
    (point,) = [
        trace for trace in chart([row("<b>a</b>", "padim", 5, 0.9)]).data if trace.mode == "markers"
    ]
    text = point.hovertext[0]
    assert "&lt;b&gt;a" in text
    for part in (
        "0.900 (0.800–0.950)",
        "5.00 s",
        "one picture 100.0 ms (95th percentile 150.0 ms)",
        "in batches 50.0 ms per picture",
        "4.0 MB",
    ):
        assert part in text


def test_a_mean_says_how_many_categories_it_is_over() -> None:
    (point,) = [
        trace
        for trace in chart([row("", "padim", 5, 0.9, categories=7)]).data
        if trace.mode == "markers"
    ]
    assert "mean of 7 categories" in point.hovertext[0]
    assert list(point.customdata[0]) == ["", "padim", "", ""]


def test_settings_that_are_not_the_default_ones_are_a_series_of_their_own() -> None:
    rows = [row("a", "padim", 5, 0.9), row("a", "padim", 5, 0.9, settings_id="seed-1")]
    names = [trace.name for trace in chart(rows).data if trace.mode == "markers"]
    assert names == ["PaDiM", "PaDiM (seed-1)"]


def phases(method: str, **seconds: float) -> dict[str, object]:
    """Return one row of the phase chart."""
    row: dict[str, object] = dict.fromkeys(("settings_id", "origin"), "")
    row |= {"method": method, "weights": "ImageNet"}
    return row | {phase_column(name): seconds.get(name, 0.0) for name in PHASE_NAMES}


def test_phases_are_stacked_seconds_with_their_total_at_the_end() -> None:
    rows = [phases("ae", decode=1, fit=8), phases("padim", backbone=4, fit=2, score=2)]
    figure = phase_chart(pd.DataFrame(rows), "en")
    bars = {trace.name: trace for trace in figure.data if trace.type == "bar"}
    assert figure.layout.barmode == "stack"
    assert list(bars["fit"].y) == ["AE", "PaDiM"]
    assert list(bars["fit"].x) == [8, 2]
    assert list(bars["backbone"].x) == [0, 4]
    assert list(bars["fit"].customdata) == ["88.9%", "25.0%"]
    (totals,) = [trace for trace in figure.data if trace.type == "scatter"]
    assert list(totals.x) == [9, 8]
    assert list(totals.text) == ["9 s", "8 s"]
    assert "(s)" in figure.layout.xaxis.title.text


def test_phases_with_other_weights_are_a_bar_of_their_own() -> None:
    other = phases("padim", fit=8) | {"weights": "file <x>"}
    rows = [phases("ae", fit=1), phases("padim", fit=2), other]
    figure = phase_chart(pd.DataFrame(rows), "en")

    assert list(figure.data[0].y) == ["AE", "PaDiM, ImageNet", "PaDiM, file &lt;x&gt;"]


def test_unknown_phases_appear_only_where_there_are_any() -> None:
    without = phase_chart(pd.DataFrame([phases("ae", fit=8)]), "en")
    given = phase_chart(pd.DataFrame([phases("ae", fit=8, other=3)]), "en")
    assert len(given.data) == len(without.data) + 1


def test_every_phase_has_a_colour_of_its_own() -> None:
    assert len(set(PHASE_COLOURS)) == len(PHASE_NAMES)
