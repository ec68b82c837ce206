"""What stands on every page: title, notices, the category's results, and what they cannot say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.finished import FinishedCell, finished_methods
from dashboard.loaders import results
from dashboard.state import Selection, selected, t, told
from dashboard.tables import cell_names, method_title
from detectors.backbones.names import LITE0, RANDOM, weights_kind
from detectors.registry import METHODS
from evaluation.measure.metrics import SUSPICIOUS_BRIGHTNESS_AUROC


def opened(title: str, lead: str = "") -> Selection:
    """Draw a page's title, its lead and the notices; return what is selected.

    Parameters
    ----------
    title, lead : str
        Keys of texts, which may name the selected ``category`` and ``method``.
    """
    selection = selected()
    named = {"category": selection.category, "method": method_title(selection.method)}
    st.title(t(title, **named))
    if lead:
        st.markdown(t(lead, **named))
    draw_notices(selection)
    return selection


def has_category(selection: Selection) -> bool:
    """Tell whether a category is selected; say what to do if none is."""
    if not selection.category:
        st.info(t("choose_category"))
    return bool(selection.category)


def draw_finished_cells(selection: Selection, remarks: bool = True) -> list[FinishedCell]:
    """Return the category's finished cells, after saying what is damaged or not there.

    Parameters
    ----------
    remarks : bool
        Whether to say which methods are missing and where the results come from.
    """
    cells, problems = finished_methods(selection.outputs, selection.category, selection.settings)
    for problem in dict.fromkeys(map(told, problems)):
        st.error(problem)
    if cells and remarks:
        draw_origin(selection, [cell.about for cell in cells])
        present = {cell.method for cell in cells}
        missing = [method_title(method) for method in METHODS if method not in present]
        if missing:
            st.info(t("method_missing", methods=", ".join(missing)))
    elif not cells and not problems:
        draw_no_results(selection)
    return cells


NOTED_KINDS = (RANDOM, LITE0)


def draw_notices(selection: Selection) -> None:
    """Say it when the data are generated, or results came from another backbone than a ResNet.

    Cells with other settings are named where they are shown, with their weights.
    """
    if selection.demo:
        st.info(t("demo_notice"), icon=":material/palette:")
    table, _ = results(selection.outputs)
    default = table[table["settings_id"] == ""]
    kinds = default["weights"].map(weights_kind)
    for kind in NOTED_KINDS:
        cells = default[kinds == kind].sort_values(["category", "method"])
        if len(cells):
            draw_network_notice(kind, cell_names(cells.to_dict("records")))


def draw_network_notice(kind: str, cells: str) -> None:
    """Say of which cells the network is another one than a ResNet with trained weights.

    Parameters
    ----------
    kind : str
        As from ``weights_kind``.
    cells : str
        Their names.
    """
    if kind == RANDOM:
        st.warning(t("random_notice", cells=cells), icon=":material/warning:")
    elif kind == LITE0:
        st.info(t("lite0_notice", cells=cells), icon=":material/info:")


def draw_origin(selection: Selection, cells: Iterable[Mapping[Any, Any]]) -> None:
    """Say which of the shown results come from other data than the sidebar says.

    Parameters
    ----------
    selection : Selection
    cells : iterable of mapping
        ``category, method, demo_data`` and ``data_root`` of each shown cell, as in ``cell.json``.
    """
    shown = list(cells)
    here = str(selection.data.resolve()) if selection.data is not None else None
    demo, elsewhere = [], dict[str, list[Mapping[Any, Any]]]()
    for cell in shown:
        root = str(cell["data_root"])
        if cell["demo_data"] and not selection.demo:
            demo.append(cell)
        elif here not in (None, root):
            elsewhere.setdefault(root, []).append(cell)
    if len(demo) == len(shown) > 0:
        st.info(t("demo_results"), icon=":material/palette:")
    elif demo:
        st.info(t("demo_results_some", cells=cell_names(demo)), icon=":material/palette:")
    for root, its in sorted(elsewhere.items()):
        if len(its) == len(shown):
            st.info(t("made_from", root=root))
        else:
            st.info(t("made_from_some", root=root, cells=cell_names(its)))


def draw_no_results(selection: Selection) -> None:
    """Say why the selected category has nothing that needs cells, and what to do."""
    table, _ = results(selection.outputs)
    if selection.category in set(table["category"]):
        st.info(t("needs_cells", category=selection.category))
    else:
        st.info(t("no_methods_yet", category=selection.category))


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
    affected = highest[highest >= SUSPICIOUS_BRIGHTNESS_AUROC]
    if len(affected):
        lines = [
            t("brightness_notice", category=name, value=float(value))
            for name, value in affected.items()
        ]
        st.warning("\n\n".join(lines), icon=":material/brightness_6:")
