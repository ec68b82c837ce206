"""The overview's "Which one?": two limits, and the method that misses the fewest defects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.answer import alarms, answer, listed, missed, missed_alike
from dashboard.compare.lineup import unlike_weights
from dashboard.finished import FinishedCell
from dashboard.opening import draw_finished_cells
from dashboard.samples.picker import wording
from dashboard.samples.sample_set import sample_names
from dashboard.state import (
    SAMPLES_PAGE,
    Selection,
    address,
    draw_false_alarm_slider,
    open_samples,
    remember,
    said,
    t,
    told,
)
from dashboard.tables import (
    draw_table,
    expected_alarms,
    machine,
    method_title,
    number,
    percent_interval,
    pinned,
)
from dashboard.texts import plain
from detectors.backbones.names import LITE0, RANDOM, weights_kind
from detectors.registry import METHODS
from evaluation.measure.disagreement import FALSE_ALARM, HIT, MISSED, verdicts
from evaluation.measure.recommendation import Candidate, Choice, choose
from evaluation.run.timing import TIMED_PICTURES
from evaluation.store.heatmap import outlined
from evaluation.store.places import CellError, CellPlace
from evaluation.store.spreadsheet import NOT_AVAILABLE

NETWORKS = {RANDOM: "overview_from_random", LITE0: "overview_from_lite0"}
LIMIT_KEY, TABLE_KEY = "overview_ms", "overview_choice"
MOST_MS, LIMIT_PX = 1_000_000, 220
PICTURE_PX = 150
SMALLEST_P = 0.001


def draw_recommendation(selection: Selection) -> None:
    """Draw the two limits, the answer for the selected category, and the numbers behind it."""
    st.header(t("overview_choice_title", category=selection.category))
    with st.container(key="controls", horizontal=True, vertical_alignment="bottom"):
        allowed = draw_false_alarm_slider()
        remember(LIMIT_KEY, None, 1, MOST_MS)
        ms_limit = st.number_input(
            t("overview_ms_limit"),
            min_value=1.0,
            max_value=float(MOST_MS),
            value=None,
            step=10.0,
            format="%.0f",
            placeholder=t("overview_ms_unlimited"),
            key=LIMIT_KEY,
            help=t("overview_ms_help"),
            width=LIMIT_PX,
        )
    cells = draw_finished_cells(selection, remarks=False)
    if not cells:
        return
    candidates = [cell.candidate(allowed) for cell in cells]
    choice = choose(candidates, allowed, ms_limit)
    text = "\n\n".join(answer(selection.category, candidates, choice, allowed, ms_limit, t, said))
    if choice.first is None:
        st.warning(text, icon=":material/warning:")
    elif choice.tied:
        st.info(text, icon=":material/balance:")
    else:
        st.success(text, icon=":material/check_circle:")
    if choice.first is not None:
        first = next(cell for cell in cells if cell.method == choice.first.method)
        _draw_pictures(first, choice.first.decisions.threshold)
    _draw_numbers(candidates, choice, allowed)
    _draw_origin(selection, cells)


def _draw_pictures(cell: FinishedCell, threshold: float) -> None:
    """Draw a defect that the method found, one that it missed and a false alarm, with links."""
    try:
        samples = cell.samples()
    except CellError as error:
        st.warning(told(error.fact))
        return
    judged = verdicts(samples.table["score"], samples.table["label"], threshold)
    score = samples.table["score"].to_numpy(np.float64)
    with st.container(horizontal=True):
        for verdict, worst in ((HIT, np.argmax), (MISSED, np.argmin), (FALSE_ALARM, np.argmax)):
            places = np.flatnonzero(judged == verdict)
            if not len(places):
                continue
            at = int(places[worst(score[places])])
            panels = samples.panels(at)
            if panels.overlay is None:
                continue
            where = address(method=cell.method, settings="", show=verdict)
            label = f":primary[{wording(verdict, len(places))}]"
            with st.container(width=PICTURE_PX + 60):
                picture = outlined(panels.overlay, panels.anomaly_map, threshold)
                if verdict == MISSED and panels.truth is not None:
                    picture = outlined(picture, panels.truth.astype(float), 0)
                name = plain(sample_names(samples.table)[at])
                st.image(picture, width=PICTURE_PX, caption=name, alt=wording(verdict, len(places)))
                st.page_link(SAMPLES_PAGE, label=label, query_params=where)


def _draw_numbers(candidates: list[Candidate], choice: Choice, allowed: float) -> None:
    table = pd.DataFrame(
        {
            "method": [method_title(one.method) for one in candidates],
            "missed": [missed(one, said, with_interval=False) for one in candidates],
            "interval": [percent_interval(*one.decisions.missed_interval) for one in candidates],
            "asked": [
                said("overview_expected", **expected_alarms(one.held_out, allowed))
                for one in candidates
            ],
            "realised": [alarms(one, said) for one in candidates],
            "missed_alike": [missed_alike(one, said) for one in candidates],
            "latency_ms": [one.ms for one in candidates],
        }
    )
    if choice.rivals:
        p_values = {rival.other.method: _p_value(rival.p_value) for rival in choice.rivals}
        table["p"] = [p_values.get(one.method, "") for one in candidates]
    headings = {
        "method": pinned("column_method"),
        "p": st.column_config.Column(t("column_p"), help=t("overview_p_help")),
        "asked": st.column_config.Column(t("column_asked"), help=t("overview_asked_help")),
        "missed_alike": st.column_config.Column(
            t("column_missed_alike"), help=t("overview_missed_alike_help")
        ),
    }
    # The counts open their pictures.
    opens = {"missed": MISSED, "realised": FALSE_ALARM}

    def open_counted(row: int, column: str) -> None:
        if column in opens:
            open_samples(method=candidates[row].method, settings="", show=opens[column])

    draw_table(table, headings, {"latency_ms": "{:.0f}"}, (), key=TABLE_KEY, on_cell=open_counted)


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
    kinds = {cell.method: weights_kind(str(cell.about["weights"])) for cell in cells}
    remarks = {
        "overview_from_demo": [cell.method for cell in cells if cell.about["demo_data"]],
        **{key: [one for one in kinds if kinds[one] == kind] for kind, key in NETWORKS.items()},
    }
    for key, methods in remarks.items():
        if methods:
            st.caption(t(key, methods=", ".join(map(method_title, methods))))
    if weights := unlike_weights(cells):
        st.warning(t("compare_unlike", what=weights), icon=":material/warning:")
    missing = [
        method.title
        for key, method in METHODS.items()
        if not CellPlace(selection.outputs, selection.category, key).finished
    ]
    if missing:
        st.caption(t("method_missing", methods=", ".join(missing)))


def _p_value(value: float) -> str:
    return f"< {SMALLEST_P}" if value < SMALLEST_P else number(value)
