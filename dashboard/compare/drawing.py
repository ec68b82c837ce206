"""One test picture as every method sees it, and the pictures on which they disagree or all err."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.compare.lineup import Comparison
from dashboard.components.picture_viewer import draw_viewer, zoom
from dashboard.figures.style import ALARM_STYLE, RIGHT_STYLE, WRONG_STYLE
from dashboard.samples import viewer
from dashboard.samples.picker import GALLERY_MOST, TOGETHER_KEY, draw_tiles, wording
from dashboard.samples.sample_set import Panels
from dashboard.state import language, said, score_unit, t
from dashboard.tables import method_title, settings_title
from dashboard.texts import fact_wording, plain
from evaluation.measure.conditions import TOGETHER, passing
from evaluation.measure.disagreement import FALSE_ALARM, HIT, MISSED, PASSED, UNKNOWN
from evaluation.measure.operating_points import pictures_needed
from evaluation.store.heatmap import OVERLAY_OPACITY
from evaluation.store.places import CellError

VERDICTS = {
    HIT: ("compare_short_hit", RIGHT_STYLE),
    PASSED: ("compare_short_passed", RIGHT_STYLE),
    MISSED: ("compare_short_missed", WRONG_STYLE),
    FALSE_ALARM: ("compare_short_false_alarm", ALARM_STYLE),
    UNKNOWN: ("compare_not_judged", ""),
}
TABLE_KEY = "compare_table"
SPREAD_PX, RANK_PX, VERDICT_PX = 70, 96, 92


def draw_row(comparison: Comparison, rows: list[int], at: int) -> None:
    """Draw the picture at a place among `rows` as every method sees it, in the viewer."""
    names = [comparison.together.names[row] for row in rows]
    methods = list(comparison.cells)
    panels = [{"kind": "image", "method": "", "title": said("panel_image")}]
    panels += [
        {"kind": "overlay", "method": method, "title": method_title(method)} for method in methods
    ]
    draw_viewer(
        lambda place: _viewed(comparison, rows[place]),
        names,
        at,
        f"{comparison.stamp}/{zoom()[0] > 1}/{language()}",
        panels,
        viewer.labels(methods=False),
        OVERLAY_OPACITY,
        None,
        listed="",
        truth=True,
    )
    st.caption(t("compare_scales"))


def _viewed(comparison: Comparison, row: int) -> dict[str, Any]:
    picture, name = comparison.together.pictures.iloc[row], comparison.together.names[row]
    seen: dict[str, Panels] = {}
    absent, under = {}, {}
    about, own = {"data_root": ""}, picture.copy()
    for method, cell in comparison.cells.items():
        names = comparison.places[method]
        under[method] = _numbers(comparison, method, row)
        if name not in names:
            absent[method] = said("compare_not_scored", name=name, method=method_title(method))
            continue
        about, own = cell.about, cell.test.iloc[names[name]]
        try:
            seen[method] = cell.samples().panels(names[name])
        except CellError as error:
            absent[method] = fact_wording(error.fact, language())
    marks = [viewer.label_mark(picture)]
    return viewer.viewed(about, own, seen, comparison.thresholds, marks, absent, under)


def _numbers(comparison: Comparison, method: str, row: int) -> str:
    """Return verdict, score and rank of a method's picture as plain words."""
    score, rank = comparison.together.scores[method][row], comparison.ranked[method][row]
    if math.isnan(score):
        return ""
    words = [said(VERDICTS[comparison.judged[method][row]][0])]
    words.append(said("score_short", score=score))
    if not math.isnan(rank) and len(comparison.cells) > 1:
        words.append(said("compare_rank", rank=rank))
    return " · ".join(words)


def draw_thresholds(comparison: Comparison, false_alarms: float) -> None:
    """Say which threshold and which colours each method has, or why it has no threshold."""
    lines = []
    for method, cell in comparison.cells.items():
        count, threshold = len(cell.calibration_scores), comparison.thresholds[method]
        settings = cell.place.settings_id
        title = f"{method_title(method)} ({settings_title(settings)})" if settings else ""
        named = {"method": title or method_title(method), "count": count}
        if math.isnan(threshold):
            needed = pictures_needed(false_alarms)
            lines.append(t("compare_no_threshold", needed=needed, **named))
        else:
            unit, scale = score_unit(method), cell.about["scale"]
            ends = {"low": scale["low"], "high": scale["high"]}
            lines.append(t("compare_threshold", threshold=threshold, unit=unit, **ends, **named))
    st.caption("  \n".join(lines))


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
        table[verdict] = [said(VERDICTS[one][0]) for one in judged]
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
    st.dataframe(
        table.style.map(_verdict_style, subset=[f"{one}_verdict" for one in comparison.cells]),
        hide_index=True,
        column_config=columns,
        key=TABLE_KEY,
        on_select=lambda: _open_row(names),
        selection_mode="single-row",
    )


def _verdict_style(shown: Any) -> str:
    """Return the CSS of a cell that shows a verdict."""
    return next((style for key, style in VERDICTS.values() if said(key) == shown), "")


def _open_row(names: list[str]) -> None:
    """Open the row that the user has ticked."""
    rows = st.session_state[TABLE_KEY]["selection"]["rows"]
    if rows and rows[0] < len(names):
        st.session_state["sample"] = names[rows[0]]


def draw_counts(comparison: Comparison) -> None:
    """Draw how many pictures all methods miss, report wrongly, or disagree on; a click shows them.

    Of the whole category, by the methods that have a threshold.
    """
    pictures = comparison.together.pictures.assign(score=math.nan)
    judged = comparison.judged[comparison.with_threshold]
    with st.container(horizontal=True):
        for show in TOGETHER if judged.shape[1] > 1 else ():
            met = passing(show, pictures, math.nan, lambda: judged)
            st.button(
                plain(wording(show, 0 if met is None else int(met.sum()))),
                key=f"compare_{show}",
                type="tertiary",
                icon=":material/image_search:",
                on_click=st.session_state.update,
                args=({TOGETHER_KEY: show},),
            )


def draw_thumbnails(comparison: Comparison, rows: list[int]) -> None:
    """Draw a thumbnail of each of these pictures; a clicked one is opened above."""
    method, cell = next(iter(comparison.cells.items()))
    places = [comparison.places[method].get(comparison.together.names[row]) for row in rows]
    try:
        samples = cell.samples()
    except CellError:  # said in the viewer already
        return
    known = [place for place in places if place is not None][:GALLERY_MOST]
    draw_tiles(samples, known, math.nan, scores=False)
