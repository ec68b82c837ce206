"""Where the picture comes from: files, the camera, or a test picture that is damaged here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard.components.canvas import StrokesError, draw_canvas
from dashboard.finished import FinishedCell
from dashboard.samples.sample_set import sample_names
from dashboard.state import keep_choice, remember, said, t, told
from dashboard.texts import plain
from data_utils.damage import Damage, drawn, hole, scratch, stain
from data_utils.facts import Fact
from data_utils.images import IMAGE_SUFFIXES, UnreadableImageError, read_picture
from data_utils.locations import leads_out
from data_utils.transform import Transform
from evaluation.new_pictures.scoring import MAX_PIXELS, has_other_shape, opened_picture
from evaluation.store.sample_pictures import picture_name

FILES, CAMERA, TEST = "inspection_from_files", "inspection_from_camera", "inspection_from_test"
NONE, DRAW = "inspection_none", "inspection_draw"
DAMAGES = {"inspection_scratch": scratch, "inspection_stain": stain, "inspection_hole": hole}
MAX_FILES = 200
MAX_BYTES = 500_000_000


@dataclass(frozen=True)
class Chosen:
    """A picture as the detectors see it, uint8 ``[H, W, 3]``.

    If it was damaged here: also how it was before and where it is damaged, bool ``[H, W]``.
    """

    name: str
    image: NDArray[np.uint8]
    undamaged: NDArray[np.uint8] | None = None
    mask: NDArray[np.bool_] | None = None


def draw_choice(
    key: str, options: list[str], draw: Callable[..., Any] = st.segmented_control, **more: Any
) -> str:
    """Draw the choice of one of several texts with the text `key` as its label; return its key."""
    keep_choice(key, options)
    chosen = draw(t(key), options, key=key, format_func=said, required=True, **more)
    return str(chosen)


def draw_upload(category: str) -> list[UploadedFile]:
    """Draw the file chooser; return at most 200 files and 500 MB by name, forget the others."""
    given = st.file_uploader(
        t("inspection_upload", count=MAX_FILES),
        type=sorted(suffix[1:] for suffix in IMAGE_SUFFIXES),
        accept_multiple_files=True,
        key="inspection_files",
        help=t("inspection_upload_help", size=MAX_PIXELS // 1_000_000),
    )
    if not given:
        st.caption(t("inspection_upload_hint", category=category))
    if len(given) > MAX_FILES:
        st.warning(t("inspection_too_many", given=len(given), count=MAX_FILES))
    so_far = accumulate(file.size for file in given[:MAX_FILES])
    taken = given[: sum(size <= MAX_BYTES for size in so_far)]
    if len(taken) < min(len(given), MAX_FILES):
        size = MAX_BYTES // 1_000_000
        st.warning(t("inspection_too_large", given=len(given), count=len(taken), size=size))
    _forget(given[len(taken) :])
    return sorted(taken, key=lambda file: file.name)


def _forget(files: Sequence[UploadedFile]) -> None:
    """Free the memory of uploaded files; the server would keep them as long as the session."""
    context = get_script_run_ctx()
    if context is None or not isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        return
    for file in files:
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


def chosen_file(file: UploadedFile, name: str, category: str, geometry: Transform) -> Chosen | None:
    """Read a file and say what became of it; None, with a sentence, if it cannot be read."""
    try:
        image, width, height, remarks = _pixels(file, geometry)
    except UnreadableImageError as error:
        st.error(said("inspection_refused", name=plain(name), why=told(error.fact)))
        return None
    cropped = geometry.shorter_side is not None
    st.caption(
        t(
            "inspection_how_cropped" if cropped else "inspection_how_whole",
            name=name,
            height=height,
            width=width,
            side=geometry.shorter_side,
            to_height=geometry.height,
            to_width=geometry.width,
            category=category,
        )
    )
    for remark in remarks:
        st.warning(told(remark), icon=":material/warning:")
    if has_other_shape(width, height, geometry):
        key = "inspection_other_shape_cropped" if cropped else "inspection_other_shape_whole"
        st.warning(t(key, category=category), icon=":material/aspect_ratio:")
    return Chosen(name, image)


@st.cache_data(
    show_spinner=False, max_entries=16, hash_funcs={UploadedFile: lambda file: file.file_id}
)
def _pixels(
    file: UploadedFile, geometry: Transform
) -> tuple[NDArray[np.uint8], int, int, list[Fact]]:
    """Return a picture as the detectors see it, its width and height, and remarks on its file."""
    picture, remarks = opened_picture(file, geometry.white)
    return geometry.picture(picture), picture.width, picture.height, remarks


def draw_test_picture(cells: Sequence[FinishedCell], geometry: Transform) -> Chosen | None:
    """Draw the choice of a test picture and its damage; return the damaged picture."""
    cell = cells[0]
    names = sample_names(cell.test)
    if not names:
        st.info(t("inspection_no_test_picture"))
        return None
    keep_choice("sample", names)
    name = st.selectbox(t("inspection_test_picture"), names, key="sample")
    damage = draw_choice("inspection_damage", [NONE, *DAMAGES, DRAW], st.pills)
    row = cell.test.iloc[names.index(name)]
    file = picture_name(row["defect"], row["stem"], "img")
    image = _stored_picture([one.place.folder for one in cells], file, geometry)
    if image is None:
        st.info(t("inspection_no_test_picture"))
        return None
    if damage == NONE:
        return Chosen(name, image)
    if damage == DRAW:
        return _draw_freely(image, cell.place.category, name)
    painted, mask = DAMAGES[damage](image, _draw_damage_sliders())
    return Chosen(name, painted, image, mask)


def _stored_picture(
    folders: Sequence[Path], name: str, geometry: Transform
) -> NDArray[np.uint8] | None:
    """Return the first file of that name that is whole: the very pixels that were evaluated."""
    for folder in folders:
        with suppress(UnreadableImageError):
            if not leads_out(folder / name, folder):
                picture = read_picture(folder / name).image
                if picture.size == (geometry.width, geometry.height):
                    return np.asarray(picture)
    return None


def _slider(key: str, low: int, high: int, start: int) -> int:
    remember(key, start, low, high)
    return st.slider(t(key), low, high, key=key)


def _draw_damage_sliders() -> Damage:
    left, right = st.columns(2)
    with left:
        across = _slider("inspection_across", 0, 100, 50)
        size = _slider("inspection_size", 1, 60, 15)
        strength = _slider("inspection_strength", 5, 100, 100)
    with right:
        down = _slider("inspection_down", 0, 100, 50)
        angle = _slider("inspection_angle", 0, 180, 30)
        remember("inspection_seed", 0, 0, 9999)
        seed = st.number_input(
            t("inspection_seed"),
            min_value=0,
            max_value=9999,
            key="inspection_seed",
            help=t("inspection_seed_help"),
        )
    return Damage(across / 100, down / 100, size / 100, float(angle), strength / 100, int(seed))


def _draw_freely(image: NDArray[np.uint8], category: str, name: str) -> Chosen | None:
    labels = {
        "canvas": said("inspection_canvas"),
        "width": said("inspection_brush"),
        "colour": said("inspection_colour"),
        "undo": said("inspection_undo"),
        "clear": said("inspection_clear"),
    }
    try:
        strokes = draw_canvas(image, f"inspection_canvas {category}/{name}", labels)
    except StrokesError as error:
        st.error(plain(str(error)))
        return None
    st.caption(t("inspection_canvas_hint"))
    if not strokes:
        return Chosen(name, image)
    painted, mask = drawn(image, strokes)
    return Chosen(name, painted, image, mask)
