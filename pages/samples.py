"""Samples: click through the test pictures of one category and method."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from dashboard.answer import spoken_time
from dashboard.finished import finished_cell, finished_methods
from dashboard.frame import framed
from dashboard.loaders import results
from dashboard.notices import (
    draw_brightness_notice,
    draw_network_notice,
    draw_no_results,
    draw_notices,
    draw_origin,
)
from dashboard.recorded import weights_text
from dashboard.run.control import start_evaluation
from dashboard.samples.gallery import draw_sample_gallery
from dashboard.samples.picker import draw_filter, draw_order, draw_picker
from dashboard.samples.sample_set import (
    SampleSet,
    SessionSamples,
    defect_names,
    ordered,
    sample_names,
)
from dashboard.samples.viewer import (
    draw_colour_bar,
    draw_opacity_slider,
    draw_outline_slider,
    draw_panels,
    outline_range,
    overlap_text,
)
from dashboard.state import Selection, draw_false_alarm_slider, mirror_in_url, said, selected, t
from dashboard.tables import method_title, number, percent
from dashboard.texts import plain
from detectors.backbones.names import weights_kind
from detectors.registry import METHODS
from evaluation.cells import CellError, CellPlace
from evaluation.errors import sentence
from evaluation.job import BusyError
from evaluation.picture_time import picture_time
from evaluation.pictures import picture_name
from evaluation.settings import Settings
from evaluation.thresholds import pictures_needed, threshold_for

FITTED_HERE, FILTER_KEY = "_fitted_here", "defect_filter"


def draw() -> None:
    """Draw the page."""
    selection = selected()
    names = {"category": selection.category, "method": method_title(selection.method)}
    st.title(t("samples_title", **names))
    draw_notices(selection)
    if not selection.category:
        st.info(t("choose_category"))
        return
    _draw_result(selection, names)


@st.fragment
def _draw_result(selection: Selection, names: dict[str, str]) -> None:
    """Draw what there is of the chosen cell; a click redraws only this part of the page."""
    _draw_stored_or_offer(selection, names)
    mirror_in_url()


def _draw_stored_or_offer(selection: Selection, names: dict[str, str]) -> None:
    try:
        place = CellPlace(selection.outputs, selection.category, selection.method)
        cell = finished_cell(place)
        if cell is not None:
            draw_origin(selection, [cell.about])
            _draw_samples(selection, cell.samples())
            _draw_cell(cell.about)
            draw_brightness_notice(results(selection.outputs)[0], selection.category)
            return
    except CellError as error:
        st.error(plain(str(error)))
    if selection.category not in selection.categories:
        if finished_methods(selection.outputs, selection.category)[0]:
            st.info(t("only_results", category=selection.category))
        else:
            draw_no_results(selection)
        return
    _offer_fit(selection, names)


def _offer_fit(selection: Selection, names: dict[str, str]) -> None:
    here = (str(selection.data), selection.category, selection.method)
    fitted = st.session_state.setdefault(FITTED_HERE, set())
    if here in fitted:
        _draw_session_samples(selection, names)
        return
    summary, _ = results(selection.outputs)
    if (
        (summary[["category", "method"]] == [selection.category, selection.method])
        .all(axis=1)
        .any()
    ):
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
    from dashboard.fitting import scored
    from detectors.backbones.weights import WeightsError

    assert selection.data is not None
    try:
        with st.spinner(t("fitting", **names)):
            result = scored(
                selection.data,
                selection.outputs,
                selection.category,
                selection.method,
                Settings(),
            )
    except (WeightsError, BusyError, ValueError, OSError) as error:
        st.session_state[FITTED_HERE].clear()
        st.error(plain(sentence(error)))
        return
    draw_network_notice(weights_kind(result.weights), names["method"])
    st.caption(t("session_only", weights=weights_text(result.weights)))
    _draw_samples(selection, SessionSamples(result))


def _draw_samples(selection: Selection, samples: SampleSet) -> None:
    table = samples.table
    if table.empty:
        return
    choosing, verdict, pictures, scale_row = (st.container() for _ in range(4))
    unit = _unit(selection)
    left, middle, right = st.columns(3)
    with left:
        rate = draw_false_alarm_slider()
    threshold = threshold_for(samples.calibration_scores, rate)
    with middle:
        level = draw_outline_slider(
            outline_range(samples.scale, threshold),
            f"outline/{selection.category}/{selection.method}/{threshold:.6g}",
            unit,
        )
    with right:
        opacity = draw_opacity_slider()
    with choosing:
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            defect = draw_filter(defect_names(table), sample_names(table), FILTER_KEY)
            order = draw_order()
        positions = ordered(table, defect, order, threshold)
        listed = table.iloc[positions]
        names = sample_names(listed)
        scores = dict(zip(names, listed["score"], strict=True))
        at = draw_picker(names, lambda name: f"{name} · {scores.get(name, math.nan):.4g}")
    row = table.iloc[positions[at]]
    panels = samples.panels(positions[at])
    with verdict, st.container(horizontal=True, horizontal_alignment="distribute"):
        _draw_verdict(row, threshold, unit)
        st.caption(t("position", position=at + 1, count=len(positions)), width="content")
    with pictures:
        draw_panels(panels, _missing(row), samples.scale, level, opacity)
    with scale_row:
        bar, found = st.columns(2)
        with bar:
            draw_colour_bar(samples.scale, threshold)
        with found:
            st.markdown(overlap_text(panels, level, bool(row["label"])))
    st.caption(_threshold_text(threshold, rate, len(samples.calibration_scores)))
    draw_sample_gallery(samples, positions, at, threshold)


def _unit(selection: Selection) -> str:
    return t(f"unit_{selection.method}" if selection.method in METHODS else "unit_other")


def _missing(row: Any) -> dict[str, str]:
    image, truth = (picture_name(row["defect"], row["stem"], kind) for kind in ("img", "gt"))
    no_truth = t("no_mask") if row["label"] else t("no_defect_marked")
    return {
        "image": t("missing_picture", name=image),
        "truth": t("missing_picture", name=truth) if row["has_mask"] else no_truth,
    }


def _draw_verdict(row: Any, threshold: float, unit: str) -> None:
    defective = bool(row["label"])
    label = t("label_defect", defect=row["defect"]) if defective else t("label_good")
    parts = [
        f":{'red' if defective else 'green'}-badge[{label}]",
        f"**{t('score_line', score=row['score'], unit=unit)}**",
    ]
    if not math.isnan(threshold):
        reported = row["score"] > threshold
        if reported == defective:
            judged, colour = t("verdict_right"), "green"
        else:
            judged, colour = t("verdict_missed" if defective else "verdict_false_alarm"), "orange"
        told = t("verdict_defective") if reported else t("verdict_good")
        parts.append(f"{told} :{colour}-badge[{judged}]")
    st.markdown(" · ".join(parts), width="content")


def _threshold_text(threshold: float, rate: float, count: int) -> str:
    if math.isnan(threshold):
        needed = pictures_needed(rate)
        return t("threshold_unknown", count=count, rate=percent(rate), needed=needed)
    return t("threshold_line", threshold=threshold, rate=percent(rate), count=count)


def _draw_cell(cell: dict[str, Any]) -> None:
    metrics = cell["metrics"]
    st.divider()
    st.markdown(
        t(
            "cell_line",
            image=number(metrics["image_auroc"]),
            low=number(metrics["image_auroc_low"]),
            high=number(metrics["image_auroc_high"]),
            pixel=number(metrics["pixel_auroc"]),
            aupro=number(metrics["aupro"]),
            fit=cell["fit_s"],
            time=spoken_time(picture_time(cell), said),
            weights=weights_text(cell["weights"]),
        )
    )
    findings = cell.get("findings") or []
    if findings:
        with st.expander(t("data_findings", count=len(findings))):
            st.text("\n".join(findings))


framed(draw)
