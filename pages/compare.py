"""Compare: one test picture as every method sees it, and where the methods disagree."""

from __future__ import annotations

import math

import streamlit as st

from dashboard.compare.drawing import (
    draw_counts,
    draw_disagreement,
    draw_row,
    draw_thresholds,
    draw_thumbnails,
)
from dashboard.compare.lineup import compared, judged_together, unlike
from dashboard.frame import framed
from dashboard.opening import draw_finished_cells, has_category, opened
from dashboard.samples.picker import draw_condition, draw_filter, draw_picker, telling_sample
from dashboard.samples.sample_set import defect_names
from dashboard.state import Selection, draw_false_alarm_slider, mirror_in_url, t


def draw() -> None:
    """Draw the page."""
    selection = opened("compare_title", "compare_lead")
    if has_category(selection):
        _draw_results(selection)


@st.fragment
def _draw_results(selection: Selection) -> None:
    """Draw what there is of the category; a click redraws only this part of the page."""
    cells = draw_finished_cells(selection)
    if not cells:
        return
    if differences := unlike(cells):
        st.warning(t("compare_unlike", what=differences), icon=":material/warning:")
    with st.container(key="controls", horizontal=True, vertical_alignment="bottom"):
        false_alarms = draw_false_alarm_slider()
        comparison = compared(cells, false_alarms)
        pictures = comparison.together.pictures.assign(score=math.nan)
        met = draw_condition(
            pictures,
            math.nan,
            lambda: judged_together(comparison, pictures),
            single=False,
        )
        defect = draw_filter(defect_names(pictures))
        rows = [row for row in comparison.rows(defect) if met[row]]
        names = [comparison.together.names[row] for row in rows]
        if rows:
            at = draw_picker(names, lambda: telling_sample(pictures, comparison))
    if not rows:
        st.info(t("shown_nothing"))
        mirror_in_url()
        return
    draw_row(comparison, rows, at)
    draw_thresholds(comparison, false_alarms)
    draw_counts(comparison)
    draw_thumbnails(comparison, rows)
    draw_disagreement(comparison, rows)
    mirror_in_url()


framed(draw)
