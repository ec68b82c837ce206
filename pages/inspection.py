"""Placeholder."""

from __future__ import annotations

import streamlit as st

from dashboard.frame import framed
from dashboard.state import t


def draw() -> None:
    """Draw the page."""
    st.title(t("page_inspection"))


framed(draw)
