"""Samples: click through the test pictures of one category and method."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from dashboard.compare.lineup import Comparison, compared, judged_together
from dashboard.components.picture_viewer import draw_viewer, zoom
from dashboard.finished import findings_of, finished_cell, finished_methods
from dashboard.frame import framed
from dashboard.loaders import results
from dashboard.opening import (
    NOTED_KINDS,
    draw_no_results,
    draw_notices,
    has_category,
    network_notice,
    opened,
)
from dashboard.run.control import start_evaluation
from dashboard.samples import picker, sample_set, viewer
from dashboard.state import (
    Selection,
    allowed_false_alarms,
    draw_false_alarm_slider,
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
from detectors.backbones.names import weights_kind
from detectors.registry import METHODS
from evaluation.measure.disagreement import verdicts
from evaluation.measure.operating_points import pictures_needed, threshold_for
from evaluation.store.places import CellError, CellPlace
from evaluation.store.settings import Settings

FITTED_HERE = "_fitted_here"
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
        _draw_result(
            selection,
            {"category": selection.category, "method": method_title(selection.method)},
        )


@st.fragment
def _draw_result(selection: Selection, names: dict[str, str]) -> None:
    """Draw what there is of the chosen cell; a click redraws only this part of the page."""
    if st.session_state["method"] != selection.method:
        st.rerun()  # by a key, which redraws this part only
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
        cell = finished_cell(
            CellPlace(selection.outputs, selection.category, selection.method, selection.settings)
        )
        if cell is None:
            return False
        samples = cell.samples()
    except CellError as error:
        st.error(told(fact_of(error)))
        return False
    _draw_samples(selection, samples, cell.about)
    _draw_numbers(cell.about)
    draw_notices(selection, [cell.about], selection.category)
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
    if (kind := weights_kind(result.weights)) in NOTED_KINDS:
        st.info(network_notice(kind, names["method"]))
    st.caption(t("session_only", weights=weights_text(result.weights)))
    _draw_samples(selection, sample_set.session_samples(result), {"data_root": ""})


def _draw_samples(
    selection: Selection, samples: sample_set.SampleSet, about: dict[str, Any]
) -> None:
    table, unit = samples.table, score_unit(selection.method)
    held_out = samples.calibration_scores
    others = _compared(selection)
    with st.container(key="controls", horizontal=True, vertical_alignment="bottom"):
        rate = draw_false_alarm_slider()
        threshold = threshold_for(held_out, rate)
        several = others is not None and len(others.cells) > 1
        met = picker.draw_condition(
            table, threshold, lambda: judged_together(others, table), several
        )
        defect = picker.draw_filter(sample_set.defect_names(table))
        order = picker.draw_order()
        positions = sample_set.ordered(table, defect, order, threshold)
        positions = [position for position in positions if met[position]]
        names = sample_set.sample_names(table)
        listed = [names[position] for position in positions]
        scores = dict(zip(names, table["score"], strict=True))
        if listed:
            at = picker.draw_picker(
                listed,
                picker.telling_sample(table, others),
                lambda name: f"{name} · {scores.get(name, math.nan):.4g}",
            )
        with st.popover(t("samples_display"), icon=":material/tune:"):
            key = f"outline/{selection.category}/{selection.method}/{threshold:.6g}"
            level = viewer.draw_outline_slider(
                viewer.outline_range(samples.scale, threshold), key, unit
            )
            opacity = viewer.draw_opacity_slider()
    title = method_title(selection.method)
    origin = said("shown_origin", category=selection.category, method=title, rate=percent(rate))
    picker.draw_taken_away(origin, len(listed))
    if not listed:
        st.info(t("shown_nothing"))
        return
    judged = verdicts(table["score"], table["label"], threshold)

    def viewed(position: int) -> dict[str, Any]:
        row = table.iloc[position]
        marks = [viewer.label_mark(row), (said("score_short", score=row["score"]), "")]
        if judged[position] in viewer.VERDICTS:
            key, kind = viewer.VERDICTS[judged[position]]
            marks.append((said(key), kind))
        place = t("position", position=positions.index(position) + 1, count=len(positions))
        seen = {selection.method: samples.panels(position)}
        return viewer.viewed(about, row, seen, {selection.method: level}, marks, place)

    near = [positions[(at + by) % len(positions)] for by in picker.NEIGHBOURS]
    draw_viewer(
        {names[position]: viewed(position) for position in dict.fromkeys(near)},
        listed,
        listed[at],
        [
            {"kind": kind, "method": selection.method, "title": said(key)}
            for kind, key in PANELS.items()
        ],
        viewer.labels(),
        opacity,
        _turn,
        version=f"{samples.stamp}/{selection.method}/{level}/{zoom()[0] > 1}/{language()}",
        listed=selection.method,
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
        st.image(viewer.colour_bar(scale, threshold), width=BAR_SHOWN_PX)
        st.caption(f"{t('scale_line', low=scale.low, high=scale.high, unit=unit)} {line}")


def _compared(selection: Selection) -> Comparison | None:
    """Return what all methods with results make of the category's pictures."""
    cells, _ = finished_methods(selection.outputs, selection.category, selection.settings)
    return compared(cells, allowed_false_alarms()) if cells else None


def _turn(by: int) -> None:
    """Go to the next or the previous method."""
    keys = list(METHODS)
    at = (keys.index(st.session_state["method"]) + by) % len(keys)
    st.session_state["method"] = keys[at]


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
