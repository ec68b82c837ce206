"""AUROC by defect type: of one category as a heatmap, of all categories as a table."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard.charts import draw_chart
from dashboard.defects.tables import METRIC_KEYS, TALLEST_PX, all_types
from dashboard.figures.defects import type_heatmap
from dashboard.finished import FinishedCell
from dashboard.state import Selection, said, t
from dashboard.tables import method_title, table_height
from evaluation.defect_types import hardest_types, type_table


def draw_types(selection: Selection, cells: Sequence[FinishedCell], metric: str) -> None:
    """Draw the AUROC of every method on every defect type of the category."""
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


def draw_hardest(selection: Selection, metric: str) -> None:
    """Draw the defect types of all evaluated categories, the lowest AUROC first."""
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
            height=table_height(len(shown), TALLEST_PX),
            column_order=[name for name in headings if name != "data" or any(shown["data"])],
            column_config=headings,
        )
        st.caption(t("defects_hardest_caption", metric=said(METRIC_KEYS[metric])))
