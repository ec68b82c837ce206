"""What must stand on every page: demo data, and numbers from random weights."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.loaders import results
from dashboard.state import Selection, t
from detectors.registry import METHODS
from evaluation.brightness import SUSPICIOUS_AUROC


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


def draw_brightness_notice(summary: pd.DataFrame, category: str | None) -> None:
    """Warn where brightness alone tells good from defective test pictures.

    Parameters
    ----------
    summary : DataFrame
        As from ``loaders.results``.
    category : str or None
        Only this category; None for all.
    """
    cells = summary if category is None else summary[summary["category"] == category]
    reached = pd.to_numeric(cells["brightness_auroc"], errors="coerce")
    highest = reached.groupby(cells["category"]).max()
    affected = highest[highest >= SUSPICIOUS_AUROC]
    if len(affected):
        lines = [
            t("brightness_notice", category=name, value=float(value))
            for name, value in affected.items()
        ]
        st.warning("\n\n".join(lines), icon=":material/brightness_6:")
