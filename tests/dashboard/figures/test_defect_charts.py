"""Charts of the Defect types page, read back from the figures."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard.figures.defect_charts import (
    SOURCE_SYMBOLS,
    published_chart,
    size_recall_chart,
    type_heatmap,
)
from dashboard.figures.style import AUROC_LIMITS, NEUTRAL_COLOUR, method_colour, method_symbol
from evaluation.measure.by_defect import SizeRecall
from evaluation.measure.published import published_values


def types(**values: dict[str, float]) -> pd.DataFrame:
    """Return a table of types from ``defect={method: AUROC}``; the n-th type has n pictures."""
    rows = [
        {"method": method, "defect": defect, "pictures": number, "image_auroc": value}
        for number, (defect, by_method) in enumerate(values.items(), start=1)
        for method, value in by_method.items()
    ]
    return pd.DataFrame(rows)


def heatmap(table: pd.DataFrame, overall: dict[str, float] | None = None) -> go.Figure:
    return type_heatmap(table, "image_auroc", overall or {}, "title", "types", "all types")


def written(figure: go.Figure) -> dict[tuple[str, int], str]:
    texts = figure.data[1]
    return dict(zip(zip(texts.x, texts.y, strict=True), texts.text, strict=True))


def test_the_hardest_type_is_on_top_with_its_pictures_and_numbers() -> None:
    table = types(dent={"padim": 0.99, "patchcore": 0.98}, cut={"padim": 0.6, "patchcore": 0.8512})
    figure = heatmap(table, {"padim": 0.7, "patchcore": 0.9})
    assert figure.layout.yaxis.ticktext == ("cut (2)", "dent (1)", "<b>all types</b>")
    assert figure.layout.yaxis.autorange == "reversed"
    rows = [("0.600", "0.851"), ("0.990", "0.980"), ("0.700", "0.900")]
    assert written(figure) == {
        (method, row): text
        for row, texts in enumerate(rows)
        for method, text in zip(("PaDiM", "PatchCore"), texts, strict=True)
    }
    assert figure.data[1].hovertext[1] == "cut · PatchCore<br>0.8512 (2)"


def test_a_click_on_a_number_tells_method_and_type_and_one_on_the_last_row_the_method() -> None:
    table = types(dent={"padim": 0.99, "patchcore": 0.98}, cut={"padim": 0.6, "patchcore": 0.85})
    numbers = heatmap(table).data[1]
    told = dict(zip(zip(numbers.x, numbers.y, strict=True), numbers.customdata, strict=True))
    assert told == {
        ("PaDiM", 0): ["padim", "cut"],
        ("PatchCore", 0): ["patchcore", "cut"],
        ("PaDiM", 1): ["padim", "dent"],
        ("PatchCore", 1): ["patchcore", "dent"],
        ("PaDiM", 2): ["padim"],
        ("PatchCore", 2): ["patchcore"],
    }


def test_colours_step_at_the_limits() -> None:
    table = types(a={"padim": 0.3}, b={"padim": AUROC_LIMITS[0]}, c={"padim": 1.0})
    heat = heatmap(table, {"padim": 0.989}).data[0]
    assert [row[0] for row in heat.z] == [0, 1, len(AUROC_LIMITS), len(AUROC_LIMITS) - 1]
    assert (heat.zmin, heat.zmax) == (-0.5, len(AUROC_LIMITS) + 0.5)


def test_undefined_values_are_marked_have_no_colour_and_come_last() -> None:
    table = types(
        c={"padim": math.nan}, a={"padim": math.nan, "patchcore": 0.9}, b={"patchcore": 0.8}
    )
    figure = heatmap(table)
    texts = written(figure)
    assert figure.layout.yaxis.ticktext[-2] == "c (1)"
    assert [texts["PaDiM", row] for row in range(4)] == ["n/a"] * 4
    assert {texts["PatchCore", row] for row in range(2)} == {"0.900", "0.800"}
    assert np.isnan([row[0] for row in figure.data[0].z]).all()


def test_names_from_disk_are_escaped_long_ones_shortened_and_different_counts_both_told() -> None:
    name = "<b>x</b>" + "y" * 40
    table = types(**{name: {"padim": 0.9, "patchcore": 0.9}})
    table["pictures"] = [18, 20]
    figure = heatmap(table)
    label = figure.layout.yaxis.ticktext[0]
    assert label.startswith("&lt;b&gt;x&lt;/b&gt;")
    assert label.endswith("… (18–20)")
    assert "&lt;b&gt;x&lt;/b&gt;" + "y" * 40 in figure.data[1].hovertext[0]


def test_recall_has_its_interval_and_the_methods_look_and_no_two_stand_on_one_spot() -> None:
    recalls = {
        "padim": [
            SizeRecall(0, 1, 5, 4, 1, 0.25, (0.1, 0.6)),
            SizeRecall(2, 9, 9, 4, 4, 1.0, (0.4, 1.0)),
        ],
        "patchcore": [
            SizeRecall(0, 1, 5, 4, 2, 0.5, (0.2, 0.8)),
            SizeRecall(2, 9, 9, 4, 4, 1.0, (0.4, 1.0)),
        ],
        "ae": [SizeRecall(group, 1, 5, 4, 0, math.nan, (math.nan, math.nan)) for group in (0, 2)],
    }
    figure = size_recall_chart(recalls, ["small\n1–5 px", "<b>"], "t", "x", "y")
    padim, patchcore, ae = figure.data
    assert list(padim.y) == [25, 100]
    assert list(padim.error_y.array) == pytest.approx([35, 0])
    assert list(padim.error_y.arrayminus) == pytest.approx([15, 60])
    assert list(padim.customdata[0]) == ["padim", 0, "1 / 4", 10, 60]
    assert [group for _, group, *_ in padim.customdata] == [0, 2]
    assert padim.marker.color == method_colour("padim")
    assert padim.marker.symbol == method_symbol("padim")
    assert len(ae.y) == 0
    assert figure.layout.xaxis.tickvals == (0, 1)
    assert figure.layout.xaxis.ticktext == ("small<br>1–5 px", "&lt;b&gt;")
    places = [*padim.x, *patchcore.x]
    assert len(set(places)) == len(places)
    assert [round(x) for x in places] == [0, 1, 0, 1]


def test_published_values_are_gray_and_ours_coloured_and_nothing_undefined_is_drawn() -> None:
    dots = pd.DataFrame(
        [
            ("PaDiM\nresnet18", 0.95, "A <x>", True),
            ("PaDiM\nresnet18", 0.97, "B", True),
            ("PaDiM\nwide", 0.99, "B", True),
            ("PaDiM\nresnet18", 0.96, "", True),
            ("PaDiM\nwide", 0.96, "", False),
            ("PaDiM\nwide", math.nan, "", True),
        ],
        columns=["row", "value", "source", "filled"],
    ).assign(method="padim")
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


@pytest.mark.parametrize("metric", ["image_auroc", "pixel_auroc"])
def test_there_is_a_symbol_for_every_source(metric: str) -> None:
    sources = {one.source for one in published_values() if one.metric == metric}
    assert len(sources) <= len(SOURCE_SYMBOLS)
