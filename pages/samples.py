"""Samples: click through the test pictures of one category and method."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import streamlit as st

from dashboard.finished import finished_cell
from dashboard.frame import framed
from dashboard.notices import draw_notices
from dashboard.run_control import start_evaluation
from dashboard.samples import (
    Panels,
    SampleSet,
    SessionSamples,
    defect_names,
    ordered,
    sample_name,
)
from dashboard.state import Selection, keep_choice, selected, t
from dashboard.tables import method_title, number
from dashboard.texts import plain
from detectors.registry import METHODS
from evaluation.cells import CellError, CellPlace
from evaluation.errors import sentence
from evaluation.heatmap import HEAT_TABLE
from evaluation.job import BusyError
from evaluation.settings import Settings
from evaluation.thresholds import DEFAULT_FALSE_ALARMS, pictures_needed, threshold_for

FITTED_HERE = "_fitted_here"
COLOUR_BAR = np.repeat(HEAT_TABLE[None], 4, axis=0)


def draw() -> None:
    """Draw the page."""
    selection = selected()
    names = {"category": selection.category, "method": method_title(selection.method)}
    st.title(t("samples_title", **names))
    draw_notices(selection)
    if not selection.category:
        st.info(t("choose_category"))
        return
    try:
        place = CellPlace(selection.outputs, selection.category, selection.method)
        cell = finished_cell(place)
        if cell is not None:
            _draw_origin(selection, cell.about)
            _draw_samples(selection, cell.samples())
            _draw_cell(cell.about)
            return
    except CellError as error:
        st.error(plain(str(error)))
    if selection.category not in selection.categories:
        st.info(t("only_results", category=selection.category))
        return
    _offer_fit(selection)


def _draw_origin(selection: Selection, cell: dict[str, Any]) -> None:
    """Say where the shown results come from if that is not what the sidebar says."""
    if cell["demo_data"] and not selection.demo:
        st.info(t("demo_results"), icon=":material/palette:")
    elif selection.data is not None and cell["data_root"] != str(selection.data.resolve()):
        st.info(t("made_from", root=cell["data_root"]))


def _offer_fit(selection: Selection) -> None:
    names = {"category": selection.category, "method": method_title(selection.method)}
    here = (str(selection.data), selection.category, selection.method)
    fitted = st.session_state.setdefault(FITTED_HERE, set())
    if here in fitted:
        _draw_session_samples(selection, names)
        return
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
    from detectors.weights import WeightsError

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
    if result.weights.startswith("random"):
        st.warning(t("random_notice", cells=names["method"]), icon=":material/warning:")
    st.caption(t("session_only", weights=result.weights))
    _draw_samples(selection, SessionSamples(result))


def _draw_samples(selection: Selection, samples: SampleSet) -> None:
    table = samples.table
    defect, by_score = _draw_filters(defect_names(table))
    positions = ordered(table, defect, by_score)
    if not positions:
        return
    position = _draw_picker(samples, positions)
    row = table.iloc[position]
    threshold = threshold_for(samples.calibration_scores, DEFAULT_FALSE_ALARMS)
    _draw_verdict(selection, row, threshold)
    _draw_panels(samples.panels(position), f"{row['defect']}_{row['stem']}", int(row["label"]))
    st.image(COLOUR_BAR, width="stretch")
    st.caption(t("scale_line", low=samples.scale.low, high=samples.scale.high))
    st.caption(_threshold_text(threshold, len(samples.calibration_scores)))


def _draw_filters(defects: list[str]) -> tuple[str | None, bool]:
    everything = t("everything")
    left, right = st.columns([3, 2])
    with left:
        defect = st.pills(
            t("filter_defect"),
            [everything, *defects],
            default=everything,
            key="defect_filter",
            format_func=plain,
            required=True,
        )
    with right:
        order = st.segmented_control(
            t("sort_by"),
            [t("sort_name"), t("sort_score")],
            default=t("sort_name"),
            key="order",
            required=True,
        )
    return (defect if defect in defects else None), order == t("sort_score")


def _draw_picker(samples: SampleSet, positions: list[int]) -> int:
    """Draw previous, list and next; return the chosen position in the table."""
    names = [sample_name(samples.table, position) for position in positions]
    scores = dict(zip(names, samples.table["score"].iloc[positions], strict=True))
    keep_choice("sample", names)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            t("sample"),
            names,
            key="sample",
            format_func=lambda name: f"{name} · {scores.get(name, math.nan):.4g}",
        )
        st.button(t("previous"), key="previous", on_click=_step, args=(names, -1))
        st.button(t("next"), key="next", on_click=_step, args=(names, 1))
    chosen = names.index(name)
    st.caption(t("position", position=chosen + 1, count=len(names)))
    return positions[chosen]


def _step(names: list[str], by: int) -> None:
    current = names.index(st.session_state["sample"]) if st.session_state["sample"] in names else 0
    st.session_state["sample"] = names[(current + by) % len(names)]


def _draw_verdict(selection: Selection, row: Any, threshold: float) -> None:
    defective = bool(row["label"])
    label = t("label_defect", defect=row["defect"]) if defective else t("label_good")
    unit_key = f"unit_{selection.method}" if selection.method in METHODS else "unit_other"
    parts = [
        f":{'red' if defective else 'green'}-badge[{label}]",
        f"**{t('score_line', score=row['score'], unit=t(unit_key))}**",
    ]
    if not math.isnan(threshold):
        reported = row["score"] > threshold
        if reported == defective:
            judged, colour = t("verdict_right"), "green"
        else:
            judged, colour = t("verdict_missed" if defective else "verdict_false_alarm"), "orange"
        said = t("verdict_defective") if reported else t("verdict_good")
        parts.append(f"{said} :{colour}-badge[{judged}]")
    st.markdown(" · ".join(parts))


def _draw_panels(panels: Panels, name: str, label: int) -> None:
    columns = st.columns(4)
    truth_note = t("no_mask") if label else t("no_defect_marked")
    shown = [
        ("panel_image", panels.image, t("missing_picture", name=f"{name}_img.png")),
        ("panel_truth", panels.truth, truth_note),
        ("panel_heatmap", panels.heatmap, ""),
        ("panel_overlay", panels.overlay, t("missing_picture", name=f"{name}_img.png")),
    ]
    for column, (key, picture, instead) in zip(columns, shown, strict=True):
        with column:
            if picture is None:
                st.caption(t(key))
                st.info(instead)
            else:
                st.image(picture, caption=t(key), width="stretch")


def _threshold_text(threshold: float, count: int) -> str:
    rate = DEFAULT_FALSE_ALARMS
    if math.isnan(threshold):
        return t("threshold_unknown", count=count, rate=rate, needed=pictures_needed(rate))
    return t("threshold_line", threshold=threshold, rate=rate, count=count)


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
            ms=cell["ms_per_image"],
            weights=cell["weights"],
        )
    )
    findings = cell.get("findings") or []
    if findings:
        with st.expander(t("data_findings", count=len(findings))):
            st.text("\n".join(findings))


framed(draw)
