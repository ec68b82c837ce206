"""Published values beside ours: the table, where sources disagree, and the chart."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard.charts import draw_chart, draw_shown_choice
from dashboard.defects.type_and_size_panel import METRICS, TALLEST_PX
from dashboard.figures.defect_charts import published_chart
from dashboard.loaders import results_stamp, stamped_cells
from dashboard.state import Selection, said, t
from dashboard.tables import draw_download, draw_table, method_title, settings_title
from detectors.registry import position
from evaluation.measure.published import (
    MEAN,
    NO,
    OFFICIAL_COUNTS,
    UNCLEAR,
    YES,
    Comparison,
    PublishedValue,
    comparisons,
    disagreements,
)

VERDICTS = (YES, UNCLEAR, NO)
SCOPES = ("defects_scope_category", "defects_scope_all")
MOST_SENTENCES = 5
WIDTHS_PX = {
    "category": 90,
    "variant": 170,
    "metric": 95,
    "ours": 65,
    "published": 80,
    "difference": 75,
    "comparable": 95,
    "source": 190,
    "reason": 420,
    "settings": None,
}


def draw_published(selection: Selection) -> None:
    """Draw our values beside the published ones, of this category or of all."""
    category = selection.category
    st.markdown(t("defects_published_lead"))
    options = {scope: said(scope) for scope in SCOPES}
    one_category = draw_shown_choice("defects_scope", t("defects_scope"), options) == SCOPES[0]
    found = _comparisons(str(selection.outputs), results_stamp(selection.outputs))
    if one_category:
        found = [one for one in found if one.published.category == category]
    if one_category and category not in OFFICIAL_COUNTS:
        st.info(t("defects_not_official", category=category))
    elif not found:
        key = "defects_not_compared" if one_category else "defects_none_compared"
        st.info(t(key, category=category))
    else:
        _draw_comparisons(found, {"category"} if one_category else set())
        _draw_disagreements(found)
        if one_category:
            _draw_chart(category, found)


@st.cache_data(show_spinner=False, max_entries=4)
def _comparisons(outputs: str, stamp: str) -> list[Comparison]:
    """Return our values beside the published ones, of all readable cells with any settings."""
    return sorted(
        comparisons(stamped_cells(outputs, stamp)[0]),
        key=lambda one: (
            one.published.category == MEAN,
            one.published.category,
            position(one.published.method),
            one.settings_id,
            one.published.metric,
            VERDICTS.index(one.comparable),
        ),
    )


def _draw_comparisons(found: Sequence[Comparison], hidden: set[str]) -> None:
    """Draw a row per published value, and a button that downloads all columns."""
    table = pd.DataFrame(
        {
            "category": [_category(one.published.category) for one in found],
            "variant": [" · ".join(_variant(one.published)) for one in found],
            "metric": [said(f"metric_{one.published.metric}") for one in found],
            "ours": [one.ours for one in found],
            "published": [one.published.value for one in found],
            "difference": [one.difference for one in found],
            "comparable": [said(f"defects_comparable_{one.comparable}") for one in found],
            "source": [one.published.source for one in found],
            "reason": [_reasons(one) for one in found],
            "settings": [settings_title(one.settings_id) for one in found],
        }
    )
    if not any(one.settings_id for one in found):
        hidden = {*hidden, "settings"}
    draw_table(
        table.drop(columns=list(hidden)),
        {
            name: st.column_config.Column(t(f"column_{name}"), width=width)
            for name, width in WIDTHS_PX.items()
        },
        {"ours": "{:.3f}", "published": "{:.3f}", "difference": signed},
        tallest_px=TALLEST_PX,
    )
    st.caption(t("defects_table_caption"))
    draw_download(t("download_table"), table, "published_against_ours.csv", "utf-8-sig")


def _draw_disagreements(found: Sequence[Comparison]) -> None:
    """Say where published values of our own kind of backbone differ among themselves."""
    alike = [
        one.published
        for one in found
        if not any(reason.code in ("backbone", "network") for reason in one.reasons)
    ]
    titles = {value.title: _title(value) for value in alike if value.ratio is None}
    sentences = [
        t(
            "defects_disagree",
            method=titles.get(one.title, one.title),
            backbone=one.backbone,
            category=_category(one.category),
            metric=said(f"metric_{one.metric}"),
            low=f"{one.low:.3f}",
            high=f"{one.high:.3f}",
            sources=one.sources,
        )
        for one in disagreements(alike)
    ]
    if len(sentences) > MOST_SENTENCES:
        with st.expander(t("defects_disagree_many", count=len(sentences))):
            st.markdown("\n".join(f"- {sentence}" for sentence in sentences))
    elif sentences:
        st.info("\n\n".join(sentences))


def _draw_chart(category: str, found: Sequence[Comparison]) -> None:
    options = {metric: said(f"metric_{metric}") for metric in METRICS}
    metric = draw_shown_choice("defects_published_metric", t("defects_chart_metric"), options)
    dots = published_dots([one for one in found if one.published.metric == metric])
    if dots.empty:
        return
    figure = published_chart(
        dots,
        {key: said("defects_chart_ours", method=method_title(key)) for key in dots["method"]},
        said("defects_chart_title", metric=options[metric], category=category),
        said("defects_chart_axis", metric=options[metric]),
    )
    draw_chart(figure, "defects_published_chart", f"{category}_published_{metric}")
    st.caption(t("defects_chart_caption"))


def published_dots(found: Sequence[Comparison]) -> pd.DataFrame:
    """Return the chart's dots of one category and metric, a row per published variant.

    Ours, once per variant, is filled if any published value of the variant may be compared.
    """
    rows = []
    for one in found:
        row = "\n".join(_variant(one.published)).replace(", ", "\n")
        dot = {"row": row, "method": one.published.method}
        theirs = {"value": one.published.value, "source": one.published.source, "filled": True}
        ours = {"value": one.ours, "source": "", "filled": one.comparable == YES}
        rows += [dot | theirs, dot | ours]
    dots = pd.DataFrame(rows, columns=["row", "value", "source", "method", "filled"])
    alike = ["row", "value", "source", "method"]
    return dots.groupby(alike, sort=False, dropna=False)["filled"].any().reset_index()


def signed(difference: float) -> str:
    """Return a difference with its sign and three decimals; ``0.000`` has no sign."""
    rounded = round(difference, 3)
    return f"{rounded:+.3f}" if rounded else "0.000"


def _category(name: str) -> str:
    return said("defects_mean") if name == MEAN else name


def _title(value: PublishedValue) -> str:
    """Return the published method's name, and that its coreset share is not stated."""
    if value.method == "patchcore" and value.ratio is None:
        return said("defects_share_unstated", method=value.title)
    return value.title


def _variant(value: PublishedValue) -> list[str]:
    """Return the published method and, if it has one, its backbone."""
    return [_title(value), *[value.backbone] * (value.backbone != "none")]


def _reasons(one: Comparison) -> str:
    """Return why a value is not or may not be comparable, known differences first."""
    ordered = sorted(one.reasons, key=lambda reason: not reason.certain)
    return "; ".join(said(f"defects_reason_{reason.code}", **reason.values) for reason in ordered)
