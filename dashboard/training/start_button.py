"""The button that starts what a page of training pictures asks for."""

from __future__ import annotations

import streamlit as st

from dashboard.run.control import launch
from dashboard.state import Selection, t
from evaluation.run.job import read_status
from evaluation.run.progress import RUNNING
from evaluation.run.request import Request


def draw_start(selection: Selection, request: Request, label: str, key: str) -> None:
    """Draw it, unless the category's pictures are not there."""
    if selection.category not in selection.categories:
        return
    status = read_status(selection.outputs)
    running = status is not None and status.state == RUNNING
    if st.button(label, key=key, disabled=running):
        launch(selection.outputs, request.arguments())
        st.rerun()
    if running:
        st.caption(t("runpage_busy"))
