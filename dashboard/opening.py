"""What stands on every page: title, notices, the category's results, and what they cannot say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.finished import FinishedCell, apart, finished_methods
from dashboard.loaders import results
from dashboard.run.control import start_evaluation
from dashboard.state import Selection, selected, t, told
from dashboard.tables import cell_names, method_title
from data_utils.facts import Fact
from detectors.backbones.names import LITE0, RANDOM, weights_kind
from detectors.registry import METHODS
from evaluation.measure.drift import brightness_tells
from evaluation.run.job import read_status
from evaluation.run.progress import RUNNING
from evaluation.run.states import is_from


def opened(title: str, lead: str = "") -> Selection:
    """Draw a page's title and its lead; return what is selected.

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
        Whether to draw the notices, and the button that evaluates the methods that are missing.
    """
    cells, problems = finished_methods(selection.outputs, selection.category, selection.settings)
    for problem in dict.fromkeys(map(told, problems)):
        st.error(problem)
    if not cells and not problems:
        draw_no_results(selection)
    if remarks:
        draw_notices(selection, [cell.about for cell in cells], selection.category, cells)
        present = {cell.method for cell in cells}
        draw_evaluation(selection, [method for method in METHODS if method not in present])
    return cells


def draw_evaluation(selection: Selection, missing: list[str]) -> None:
    """Offer to evaluate the methods without results, unless an evaluation is running."""
    status = read_status(selection.outputs)
    running = status is not None and status.state == RUNNING
    if missing and running:
        st.caption(t("no_results_running"))
    if not missing or running or selection.category not in selection.categories:
        return
    titles = ", ".join(method_title(method) for method in missing)
    if st.button(
        t("evaluate_missing", methods=titles, category=selection.category),
        key="evaluate_missing",
        help=t("evaluate_missing_help"),
    ):
        start_evaluation(selection, [selection.category], missing)
        st.rerun()


NETWORK_NOTICES = {RANDOM: "random_notice", LITE0: "lite0_notice"}


def draw_notices(
    selection: Selection,
    cells: Iterable[Mapping[Any, Any]] = (),
    category: str | None = None,
    finished: Sequence[FinishedCell] = (),
) -> None:
    """Draw what must be known of the shown results as one line that can be opened.

    Generated data, results of other data than the sidebar says or of another network than a
    ResNet, and in what good test pictures differ from held-out ones or from defective ones without
    regard to defects.

    Parameters
    ----------
    selection : Selection
    cells : iterable of mapping
        ``category, method, demo_data`` and ``data_root`` of each shown cell, as in ``cell.json``.
    category : str or None
        Whose brightness is looked at; None for all.
    finished : sequence of FinishedCell
        The cells of `category` whose good test pictures are compared with their held-out ones.
    """
    table, _ = results(selection.outputs)
    notices = [t("demo_notice")] if selection.demo else []
    default = table[table["settings_id"] == ""]
    kinds = default["weights"].map(weights_kind)
    for kind, key in NETWORK_NOTICES.items():
        chosen = default[kinds == kind].sort_values(["category", "method"])
        if len(chosen):
            notices.append(t(key, cells=cell_names(chosen.to_dict("records"))))
    notices += [*_origin(selection, list(cells)), *map(told, _unlike(table, category, finished))]
    if notices:
        label = t("notices_demo" if selection.demo else "notices", count=len(notices))
        with st.expander(label, icon=":material/info:"):
            st.markdown("\n".join(f"- {notice}" for notice in notices))


def _origin(selection: Selection, shown: list[Mapping[Any, Any]]) -> list[str]:
    """Return which of the shown results come from other data than the sidebar says."""
    demo, elsewhere = [], dict[str, list[Mapping[Any, Any]]]()
    for cell in shown:
        if cell["demo_data"] and not selection.demo:
            demo.append(cell)
        elif selection.data is not None and not is_from(cell, selection.data):
            elsewhere.setdefault(str(cell["data_root"]), []).append(cell)
    told_of = []
    if len(demo) == len(shown) > 0:
        told_of.append(t("demo_results"))
    elif demo:
        told_of.append(t("demo_results_some", cells=cell_names(demo)))
    for root, its in sorted(elsewhere.items()):
        some = len(its) < len(shown)
        names = {"cells": cell_names(its)} if some else {}
        told_of.append(t("made_from_some" if some else "made_from", root=root, **names))
    return told_of


def draw_no_results(selection: Selection) -> None:
    """Say why the selected category has nothing that needs cells, and what to do."""
    table, _ = results(selection.outputs)
    if selection.category in set(table["category"]):
        st.info(t("needs_cells", category=selection.category))
    else:
        st.info(t("no_methods_yet", category=selection.category))


def _unlike(
    summary: pd.DataFrame, category: str | None, finished: Sequence[FinishedCell]
) -> list[Fact]:
    """Return in what good test pictures differ from held-out ones, and from defective ones."""
    cells = summary if category is None else summary[summary["category"] == category]
    reached = pd.to_numeric(cells["brightness_auroc"], errors="coerce")
    highest = reached.groupby(cells["category"]).max()
    notable = apart(str(category), finished)
    for name, value in highest.items():
        notable += brightness_tells(str(name), value)
    return notable
