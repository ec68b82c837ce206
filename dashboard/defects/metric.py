"""The choice between image and pixel AUROC."""

from __future__ import annotations

import streamlit as st

from dashboard.defects.tables import METRIC_KEYS
from dashboard.state import keep_choice, said


def draw_metric(key: str, label: str) -> str:
    """Draw the choice between image and pixel AUROC; return its column."""
    keep_choice(key, list(METRIC_KEYS))
    chosen = st.segmented_control(
        label,
        list(METRIC_KEYS),
        key=key,
        format_func=lambda metric: said(METRIC_KEYS[metric]),
        required=True,
    )
    return str(chosen)
