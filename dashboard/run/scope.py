"""Which categories and methods to run: the same two choices in the sidebar and on the run page."""

from __future__ import annotations

import streamlit as st

from dashboard.run.arguments import can_be_named
from dashboard.state import Selection, keep_choices, t
from detectors.registry import METHODS


def draw_scope(selection: Selection, prefix: str) -> tuple[list[str], list[str]]:
    """Draw the choices of categories and methods; none chosen means all.

    Parameters
    ----------
    selection : Selection
    prefix : str
        Tells the widgets of one place from those of the other.
    """
    names = [name for name in selection.categories if can_be_named(name)]
    keep_choices(f"{prefix}_categories", names)
    categories = st.multiselect(
        t("run_categories"),
        names,
        key=f"{prefix}_categories",
        placeholder=t("everything"),
        help=t("run_everything_help"),
    )
    methods = st.multiselect(
        t("run_methods"),
        list(METHODS),
        format_func=lambda key: METHODS[key].title,
        key=f"{prefix}_methods",
        placeholder=t("everything"),
        help=t("run_everything_help"),
    )
    return categories, methods
