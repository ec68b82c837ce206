"""One test picture as every method sees it, and the pictures on which they disagree or all err."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.compare.lineup import Comparison
from dashboard.samples.sample_set import Panels, sample_names
from dashboard.samples.viewer import draw_picture, label_badge, missing_picture
from dashboard.state import language, said, score_unit, t
from dashboard.tables import method_title, percent
from dashboard.texts import fact_wording, plain
from evaluation.measure.disagreement import FALSE_ALARM, HIT, MISSED, PASSED, UNKNOWN
from evaluation.measure.operating_points import pictures_needed
from evaluation.store.heatmap import outlined
from evaluation.store.places import CellError

PAIR_KEY = "compare_pair_"
PHONE_STYLE = f"""<style>
@media (max-width: 640px) {{ [class*="st-key-{PAIR_KEY}"] {{ flex-direction: row; }} }}
</style>"""
SAMPLES_PAGE = "pages/samples.py"
VERDICTS = {
    HIT: ("compare_hit", "compare_short_hit", "green", "check_circle"),
    PASSED: ("compare_passed", "compare_short_passed", "green", "check_circle"),
    MISSED: ("verdict_missed", "compare_short_missed", "red", "cancel"),
    FALSE_ALARM: ("verdict_false_alarm", "compare_short_false_alarm", "orange", "error"),
    UNKNOWN: ("", "compare_not_judged", "", ""),
}
TABLE_KEY = "compare_table"
SPREAD_PX, RANK_PX, VERDICT_PX = 70, 96, 92
WRONG_TOGETHER = (
    (MISSED, True, "compare_all_missed", "compare_none_missed", "compare_no_defective"),
    (FALSE_ALARM, False, "compare_all_alarms", "compare_none_alarms", "compare_no_good"),
)


def draw_row(comparison: Comparison, row: int, false_alarms: float) -> None:
    """Draw picture and ground truth once, then map and overlay of each method.

    On a narrow page the columns stand below each other, each with its two pictures abreast.
    """
    st.html(PHONE_STYLE)
    picture, name = comparison.together.pictures.iloc[row], comparison.together.names[row]
    seen = {method: _seen(comparison, method, name) for method in comparison.cells}
    first, *others = st.columns(1 + len(comparison.cells))
    with first:
        _draw_picture(picture, [one for one in seen.values() if isinstance(one, Panels)])
    for column, (method, one) in zip(others, seen.items(), strict=True):
        with column:
            st.markdown(f"**{plain(method_title(method))}**")
            if one is None:
                st.info(t("compare_not_scored", name=name, method=method_title(method)))
                continue
            if isinstance(one, str):
                st.warning(plain(one))
            else:
                _draw_map(picture, one, method, comparison.thresholds[method])
            _draw_numbers(comparison, method, row, false_alarms)


def _seen(comparison: Comparison, method: str, name: str) -> Panels | str | None:
    """Return the method's panels, a sentence if its files are damaged, None if it has no such one.

    A damaged file of pictures leaves the scores readable.
    """
    cell = comparison.cells[method]
    names = sample_names(cell.test)
    try:
        return cell.samples().panels(names.index(name)) if name in names else None
    except CellError as error:
        return fact_wording(error.fact, language())


def _draw_picture(picture: Any, seen: list[Panels]) -> None:
    st.markdown(label_badge(picture))
    image = next((one.image for one in seen if one.image is not None), None)
    truth = next((one.truth for one in seen if one.truth is not None), None)
    with st.container(key=f"{PAIR_KEY}picture"):
        draw_picture(image, "panel_image", missing_picture(picture, "img"))
        no_truth = t("no_mask") if picture["label"] else t("no_defect_marked")
        draw_picture(truth, "panel_truth", no_truth)
    st.caption(t("compare_scales"))


def _draw_map(picture: Any, panels: Panels, method: str, threshold: float) -> None:
    laid_over = panels.overlay
    if laid_over is not None:
        laid_over = outlined(laid_over, panels.anomaly_map, threshold)
    with st.container(key=f"{PAIR_KEY}{method}"):
        draw_picture(panels.heatmap, "panel_heatmap", "")
        draw_picture(laid_over, "panel_overlay", missing_picture(picture, "img"))
    st.caption(t("compare_colours", low=panels.scale.low, high=panels.scale.high))


def _draw_numbers(comparison: Comparison, method: str, row: int, false_alarms: float) -> None:
    score, rank = comparison.together.scores[method][row], comparison.ranked[method][row]
    threshold, held_out = comparison.thresholds[method], comparison.cells[method].calibration_scores
    if math.isnan(threshold):
        needed = pictures_needed(false_alarms)
        few = t("compare_no_threshold", needed=needed, count=len(held_out))
        st.markdown(f":gray-badge[{few}]")
    else:
        key, _, colour, icon = VERDICTS[comparison.judged[method][row]]
        st.markdown(f":{colour}-badge[:material/{icon}: {t(key)}]")
    st.markdown(t("compare_score", score=f"{score:.4g}", unit=score_unit(method)))
    if not math.isnan(threshold):
        st.caption(t("compare_threshold", threshold=threshold, count=len(held_out)))
    if not math.isnan(rank) and len(comparison.cells) > 1:
        st.caption(t("compare_rank", rank=rank, count=int(comparison.together.shared.sum())))
    if st.button(
        t("compare_open_samples"),
        key=f"compare_open_{method}",
        icon=":material/image_search:",
        type="tertiary",
        on_click=st.session_state.update,
        kwargs={"method": method},
    ):
        st.switch_page(SAMPLES_PAGE)


def draw_disagreement(comparison: Comparison, rows: list[int]) -> None:
    """Draw the table of these pictures, the most disputed first; a chosen row is opened."""
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
    spread = comparison.most_disputed(rows)
    if spread.empty:
        st.info(t("compare_nothing_shared_here"))
        return
    names = [comparison.together.names[row] for row in spread.index]
    table = pd.DataFrame({"sample": names, "spread": spread.to_numpy()})
    columns: dict[str, Any] = {
        "sample": st.column_config.TextColumn(said("sample"), pinned=True),
        "spread": st.column_config.NumberColumn(
            said("compare_column_spread"),
            help=said("compare_column_spread_help"),
            format="%.0f",
            width=SPREAD_PX,
        ),
    }
    for method in comparison.cells:
        title = method_title(method)
        rank, verdict = f"{method}_rank", f"{method}_verdict"
        table[rank] = comparison.ranked[method][spread.index].to_numpy()
        judged = comparison.judged[method][spread.index]
        table[verdict] = [said(VERDICTS[one][1]) for one in judged]
        columns[rank] = st.column_config.ProgressColumn(
            f"{title} %",
            help=said("compare_column_rank_help", method=title),
            min_value=0,
            max_value=100,
            format="%.0f",
            width=RANK_PX,
        )
        columns[verdict] = st.column_config.TextColumn(
            title, help=said("compare_column_verdict_help", method=title), width=VERDICT_PX
        )
    current = st.session_state["sample"]
    ticked = [names.index(current)] if current in names else []
    st.session_state[TABLE_KEY] = {"selection": {"rows": ticked, "columns": [], "cells": []}}
    st.dataframe(
        table,
        hide_index=True,
        column_config=columns,
        key=TABLE_KEY,
        on_select=lambda: _open_row(names, ticked),
        selection_mode="single-row",
    )


def _open_row(names: list[str], ticked: list[int]) -> None:
    """Open the row that the user has ticked; `ticked` are those that the page had ticked itself."""
    rows = st.session_state[TABLE_KEY]["selection"]["rows"]
    if rows and rows != ticked and rows[0] < len(names):
        st.session_state["sample"] = names[rows[0]]


def draw_wrong_together(comparison: Comparison, rows: list[int], false_alarms: float) -> None:
    """Draw which of these pictures are defects that all methods miss or false alarms of all."""
    st.header(t("compare_together"))
    if len(comparison.cells) < 2:
        st.info(t("compare_needs_two"))
        return
    judging = comparison.with_threshold
    if len(judging) < 2:
        st.info(t("compare_needs_two_thresholds", rate=percent(false_alarms)))
        return
    titles = ", ".join(method_title(method) for method in judging)
    st.caption(t("compare_together_note", methods=titles, rate=percent(false_alarms)))
    left_out = [method_title(method) for method in comparison.cells if method not in judging]
    if left_out:
        st.caption(t("compare_left_out", methods=", ".join(left_out)))
    defective = comparison.together.pictures["label"].iloc[rows] > 0
    for verdict, of_defects, title, none_wrong, none_there in WRONG_TOGETHER:
        wrong = comparison.wrong_together(rows, verdict)
        st.subheader(t(title, count=len(wrong)))
        if wrong:
            names = [comparison.together.names[row] for row in wrong]
            _draw_names(names, f"compare_pick_{verdict}")
        else:
            st.markdown(t(none_wrong if (defective == of_defects).any() else none_there))


def _draw_names(names: list[str], key: str) -> None:
    """Draw a chip per picture; the one shown above is marked, a pressed one is opened."""
    current = st.session_state["sample"]
    st.session_state[key] = current if current in names else None
    st.pills(
        t("sample"),
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
