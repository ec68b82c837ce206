"""What ran when, with which settings, how long; cells can be removed here."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from dashboard.loaders import results_stamp, stamped_cells
from dashboard.state import Selection, said, t, told
from dashboard.tables import method_title, settings_title, weights_text
from data_utils.facts import fact_of
from evaluation.run.job import BusyError, remove_cells
from evaluation.store.places import CellError, CellKey
from evaluation.store.summary import summary_row

TABLE_KEY, ASKED_KEY, REMOVED_KEY = "history_table", "history_asked", "history_removed"
REMOVALS_KEY = "history_removals"
SHOWN = {
    "finished": "column_finished",
    "category": "column_category",
    "method": "column_method",
    "settings_id": "column_settings",
    "wall_s": "column_wall_s",
    "image_auroc": "column_image_auroc",
    "data": "column_data",
    "weights": "column_weights",
}


def draw_history(selection: Selection) -> None:
    """Draw all finished cells, the latest first, and what removes the ticked ones."""
    cells = _history(str(selection.outputs), results_stamp(selection.outputs))
    if removed := st.session_state.pop(REMOVED_KEY, 0):
        st.success(t("history_removed", count=removed))
    if cells.empty:
        st.caption(t("history_none"))
        return
    st.caption(t("history_lead", folder=str(selection.outputs)))
    shown = cells.assign(
        finished=[str(moment)[:19].replace("T", " ") for moment in cells["finished"]],
        method=cells["method"].map(method_title),
        settings_id=[settings_title(name) for name in cells["settings_id"]],
        weights=cells["weights"].map(weights_text),
        data=[said("demo_badge") if demo else "" for demo in cells["demo_data"]],
    )[list(SHOWN)]
    # A table of its own after each removal, or the row that moves up would be ticked.
    key = f"{TABLE_KEY}_{st.session_state.get(REMOVALS_KEY, 0)}"
    st.dataframe(
        shown.style.format({"image_auroc": "{:.3f}", "wall_s": "{:.1f}"}, na_rep="n/a"),
        hide_index=True,
        width="stretch",
        key=key,
        on_select="rerun",
        selection_mode="multi-row",
        column_config={
            name: st.column_config.NumberColumn(t(key))
            if name in ("image_auroc", "wall_s")
            else st.column_config.TextColumn(t(key))
            for name, key in SHOWN.items()
        },
    )
    rows = st.session_state[key]["selection"]["rows"]
    chosen = cells.iloc[[row for row in rows if row < len(cells)]]
    ticked = [CellKey(*row) for row in chosen[list(CellKey._fields)].values]
    _draw_removal(selection.outputs, ticked)


def _draw_removal(outputs: Path, ticked: list[CellKey]) -> None:
    """Draw the button and the question; what is removed is what the question names.

    Rows move when a cell is finished meanwhile, so the ticked ones may be others by then.
    """
    if not ticked:
        st.session_state[ASKED_KEY] = []
        return
    if st.button(t("history_remove", count=len(ticked)), key="history_remove"):
        st.session_state[ASKED_KEY] = ticked
    asked: list[CellKey] = st.session_state.get(ASKED_KEY, [])
    if not asked:
        return
    st.warning(t("history_question", cells=", ".join(map(str, asked))))
    with st.container(horizontal=True):
        if st.button(t("history_yes"), key="history_yes", type="primary"):
            _remove(outputs, asked)
        if st.button(t("history_no"), key="history_no"):
            st.session_state[ASKED_KEY] = []
            st.rerun()


def _remove(outputs: Path, chosen: list[CellKey]) -> None:
    try:
        remove_cells(outputs, chosen)
    except (BusyError, CellError, OSError) as error:
        st.error(told(fact_of(error)))
        return
    st.session_state[ASKED_KEY] = []
    st.session_state[REMOVED_KEY] = len(chosen)
    st.session_state[REMOVALS_KEY] = st.session_state.get(REMOVALS_KEY, 0) + 1
    st.rerun()


@st.cache_data(show_spinner=False, max_entries=4)
def _history(outputs: str, stamp: str) -> pd.DataFrame:
    """Return the summary's rows and ``wall_s``, the latest first."""
    cells, _ = stamped_cells(outputs, stamp)
    rows = [summary_row(cell) | {"wall_s": cell.get("wall_s")} for cell in cells]
    table = pd.DataFrame(
        rows,
        columns=["finished", *CellKey._fields, "image_auroc", "wall_s", "weights", "demo_data"],
    )
    table["wall_s"] = pd.to_numeric(table["wall_s"], errors="coerce")
    return table.sort_values("finished", ascending=False, ignore_index=True)
