"""AUROC by defect type, of one category and of all, and recall by size of the defect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.charts import draw_chart, draw_shown_choice
from dashboard.figures.defect_charts import size_recall_chart, type_heatmap
from dashboard.finished import FinishedCell
from dashboard.loaders import results_stamp, stamped_cells
from dashboard.state import Selection, draw_false_alarm_slider, open_samples, said, t
from dashboard.tables import draw_table, method_title, percent, percent_interval
from evaluation.measure.by_defect import (
    GROUPS,
    SizeRecall,
    hardest_types,
    recall_by_size,
    type_table,
)
from evaluation.measure.conditions import defect_areas, of_size
from evaluation.measure.operating_points import pictures_needed
from evaluation.store.spreadsheet import NOT_AVAILABLE

METRICS = ("image_auroc", "pixel_auroc")
TALLEST_PX = 460


def draw_types(selection: Selection, cells: Sequence[FinishedCell]) -> None:
    """Draw the AUROC of every method on the category's defect types, and the hardest of all."""
    options = {metric: said(f"metric_{metric}") for metric in METRICS}
    metric = draw_shown_choice("defects_types_metric", t("defects_metric"), options)
    types = type_table(cell.about for cell in cells)
    if types.empty:
        st.info(t("defects_no_types", category=selection.category))
    else:
        figure = type_heatmap(
            types,
            metric,
            {cell.method: cell.about["metrics"][metric] for cell in cells},
            said("defects_types_title", metric=options[metric], category=selection.category),
            said("defects_type_axis"),
            said("defects_all_types"),
        )
        name = f"{selection.category}_defect_types_{metric}"
        draw_chart(figure, "defects_types_chart", name, partial(_open_type, _settings(cells)))
        st.caption(t("defects_types_caption"))
        if types[metric].isna().any() or len(types) < types["defect"].nunique() * len(cells):
            st.caption(t("defects_types_na"))
    hardest = hardest_types(
        _all_types(str(selection.outputs), results_stamp(selection.outputs)), metric
    )
    if hardest.empty:
        return
    with st.expander(t("defects_hardest", count=len(hardest))):
        table = hardest[["category", "defect", "method", *METRICS, "pictures"]].assign(
            method=hardest["method"].map(method_title)
        )
        if hardest["demo_data"].any():
            table["data"] = [said("demo_badge") if demo else "" for demo in hardest["demo_data"]]
        headings = {name: t(f"metric_{name}") for name in METRICS}
        draw_table(table, headings, dict.fromkeys(METRICS, "{:.3f}"), tallest_px=TALLEST_PX)
        st.caption(t("defects_hardest_caption", metric=options[metric]))


@st.cache_data(show_spinner=False, max_entries=4)
def _all_types(outputs: str, stamp: str) -> pd.DataFrame:
    """Return ``type_table`` over all cells with default settings."""
    cells = stamped_cells(outputs, stamp)[0]
    return type_table(cell for cell in cells if not cell.get("settings_id"))


def draw_sizes(selection: Selection, cells: Sequence[FinishedCell]) -> None:
    """Draw the recall of every method by the marked area of the defects.

    Methods whose pictures or sizes differ from those of the newest cell are left out.
    """
    rate = draw_false_alarm_slider()
    newest = max(cells, key=lambda cell: str(cell.about.get("finished")))
    areas, geometry = _areas(newest), newest.about["geometry"]
    alike = {
        cell.method: cell
        for cell in cells
        if _areas(cell).equals(areas) and cell.about["geometry"] == geometry
    }
    left_out = [method_title(cell.method) for cell in cells if cell.method not in alike]
    if left_out:
        st.warning(t("defects_other_pictures", methods=", ".join(left_out)))
    without_mask, outside = int(areas.isna().sum()), int((areas == 0).sum())
    counts = {"defective": len(areas), "used": len(areas) - without_mask - outside}
    if areas.empty:
        st.info(t("defects_no_types", category=selection.category))
    elif without_mask == len(areas):
        st.info(t("defects_no_masks", **counts))
    elif counts["used"] < GROUPS:
        st.info(t("defects_few_masks", needed=GROUPS, **counts))
    else:
        groups = _draw_recalls(selection.category, list(alike.values()), areas, rate)
        limits = ", ".join(said("defects_size_limit", area=one.high) for one in groups[:-1])
        counts |= {side: geometry[side] for side in ("height", "width")}
        st.caption(t("defects_size_caption", **counts, limits=limits or NOT_AVAILABLE))
        if len(groups) < GROUPS:
            st.caption(t("defects_size_ties"))
        if without_mask:
            st.caption(t("defects_without_mask", count=without_mask))
        if outside:
            st.caption(t("defects_outside", count=outside))


