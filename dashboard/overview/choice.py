"""The overview's "Which one?": two limits, and the method that misses the fewest defects."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.answer import alarms, answer, listed, missed
from dashboard.compare.lineup import unlike_weights
from dashboard.finished import FinishedCell, finished_methods
from dashboard.notices import draw_no_results
from dashboard.recorded import machine
from dashboard.state import Selection, draw_false_alarm_slider, remember, said, t
from dashboard.tables import method_title, number, percent, percent_interval, table_height
from dashboard.texts import plain
from detectors.backbones.names import LITE0, RANDOM, weights_kind
from detectors.registry import METHODS
from evaluation.cells import CellPlace
from evaluation.choice import Candidate, Choice, Comparison, choose
from evaluation.latency import TIMED_PICTURES
from evaluation.spreadsheet import NOT_AVAILABLE

NETWORKS = {RANDOM: "overview_from_random", LITE0: "overview_from_lite0"}
LIMIT_KEY = "overview_ms"
SMALLEST_P = 0.001


def draw_choice(selection: Selection) -> None:
    """Draw the two limits, the answer for the selected category, and the numbers behind it."""
    if not selection.category:
        return
    allowed, ms_limit = _draw_limits()
    cells, problems = finished_methods(selection.outputs, selection.category)
    for problem in problems:
        st.error(plain(problem))
    if not cells and not problems:
        draw_no_results(selection)
    if not cells:
        return
    candidates = [cell.candidate(allowed) for cell in cells]
    choice = choose(candidates, allowed, ms_limit)
    _draw_answer(selection.category, candidates, choice, allowed, ms_limit)
    _draw_numbers(candidates, choice, allowed)
    _draw_origin(selection, cells)
    _draw_batch_times(candidates)


def _draw_limits() -> tuple[float, float | None]:
    """Draw both limits; return the share of good pictures and the milliseconds, None for any."""
    left, right = st.columns(2)
    with left:
        allowed = draw_false_alarm_slider()
    remember(LIMIT_KEY, None)
    with right:
        limit = st.number_input(
            t("overview_ms_limit"),
            min_value=1.0,
            value=None,
            step=10.0,
            format="%.0f",
            placeholder=t("overview_ms_unlimited"),
            key=LIMIT_KEY,
            help=t("overview_ms_help"),
        )
    return allowed, limit


def _draw_answer(
    category: str,
    candidates: list[Candidate],
    choice: Choice,
    allowed: float,
    ms_limit: float | None,
) -> None:
    text = "\n\n".join(answer(category, candidates, choice, allowed, ms_limit, t, said))
    if choice.best is None:
        st.warning(text, icon=":material/warning:")
    elif choice.tied:
        st.info(text, icon=":material/balance:")
    else:
        st.success(text, icon=":material/check_circle:")


def _draw_numbers(candidates: list[Candidate], choice: Choice, allowed: float) -> None:
    p_values = {rival.other.method: _p_value(rival) for rival in choice.rivals}
    table = pd.DataFrame(
        {
            "method": [method_title(one.method) for one in candidates],
            "missed": [missed(one, said, with_interval=False) for one in candidates],
            "interval": [percent_interval(*one.decisions.missed_interval) for one in candidates],
            "asked": [percent(allowed) for _ in candidates],
            "realised": [alarms(one, said) for one in candidates],
            "ms": [one.ms for one in candidates],
            "p95": [one.time.p95_ms for one in candidates],
            "p": [p_values.get(one.method, "") for one in candidates],
        }
    )
    text, numeric = st.column_config.TextColumn, st.column_config.NumberColumn
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height=table_height(len(table)),
        placeholder=NOT_AVAILABLE,
        key="overview_choice",
        column_config={
            "method": text(t("column_method"), pinned=True),
            "missed": text(t("overview_missed")),
            "interval": text(t("column_interval")),
            "asked": text(t("overview_alarms_asked")),
            "realised": text(t("overview_alarms_realised")),
            "ms": numeric(t("column_latency_ms"), format="%.0f"),
            "p95": numeric(t("column_latency_p95_ms"), format="%.0f"),
            "p": text(t("overview_p"), help=t("overview_p_help")) if p_values else None,
        },
    )


def _draw_batch_times(candidates: list[Candidate]) -> None:
    """Name the methods whose time is not that of one picture, because their cell is older."""
    older = [method_title(one.method) for one in candidates if not one.time.alone]
    if older:
        st.warning(t("overview_ms_older", methods=", ".join(older)), icon=":material/timer:")


def _draw_origin(selection: Selection, cells: list[FinishedCell]) -> None:
    """Say where the numbers come from, and what is missing or not to be trusted."""
    by_machine: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        origin = machine(cell.about), str(cell.about.get("finished", NOT_AVAILABLE))[:10]
        by_machine.setdefault(origin, []).append(f"{selection.category}/{cell.method}")
    timed = listed(
        said("overview_timed_in", cells=", ".join(names), machine=name, finished=day)
        for (name, day), names in by_machine.items()
    )
    st.caption(t("overview_ms_origin", timed=timed, most=TIMED_PICTURES))
    demo = [method_title(cell.method) for cell in cells if cell.about["demo_data"]]
    if demo:
        st.caption(t("overview_from_demo", methods=", ".join(demo)))
    for kind, key in NETWORKS.items():
        such = [
            method_title(cell.method)
            for cell in cells
            if weights_kind(str(cell.about["weights"])) == kind
        ]
        if such:
            st.caption(t(key, methods=", ".join(such)))
    if weights := unlike_weights(cells):
        st.warning(t("compare_unlike", what=weights), icon=":material/warning:")
    missing = [
        method.title
        for key, method in METHODS.items()
        if not CellPlace(selection.outputs, selection.category, key).finished
    ]
    if missing:
        st.caption(t("method_missing", methods=", ".join(missing)))


def _p_value(comparison: Comparison) -> str:
    p_value = comparison.p_value
    return f"< {SMALLEST_P}" if p_value < SMALLEST_P else number(p_value)
