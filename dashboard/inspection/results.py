"""What the methods say about a new picture: one row of maps, the reasons, or a table of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from dashboard.colour_bar import colour_bar
from dashboard.inspection.scoring import (
    DEFECTIVE,
    GOOD,
    NOT_READ,
    UNDECIDED,
    Chosen,
    Ready,
    batch_csv,
    batch_table,
    distance_grid,
    file_scores,
    nearest_good,
    reconstruction,
    refusal,
    scored_picture,
    training_set,
    verdict,
)
from dashboard.state import keep_choice, said, t
from dashboard.tables import method_title
from dashboard.texts import plain
from data_utils.images import UnreadableImageError
from data_utils.transform import Transform
from detectors.base import AnomalyResult
from evaluation.cells import CellError
from evaluation.heatmap import heat, outlined, overlay
from evaluation.inspection import marked_patch
from evaluation.thresholds import pictures_needed

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

VIEWS = ["inspection_overlay", "inspection_heatmap", "inspection_outline"]
VERDICTS = {
    DEFECTIVE: ("inspection_defective", "red"),
    GOOD: ("inspection_good", "green"),
    UNDECIDED: ("inspection_undecided", "gray"),
    NOT_READ: ("inspection_not_read", "gray"),
}
GRID_ENLARGED = 4
CSV_NAME = "{category}_inspection.csv"


def draw_result(ready: Sequence[Ready], chosen: Chosen, false_alarms: float) -> None:
    """Draw the picture and every method's map, score and verdict in one row, then the reasons."""
    with st.spinner(t("inspection_scoring")):
        results = [scored_picture(method, chosen.image) for method in ready]
        before = chosen.undamaged
        undamaged = [
            float(scored_picture(method, before).scores[0]) if before is not None else None
            for method in ready
        ]
    st.header(t("inspection_result"))
    view = _draw_view_choice()
    columns = st.columns(1 + len(ready))
    with columns[0]:
        st.markdown(f"**{t('inspection_picture')}**")
        st.image(chosen.image, caption=plain(chosen.name), width="stretch")
    for column, method, result, score in zip(columns[1:], ready, results, undamaged, strict=True):
        with column:
            _draw_method(method, chosen, result, score, view, false_alarms)
    units = "; ".join(
        f"{method_title(method.method)} {said(f'unit_{method.method}')}" for method in ready
    )
    st.caption(f"{t('inspection_units', units=units)} {t('inspection_scale')}")
    _draw_reasons(ready, chosen.image)


def _draw_view_choice() -> str:
    keep_choice("inspection_view", VIEWS)
    return str(
        st.segmented_control(
            t("inspection_view"),
            VIEWS,
            key="inspection_view",
            format_func=lambda key: said(key),
            required=True,
            label_visibility="collapsed",
        )
    )


def _draw_method(
    method: Ready,
    chosen: Chosen,
    result: AnomalyResult,
    undamaged: float | None,
    view: str,
    false_alarms: float,
) -> None:
    cell, score, anomaly_map = method.opened.cell, float(result.scores[0]), result.maps[0]
    threshold = method.threshold(false_alarms)
    shown = {
        "inspection_heatmap": lambda: heat(anomaly_map, cell.scale),
        "inspection_overlay": lambda: overlay(chosen.image, anomaly_map, cell.scale),
        "inspection_outline": lambda: outlined(chosen.image, anomaly_map, threshold),
    }[view]()
    st.markdown(f"**{plain(method_title(method.method))}**")
    st.image(shown, width="stretch")
    st.image(colour_bar(cell.scale, threshold), width="stretch")
    key, colour = VERDICTS[verdict(score, threshold)]
    st.markdown(f":{colour}-badge[{t(key)}]")
    line = f"**{t('inspection_score', score=score)}**"
    if undamaged is not None:
        line += f" · {t('inspection_score_before', before=undamaged)}"
    st.markdown(line)
    st.caption(_threshold_text(method, threshold, false_alarms))
    if chosen.mask is not None and chosen.mask.any():
        st.caption(_hottest_text(anomaly_map, chosen.mask))


def _threshold_text(method: Ready, threshold: float, false_alarms: float) -> str:
    count, rate = len(method.opened.cell.calibration_scores), 100 * false_alarms
    if np.isnan(threshold):
        needed = pictures_needed(false_alarms)
        return t("inspection_no_threshold", rate=rate, needed=needed, count=count)
    return t("inspection_threshold", threshold=threshold, rate=rate, count=count)


def _hottest_text(anomaly_map: NDArray[np.float32], mask: NDArray[np.bool_]) -> str:
    # Here, because a page should not wait for it before a picture is scored.
    from scipy.ndimage import distance_transform_edt

    away = float(distance_transform_edt(~mask).ravel()[anomaly_map.argmax()])
    if away == 0:
        return t("inspection_hottest_inside")
    return t("inspection_hottest_away", distance=away)