def _draw_recalls(
    category: str, cells: Sequence[FinishedCell], areas: pd.Series, rate: float
) -> list[SizeRecall]:
    """Draw chart and table of the cells' recalls; return the groups of sizes."""
    recalls = {}
    for cell in cells:
        decisions = cell.decisions(rate)
        scores = cell.test.loc[cell.test["label"] > 0, "score"]
        recalls[cell.method] = groups = recall_by_size(areas, scores, decisions.threshold)
        if not decisions.known:
            st.warning(
                t(
                    "defects_no_threshold",
                    method=method_title(cell.method),
                    count=len(cell.calibration_scores),
                    rate=percent(rate),
                    needed=pictures_needed(rate),
                )
            )
    geometry = cells[0].about["geometry"]
    sizes = [_size_lines(one, geometry, named=len(groups) == GROUPS) for one in groups]
    if not all(math.isnan(found[0].recall) for found in recalls.values()):
        counts = [said("defects_pictures", count=one.pictures) for one in groups]
        figure = size_recall_chart(
            recalls,
            ["\n".join([*lines, count]) for lines, count in zip(sizes, counts, strict=True)],
            said("defects_size_title", rate=percent(rate), category=category),
            said("defects_size_axis"),
            said("defects_recall_axis"),
        )
        opens = partial(_open_size, _settings(cells))
        draw_chart(figure, "defects_size_chart", f"{category}_recall_by_size", opens)
    columns = {method_title(key): list(map(_recall_text, found)) for key, found in recalls.items()}
    table = pd.DataFrame({said("defects_size_group"): map(" · ".join, sizes), **columns})
    st.dataframe(table, hide_index=True, width="stretch")
    return groups


def _settings(cells: Sequence[FinishedCell]) -> dict[str, str]:
    return {cell.method: cell.place.settings_id for cell in cells}


def _open_type(settings: dict[str, str], clicked: list[Any]) -> None:
    """Open the pictures of a clicked defect type, or of all, with the clicked method."""
    for values in filter(None, clicked):
        method, *defect = values.values() if isinstance(values, dict) else values
        open_samples(method=method, settings=settings[method], defect=defect[0] if defect else "")


def _open_size(settings: dict[str, str], clicked: list[Any]) -> None:
    """Open the pictures of a clicked group of sizes with the clicked method."""
    for values in filter(None, clicked):
        method, group, *_ = values.values() if isinstance(values, dict) else values
        open_samples(method=method, settings=settings[method], show=of_size(int(group)))


def _size_lines(group: SizeRecall, geometry: dict[str, Any], named: bool) -> list[str]:
    """Return the group's name if it is wanted, and its areas in pixels and percent."""
    ends = sorted({group.low, group.high})
    whole = geometry["height"] * geometry["width"]
    return [
        *[said(f"defects_size_{group.group}")] * named,
        "–".join(str(area) for area in ends) + " px",
        "–".join(f"{100 * area / whole:.2g}" for area in ends) + " %",
    ]


def _recall_text(one: SizeRecall) -> str:
    if math.isnan(one.recall):
        return NOT_AVAILABLE
    counted = f"{one.reported} / {one.pictures}"
    return f"{percent(one.recall)} ({counted}; {percent_interval(*one.interval)})"


def _areas(cell: FinishedCell) -> pd.Series:
    """Return the marked areas of the defective test pictures, by defect type and stem."""
    defective = cell.test[cell.test["label"] > 0]
    areas = defect_areas(defective)
    areas.index = pd.MultiIndex.from_frame(defective[["defect", "stem"]])
    return areas
