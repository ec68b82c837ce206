"""Charts of the Defect types page, read back from the figures."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard.auroc_colours import LIMITS
from dashboard.figures.defects import (
    SOURCE_SYMBOLS,
    PublishedDot,
    published_chart,
    size_recall_chart,
    type_heatmap,
)
from dashboard.figures.style import NEUTRAL_COLOUR, method_colour, method_symbol
from evaluation.published import published_values


def types(**values: dict[str, float]) -> pd.DataFrame:
    """Return a table of types from ``defect={method: AUROC}``; the n-th type has n pictures."""
    rows = [
        {"method": method, "defect": defect, "pictures": number, "image_auroc": value}
        for number, (defect, by_method) in enumerate(values.items(), start=1)
        for method, value in by_method.items()
    ]
    return pd.DataFrame(rows)


def heatmap(table: pd.DataFrame, overall: dict[str, float] | None = None) -> go.Figure:
    """Return the heatmap of image AUROC."""
    return type_heatmap(table, "image_auroc", overall or {}, "title", "types", "all types")


def written(figure: go.Figure) -> dict[tuple[str, int], str]:
    """Return the text in each cell, by method title and row."""
    return {(note.x, note.y): note.text for note in figure.layout.annotations}


def test_the_hardest_type_is_on_top_with_its_pictures_and_numbers() -> None:
    table = types(dent={"padim": 0.99, "patchcore": 0.98}, cut={"padim": 0.6, "patchcore": 0.8512})
    figure = heatmap(table, {"padim": 0.7, "patchcore": 0.9})
    assert figure.layout.yaxis.ticktext == ("cut (2)", "dent (1)", "<b>all types</b>")
    assert figure.layout.yaxis.autorange == "reversed"
    assert written(figure) == {
        ("PaDiM", 0): "0.600",
        ("PatchCore", 0): "0.851",
        ("PaDiM", 1): "0.990",
        ("PatchCore", 1): "0.980",
        ("PaDiM", 2): "0.700",
        ("PatchCore", 2): "0.900",
    }
    assert figure.data[0].customdata[0][1] == "cut · PatchCore<br>0.8512 (2)"


def test_colours_step_at_the_limits() -> None:
    table = types(a={"padim": 0.3}, b={"padim": LIMITS[0]}, c={"padim": 1.0})
    heat = heatmap(table, {"padim": 0.989}).data[0]
    assert [row[0] for row in heat.z] == [0, 1, len(LIMITS), len(LIMITS) - 1]
    assert (heat.zmin, heat.zmax) == (-0.5, len(LIMITS) + 0.5)


def test_undefined_values_are_marked_and_have_no_colour() -> None:
    table = types(a={"padim": math.nan, "patchcore": 0.9}, b={"patchcore": 0.8})
    figure = heatmap(table)
    texts = written(figure)
    assert [texts["PaDiM", row] for row in range(3)] == ["n/a"] * 3
    assert texts["PatchCore", 0] == "0.800"
    assert np.isnan([row[0] for row in figure.data[0].z]).all()


def test_a_type_without_any_value_is_last() -> None:
    table = types(a={"padim": math.nan}, b={"padim": 0.8})
    assert heatmap(table).layout.yaxis.ticktext[:2] == ("b (2)", "a (1)")


def test_names_from_disk_are_escaped_and_long_ones_shortened() -> None:
    name = "<b>x</b>" + "y" * 40
    figure = heatmap(types(**{name: {"padim": 0.9}}))
    label = figure.layout.yaxis.ticktext[0]
    assert label.startswith("&lt;b&gt;x&lt;/b&gt;")
    assert "…" in label
    assert "&lt;b&gt;x&lt;/b&gt;" + "y" * 40 in figure.data[0].customdata[0][0]


def test_different_counts_of_two_methods_are_both_told() -> None:
    table = types(a={"padim": 0.9, "patchcore": 0.9})
    table["pictures"] = [18, 20]
    assert heatmap(table).layout.yaxis.ticktext[0] == "a (18–20)"


def recalls() -> pd.DataFrame:
    """Return the recalls of two methods; the second has no threshold."""
    rows = [
        ("padim", 0, 4, 1, 0.25, 0.1, 0.6),
        ("padim", 2, 4, 4, 1.0, 0.4, 1.0),
        ("patchcore", 0, 4, 0, math.nan, math.nan, math.nan),
        ("patchcore", 2, 4, 0, math.nan, math.nan, math.nan),
    ]
    names = ["method", "group", "pictures", "reported", "recall", "low", "high"]
    return pd.DataFrame(rows, columns=names)


def test_recall_has_its_interval_and_the_methods_look() -> None:
    figure = size_recall_chart(recalls(), {0: "small\n1–5 px", 2: "large\n9 px"}, "t", "x", "y")
    padim, patchcore = figure.data
    assert list(padim.y) == [25, 100]
    assert list(padim.error_y.array) == pytest.approx([35, 0])
    assert list(padim.error_y.arrayminus) == pytest.approx([15, 60])
    assert padim.customdata[0] == "1 / 4 · 10–60 %"
    assert padim.marker.color == method_colour("padim")
    assert padim.marker.symbol == method_symbol("padim")
    assert len(patchcore.y) == 0


def test_groups_stand_beside_each_other_and_methods_never_on_one_spot() -> None:
    table = recalls().fillna(0.5)
    figure = size_recall_chart(table, {0: "a", 2: "<b>"}, "t", "x", "y")
    assert figure.layout.xaxis.tickvals == (0, 1)
    assert figure.layout.xaxis.ticktext == ("a", "&lt;b&gt;")
    places = [x for trace in figure.data for x in trace.x]
    assert len(set(places)) == len(places)
    assert [round(x) for x in figure.data[0].x] == [0, 1]


def test_published_values_are_gray_and_ours_coloured() -> None:
    dots = [
        PublishedDot("PaDiM\nresnet18", 0.95, "A <x>", "padim"),
        PublishedDot("PaDiM\nresnet18", 0.97, "B", "padim"),
        PublishedDot("PaDiM\nwide", 0.99, "B", "padim"),
        PublishedDot("PaDiM\nresnet18", 0.96, "", "padim"),
        PublishedDot("PaDiM\nwide", 0.96, "", "padim", filled=False),
    ]
    figure = published_chart(dots, {"padim": "ours: PaDiM"}, "t", "x")
    by_name = {trace.name: trace for trace in figure.data}
    assert set(by_name) == {"ours: PaDiM", "A &lt;x&gt;", "B"}
    ours = by_name.pop("ours: PaDiM")
    assert ours.marker.color == method_colour("padim")
    assert ours.marker.symbol == ("square", "square-open")
    assert {trace.marker.color for trace in by_name.values()} == {NEUTRAL_COLOUR}
    assert len({trace.marker.symbol for trace in by_name.values()}) == 2
    assert (list(by_name["B"].x), list(by_name["B"].y)) == ([0.97, 0.99], [0, 1])
    assert figure.layout.yaxis.ticktext == ("PaDiM<br>resnet18", "PaDiM<br>wide")


def test_an_undefined_value_of_ours_is_not_drawn() -> None:
    dots = [
        PublishedDot("row", 0.95, "A", "padim"),
        PublishedDot("row", math.nan, "", "padim"),
    ]
    figure = published_chart(dots, {"padim": "ours"}, "t", "x")
    assert [len(trace.x) for trace in figure.data] == [0, 1]


@pytest.mark.parametrize("metric", ["image_auroc", "pixel_auroc"])
def test_there_is_a_symbol_for_every_source(metric: str) -> None:
    sources = {one.source for one in published_values() if one.metric == metric}
    assert len(sources) <= len(SOURCE_SYMBOLS)
