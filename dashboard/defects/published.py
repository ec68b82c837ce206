"""Published values beside ours: the table, where sources disagree, and the chart."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard.charts import draw_chart
from dashboard.defects.metric import draw_metric
from dashboard.defects.tables import (
    METRIC_KEYS,
    TALLEST_PX,
    all_comparisons,
    comparison_table,
    published_dots,
    published_title,
    signed,
)
from dashboard.figures.defects import published_chart
from dashboard.state import Selection, keep_choice, said, t
from dashboard.tables import method_title, table_height
from evaluation.published import MEAN, OFFICIAL_COUNTS, Comparison, disagreements
from evaluation.spreadsheet import harmless_table

SCOPES = ["defects_scope_category", "defects_scope_all"]
MOST_SENTENCES = 5


def draw_published(selection: Selection) -> None:
    """Draw our values beside the published ones, of this category or of all."""
    st.markdown(t("defects_published_lead"))
    keep_choice("defects_scope", SCOPES)
    scope = st.segmented_control(
        t("defects_scope"),
        SCOPES,
        key="defects_scope",
        format_func=said,
        required=True,
    )
    found = all_comparisons(selection.outputs)
    if scope == "defects_scope_category":
        if selection.category not in OFFICIAL_COUNTS:
            st.info(t("defects_not_official", category=selection.category))
            return
        found = [one for one in found if one.published.category == selection.category]
        if not found:
            st.info(t("defects_not_compared", category=selection.category))
            return
    if not found:
        st.info(t("defects_none_compared"))
        return
    _draw_comparisons(found, by_category=scope == "defects_scope_category")
    _draw_disagreements(found)
    if scope == "defects_scope_category":
        _draw_published_chart(selection, found)


def _draw_comparisons(found: list[Comparison], by_category: bool) -> None:
    table = comparison_table(found)
    hidden = {"category"} if by_category else set()
    if not any(one.settings_id for one in found):
        hidden.add("settings")
    column = st.column_config.Column
    headings: dict[str, Any] = {
        "category": column(t("column_category"), width=90),
        "variant": column(t("defects_column_variant"), width=170),
        "metric": column(t("defects_column_metric"), width=95),
        "ours": column(t("defects_column_ours"), width=65),
        "published": column(t("defects_column_published"), width=80),
        "difference": column(t("defects_column_difference"), width=75),
        "comparable": column(t("defects_column_comparable"), width=95),
        "source": column(t("defects_column_source"), width=190),
        "reason": column(t("defects_column_reason"), width=420),
        "settings": t("column_settings"),
    }
    numbers: Any = {"ours": "{:.3f}", "published": "{:.3f}", "difference": signed}
    st.dataframe(
        table.style.format(numbers, na_rep="n/a"),
        hide_index=True,
        width="stretch",
        height=table_height(len(table), TALLEST_PX),
        column_order=[name for name in headings if name not in hidden],
        column_config=headings,
    )
    st.caption(t("defects_table_caption"))
    st.download_button(
        t("defects_download"),
        harmless_table(table.round({"ours": 6, "difference": 6}))
        .to_csv(index=False, na_rep="n/a")
        .encode("utf-8-sig"),
        file_name="published_against_ours.csv",
        mime="text/csv",
        key="defects_download",
    )


def _draw_disagreements(found: list[Comparison]) -> None:
    """Say where published values of our own kind of backbone differ among themselves."""
    alike = [
        one.published
        for one in found
        if not any(reason.code in ("backbone", "network") for reason in one.reasons)
    ]
    titles = {value.title: published_title(value) for value in alike if value.ratio is None}
    sentences = [
        t(
            "defects_disagree",
            method=titles.get(one.title, one.title),
            backbone=one.backbone,
            category=said("defects_mean") if one.category == MEAN else one.category,
            metric=said(METRIC_KEYS[one.metric]),
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


def _draw_published_chart(selection: Selection, found: list[Comparison]) -> None:
    metric = draw_metric("defects_published_metric", t("defects_chart_metric"))
    dots = published_dots([one for one in found if one.published.metric == metric])
    if not dots:
        return
    methods = {dot.method for dot in dots}
    title = said(METRIC_KEYS[metric])
    figure = published_chart(
        dots,
        {key: said("defects_chart_ours", method=method_title(key)) for key in methods},
        said("defects_chart_title", metric=title, category=selection.category),
        said("defects_chart_axis", metric=title),
    )
    draw_chart(figure, "defects_published_chart", f"{selection.category}_published_{metric}")
    st.caption(t("defects_chart_caption"))
