"""Training pictures: which of them are not good, and how many are enough."""

from __future__ import annotations

import streamlit as st

from dashboard.finished import finished_methods
from dashboard.frame import framed
from dashboard.opening import draw_notices, has_category, opened
from dashboard.state import t
from dashboard.training.learning_panel import draw_learning_curves
from dashboard.training.ratings_panel import draw_ratings


def draw() -> None:
    """Draw the page."""
    selection = opened("training_title", "training_lead")
    if has_category(selection):
        st.header(t("training_suspicious"))
        draw_ratings(selection)
        draw_learning_curves(selection)
        cells, _ = finished_methods(selection.outputs, selection.category)
        draw_notices(selection, [cell.about for cell in cells], selection.category, cells)


framed(draw)
