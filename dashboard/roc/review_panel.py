"""One method's scores with the lines that a person drags, what they lead to, and their export."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import streamlit as st

from dashboard.components.score_lines import draw_score_lines
from dashboard.finished import FinishedCell
from dashboard.state import Selection, open_samples, said, score_unit, t, told
from dashboard.tables import draw_download, method_title, percent
from data_utils.facts import fact_of
from evaluation.measure.operating_points import shares_above, threshold_for
from evaluation.new_pictures.score_table import verdict_table
from evaluation.store.review_lines import (
    LinesError,
    ReviewLines,
    keep_lines,
    kept_lines,
    lines_text,
)

PROBLEM_KEY = "_lines_problem"
LABELS = ("review", "reject", "one", "zone", "passed", "byHand", "rejected")
COUNTED = ("missed", "defective", "alarms", "good", "review")
FILLED_THERE = {
    "sum": ("lines_sum", COUNTED),
    "sumZone": ("lines_sumzone", COUNTED),
    "promise": ("lines_promise", ("share", "low", "high", "count")),
    "bar": ("lines_bar", ("kind", "count", "low", "high")),
}


def draw_review(selection: Selection, cell: FinishedCell, asked: float) -> None:
    """Draw the scores, the lines and the counts; a line that was moved is kept for the cell."""
    chosen = _kept(selection, cell)
    threshold = threshold_for(cell.calibration_scores, asked)
    bad = cell.test["label"].to_numpy() > 0
    scores = cell.test["score"].to_numpy(np.float64)
    groups = {
        "good": scores[~bad],
        "defective": scores[bad],
        "held": cell.calibration_scores,
    }
    highest = max((float(np.max(some)) for some in groups.values() if len(some)), default=0.0)
    start = highest if math.isnan(threshold) else threshold
    lines = (chosen.review_above, chosen.reject_above) if chosen else (start, start)
    draw_score_lines(
        f"score_lines_{cell.method}",
        groups,
        lines,
        [
            (percent(share), percent(low), percent(high))
            for share, low, high in shares_above(len(cell.calibration_scores))
        ],
        _labels(cell),
        partial(_keep, selection, cell),
        lambda show: open_samples(method=cell.method, settings=cell.place.settings_id, show=show),
    )
    if problem := st.session_state.pop(PROBLEM_KEY, ""):
        st.error(problem)
    if chosen is None:
        origin = "lines_from_rate" if not math.isnan(threshold) else "lines_from_nothing"
        st.caption(t(origin, rate=percent(asked), count=len(cell.calibration_scores)))
        return
    st.caption(t("lines_kept"))
    with st.container(horizontal=True):
        name = f"{chosen.category}_{chosen.method}"
        st.download_button(
            t("lines_json"),
            lines_text([chosen]),
            file_name=f"thresholds_{name}.json",
            mime="application/json",
            key=f"lines_json_{cell.method}",
            on_click="ignore",
        )
        draw_download(
            t("lines_csv"), verdict_table(cell.test, chosen), f"verdicts_{name}.csv", "utf-8-sig"
        )
        st.button(
            t("lines_forget"),
            key=f"lines_forget_{cell.method}",
            on_click=_write,
            args=(selection, cell, None),
        )


def _labels(cell: FinishedCell) -> dict[str, str]:
    title = method_title(cell.method)
    return {
        **{name: said(f"lines_{name.lower()}") for name in LABELS},
        **{
            name: said(key, **{value: f"{{{value}}}" for value in values})
            for name, (key, values) in FILLED_THERE.items()
        },
        "good": said("label_good"),
        "defective": said("roc_scores_defective"),
        "held": said("roc_scores_held_out"),
        "unit": said("lines_axis", method=title, unit=score_unit(cell.method), tallest="{tallest}"),
    }


def _kept(selection: Selection, cell: FinishedCell) -> ReviewLines | None:
    try:
        chosen = kept_lines(selection.outputs).get(cell.place.key)
    except LinesError as error:
        st.warning(told(error.fact))
        return None
    if chosen is not None and chosen.finished != str(cell.about.get("finished")):
        st.caption(t("lines_outdated"))
        return None
    return chosen


def _keep(selection: Selection, cell: FinishedCell, low: float, high: float) -> None:
    finished = str(cell.about.get("finished"))
    _write(selection, cell, ReviewLines(*cell.place.key, low, high, finished))


def _write(selection: Selection, cell: FinishedCell, chosen: ReviewLines | None) -> None:
    try:
        keep_lines(selection.outputs, cell.place.key, chosen)
    except (LinesError, OSError) as error:
        st.session_state[PROBLEM_KEY] = told(fact_of(error))
