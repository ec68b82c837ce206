"""One picture: every method's map, score and verdict in a row, then the reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from dashboard.inspection.picture_choice import Chosen, draw_choice
from dashboard.samples.viewer import colour_bar
from dashboard.state import language, score_unit, t
from dashboard.tables import method_title
from dashboard.texts import fact_wording, plain
from data_utils.decoding import Pictures
from detectors.base import AnomalyResult
from evaluation.measure.operating_points import pictures_needed
from evaluation.new_pictures.opened_cell import OpenCell, fitted_pictures
from evaluation.new_pictures.score_table import DEFECTIVE, GOOD, verdict
from evaluation.store.heatmap import OUTLINE_COLOUR, OUTLINE_EDGE_COLOUR, heat, outlined, overlay
from evaluation.store.places import CellError
from evaluation.store.spreadsheet import NOT_AVAILABLE

OVERLAY, HEATMAP, OUTLINE = "inspection_overlay", "inspection_heatmap", "inspection_outline"
VIEWS = [OVERLAY, HEATMAP, OUTLINE]
VERDICTS = {
    DEFECTIVE: ("inspection_defective", "red"),
    GOOD: ("inspection_good", "green"),
    NOT_AVAILABLE: ("inspection_undecided", "gray"),
}
ENLARGED = 4
PATCH_CONTEXT_PX = 64
KEYS: dict[Any, Any] = {
    OpenCell: lambda cell: cell.stamp,
    np.ndarray: lambda image: (image.shape, image.tobytes()),  # Streamlit itself takes a sample
}


@st.cache_data(show_spinner=False, max_entries=48, hash_funcs=KEYS)
def _scored(cell: OpenCell, image: NDArray[np.uint8]) -> AnomalyResult:
    return cell.detector.score(image[None])


@st.cache_data(show_spinner=False, max_entries=24, hash_funcs=KEYS)
def _explained(cell: OpenCell, how: str, image: NDArray[np.uint8]) -> Any:
    """Return what a method of the cell's detector says about a picture."""
    return getattr(cell.detector, how)(image)


@st.cache_resource(show_spinner=False, max_entries=2, ttl=60, hash_funcs=KEYS)
def _training_set(cell: OpenCell) -> Pictures:
    return fitted_pictures(cell.about)


def draw_result(ready: Sequence[OpenCell], chosen: Chosen, false_alarms: float) -> None:
    """Draw the picture and every method's map, score and verdict in one row, then the reasons."""
    with st.spinner(t("inspection_scoring")):
        results = [_scored(cell, chosen.image) for cell in ready]
        before = chosen.undamaged
        undamaged = [
            float(_scored(cell, before).scores[0]) if before is not None else None for cell in ready
        ]
    st.header(t("inspection_result"))
    view = draw_choice("inspection_view", VIEWS, label_visibility="collapsed")
    columns = st.columns(1 + len(ready))
    with columns[0]:
        st.markdown(f"**{t('inspection_picture')}**")
        st.image(chosen.image, caption=plain(chosen.name), width="stretch")
    for column, cell, result, score in zip(columns[1:], ready, results, undamaged, strict=True):
        with column:
            _draw_method(cell, chosen, result, score, view, false_alarms)
    units = "; ".join(f"{method_title(cell.method)} {score_unit(cell.method)}" for cell in ready)
    st.caption(f"{t('inspection_units', units=units)} {t('inspection_scale')}")
    _draw_reasons(ready, chosen.image)


def _draw_method(
    cell: OpenCell,
    chosen: Chosen,
    result: AnomalyResult,
    undamaged: float | None,
    view: str,
    false_alarms: float,
) -> None:
    score, anomaly_map = float(result.scores[0]), result.maps[0]
    threshold = cell.threshold(false_alarms)
    if view == HEATMAP:
        shown = heat(anomaly_map, cell.scale)
    elif view == OVERLAY:
        shown = overlay(chosen.image, anomaly_map, cell.scale)
    else:
        shown = outlined(chosen.image, anomaly_map, threshold)
    st.markdown(f"**{plain(method_title(cell.method))}**")
    st.image(shown, width="stretch", alt=f"{method_title(cell.method)}: {t(view)}")
    ends = f"{cell.scale.low:.3g} – {cell.scale.high:.3g}"
    st.image(colour_bar(cell.scale, threshold), caption=ends, width="stretch")
    key, colour = VERDICTS[verdict(score, threshold)]
    st.markdown(f":{colour}-badge[{t(key)}]")
    line = f"**{t('inspection_score', score=score)}**"
    if undamaged is not None:
        line += f" · {t('inspection_score_before', before=undamaged)}"
    st.markdown(line)
    count, rate = len(cell.calibration_scores), 100 * false_alarms
    if np.isnan(threshold):
        needed = pictures_needed(false_alarms)
        st.caption(t("inspection_no_threshold", rate=rate, needed=needed, count=count))
    else:
        st.caption(t("inspection_threshold", threshold=threshold, rate=rate, count=count))
    if chosen.mask is not None and chosen.mask.any():
        # Here, because a page should not wait for it before a picture is scored.
        from scipy.ndimage import distance_transform_edt

        away = float(distance_transform_edt(~chosen.mask).ravel()[anomaly_map.argmax()])
        key = "inspection_hottest_away" if away else "inspection_hottest_inside"
        st.caption(t(key, distance=away))


