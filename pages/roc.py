"""ROC: how the methods rank the test pictures, and what one threshold makes of them."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import streamlit as st

from dashboard.charts import draw_chart, draw_export_choice
from dashboard.figures.roc_charts import MethodCurve, precision_recall_chart, roc_chart
from dashboard.finished import FinishedCell
from dashboard.frame import framed
from dashboard.method_curves import curve_table, method_curve
from dashboard.opening import draw_finished_cells, has_category, opened
from dashboard.roc.review_panel import draw_review
from dashboard.state import (
    SAMPLES_PAGE,
    address,
    draw_false_alarm_slider,
    keep_choice,
    language,
    open_samples,
    remember,
    said,
    score_unit,
    t,
    told,
)
from dashboard.tables import (
    expected_alarms,
    method_title,
    percent,
    percent_interval,
    weights_text,
)
from dashboard.texts import plain
from data_utils.facts import fact_of
from evaluation.measure.conditions import above
from evaluation.measure.disagreement import FALSE_ALARM, MISSED
from evaluation.measure.operating_points import Decisions, pictures_needed, share_interval
from evaluation.store.places import CellError

ROC, PRECISION_RECALL = "roc", "pr"
VIEWS = {ROC: "roc_view_roc", PRECISION_RECALL: "roc_view_pr"}
ABSENT = {"image": "roc_no_pictures", "pixel": "roc_no_pixels"}


def draw() -> None:
    """Draw the page."""
    selection = opened("roc_heading", "roc_lead")
    category = selection.category
    if not has_category(selection) or not (cells := draw_finished_cells(selection)):
        return
    if len({(c.about["data_fingerprint"], str(c.about["geometry"])) for c in cells}) > 1:
        st.warning(t("roc_different_data"), icon=":material/warning:")
    asked = draw_false_alarm_slider()
    _draw_curves(category, cells, asked)
    st.header(t("roc_point_title"))
    for column, cell in zip(st.columns(len(cells)), cells, strict=True):
        with column, st.container(border=True):
            st.subheader(plain(method_title(cell.method)))
            _draw_decisions(cell, cell.decisions(asked), asked)
    st.caption(t("roc_conformal_note"))
    st.header(t("roc_scores_title"))
    st.markdown(t("lines_lead"))
    for column, cell in zip(st.columns(len(cells)), cells, strict=True):
        with column, st.container(border=True):
            st.subheader(plain(method_title(cell.method)))
            draw_review(selection, cell, asked)
    st.caption(t("roc_scores_note"))
    draw_export_choice()


def _draw_curves(category: str, cells: list[FinishedCell], asked: float) -> None:
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
    with_precision = view == PRECISION_RECALL
    shown, damaged = list[tuple[str, MethodCurve]](), False
    for cell in cells:
        try:
            both = [(kind, method_curve(cell, kind, asked, with_precision)) for kind in ABSENT]
        except CellError as error:
            damaged = True
            st.error(told(fact_of(error)))
            continue
        shown += [(kind, curve) for kind, curve in both if curve is not None]
    for column, kind in zip(st.columns(2), ABSENT, strict=True):
        curves = [curve for its_kind, curve in shown if its_kind == kind]
        with column:
            if curves:
                if with_precision:
                    figure = precision_recall_chart(curves, kind, language())
                else:
                    line = asked if kind == "image" else None
                    figure = roc_chart(curves, kind, language(), line, log_x)
                opens = partial(_open_above, curves) if kind == "image" else None
                draw_chart(figure, f"roc_{view}_{kind}", f"{view}_{kind}_{category}", opens)
            elif not damaged:
                st.info(t(ABSENT[kind], category=category))
    st.caption(t("roc_pr_note") if with_precision else t("roc_curves_note"))
    if shown:
        st.download_button(
            t("roc_download"),
            lambda: curve_table(shown).to_csv(index=False).encode(),
            file_name=f"curves_{category}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
    weights = (f"{method_title(c.method)}: {weights_text(str(c.about['weights']))}" for c in cells)
    st.caption(t("roc_weights", weights="; ".join(weights)))


def _open_above(curves: list[MethodCurve], clicked: list[Any]) -> None:
    """Open the pictures that score at least as high as a clicked point's threshold."""
    for values in filter(None, clicked):
        *_, score, place = values.values() if isinstance(values, dict) else values
        if score is not None and math.isfinite(score):
            one = curves[int(place)]
            open_samples(method=one.method, settings=one.settings, show=above(float(score)))


def _draw_decisions(cell: FinishedCell, made: Decisions, asked: float) -> None:
    """Say in words what the threshold makes of the test pictures."""
    rate, count = percent(asked), len(cell.calibration_scores)
    if not made.known:
        st.warning(t("roc_too_few", asked=rate, count=count, needed=pictures_needed(asked)))
        return
    _draw_count(cell, t("roc_missed"), MISSED, made.missed, made.defective)
    _draw_count(cell, t("roc_alarms"), FALSE_ALARM, made.false_alarms, made.good)
    reported = made.defective - made.missed + made.false_alarms
    precision = percent((made.defective - made.missed) / reported if reported else math.nan)
    recall = percent(1 - made.missed_rate)
    st.markdown(t("roc_precision_line", precision=precision, recall=recall))
    unit = score_unit(cell.method)
    values = {"unit": unit, "count": count, **expected_alarms(count, asked)}
    st.caption(t("roc_origin", threshold=made.threshold, **values))


def _draw_count(cell: FinishedCell, what: str, show: str, count: int, total: int) -> None:
    """Draw a count, which leads to its pictures, and its share with its interval."""
    if not total:
        st.markdown(f"{what}: {t('roc_share_unknown')}")
        return
    text = f":primary[{what}: {t('overview_count_of', count=count, total=total)}]"
    where = address(method=cell.method, settings=cell.place.settings_id, show=show)
    st.page_link(SAMPLES_PAGE, label=text, disabled=not count, query_params=where)
    spread = percent_interval(*share_interval(count, total))
    st.caption(t("roc_share", share=percent(count / total), interval=spread))


framed(draw)
