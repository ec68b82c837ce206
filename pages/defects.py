"""Defect types: what kinds and sizes of defects each method finds, and what others published."""

from __future__ import annotations

import streamlit as st

from dashboard.defects.metric import draw_metric
from dashboard.defects.published import draw_published
from dashboard.defects.sizes import draw_sizes
from dashboard.defects.types import draw_hardest, draw_types
from dashboard.finished import finished_methods
from dashboard.frame import framed
from dashboard.loaders import results
from dashboard.notices import draw_brightness_notice, draw_no_results, draw_notices, draw_origin
from dashboard.state import selected, t
from dashboard.texts import plain
from detectors.registry import METHODS


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
        draw_origin(selection, [cell.about for cell in cells])
        draw_brightness_notice(results(selection.outputs)[0], selection.category)
        if missing:
            st.info(t("method_missing", methods=", ".join(missing)))
        st.header(t("defects_types_header"))
        metric = draw_metric("defects_types_metric", t("defects_metric"))
        draw_types(selection, cells, metric)
        draw_hardest(selection, metric)
        st.header(t("defects_size_header"))
        draw_sizes(selection, cells)
    elif not problems:
        draw_no_results(selection)
    st.header(t("defects_published_header"))
    draw_published(selection)


framed(draw)
