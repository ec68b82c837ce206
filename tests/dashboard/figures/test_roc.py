"""ROC, precision-recall and score figures on small tables."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go
import pytest

from dashboard.figures.roc import (
    Mark,
    MethodCurve,
    precision_recall_chart,
    roc_chart,
    score_chart,
)
from dashboard.figures.style import method_colour, method_dash
from evaluation.curves import RankingCurve


def one(method: str = "padim", mark: Mark | None = None, title: str = "PaDiM") -> MethodCurve:
    """Return a curve of two defective and two good pictures: 3 and 1 against 2 and 0."""
    curve = RankingCurve(
        thresholds=np.array([math.inf, 3.0, 2.0, 1.0, 0.0]),
        false_positive_rate=np.array([0.0, 0.0, 0.5, 0.5, 1.0]),
        true_positive_rate=np.array([0.0, 0.5, 0.5, 1.0, 1.0]),
        precision=np.array([1.0, 1.0, 0.5, 2 / 3, 0.5]),
    )
    return MethodCurve(method, title, "AUROC 0.750", curve, mark)


def named(figure: go.Figure, part: str) -> go.Scatter:
    """Return the one trace whose name contains `part`."""
    (trace,) = [trace for trace in figure.data if part in trace.name]
    return trace


MARK = Mark(threshold=1.5, false_positive_rate=0.5, true_positive_rate=0.5, precision=0.5)


def test_a_roc_curve_is_drawn_from_its_rates_in_the_methods_colour_and_dash() -> None:
    figure = roc_chart([one()], "image", "en")
    line = named(figure, "AUROC 0.750")
    assert line.name == "PaDiM: AUROC 0.750"
    assert list(line.x) == [0, 0, 0.5, 0.5, 1]
    assert list(line.y) == [0, 0.5, 0.5, 1, 1]
    assert line.line.color == method_colour("padim")
    assert line.line.dash == method_dash("padim")
    assert figure.layout.xaxis.type != "log"
    assert "%" in figure.layout.xaxis.title.text
    assert "%" in figure.layout.yaxis.title.text


def test_hovering_tells_threshold_and_both_rates() -> None:
    line = named(roc_chart([one()], "image", "en"), "AUROC")
    assert line.text[0] == "above every score"
    assert line.text[2] == "2"
    assert list(line.customdata[2]) == [0.5, 0.5, 0.5]
    assert "%{text}" in line.hovertemplate
    for position in range(3):
        assert f"%{{customdata[{position}]" in line.hovertemplate


def test_the_chance_line_is_the_diagonal_also_on_a_logarithmic_axis() -> None:
    for log_x in (False, True):
        chance = named(roc_chart([one()], "image", "en", log_x=log_x), "guessing")
        np.testing.assert_allclose(chance.x, chance.y)
        assert max(chance.x) == pytest.approx(1)


def test_the_operating_point_stands_on_its_rates_and_leaves_the_legend_alone() -> None:
    figure = roc_chart([one(mark=MARK), one("ae", None, "AE")], "image", "en", asked=0.05)
    (point,) = [trace for trace in figure.data if trace.mode == "markers"]
    assert (point.x[0], point.y[0]) == (0.5, 0.5)
    assert point.text[0] == "1.5"
    assert point.showlegend is False
    (line,) = figure.layout.shapes
    assert line.x0 == line.x1 == 0.05
    assert any("5 %" in note.text for note in figure.layout.annotations)


def test_a_logarithmic_axis_shows_rates_of_zero_at_a_labelled_left_edge() -> None:
    figure = roc_chart([one(mark=MARK)], "image", "en", asked=0.05, log_x=True)
    axis = figure.layout.xaxis
    line = named(figure, "AUROC 0.750")
    assert axis.type == "log"
    assert min(line.x) > 0
    assert line.x[0] == axis.tickvals[0]
    assert axis.ticktext[0] == "0"
    assert list(line.x[2:]) == [0.5, 0.5, 1]
    assert line.customdata[0][0] == 0
    assert axis.ticktext[-1] == "100%"
    assert axis.range[0] < math.log10(min(line.x))
    assert figure.layout.annotations[0].x == pytest.approx(math.log10(0.05))


def test_the_steps_of_the_precision_recall_curve_have_the_average_precision_as_area() -> None:
    figure = precision_recall_chart([one(mark=MARK)], "image", "en", 0.5)
    line = named(figure, "AUROC")
    assert line.line.shape == "vh"
    area = float(np.sum(np.diff(line.x) * np.asarray(line.y)[1:]))
    assert area == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    base = named(figure, "base rate")
    assert base.name == "base rate 50 %"
    assert list(base.y) == [0.5, 0.5]


def test_without_a_base_rate_or_a_precision_nothing_is_drawn_for_it() -> None:
    silent = Mark(9.0, 0.0, 0.0, math.nan)
    figure = precision_recall_chart([one(mark=silent)], "pixel", "en", math.nan)
    assert len(figure.data) == 1


def test_score_bars_are_the_shares_of_each_kind_and_the_threshold_is_a_line() -> None:
    good, bad, held_out = [1.0, 1.0, 2.0, 2.5], [5.0, 6.0], [1.0, 1.5, 2.0]
    figure = score_chart("PaDiM", "distance", good, bad, held_out, 2.2, "en")
    bars = {trace.name: trace for trace in figure.data if trace.type == "bar"}
    assert list(bars) == ["good (4)", "defective (2)"]
    for trace in bars.values():
        assert sum(trace.y) == pytest.approx(1)
    assert sum(data[0] for data in bars["good (4)"].customdata) == 4
    outline = named(figure, "held-out good (3)")
    assert sum(outline.y[:-1]) == pytest.approx(1)
    (line,) = figure.layout.shapes
    assert line.x0 == 2.2
    assert "distance" in figure.layout.xaxis.title.text


@pytest.mark.parametrize("scores", [[], [3.0], [math.nan]])
def test_few_or_no_scores_are_drawn_without_an_error(scores: list[float]) -> None:
    figure = score_chart("AE", "error", scores, [], [], math.nan, "en")
    assert len(figure.data) == (scores == [3.0])
    assert not figure.layout.shapes


def test_names_from_disk_are_escaped() -> None:
    figure = roc_chart([one("x", MARK, "<b>x</b>")], "image", "en")
    for trace in figure.data[:1]:
        assert trace.name.startswith("&lt;b&gt;x")
        assert "<b>x</b>" not in trace.hovertemplate


def test_korean_charts_are_korean() -> None:
    figure = roc_chart([one()], "pixel", "ko")
    assert "픽셀" in figure.layout.title.text
    assert "거짓 양성률" in figure.layout.xaxis.title.text
