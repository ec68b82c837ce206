"""What must stand on every page: demo data, and numbers from random weights."""

from __future__ import annotations

import streamlit as st

from dashboard.loaders import results
from dashboard.state import Selection, t
from detectors.registry import METHODS


def draw_notices(selection: Selection) -> None:
    """Say it when the data are generated, or shown results came from random weights."""
    if selection.demo:
        st.info(t("demo_notice"), icon=":material/palette:")
    table, _ = results(selection.outputs)
    random = table[table["weights"].str.startswith("random")]
    if len(random):
        methods = ", ".join(
            METHODS[key].title if key in METHODS else key for key in sorted(set(random["method"]))
        )
        categories = ", ".join(sorted(set(random["category"])))
        st.warning(t("random_notice", cells=f"{methods} ({categories})"), icon=":material/warning:")