def _draw_reasons(ready: Sequence[Ready], image: NDArray[np.uint8]) -> None:
    reasons = {"patchcore": _draw_nearest, "ae": _draw_redrawn, "padim": _draw_grid}
    explained = [method for method in ready if method.method in reasons]
    if not explained:
        return
    st.header(t("inspection_why"))
    for column, method in zip(st.columns(len(explained)), explained, strict=True):
        with column:
            st.markdown(f"**{method_title(method.method)}**")
            reasons[method.method](method, image)


def _draw_nearest(method: Ready, image: NDArray[np.uint8]) -> None:
    found = nearest_good(method, image)
    left, right = st.columns(2)
    with left:
        own = marked_patch(image, found.position, found.grid)
        st.image(own, caption=t("inspection_patch_own"), width="stretch")
    try:
        with st.spinner(t("inspection_explaining")):
            training = training_set(method)
    except CellError as error:
        st.info(t("inspection_patch_unknown", reason=str(error)))
        return
    with right:
        good = marked_patch(
            np.asarray(training.train[found.train_image]), found.train_position, found.grid
        )
        st.image(good, caption=t("inspection_patch_good"), width="stretch")
    row = training.records.iloc[found.train_image]
    rows, columns = found.grid
    st.caption(
        t(
            "inspection_patch_line",
            distance=found.distance,
            file=f"{row['split']}/{row['defect']}/{row['image_path'].name}",
            rows=rows,
            columns=columns,
        )
    )


def _draw_redrawn(method: Ready, image: NDArray[np.uint8]) -> None:
    redrawn = reconstruction(method, image)
    st.image(redrawn, width="stretch")
    st.caption(t("inspection_redrawn", height=redrawn.shape[0], width=redrawn.shape[1]))


def _draw_grid(method: Ready, image: NDArray[np.uint8]) -> None:
    grid = distance_grid(method, image)
    shown = Image.fromarray(heat(grid, method.opened.cell.scale))
    larger = (shown.width * GRID_ENLARGED, shown.height * GRID_ENLARGED)
    st.image(np.asarray(shown.resize(larger, Image.Resampling.NEAREST)), width="stretch")
    rows, columns = grid.shape
    low, high = float(grid.min()), float(grid.max())
    st.caption(t("inspection_grid", rows=rows, columns=columns, low=low, high=high))


def draw_batch(
    ready: Sequence[Ready],
    files: Sequence[UploadedFile],
    geometry: Transform,
    category: str,
    false_alarms: float,
) -> UploadedFile | None:
    """Score many files one by one and draw them as a table; return the one to look at."""
    scores: list[tuple[str, dict[str, float] | None]] = []
    problems = []
    bar = st.progress(0.0)
    for done, file in enumerate(files, start=1):
        try:
            scores.append((file.name, file_scores(file, geometry, ready)))
        except UnreadableImageError as error:
            scores.append((file.name, None))
            problems.append(refusal(file.name, error))
        bar.progress(done / len(files), t("inspection_progress", done=done, count=len(files)))
    bar.empty()
    table = batch_table(scores, ready, false_alarms)
    st.header(t("inspection_batch", count=len(files)))
    shown = _for_people(table, ready, len(files))
    styled = shown.style.format(dict.fromkeys(shown.columns[1::2], "{:.4g}"), na_rep="n/a")
    st.dataframe(styled, hide_index=True, width="stretch", placeholder="n/a")
    st.caption(" · ".join(_counts(table, ready, false_alarms)))
    st.download_button(
        t("inspection_download"),
        batch_csv(table),
        file_name=CSV_NAME.format(category=category),
        mime="text/csv",
    )
    for problem in problems:
        st.error(plain(problem))
    readable = [position for position, (_, found) in enumerate(scores) if found is not None]
    if not readable:
        return None
    if st.session_state.get("inspection_look_at") not in readable:
        st.session_state["inspection_look_at"] = readable[0]
    position = st.selectbox(
        t("inspection_look_at"),
        readable,
        key="inspection_look_at",
        format_func=lambda position: files[position].name,
    )
    return files[position]


def _for_people(table: pd.DataFrame, ready: Sequence[Ready], count: int) -> pd.DataFrame:
    """Return one row per file, and score and verdict of each method in columns."""
    each = len(ready)
    wide: dict[str, object] = {said("inspection_column_file"): table["file"].to_numpy()[::each]}
    for offset, method in enumerate(ready):
        own = table.iloc[offset::each]
        title = method_title(method.method)
        wide[said("inspection_column_score", method=title)] = own["score"].to_numpy()
        wide[said("inspection_column_verdict", method=title)] = [
            said(VERDICTS[one][0]) for one in own["verdict"]
        ]
    return pd.DataFrame(wide, index=range(count))


def _counts(table: pd.DataFrame, ready: Sequence[Ready], false_alarms: float) -> list[str]:
    lines = []
    for method in ready:
        own = table[(table["method"] == method.method) & table["score"].notna()]
        title = method_title(method.method)
        if np.isnan(method.threshold(false_alarms)):
            lines.append(t("inspection_batch_undecided", method=title))
            continue
        reported = int((own["verdict"] == DEFECTIVE).sum())
        lines.append(t("inspection_batch_line", method=title, reported=reported, count=len(own)))
    return lines