def _draw_reasons(ready: Sequence[OpenCell], image: NDArray[np.uint8]) -> None:
    reasons = {"patchcore": _draw_nearest, "ae": _draw_redrawn, "padim": _draw_grid}
    explained = [cell for cell in ready if cell.method in reasons]
    if not explained:
        return
    st.header(t("inspection_why"))
    for column, cell in zip(st.columns(len(explained)), explained, strict=True):
        with column:
            st.markdown(f"**{method_title(cell.method)}**")
            reasons[cell.method](cell, image)


def _draw_nearest(cell: OpenCell, image: NDArray[np.uint8]) -> None:
    """Draw PatchCore's strangest patch of the picture and the nearest good one."""
    found = _explained(cell, "nearest_good", image)
    left, right = st.columns(2)
    with left:
        own = marked_patch(image, found.position, found.grid)
        st.image(own, caption=t("inspection_patch_own"), width="stretch")
    try:
        with st.spinner(t("inspection_explaining")):
            training = _training_set(cell)
    except CellError as error:
        st.info(t("inspection_patch_unknown", reason=fact_wording(error.fact, language())))
        return
    with right:
        picture = np.asarray(training.train[found.train_image])
        good = marked_patch(picture, found.train_position, found.grid)
        st.image(good, caption=t("inspection_patch_good"), width="stretch")
    row = training.records.iloc[found.train_image]
    rows, columns = found.grid
    file = f"{row['split']}/{row['defect']}/{row['image_path'].name}"
    distance = found.distance
    st.caption(t("inspection_patch_line", distance=distance, file=file, rows=rows, columns=columns))


def _draw_redrawn(cell: OpenCell, image: NDArray[np.uint8]) -> None:
    """Draw the autoencoder's picture."""
    redrawn = _explained(cell, "reconstruct", image[None])[0]
    left, right = st.columns(2)
    left.image(image, caption=t("inspection_picture"), width="stretch")
    right.image(redrawn, caption=t("inspection_redrawn_short"), width="stretch")
    st.caption(t("inspection_redrawn", height=redrawn.shape[0], width=redrawn.shape[1]))


def _draw_grid(cell: OpenCell, image: NDArray[np.uint8]) -> None:
    """Draw PaDiM's distance at every position of its grid."""
    grid = _explained(cell, "raw_distances", image[None])[0]
    shown = Image.fromarray(heat(grid, cell.scale))
    larger = (shown.width * ENLARGED, shown.height * ENLARGED)
    st.image(np.asarray(shown.resize(larger, Image.Resampling.NEAREST)), width="stretch")
    rows, columns = grid.shape
    low, high = float(grid.min()), float(grid.max())
    st.caption(t("inspection_grid", rows=rows, columns=columns, low=low, high=high))


def marked_patch(
    picture: NDArray[np.uint8],
    position: tuple[int, int],
    grid: tuple[int, int],
    context: int = PATCH_CONTEXT_PX,
) -> NDArray[np.uint8]:
    """Cut out a patch with its surroundings, enlarged four times, and frame the patch.

    Parameters
    ----------
    picture : uint8 [H, W, 3]
    position, grid : (row, column) of the patch, (rows, columns) of the grid
    context : int
        Side of the cut in pixels; smaller where the picture is.
    """
    box = []
    for index, cells, side in zip(position, grid, picture.shape[:2], strict=True):
        first, last = index * side / cells, (index + 1) * side / cells
        length = min(context, side)
        start = min(max(round((first + last - length) / 2), 0), side - length)
        box.append((start, start + length, first - start, last - start))
    (top, bottom, *rows), (left, right, *columns) = box
    cut = Image.fromarray(np.ascontiguousarray(picture[top:bottom, left:right]))
    shown = cut.resize((cut.width * ENLARGED, cut.height * ENLARGED), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(shown)
    frame = [round(ENLARGED * value) for value in (columns[0], rows[0], columns[1], rows[1])]
    for grown, colour in ((3, OUTLINE_EDGE_COLOUR), (2, OUTLINE_COLOUR)):
        around = (frame[0] - grown, frame[1] - grown, frame[2] + grown - 1, frame[3] + grown - 1)
        draw.rectangle(around, outline=colour, width=2)
    return np.asarray(shown)
