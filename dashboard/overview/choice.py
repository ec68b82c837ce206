"""The overview's "Which one?": two limits, and the method that misses the fewest defects."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd
import streamlit as st

from dashboard.finished import FinishedCell, finished_methods
from dashboard.overview.results import machine
from dashboard.state import Selection, draw_false_alarm_slider, said, t
from dashboard.tables import method_title, number, percent, percent_interval, table_height
from dashboard.texts import plain
from detectors.registry import METHODS
from evaluation.cells import CellPlace
from evaluation.choice import Candidate, Choice, Comparison, candidate, choose
from evaluation.summary import NOT_AVAILABLE
from evaluation.thresholds import pictures_needed

LIMIT_KEY, KEPT_LIMIT_KEY = "overview_ms", "_overview_ms"
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
        st.info(t("no_methods_yet", category=selection.category))
    if not cells:
        return
    candidates = [_candidate(cell, allowed) for cell in cells]
    choice = choose(candidates, allowed, ms_limit)
    _draw_answer(selection.category, candidates, choice, allowed, ms_limit)
    _draw_numbers(candidates, choice, allowed)
    _draw_origin(selection, cells)


def _draw_limits() -> tuple[float, float | None]:
    """Draw both limits; return the share of good pictures and the milliseconds, None for any."""
    left, right = st.columns(2)
    with left:
        allowed = draw_false_alarm_slider()
    if LIMIT_KEY not in st.session_state:
        st.session_state[LIMIT_KEY] = st.session_state.get(KEPT_LIMIT_KEY)
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
    st.session_state[KEPT_LIMIT_KEY] = limit
    return allowed, limit


def _candidate(cell: FinishedCell, allowed: float) -> Candidate:
    ms = cell.about["ms_per_image"]
    return candidate(
        cell.method,
        float(ms) if isinstance(ms, (int, float)) else math.nan,
        str(cell.about.get("data_fingerprint", "")),
        cell.test,
        cell.calibration_scores,
        allowed,
    )


def _draw_answer(
    category: str,
    candidates: list[Candidate],
    choice: Choice,
    allowed: float,
    ms_limit: float | None,
) -> None:
    lines = [_answer(category, candidates, choice), *_left_out(choice, allowed, ms_limit)]
    text = "\n\n".join(lines)
    if choice.best is None:
        st.warning(text, icon=":material/warning:")
    elif choice.tied:
        st.info(text, icon=":material/balance:")
    else:
        st.success(text, icon=":material/check_circle:")


def _answer(category: str, candidates: list[Candidate], choice: Choice) -> str:
    """Return what names the method, or says why none can be named."""
    best = choice.best
    if best is None:
        if not any(one.decisions.defective for one in candidates):
            return t("overview_no_defective", category=category)
        return t("overview_none_left", category=category)
    if choice.tied:
        return _tie(category, best, choice)
    values = {"category": category, "method": method_title(best.method), "missed": _missed(best)}
    if not choice.rivals:
        return t("overview_only", **values)
    text = t("overview_best", others=_all_missed(_others(choice.rivals)), **values)
    paired = any(rival.overlap for rival in choice.rivals)
    return f"{text} {t('overview_paired')}" if paired else text


def _tie(category: str, best: Candidate, choice: Choice) -> str:
    level = [best, *_others(choice.tied)]
    values = {"category": category, "methods": _all_missed(level)}
    if all(rival.overlap for rival in choice.tied):
        sentences = [t("overview_tied_overlap", **values)]
    else:
        sentences = [t("overview_tied", **values)]
    quickest = min(level, key=lambda one: (math.isnan(one.ms), one.ms))
    if not math.isnan(quickest.ms):
        title, ms = method_title(quickest.method), number(quickest.ms, 0)
        sentences.append(t("overview_quickest", method=title, ms=ms))
    worse = [one for one in _others(choice.rivals) if one not in level]
    if worse:
        sentences.append(t("overview_worse", methods=_all_missed(worse)))
    return " ".join(sentences)


def _left_out(choice: Choice, allowed: float, ms_limit: float | None) -> list[str]:
    """Return a sentence for each reason why a method is not in the comparison."""
    lines = []
    rate = percent(allowed)
    if choice.over_limit:
        alarms = _listed(
            said("overview_alarms_of", method=method_title(one.method), alarms=_alarms(one))
            for one in choice.over_limit
        )
        lines.append(t("overview_over_limit", methods=alarms, rate=rate))
    if choice.without_threshold:
        held_out = _listed(
            said("overview_held_out_of", method=method_title(one.method), count=one.held_out)
            for one in choice.without_threshold
        )
        needed = pictures_needed(allowed)
        lines.append(t("overview_without_threshold", methods=held_out, rate=rate, needed=needed))
    if choice.too_slow and ms_limit is not None:
        slow = _listed(
            f"{method_title(one.method)} {number(one.ms, 0)} ms" for one in choice.too_slow
        )
        lines.append(t("overview_too_slow", methods=slow, limit=number(ms_limit, 0)))
    return lines


def _draw_numbers(candidates: list[Candidate], choice: Choice, allowed: float) -> None:
    p_values = {rival.other.method: _p_value(rival) for rival in choice.rivals}
    table = pd.DataFrame(
        {
            "method": [method_title(one.method) for one in candidates],
            "missed": [_missed(one, with_interval=False) for one in candidates],
            "interval": [percent_interval(*one.decisions.missed_interval) for one in candidates],
            "asked": [percent(allowed) for _ in candidates],
            "realised": [_alarms(one) for one in candidates],
            "ms": [one.ms for one in candidates],
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
            "ms": numeric(t("column_ms_per_image"), format="%.0f"),
            "p": text(t("overview_p"), help=t("overview_p_help")) if p_values else None,
        },
    )


def _draw_origin(selection: Selection, cells: list[FinishedCell]) -> None:
    """Say where the numbers come from, and what is missing or not to be trusted."""
    by_machine: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        origin = machine(cell.about), str(cell.about.get("finished", NOT_AVAILABLE))[:10]
        by_machine.setdefault(origin, []).append(f"{selection.category}/{cell.method}")
    timed = _listed(
        said("overview_timed_in", cells=", ".join(names), machine=name, finished=day)
        for (name, day), names in by_machine.items()
    )
    st.caption(t("overview_ms_origin", timed=timed))
    demo = [method_title(cell.method) for cell in cells if cell.about["demo_data"]]
    if demo:
        st.caption(t("overview_from_demo", methods=", ".join(demo)))
    random = [
        method_title(cell.method)
        for cell in cells
        if str(cell.about["weights"]).startswith("random")
    ]
    if random:
        st.caption(t("overview_from_random", methods=", ".join(random)))
    missing = [
        method.title
        for key, method in METHODS.items()
        if not CellPlace(selection.outputs, selection.category, key).finished
    ]
    if missing:
        st.caption(t("method_missing", methods=", ".join(missing)))


def _others(comparisons: Iterable[Comparison]) -> list[Candidate]:
    return [one.other for one in comparisons]


def _all_missed(candidates: Iterable[Candidate]) -> str:
    return _listed(f"{method_title(one.method)} {_missed(one)}" for one in candidates)


def _missed(one: Candidate, with_interval: bool = True) -> str:
    """Return such as ``2 of 119 (0.2–5.9 %)``; ``n/a`` without a threshold."""
    decisions = one.decisions
    if not decisions.known or not decisions.defective:
        return NOT_AVAILABLE
    text = said("overview_count_of", count=decisions.missed, total=decisions.defective)
    return f"{text} ({percent_interval(*decisions.missed_interval)})" if with_interval else text


def _alarms(one: Candidate) -> str:
    decisions = one.decisions
    if not decisions.known or not decisions.good:
        return NOT_AVAILABLE
    text = said("overview_count_of", count=decisions.false_alarms, total=decisions.good)
    return f"{text} ({percent_interval(*one.alarms_interval)})"


def _p_value(comparison: Comparison) -> str:
    p_value = comparison.p_value
    return f"< {SMALLEST_P}" if p_value < SMALLEST_P else number(p_value)


def _listed(parts: Iterable[str]) -> str:
    return "; ".join(parts)
