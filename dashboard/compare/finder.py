"""Finding test pictures on which the methods disagree, or on which all of them are wrong."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard.compare.lineup import Comparison
from dashboard.state import said, t
from dashboard.tables import method_title, percent
from dashboard.texts import plain
from evaluation.disagreement import FALSE_ALARM, HIT, MISSED, PASSED

TABLE_KEY = "compare_table"
SPREAD_PX, RANK_PX, VERDICT_PX = 70, 96, 92
SHORT = {
    HIT: "compare_short_hit",
    PASSED: "compare_short_passed",
    MISSED: "compare_short_missed",
    FALSE_ALARM: "compare_short_false_alarm",
}


def draw_disagreement(comparison: Comparison, defect: str) -> None:
    """Draw the table of pictures, the most disputed first; a chosen row is opened.

    Parameters
    ----------
    comparison : Comparison
    defect : str
        Only this defect type; "" for all.
    """
    st.header(t("compare_finder"))
    if len(comparison.cells) < 2:
        st.info(t("compare_needs_two"))
        return
    shared = comparison.together.shared
    if not shared.any():
        st.info(t("compare_nothing_shared"))
        return
    st.caption(t("compare_finder_note", count=int(shared.sum())))
    if not shared.all():
        st.caption(t("compare_shared_only", left_out=int((~shared).sum())))
    table = disagreement_table(comparison, defect)
    if table.empty:
        st.info(t("compare_nothing_shared_here"))
        return
    names = list(table["sample"])
    current = st.session_state["sample"]
    chosen = [names.index(current)] if current in names else []
    st.session_state[TABLE_KEY] = {"selection": {"rows": chosen, "columns": [], "cells": []}}
    st.dataframe(
        table,
        hide_index=True,
        column_config=_columns(comparison),
        key=TABLE_KEY,
        on_select=lambda: _open_row(names, chosen),
        selection_mode="single-row",
    )


def disagreement_table(comparison: Comparison, defect: str) -> pd.DataFrame:
    """Return one row per picture that all methods have scored, the most disputed first.

    Returns
    -------
    DataFrame
        ``sample, spread`` and per method ``<method>_rank`` (per cent) and ``<method>_verdict``.
    """
    rows, spread = comparison.most_disputed(defect)
    names = comparison.together.names
    columns: dict[str, object] = {"sample": [names[row] for row in rows], "spread": spread}
    for method in comparison.cells:
        columns[f"{method}_rank"] = comparison.ranked[method].iloc[rows].to_numpy()
        columns[f"{method}_verdict"] = [
            _verdict_text(verdict) for verdict in comparison.judged[method].iloc[rows]
        ]
    return pd.DataFrame(columns)


def draw_wrong_together(comparison: Comparison, defect: str, false_alarms: float) -> None:
    """Draw the defects that all methods miss and the good pictures that all report."""
    st.header(t("compare_together"))
    if len(comparison.cells) < 2:
        st.info(t("compare_needs_two"))
        return
    judging = comparison.with_threshold
    left_out = [method for method in comparison.cells if method not in judging]
    if len(judging) < 2:
        st.info(t("compare_needs_two_thresholds", rate=percent(false_alarms)))
        return
    titles = ", ".join(method_title(method) for method in judging)
    st.caption(t("compare_together_note", methods=titles, rate=percent(false_alarms)))
    if left_out:
        titles = ", ".join(method_title(method) for method in left_out)
        st.caption(t("compare_left_out", methods=titles))
    labels = comparison.together.pictures["label"].iloc[comparison.positions(defect)]
    missed = comparison.wrong_together(defect, MISSED)
    st.subheader(t("compare_all_missed", count=len(missed)))
    if missed:
        _draw_names(comparison, missed, "compare_pick_missed")
    else:
        st.markdown(t("compare_none_missed") if (labels > 0).any() else t("compare_no_defective"))
    alarms = comparison.wrong_together(defect, FALSE_ALARM)
    st.subheader(t("compare_all_alarms", count=len(alarms)))
    if alarms:
        _draw_names(comparison, alarms, "compare_pick_alarms")
    else:
        st.markdown(t("compare_none_alarms") if (labels == 0).any() else t("compare_no_good"))


def _draw_names(comparison: Comparison, rows: list[int], key: str) -> None:
    """Draw a chip per picture; the one shown above is marked, a pressed one is opened."""
    names = [comparison.together.names[row] for row in rows]
    current = st.session_state["sample"]
    st.session_state[key] = current if current in names else None
    st.pills(
        t("compare_column_sample"),
        names,
        key=key,
        format_func=plain,
        label_visibility="collapsed",
        on_change=_open_name,
        args=(key,),
    )


def _open_name(key: str) -> None:
    if st.session_state[key]:
        st.session_state["sample"] = st.session_state[key]


def _open_row(names: list[str], ticked: list[int]) -> None:
    """Open the row that the user has ticked; `ticked` are those that the page had ticked itself."""
    rows = st.session_state[TABLE_KEY]["selection"]["rows"]
    if rows and rows != ticked and rows[0] < len(names):
        st.session_state["sample"] = names[rows[0]]


def _columns(comparison: Comparison) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "sample": st.column_config.TextColumn(said("compare_column_sample"), pinned=True),
        "spread": st.column_config.NumberColumn(
            said("compare_column_spread"),
            help=said("compare_column_spread_help"),
            format="%.0f",
            width=SPREAD_PX,
        ),
    }
    for method in comparison.cells:
        title = method_title(method)
        columns[f"{method}_rank"] = st.column_config.ProgressColumn(
            f"{title} %",
            help=said("compare_column_rank_help", method=title),
            min_value=0,
            max_value=100,
            format="%.0f",
            width=RANK_PX,
        )
        columns[f"{method}_verdict"] = st.column_config.TextColumn(
            title, help=said("compare_column_verdict_help", method=title), width=VERDICT_PX
        )
    return columns


def _verdict_text(verdict: str) -> str:
    return said(SHORT.get(verdict, "compare_not_judged"))
