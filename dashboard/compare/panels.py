"""One test picture as every method sees it: maps, overlays, scores and verdicts in a row."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.compare.lineup import Comparison
from dashboard.samples.sample_set import Panels
from dashboard.state import t
from dashboard.tables import method_title
from dashboard.texts import plain
from detectors.registry import METHODS
from evaluation.cells import CellError
from evaluation.disagreement import FALSE_ALARM, HIT, KEYS, MISSED, PASSED
from evaluation.heatmap import Scale, outlined
from evaluation.pictures import picture_name
from evaluation.thresholds import pictures_needed

PAIR_KEY = "compare_pair_"
PHONE_STYLE = f"""<style>
@media (max-width: 640px) {{ [class*="st-key-{PAIR_KEY}"] {{ flex-direction: row; }} }}
</style>"""
SAMPLES_PAGE = "pages/samples.py"
CHIPS = {
    HIT: ("compare_hit", "green", "check_circle"),
    PASSED: ("compare_passed", "green", "check_circle"),
    MISSED: ("compare_missed", "red", "cancel"),
    FALSE_ALARM: ("compare_false_alarm", "orange", "error"),
}


def draw_row(comparison: Comparison, row: int, false_alarms: float) -> None:
    """Draw picture and ground truth once, then map and overlay of each method.

    On a narrow page the columns stand below each other, each with its two pictures abreast.
    """
    st.html(PHONE_STYLE)
    seen = {method: _seen(comparison, method, row) for method in comparison.cells}
    first, *others = st.columns(1 + len(comparison.cells))
    with first:
        _draw_picture(comparison, row, [one[0] for one in seen.values() if isinstance(one, tuple)])
    for column, (method, one) in zip(others, seen.items(), strict=True):
        with column:
            st.markdown(f"**{plain(method_title(method))}**")
            if isinstance(one, str):
                st.warning(plain(one))
            elif one is not None:
                _draw_map(comparison, method, row, *one)
            if one is None:
                name = comparison.together.names[row]
                st.info(t("compare_not_scored", name=name, method=method_title(method)))
            else:
                _draw_numbers(comparison, method, row, false_alarms)


def chip(comparison: Comparison, method: str, verdict: str, false_alarms: float) -> str:
    """Return a verdict as a badge in Markdown."""
    if verdict in CHIPS:
        key, colour, icon = CHIPS[verdict]
        return f":{colour}-badge[:material/{icon}: {t(key)}]"
    if math.isnan(comparison.thresholds[method]):
        needed = pictures_needed(false_alarms)
        count = len(comparison.cells[method].calibration_scores)
        return f":gray-badge[{t('compare_no_threshold', needed=needed, count=count)}]"
    return f":gray-badge[{t('compare_not_judged')}]"


def _seen(comparison: Comparison, method: str, row: int) -> tuple[Panels, Scale] | str | None:
    """Return the method's panels, a sentence if its files are damaged, None if it has no such one.

    A damaged file of pictures leaves the scores readable.
    """
    cell = comparison.cells[method]
    wanted = comparison.together.pictures.loc[row, KEYS]
    same = np.flatnonzero((cell.test[KEYS] == wanted).all(axis=1))
    if len(same) == 0:
        return None
    try:
        samples = cell.samples()
    except CellError as error:
        return str(error)
    return samples.panels(int(same[0])), samples.scale


def _draw_picture(comparison: Comparison, row: int, seen: list[Panels]) -> None:
    picture = comparison.together.pictures.iloc[row]
    defective = picture["label"] > 0
    label = t("label_defect", defect=picture["defect"]) if defective else t("label_good")
    st.markdown(f":{'red' if defective else 'green'}-badge[{label}]")
    image = next((one.image for one in seen if one.image is not None), None)
    truth = next((one.truth for one in seen if one.truth is not None), None)
    name = picture_name(picture["defect"], picture["stem"], "img")
    with st.container(key=f"{PAIR_KEY}picture"):
        _draw(image, "panel_image", t("missing_picture", name=name))
        _draw(truth, "panel_truth", t("no_mask") if defective else t("no_defect_marked"))
    st.caption(t("compare_scales"))


def _draw_map(comparison: Comparison, method: str, row: int, panels: Panels, scale: Scale) -> None:
    picture = comparison.together.pictures.iloc[row]
    name = picture_name(picture["defect"], picture["stem"], "img")
    laid_over = panels.overlay
    if laid_over is not None:
        laid_over = outlined(laid_over, panels.anomaly_map, comparison.thresholds[method])
    with st.container(key=f"{PAIR_KEY}{method}"):
        _draw(panels.heatmap, "panel_heatmap", "")
        _draw(laid_over, "panel_overlay", t("missing_picture", name=name))
    st.caption(t("compare_colours", low=scale.low, high=scale.high))


def _draw_numbers(comparison: Comparison, method: str, row: int, false_alarms: float) -> None:
    score = float(comparison.together.scores[method].to_numpy(np.float64)[row])
    rank = float(comparison.ranked[method].to_numpy(np.float64)[row])
    verdict = str(comparison.judged[method].iat[row])
    threshold = comparison.thresholds[method]
    unit = t(f"unit_{method}" if method in METHODS else "unit_other")
    shown = "n/a" if math.isnan(score) else f"{score:.4g}"
    st.markdown(chip(comparison, method, verdict, false_alarms))
    st.markdown(t("compare_score", score=shown, unit=unit))
    if not math.isnan(threshold):
        held_out = len(comparison.cells[method].calibration_scores)
        st.caption(t("compare_threshold", threshold=threshold, count=held_out))
    if not math.isnan(rank) and len(comparison.cells) > 1:
        st.caption(t("compare_rank", rank=rank, count=int(comparison.together.shared.sum())))
    if st.button(
        t("compare_open_samples"),
        key=f"compare_open_{method}",
        icon=":material/image_search:",
        type="tertiary",
        on_click=_choose_method,
        args=(method,),
    ):
        st.switch_page(SAMPLES_PAGE)


def _choose_method(method: str) -> None:
    st.session_state["method"] = method


def _draw(picture: NDArray[np.uint8] | None, key: str, instead: str) -> None:
    if picture is None:
        with st.container():
            st.caption(t(key))
            st.info(instead)
    else:
        st.image(picture, caption=t(key), width="stretch")
