"""Inspect: new pictures, or damaged test pictures, scored by every finished method."""

from __future__ import annotations

import streamlit as st

from dashboard.finished import FinishedCell, finished_methods
from dashboard.frame import framed
from dashboard.inspection.results import draw_batch, draw_result
from dashboard.inspection.scoring import Chosen, Ready, geometry, ready_methods
from dashboard.inspection.sources import (
    CAMERA,
    FILES,
    chosen_file,
    draw_camera,
    draw_source_choice,
    draw_test_picture,
    draw_upload,
)
from dashboard.notices import draw_no_results, draw_notices, draw_origin
from dashboard.state import allowed_false_alarms, draw_false_alarm_slider, selected, t
from dashboard.tables import method_title
from dashboard.texts import plain
from data_utils.transform import Transform
from detectors.registry import METHODS
from evaluation.cells import CellError


def draw() -> None:
    """Draw the page."""
    selection = selected()
    st.title(t("inspection_title", category=selection.category))
    st.markdown(t("inspection_lead"))
    draw_notices(selection)
    if not selection.category:
        st.info(t("inspection_no_category"))
        return
    try:
        cells, problems = finished_methods(selection.outputs, selection.category)
    except CellError as error:
        cells, problems = [], [str(error)]
    for problem in problems:
        st.error(plain(problem))
    if not cells:
        draw_no_results(selection)
        return
    draw_origin(selection, [cell.about for cell in cells])
    missing = [method_title(key) for key in METHODS if key not in {c.method for c in cells}]
    if missing:
        st.caption(t("method_missing", methods=", ".join(missing)))
    try:
        wanted = geometry(cells)
    except CellError as error:
        st.error(plain(str(error)))
        return
    _draw_inspection(cells, wanted)


def _draw_inspection(cells: list[FinishedCell], wanted: Transform) -> None:
    category = cells[0].place.category
    source = draw_source_choice()
    chosen: Chosen | None = None
    if source == FILES:
        files = draw_upload(category)
        if not files:
            return
        ready = _ready(cells, wanted)
        if not ready:
            return
        draw_false_alarm_slider()
        file = files[0]
        if len(files) > 1:
            looked_at = draw_batch(ready, files, wanted, category, allowed_false_alarms())
            if looked_at is None:
                return
            file = looked_at
        chosen = chosen_file(file, file.name, cells, wanted)
    else:
        if source == CAMERA:
            taken = draw_camera()
            if taken is not None:
                chosen = chosen_file(taken, t("inspection_photo"), cells, wanted)
        else:
            chosen = draw_test_picture(cells, wanted)
        if chosen is None:
            return
        ready = _ready(cells, wanted)
        if not ready:
            return
        draw_false_alarm_slider()
    if chosen is not None:
        draw_result(ready, chosen, allowed_false_alarms())


def _ready(cells: list[FinishedCell], wanted: Transform) -> list[Ready]:
    with st.spinner(t("inspection_loading")):
        ready, problems = ready_methods(cells, wanted)
    for problem in problems:
        st.error(plain(problem))
    return ready


framed(draw)
