"""ROC: how the methods rank the test pictures, and what one threshold makes of them."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from dashboard.charts import draw_chart, draw_export_choice
from dashboard.figures.roc import MethodCurve, precision_recall_chart, roc_chart, score_chart
from dashboard.finished import FinishedCell, finished_methods
from dashboard.frame import framed
from dashboard.loaders import results
from dashboard.notices import draw_brightness_notice, draw_no_results, draw_notices, draw_origin
from dashboard.recorded import weights_text
from dashboard.roc.operating import Operating, base_rate, curve_table, method_curve, operating
from dashboard.state import (
    Selection,
    draw_false_alarm_slider,
    keep_choice,
    language,
    remember,
    said,
    selected,
    t,
)
from dashboard.tables import method_title, percent, percent_interval
from dashboard.texts import plain
from detectors.registry import METHODS
from evaluation.cells import CellError
from evaluation.decisions import share_interval
from evaluation.thresholds import pictures_needed

ROC, PRECISION_RECALL = "roc", "pr"
KINDS = ("image", "pixel")
VIEWS = {ROC: "roc_view_roc", PRECISION_RECALL: "roc_view_pr"}


def draw() -> None:
    """Draw the page."""
    selection = selected()
    if selection.category:
        st.title(t("roc_heading", category=selection.category))
    else:
        st.title(t("page_roc"))
    draw_notices(selection)
    if not selection.category:
        st.info(t("choose_category"))
        return
    cells, problems = finished_methods(selection.outputs, selection.category)
    for problem in problems:
        st.error(plain(problem))
    if not cells:
        if not problems:
            draw_no_results(selection)
        return
    _draw_remarks(selection, cells)
    st.markdown(t("roc_lead"))
    asked = draw_false_alarm_slider()
    _draw_curves(selection, cells, asked)
    _draw_operating_points(cells, asked)
    _draw_scores(cells, asked)
    draw_export_choice()


def _draw_remarks(selection: Selection, cells: list[FinishedCell]) -> None:
    """Say which methods are missing and where the shown results come from."""
    present = {cell.method for cell in cells}
    missing = [method_title(method) for method in METHODS if method not in present]
    if missing:
        st.info(t("method_missing", methods=", ".join(missing)))
    draw_origin(selection, [cell.about for cell in cells])
    if len({(c.about.get("data_fingerprint"), str(c.about["geometry"])) for c in cells}) > 1:
        st.warning(t("roc_different_data"), icon=":material/warning:")
    draw_brightness_notice(results(selection.outputs)[0], selection.category)


def _draw_curves(selection: Selection, cells: list[FinishedCell], asked: float) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        keep_choice("roc_view", list(VIEWS))
        remember("roc_log", False)
        view = st.segmented_control(
            t("roc_curves"),
            list(VIEWS),
            key="roc_view",
            format_func=lambda key: said(VIEWS[key]),
            required=True,
        )
        log_x = st.checkbox(
            t("roc_log"), key="roc_log", help=t("roc_log_help"), disabled=view != ROC
        )
    shown, damaged = _curves(cells, asked, view == PRECISION_RECALL)
    for problem in damaged:
        st.error(plain(problem))
    absent = {
        "image": t("roc_no_pictures", category=selection.category),
        "pixel": t("roc_no_pixels", category=selection.category),
    }
    for column, kind in zip(st.columns(2), absent, strict=True):
        curves = [one for its_kind, one in shown if its_kind == kind]
        with column:
            if curves:
                _draw_one(selection, cells, kind, curves, view or ROC, asked, log_x)
            elif not damaged:
                st.info(absent[kind])
    st.caption(t("roc_pr_note") if view == PRECISION_RECALL else t("roc_curves_note"))
    if shown:
        st.download_button(
            t("roc_download"),
            lambda: curve_table(shown).to_csv(index=False).encode(),
            file_name=f"curves_{selection.category}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
    weights = {method_title(c.method): weights_text(str(c.about["weights"])) for c in cells}
    st.caption(
        t("roc_weights", weights="; ".join(f"{name}: {label}" for name, label in weights.items()))
    )


def _curves(
    cells: list[FinishedCell], asked: float, with_precision: bool
) -> tuple[list[tuple[str, MethodCurve]], list[str]]:
    """Return the curves that are defined, each with its kind, and a sentence per damaged cell."""
    shown, damaged = [], []
    for cell in cells:
        try:
            both = [(kind, method_curve(cell, kind, asked, with_precision)) for kind in KINDS]
        except CellError as error:
            damaged.append(str(error))
            continue
        shown += [(kind, curve) for kind, curve in both if curve is not None]
    return shown, damaged


def _draw_one(
    selection: Selection,
    cells: list[FinishedCell],
    kind: str,
    curves: list[MethodCurve],
    view: str,
    asked: float,
    log_x: bool,
) -> None:
    name = f"{view}_{kind}_{selection.category}"
    if view == PRECISION_RECALL:
        rate = base_rate(cells, kind, curves)
        figure = precision_recall_chart(curves, kind, language(), rate)
    else:
        line = asked if kind == "image" else None
        figure = roc_chart(curves, kind, language(), line, log_x)
    draw_chart(figure, f"roc_{view}_{kind}", name)


def _draw_operating_points(cells: list[FinishedCell], asked: float) -> None:
    st.header(t("roc_point_title"))
    for column, cell in zip(st.columns(len(cells)), cells, strict=True):
        with column, st.container(border=True):
            st.subheader(plain(method_title(cell.method)))
            point = operating(cell, asked)
            if point.decisions.known:
                _draw_decisions(cell, point, asked)
            else:
                count = len(cell.calibration_scores)
                needed = pictures_needed(asked)
                st.warning(t("roc_too_few", asked=percent(asked), count=count, needed=needed))
    st.caption(t("roc_conformal_note"))


def _draw_decisions(cell: FinishedCell, point: Operating, asked: float) -> None:
    made = point.decisions
    with st.container(horizontal=True):
        st.metric(
            t("roc_missed"),
            t("roc_count_of", count=made.missed, total=made.defective),
            border=False,
        )
        st.metric(
            t("roc_alarms"),
            t("roc_count_of", count=made.false_alarms, total=made.good),
            border=False,
        )
    missed = t("roc_share_unknown")
    if made.defective:
        spread = percent_interval(*made.missed_interval)
        missed = t("roc_share", share=percent(made.missed_rate), interval=spread)
    alarms = t("roc_share_unknown")
    if made.good:
        alarms = t(
            "roc_alarm_share",
            asked=percent(asked),
            share=percent(made.false_alarm_rate),
            interval=percent_interval(*share_interval(made.false_alarms, made.good)),
        )
    st.markdown(f"{t('roc_missed')}: {missed}  \n{t('roc_alarms')}: {alarms}")
    st.markdown(
        t(
            "roc_precision_line",
            precision=percent(point.precision),
            recall=percent(1 - made.missed_rate),
        )
    )
    st.table(_confusion(point))
    unit = said(f"unit_{cell.method}") if cell.method in METHODS else said("unit_other")
    st.caption(
        t(
            "roc_origin",
            threshold=made.threshold,
            unit=unit,
            count=len(cell.calibration_scores),
            asked=percent(asked),
        )
    )


def _confusion(point: Operating) -> pd.DataFrame:
    """Return the confusion matrix in words: rows are what the parts are, columns the verdict."""
    made = point.decisions
    rows = [
        [
            t("roc_matrix_right", count=made.good - made.false_alarms),
            t("roc_matrix_alarm", count=made.false_alarms),
        ],
        [
            t("roc_matrix_missed", count=made.missed),
            t("roc_matrix_found", count=made.defective - made.missed),
        ],
    ]
    return pd.DataFrame(
        rows,
        index=pd.Index(
            [t("roc_matrix_good"), t("roc_matrix_defective")], name=t("roc_matrix_head")
        ),
        columns=[t("roc_matrix_passed"), t("roc_matrix_reported")],
    )


def _draw_scores(cells: list[FinishedCell], asked: float) -> None:
    st.header(t("roc_scores_title"))
    for column, cell in zip(st.columns(len(cells)), cells, strict=True):
        made = operating(cell, asked).decisions
        defective = cell.test["label"] > 0
        unit = said(f"unit_{cell.method}") if cell.method in METHODS else said("unit_other")
        figure = score_chart(
            method_title(cell.method),
            unit,
            cell.test.loc[~defective, "score"],
            cell.test.loc[defective, "score"],
            cell.calibration_scores,
            made.threshold if made.known else math.nan,
            language(),
        )
        with column:
            category = str(cell.about["category"])
            draw_chart(figure, f"roc_scores_{cell.method}", f"scores_{category}_{cell.method}")
    st.caption(t("roc_scores_note"))


framed(draw)
