"""Samples: click through the test pictures of one category and method."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import streamlit as st

from dashboard.compare.lineup import compared, judged_together
from dashboard.components.picture_viewer import draw_viewer, zoom
from dashboard.finished import findings_of, finished_cell, finished_methods
from dashboard.frame import framed
from dashboard.loaders import results
from dashboard.opening import (
    draw_evaluation,
    draw_no_results,
    draw_notices,
    has_category,
    opened,
)
from dashboard.samples import picker, sample_set, viewer
from dashboard.state import (
    Selection,
    allowed_false_alarms,
    draw_false_alarm_slider,
    forget_scores,
    language,
    mirror_in_url,
    said,
    score_unit,
    t,
    told,
)
from dashboard.tables import expected_alarms, method_title, number, percent, weights_text
from dashboard.texts import plain
from data_utils.facts import fact_of
from detectors.registry import METHODS
from evaluation.measure.disagreement import verdicts
from evaluation.measure.operating_points import pictures_needed, threshold_for
from evaluation.measure.telling import ordered
from evaluation.store.places import CellError, CellPlace

PANELS = {
    "image": "panel_image",
    "truth": "panel_truth",
    "heat": "panel_heatmap",
    "overlay": "panel_overlay",
}
BAR_SHOWN_PX = 360


def draw() -> None:
    """Draw the page."""
    selection = opened("samples_title")
    if has_category(selection):
        _draw_result(selection)


@st.fragment
def _draw_result(selection: Selection) -> None:
    """Draw what there is of the chosen cell; a click redraws only this part of the page."""
    if st.session_state["method"] != selection.method:
        st.rerun()  # by a key, which redraws this part only
    try:
        place = CellPlace(
            selection.outputs, selection.category, selection.method, selection.settings
        )
        cell = finished_cell(place)
        if cell is not None:
            _draw_samples(selection, cell.samples(), cell.about)
            _draw_numbers(cell.about)
            draw_notices(selection, [cell.about], selection.category, [cell])
    except CellError as error:
        st.error(told(fact_of(error)))
    else:
        if cell is None:
            _draw_missing(selection)
    mirror_in_url()


def _draw_missing(selection: Selection) -> None:
    """Say that there is no such cell, and offer to make it."""
    summary, _ = results(selection.outputs)
    here = (selection.category, selection.method)
    if here in set(zip(summary["category"], summary["method"], strict=True)):
        draw_no_results(selection)
    elif selection.category not in selection.categories:
        st.info(t("only_results", category=selection.category))
    else:
        title = method_title(selection.method)
        st.info(t("not_evaluated", category=selection.category, method=title))
    draw_evaluation(selection, [selection.method])
    draw_notices(selection)


def _draw_samples(
    selection: Selection, samples: sample_set.SampleSet, about: dict[str, Any]
) -> None:
    table, method, held_out = samples.table, selection.method, samples.calibration_scores
    unit, title = score_unit(method), method_title(method)
    outputs, category, settings = selection.outputs, selection.category, selection.settings
    others = cache(
        lambda: compared(finished_methods(outputs, category, settings)[0], allowed_false_alarms())
    )
    with st.container(key="controls", horizontal=True, vertical_alignment="bottom"):
        rate = draw_false_alarm_slider()
        threshold = threshold_for(held_out, rate)
        met = picker.draw_condition(table, threshold, lambda: judged_together(others(), table))
        defect = picker.draw_filter(sample_set.defect_names(table))
        order = picker.draw_order()
        positions = ordered(table, defect, order, threshold)
        positions = [position for position in positions if met[position]]
        names = sample_set.sample_names(table)
        listed = [names[position] for position in positions]
        scores = dict(zip(names, table["score"], strict=True))
        if listed:
            at = picker.draw_picker(
                listed,
                lambda: picker.telling_sample(table, others()),
                lambda name: f"{name} · {scores.get(name, math.nan):.4g}",
            )
        with st.popover(t("samples_display"), icon=":material/tune:"):
            key = f"outline/{selection.category}/{method}/{threshold:.6g}"
            level = viewer.draw_outline_slider(samples.scale, threshold, key, unit)
            opacity = viewer.draw_opacity_slider()
    origin = {"category": selection.category, "method": title, "rate": percent(rate)}
    picker.draw_taken_away(origin, len(listed))
    if not listed:
        st.info(t("shown_nothing"))
        return
    judged = verdicts(table["score"], table["label"], threshold)

    def viewed(place: int) -> dict[str, Any]:
        row, seen = table.iloc[positions[place]], {method: samples.panels(positions[place])}
        marks = [viewer.label_mark(row), (said("score_short", score=row["score"]), "")]
        if (verdict := judged[positions[place]]) in viewer.VERDICTS:
            key, kind = viewer.VERDICTS[verdict]
            marks.append((said(key), kind))
        return viewer.viewed(about, row, seen, {method: level}, marks)

    draw_viewer(
        viewed,
        listed,
        at,
        f"{samples.stamp}/{method}/{level}/{rate}/{zoom()[0] > 1}/{language()}",
        [{"kind": kind, "method": method, "title": said(key)} for kind, key in PANELS.items()],
        viewer.labels(methods=True),
        opacity,
        _turn,
        listed=method,
    )
    _draw_scale(samples, threshold, rate, unit)
    picker.draw_sample_gallery(samples, positions, at, threshold)


def _draw_scale(samples: sample_set.SampleSet, threshold: float, rate: float, unit: str) -> None:
    """Draw the colour scale, and say where the threshold comes from."""
    held_out, scale = samples.calibration_scores, samples.scale
    origin = {"rate": percent(rate), "count": len(held_out)}
    if math.isnan(threshold):
        line = t("threshold_unknown", needed=pictures_needed(rate), **origin)
    else:
        expected = expected_alarms(len(held_out), rate)
        line = t("threshold_line", threshold=threshold, count=len(held_out), **expected)
    with st.container(horizontal=True, vertical_alignment="center"):
        alt = said("colour_bar_alt", low=scale.low, high=scale.high)
        st.image(viewer.colour_bar(scale, threshold), width=BAR_SHOWN_PX, alt=alt)
        st.caption(f"{t('scale_line', low=scale.low, high=scale.high, unit=unit)} {line}")


def _turn(by: int) -> None:
    """Go to the next or the previous method."""
    keys = list(METHODS)
    at = (keys.index(st.session_state["method"]) + by) % len(keys)
    st.session_state["method"] = keys[at]
    forget_scores()


def _draw_numbers(about: dict[str, Any]) -> None:
    """Draw the cell's metrics and times in one line, and what was found wrong with its data."""
    metrics = about["metrics"]
    st.divider()
    st.markdown(
        t(
            "cell_line",
            image=number(metrics["image_auroc"]),
            low=number(metrics["image_auroc_low"]),
            high=number(metrics["image_auroc_high"]),
            pixel=number(metrics["pixel_auroc"]),
            aupro=number(metrics["aupro"]),
            masks=_masks(about),
            fit=about["fit_s"],
            ms=number(about["latency_ms"], 0),
            weights=weights_text(about["weights"]),
        )
    )
    if findings := findings_of(about):
        with st.expander(t("data_findings", count=len(findings))):
            st.markdown(
                "\n".join(f"- {plain(path)}: {told(problem)}" for path, problem in findings)
            )


def _masks(about: dict[str, Any]) -> str:
    if about["settings"]["full_size_masks"]:
        return said("masks_full_size")
    return said("masks_size", **{side: about["geometry"][side] for side in ("width", "height")})


framed(draw)
