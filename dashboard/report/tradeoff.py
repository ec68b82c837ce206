"""The trade-off chart of a report: seconds against image AUROC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.figures.tradeoff import tradeoff_chart
from dashboard.report.charts import chart
from dashboard.report.markup import Markup, element, joined, paragraph
from dashboard.report.words import Said
from dashboard.tradeoff.groups import (
    Group,
    groups,
    in_order,
    mean_points,
    shared_categories,
    with_front,
)
from evaluation.summary import table_of

COST, GAIN = "runtime_s", "image_auroc"
MOST_CATEGORIES = 4
HEIGHT_PX = 350


def tradeoff_section(abouts: Sequence[dict[str, Any]], said: Said, language: str) -> Markup:
    """Return a chart for each group of cells that may be compared with each other.

    One point per cell; with more than four categories one per method, its mean over the
    categories that all methods have finished, where there are such.
    """
    table = table_of(abouts).assign(origin="")
    found = groups(table)
    parts: list[Markup] = []
    for number, group in enumerate(found, start=1):
        cells = in_order(group.cells(table))
        shared = shared_categories(cells, GAIN)
        averaged = cells["category"].nunique() > MOST_CATEGORIES and bool(shared)
        points = with_front(mean_points(cells, shared) if averaged else cells, COST, GAIN)
        if points.empty:
            continue
        if len(found) > 1:
            parts.append(paragraph(_name(group, len(cells), said)))
        figure = tradeoff_chart(points, COST, GAIN, language).update_layout(height=HEIGHT_PX)
        parts.append(chart(figure, f"tradeoff-{number}", said))
        if averaged:
            words = said("tradeoff_mean_over", names=", ".join(shared))
            parts.append(paragraph(words, class_="note"))
    if not parts:
        return Markup()
    parts.insert(0, element("h3", said("report_tradeoff")))
    return joined([*parts, paragraph(said("report_tradeoff_note"), class_="note")])


def _name(group: Group, count: int, said: Said) -> str:
    return said(
        "tradeoff_group_name",
        data=said("tradeoff_data_demo") if group.demo_data else said("tradeoff_data_real"),
        weights=said(f"tradeoff_weights_{group.weights}"),
        count=count,
    )
