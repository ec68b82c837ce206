"""ROC and precision-recall figures on small tables."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from dashboard.figures.roc_charts import MethodCurve, precision_recall_chart, roc_chart
from dashboard.figures.style import method_colour, method_dash
from evaluation.store.curves import RankingCurve


def one(method: str = "padim", threshold: float = math.nan, title: str = "PaDiM") -> MethodCurve:
    """Return a curve of two defective and two good pictures: 3 and 1 against 2 and 0."""
    curve = RankingCurve(
        thresholds=np.array([math.inf, 3.0, 2.0, 1.0, 0.0]),
        false_positive_rate=np.array([0.0, 0.0, 0.5, 0.5, 1.0]),
        true_positive_rate=np.array([0.0, 0.5, 0.5, 1.0, 1.0]),
        precision=np.array([1.0, 1.0, 0.5, 2 / 3, 0.5]),
    )
    return MethodCurve(method, title, "AUROC 0.750", curve, threshold)


def named(figure: go.Figure, part: str) -> go.Scatter:
    (trace,) = [trace for trace in figure.data if part in trace.name]
    return trace


def test_a_roc_curve_has_the_methods_colour_and_hovering_tells_threshold_and_rates() -> None:
    figure = roc_chart([one()], "image", "en")
    line = named(figure, "AUROC 0.750")
    assert line.name == "PaDiM: AUROC 0.750"
    assert list(line.x) == [0, 0, 0.5, 0.5, 1]
    assert list(line.y) == [0, 0.5, 0.5, 1, 1]
    assert (line.line.color, line.line.dash) == (method_colour("padim"), method_dash("padim"))
    assert (line.text[0], line.text[2]) == ("above every score", "2")
    assert list(line.customdata[2]) == [0.5, 0.5, 0.5, 2.0, 0]
    for shown in ("%{text}", *(f"%{{customdata[{position}]" for position in range(3))):
        assert shown in line.hovertemplate
    assert figure.layout.xaxis.type != "log"
    assert all("%" in axis.title.text for axis in (figure.layout.xaxis, figure.layout.yaxis))


def test_the_operating_point_stands_on_its_rates_and_leaves_the_legend_alone() -> None:
    figure = roc_chart([one(threshold=1.5), one("ae", title="AE")], "image", "en", asked=0.05)
    (point,) = [trace for trace in figure.data if trace.mode == "markers"]
    assert (point.x[0], point.y[0]) == (0.5, 0.5)
    assert point.text[0] == "1.5"
    assert point.showlegend is False
    (line,) = figure.layout.shapes
    assert line.x0 == line.x1 == 0.05
    assert any("5 %" in note.text for note in figure.layout.annotations)


def test_a_logarithmic_axis_shows_rates_of_zero_at_a_labelled_left_edge() -> None:
    figure = roc_chart([one(threshold=9)], "image", "en", asked=0.05, log_x=True)
    axis = figure.layout.xaxis
    line = named(figure, "AUROC 0.750")
    assert axis.type == "log"
    assert line.x[0] == min(line.x) == axis.tickvals[0] > 0
    assert figure.data[-1].x[0] == line.x[0]
    assert list(figure.data[-1].customdata[0]) == [0, 0, "n/a"]
    assert axis.ticktext[0] == "0"
    assert list(line.x[2:]) == [0.5, 0.5, 1]
    assert line.customdata[0][0] == 0
    assert axis.ticktext[-1] == "100%"
    assert axis.range[0] < math.log10(min(line.x))
    assert figure.layout.annotations[0].x == pytest.approx(math.log10(0.05))


def test_only_points_of_curves_can_be_clicked_and_tell_their_threshold_and_curve() -> None:
    curves = [one(threshold=1.5), one("ae", title="AE")]
    for figure in (roc_chart(curves, "image", "en"), precision_recall_chart(curves, "image", "en")):
        clickable = [trace for trace in figure.data if trace.mode == "lines+markers"]
        assert [trace.name.split(":")[0] for trace in clickable] == ["PaDiM", "AE"]
        for place, line in enumerate(clickable):
            assert [list(data[3:]) for data in line.customdata] == [
                [score, place] for score in (math.inf, 3.0, 2.0, 1.0, 0.0)
            ]


@pytest.mark.parametrize("log_x", [False, True])
def test_the_chance_line_is_the_diagonal(log_x: bool) -> None:
    chance = named(roc_chart([one()], "image", "en", log_x=log_x), "guessing")
    np.testing.assert_allclose(chance.x, chance.y)
    assert max(chance.x) == pytest.approx(1)


def test_the_steps_of_the_precision_recall_curve_have_the_average_precision_as_area() -> None:
    figure = precision_recall_chart([one(threshold=1.5)], "image", "en")
    line = named(figure, "AUROC")
    assert line.line.shape == "vh"
    area = float(np.sum(np.diff(line.x) * np.asarray(line.y)[1:]))
    assert area == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert list(named(figure, "base rate 50 %").y) == [0.5, 0.5]


def test_without_one_base_rate_or_a_precision_nothing_is_drawn_for_it() -> None:
    first = one(threshold=9)
    other = replace(first, curve=replace(first.curve, precision=first.curve.precision / 2))
    assert len(precision_recall_chart([first, other], "pixel", "en").data) == 2


def test_names_from_disk_are_escaped_and_korean_charts_are_korean() -> None:
    figure = roc_chart([one("x", 1.5, "<b>x</b>")], "pixel", "ko")
    assert figure.data[0].name.startswith("&lt;b&gt;x")
    assert "<b>x</b>" not in figure.data[0].hovertemplate
    assert "픽셀" in figure.layout.title.text
    assert "거짓 양성률" in figure.layout.xaxis.title.text
