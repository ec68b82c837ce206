"""Defect types: what kinds and sizes of defects each method finds, and what others published."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.charts import draw_chart
from dashboard.defects.tables import (
    METRIC_KEYS,
    SizeTable,
    all_comparisons,
    all_types,
    comparison_table,
    published_dots,
    published_title,
    signed,
    size_table,
)
from dashboard.figures.defects import published_chart, size_recall_chart, type_heatmap
from dashboard.finished import FinishedCell, finished_methods
from dashboard.frame import framed
from dashboard.loaders import results
from dashboard.notices import draw_brightness_notice, draw_notices
from dashboard.state import Selection, draw_false_alarm_slider, said, selected, t
from dashboard.tables import method_title, percent, percent_interval
from dashboard.texts import plain
from detectors.registry import METHODS
from evaluation.defect_size import GROUPS
from evaluation.defect_types import hardest_types, type_table
from evaluation.published import MEAN, OFFICIAL_COUNTS, Comparison, disagreements
from evaluation.thresholds import pictures_needed

SIZE_NAMES = ("defects_size_0", "defects_size_1", "defects_size_2")
MOST_SENTENCES = 5
TABLE_PX = 460


def draw() -> None:
    """Draw the page."""
    selection = selected()
    st.title(t("defects_title", category=selection.category))
    draw_notices(selection)
    if not selection.category:
        st.info(t("defects_no_category"))
        return
    cells, problems = finished_methods(selection.outputs, selection.category)
    for problem in problems:
        st.error(plain(problem))
    found = {cell.method for cell in cells}
    missing = [METHODS[key].title for key in METHODS if key not in found]
    if cells:
        draw_brightness_notice(results(selection.outputs)[0], selection.category)
        if missing:
            st.info(t("method_missing", methods=", ".join(missing)))
        st.header(t("defects_types_header"))
        metric = _draw_metric("defects_types_metric", t("defects_metric"))
        _draw_types(selection, cells, metric)
        _draw_hardest(selection, metric)
        st.header(t("defects_size_header"))
        _draw_sizes(selection, cells)
    elif not problems:
        st.info(t("no_methods_yet", category=selection.category))
    st.header(t("defects_published_header"))
    _draw_published(selection)


def _draw_metric(key: str, label: str) -> str:
    chosen: str = st.segmented_control(
        label,
        list(METRIC_KEYS),
        default="image_auroc",
        key=key,
        format_func=lambda metric: said(METRIC_KEYS[metric]),
        required=True,
    )
    return chosen


def _draw_types(selection: Selection, cells: list[FinishedCell], metric: str) -> None:
    types = type_table(cell.about for cell in cells)
    if types.empty:
        st.info(t("defects_no_types", category=selection.category))
        return
    overall = {cell.method: cell.about["metrics"].get(metric, float("nan")) for cell in cells}
    names = {"metric": said(METRIC_KEYS[metric]), "category": selection.category}
    figure = type_heatmap(
        types,
        metric,
        overall,
        said("defects_types_title", **names),
        said("defects_type_axis"),
        said("defects_all_types"),
    )
    draw_chart(figure, "defects_types_chart", f"{selection.category}_defect_types_{metric}")
    st.caption(t("defects_types_caption"))
    if types[metric].isna().any() or len(types) < types["defect"].nunique() * len(cells):
        st.caption(t("defects_types_na"))


def _draw_hardest(selection: Selection, metric: str) -> None:
    hardest = hardest_types(all_types(selection.outputs), metric)
    if hardest.empty:
        return
    with st.expander(t("defects_hardest", count=len(hardest))):
        shown = pd.DataFrame(
            {
                "category": hardest["category"],
                "defect": hardest["defect"],
                "method": [method_title(key) for key in hardest["method"]],
                **{name: hardest[name] for name in METRIC_KEYS},
                "pictures": hardest["pictures"],
                "data": [said("demo_badge") if demo else "" for demo in hardest["demo_data"]],
            }
        )
        headings = {
            "category": t("column_category"),
            "defect": t("defects_column_defect"),
            "method": t("column_method"),
            **{name: t(key) for name, key in METRIC_KEYS.items()},
            "pictures": t("defects_column_pictures"),
            "data": t("column_data"),
        }
        st.dataframe(
            shown.style.format(dict.fromkeys(METRIC_KEYS, "{:.3f}"), na_rep="n/a"),
            hide_index=True,
            width="stretch",
            height=_height(len(shown)),
            column_order=[name for name in headings if name != "data" or any(shown["data"])],
            column_config=headings,
        )
        st.caption(t("defects_hardest_caption", metric=said(METRIC_KEYS[metric])))


def _draw_sizes(selection: Selection, cells: list[FinishedCell]) -> None:
    rate = draw_false_alarm_slider()
    sizes = size_table(cells, rate)
    counts = {"defective": sizes.defective, "used": sizes.used}
    if sizes.left_out:
        titles = ", ".join(method_title(key) for key in sizes.left_out)
        st.warning(t("defects_other_pictures", methods=titles))
    if sizes.recalls.empty:
        if sizes.defective == 0:
            st.info(t("defects_no_types", category=selection.category))
        elif sizes.without_mask == sizes.defective:
            st.info(t("defects_no_masks", **counts))
        else:
            st.info(t("defects_few_masks", needed=GROUPS, **counts))
        return
    _draw_missing_thresholds(cells, sizes, rate)
    labels = _group_labels(sizes)
    if sizes.recalls["recall"].notna().any():
        names = {"rate": percent(rate), "category": selection.category}
        figure = size_recall_chart(
            sizes.recalls,
            labels,
            said("defects_size_title", **names),
            said("defects_size_axis"),
            said("defects_recall_axis"),
        )
        draw_chart(figure, "defects_size_chart", f"{selection.category}_recall_by_size")
    _draw_size_numbers(sizes, labels)
    groups = sizes.recalls.drop_duplicates("group").sort_values("group")
    limits = ", ".join(
        said("defects_size_limit", area=area) for area in groups["largest"].iloc[:-1]
    )
    st.caption(
        t(
            "defects_size_caption",
            **counts,
            limits=limits or "n/a",
            height=sizes.height,
            width=sizes.width,
        )
    )
    if len(groups) < GROUPS:
        st.caption(t("defects_size_ties"))
    if sizes.without_mask:
        st.caption(t("defects_without_mask", count=sizes.without_mask))
    if sizes.outside:
        st.caption(t("defects_outside", count=sizes.outside))


def _draw_missing_thresholds(cells: list[FinishedCell], sizes: SizeTable, rate: float) -> None:
    unknown = set(sizes.recalls.loc[sizes.recalls["recall"].isna(), "method"])
    for cell in cells:
        if cell.method in unknown:
            st.warning(
                t(
                    "defects_no_threshold",
                    method=method_title(cell.method),
                    count=len(cell.calibration_scores),
                    rate=percent(rate),
                    needed=pictures_needed(rate),
                )
            )


def _group_labels(sizes: SizeTable) -> dict[int, str]:
    """Return each group's label: its name if there are all three, area and pictures."""
    groups = sizes.recalls.drop_duplicates("group").sort_values("group")
    whole = sizes.height * sizes.width
    labels = {}
    for row in groups.to_dict("records"):
        low, high = row["smallest"], row["largest"]
        lines = [said(SIZE_NAMES[row["group"]])] if len(groups) == GROUPS else []
        lines += [
            f"{low}–{high} px" if low < high else f"{low} px",
            f"{100 * low / whole:.2g}–{100 * high / whole:.2g} %"
            if low < high
            else f"{100 * low / whole:.2g} %",
            said("defects_pictures", count=row["pictures"]),
        ]
        labels[row["group"]] = "\n".join(lines)
    return labels


