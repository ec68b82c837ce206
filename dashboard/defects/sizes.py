"""Recall by size of the defect, as a chart and as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.charts import draw_chart
from dashboard.defects.tables import SizeTable, size_table
from dashboard.figures.defects import size_recall_chart
from dashboard.finished import FinishedCell
from dashboard.state import Selection, draw_false_alarm_slider, said, t
from dashboard.tables import method_title, percent, percent_interval
from evaluation.defect_size import GROUPS
from evaluation.thresholds import pictures_needed

SIZE_NAMES = ("defects_size_0", "defects_size_1", "defects_size_2")


def draw_sizes(selection: Selection, cells: Sequence[FinishedCell]) -> None:
    """Draw the recall of every method by the marked area of the defects."""
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


def _draw_missing_thresholds(cells: Sequence[FinishedCell], sizes: SizeTable, rate: float) -> None:
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
