"""Inspect: new pictures, or damaged test pictures, scored by every finished method."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard.finished import FinishedCell
from dashboard.frame import framed
from dashboard.inspection.file_batch import draw_batch
from dashboard.inspection.picture_choice import (
    CAMERA,
    FILES,
    TEST,
    Chosen,
    chosen_file,
    draw_choice,
    draw_test_picture,
    draw_upload,
)
from dashboard.inspection.scored_picture import draw_result
from dashboard.opening import draw_finished_cells, has_category, opened
from dashboard.session_models import opened_cell
from dashboard.state import draw_false_alarm_slider, said, t, told
from dashboard.tables import method_title
from data_utils.facts import fact_of
from data_utils.transform import Transform
from evaluation.new_pictures.opened_cell import OpenCell, geometry_of


def draw() -> None:
    """Draw the page."""
    selection = opened("inspection_title", "inspection_lead")
    if has_category(selection) and (cells := draw_finished_cells(selection)):
        _draw_inspection(cells, geometry_of(cells[0].about), selection.category)


def _draw_inspection(cells: list[FinishedCell], geometry: Transform, category: str) -> None:
    source = draw_choice("inspection_source", [FILES, CAMERA, TEST])
    # Beside each other, so that what a slider changes is in sight.
    controls, shown = st.columns([2, 3]) if source == TEST else (st.container(), st.container())
    with controls:
        files, chosen = _draw_source(source, cells, geometry, category)
    if not files and chosen is None:
        return
    with shown:
        _draw_scored(cells, geometry, category, files, chosen)


def _draw_source(
    source: str, cells: list[FinishedCell], geometry: Transform, category: str
) -> tuple[list[UploadedFile], Chosen | None]:
    """Draw where the picture comes from; return the files or the one picture."""
    files, chosen = [], None
    if source == FILES:
        files = draw_upload(category)
    elif source == CAMERA:
        taken = st.camera_input(t("inspection_take_photo"), key="inspection_camera")
        chosen = chosen_file(taken, t("inspection_photo"), category, geometry) if taken else None
    else:
        chosen = draw_test_picture(cells, geometry)
    return files, chosen


def _draw_scored(
    cells: list[FinishedCell],
    geometry: Transform,
    category: str,
    files: list[UploadedFile],
    chosen: Chosen | None,
) -> None:
    with st.spinner(t("inspection_loading")):
        ready = [one for cell in cells if (one := _opened(cell, geometry))]
    if not ready:
        return
    false_alarms = draw_false_alarm_slider()
    if files:
        many = len(files) > 1
        file = draw_batch(ready, files, category, false_alarms) if many else files[0]
        chosen = chosen_file(file, file.name, category, geometry) if file else None
    if chosen is not None:
        draw_result(ready, chosen, false_alarms)


def _opened(cell: FinishedCell, geometry: Transform) -> OpenCell | None:
    """Load a cell's model; None, with a sentence, if it cannot score pictures of this size."""
    try:
        found = opened_cell(cell.place, cell.about)
    except (ValueError, OSError) as error:
        st.error(told(fact_of(error)))
        return None
    size = found.geometry
    if size == geometry:
        return found
    words = said(
        "size_whole" if size.shorter_side is None else "size_cropped",
        height=size.height,
        width=size.width,
        side=size.shorter_side,
    )
    place = f"{cell.place.category} / {method_title(cell.method)}"
    st.error(t("inspection_other_size", cell=place, size=words))
    return None


framed(draw)