def _draw_size_numbers(sizes: SizeTable, labels: dict[int, str]) -> None:
    """Draw the chart's numbers as a table: a row per group, a column per method."""
    group = said("defects_size_group")
    table = pd.DataFrame(
        {group: [label.rpartition("\n")[0].replace("\n", " · ") for label in labels.values()]}
    )
    for method, rows in sizes.recalls.groupby("method", sort=False):
        by_group = rows.set_index("group")
        table[method_title(str(method))] = [
            _recall_text(by_group.loc[number].to_dict()) for number in labels
        ]
    st.dataframe(table, hide_index=True, width="stretch")


def _recall_text(row: dict[Any, Any]) -> str:
    if math.isnan(row["recall"]):
        return "n/a"
    counted = f"{row['reported']:.0f} / {row['pictures']:.0f}"
    return f"{percent(row['recall'])} ({counted}; {percent_interval(row['low'], row['high'])})"


def _draw_published(selection: Selection) -> None:
    st.markdown(t("defects_published_lead"))
    scope = st.segmented_control(
        t("defects_scope"),
        ["defects_scope_category", "defects_scope_all"],
        default="defects_scope_category",
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
        height=_height(len(table)),
        column_order=[name for name in headings if name not in hidden],
        column_config=headings,
    )
    st.caption(t("defects_table_caption"))
    st.download_button(
        t("defects_download"),
        table.round({"ours": 6, "difference": 6})
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
    metric = _draw_metric("defects_published_metric", t("defects_chart_metric"))
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


def _height(rows: int) -> int:
    return min(35 * (rows + 1) + 3, TABLE_PX)


framed(draw)
