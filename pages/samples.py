"""Samples: click through the test pictures of one category and method."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from dashboard.finished import findings_of, finished_cell, finished_methods
from dashboard.frame import framed
from dashboard.loaders import results
from dashboard.opening import (
    draw_brightness_notice,
    draw_network_notice,
    draw_no_results,
    draw_origin,
    has_category,
    opened,
)
from dashboard.run.control import start_evaluation
from dashboard.samples import picker, sample_set, viewer
from dashboard.state import (
    Selection,
    draw_false_alarm_slider,
    mirror_in_url,
    said,
    score_unit,
    t,
    told,
)
from dashboard.tables import expected_alarms, method_title, number, percent, weights_text
from dashboard.texts import plain
from data_utils.facts import fact_of
from detectors.backbones.names import weights_kind
from detectors.registry import METHODS
from evaluation.measure.operating_points import pictures_needed, threshold_for
from evaluation.store.places import CellError, CellPlace
from evaluation.store.settings import Settings

FITTED_HERE = "_fitted_here"


def draw() -> None:
    """Draw the page."""
    selection = opened("samples_title")
    if has_category(selection):
        _draw_result(
            selection,
            {"category": selection.category, "method": method_title(selection.method)},
        )


@st.fragment
def _draw_result(selection: Selection, names: dict[str, str]) -> None:
    """Draw what there is of the chosen cell; a click redraws only this part of the page."""
    if not _draw_stored(selection):
        if selection.category in selection.categories:
            _draw_fit(selection, names)
        elif finished_methods(selection.outputs, selection.category)[0]:
            st.info(t("only_results", category=selection.category))
        else:
            draw_no_results(selection)
    mirror_in_url()


def _draw_stored(selection: Selection) -> bool:
    """Draw the finished cell, and tell whether there is one that can be drawn."""
    try:
        cell = finished_cell(CellPlace(selection.outputs, selection.category, selection.method))
        if cell is None:
            return False
        draw_origin(selection, [cell.about])
        samples = cell.samples()
    except CellError as error:
        st.error(told(fact_of(error)))
        return False
    _draw_samples(selection, samples)
    _draw_numbers(cell.about)
    draw_brightness_notice(results(selection.outputs)[0], selection.category)
    return True


def _draw_fit(selection: Selection, names: dict[str, str]) -> None:
    """Draw what was fitted in this session, or the offer to fit it now."""
    here = (str(selection.data), selection.category, selection.method)
    fitted = st.session_state.setdefault(FITTED_HERE, set())
    if here in fitted:
        _draw_session_samples(selection, names)
        return
    summary, _ = results(selection.outputs)
    if here[1:] in set(zip(summary["category"], summary["method"], strict=True)):
        draw_no_results(selection)
    else:
        st.info(t("not_evaluated", **names))
    if METHODS[selection.method].long_fit:
        st.caption(t("fit_process_hint"))
        if st.button(t("fit_process", **names), key="fit_process"):
            start_evaluation(selection, [selection.category], [selection.method])
            st.rerun()
    else:
        st.caption(t("fit_now_hint"))
        if st.button(t("fit_now", **names), key="fit_now"):
            fitted.add(here)
            st.rerun()


def _draw_session_samples(selection: Selection, names: dict[str, str]) -> None:
    from dashboard.session_models import scored

    assert selection.data is not None
    try:
        with st.spinner(t("fitting", **names)):
            result = scored(
                selection.data, selection.outputs, selection.category, selection.method, Settings()
            )
    except (ValueError, OSError) as error:
        st.session_state[FITTED_HERE].clear()
        st.error(told(fact_of(error)))
        return
    draw_network_notice(weights_kind(result.weights), names["method"])
    st.caption(t("session_only", weights=weights_text(result.weights)))
    _draw_samples(selection, sample_set.session_samples(result))


def _draw_samples(selection: Selection, samples: sample_set.SampleSet) -> None:
    table, unit = samples.table, score_unit(selection.method)
    held_out = samples.calibration_scores
    choosing, verdict, pictures, scale_row = (st.container() for _ in range(4))
    left, middle, right = st.columns(3)
    with left:
        rate = draw_false_alarm_slider()
    threshold = threshold_for(held_out, rate)
    with middle:
        key = f"outline/{selection.category}/{selection.method}/{threshold:.6g}"
        level = viewer.draw_outline_slider(
            viewer.outline_range(samples.scale, threshold), key, unit
        )
    with right:
        opacity = viewer.draw_opacity_slider()
    with choosing:
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            defect = picker.draw_filter(
                sample_set.defect_names(table), sample_set.sample_names(table), "defect_filter"
            )
            order = picker.draw_order()
        positions = sample_set.ordered(table, defect, order, threshold)
        listed = table.iloc[positions]
        scores = dict(zip(sample_set.sample_names(listed), listed["score"], strict=True))
        at = picker.draw_picker(
            list(scores), lambda name: f"{name} · {scores.get(name, math.nan):.4g}"
        )
    row, panels = listed.iloc[at], samples.panels(positions[at])
    with verdict, st.container(horizontal=True, horizontal_alignment="distribute"):
        viewer.draw_verdict(row, threshold, unit)
        st.caption(t("position", position=at + 1, count=len(positions)), width="content")
    with pictures:
        viewer.draw_panels(row, panels, level, opacity)
    with scale_row:
        bar, found = st.columns(2)
        with bar:
            viewer.draw_colour_bar(samples.scale, threshold)
        with found:
            st.markdown(viewer.overlap_text(panels, level, bool(row["label"])))
    origin = {"rate": percent(rate), "count": len(held_out)}
    if math.isnan(threshold):
        st.caption(t("threshold_unknown", needed=pictures_needed(rate), **origin))
    else:
        expected = expected_alarms(len(held_out), rate)
        st.caption(t("threshold_line", threshold=threshold, count=len(held_out), **expected))
    picker.draw_sample_gallery(samples, positions, at, threshold)


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
