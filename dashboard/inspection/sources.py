"""Where the picture comes from: files, the camera, or a test picture that is damaged here."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.components.canvas import StrokesError, draw_canvas
from dashboard.finished import FinishedCell
from dashboard.inspection.scoring import MAX_FILES, Chosen, refusal, uploaded_picture
from dashboard.samples.sample_set import sample_name
from dashboard.state import keep_choice, remember, said, t
from dashboard.texts import plain
from data_utils.damage import DAMAGES, Damage, drawn
from data_utils.images import IMAGE_SUFFIXES, UnreadableImageError, picture_size
from data_utils.locations import is_allowed, leads_out
from data_utils.transform import Transform
from evaluation.inspection import MAX_PIXELS
from evaluation.pictures import picture_name

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

FILES, CAMERA, TEST = "inspection_from_files", "inspection_from_camera", "inspection_from_test"
NONE, DRAW = "inspection_none", "inspection_draw"
DAMAGE_NAMES = {
    "inspection_scratch": "scratch",
    "inspection_stain": "stain",
    "inspection_hole": "hole",
}
DAMAGE_STARTS = {
    "inspection_across": 50,
    "inspection_down": 50,
    "inspection_size": 15,
    "inspection_angle": 30,
    "inspection_strength": 100,
    "inspection_seed": 0,
}
OTHER_SHAPE = 1.05
MAX_BYTES = 500_000_000


def draw_source_choice() -> str:
    """Draw the choice of a source; return its key."""
    keep_choice("inspection_source", [FILES, CAMERA, TEST])
    return str(
        st.segmented_control(
            t("inspection_source"),
            [FILES, CAMERA, TEST],
            key="inspection_source",
            format_func=lambda key: said(key),
            required=True,
        )
    )


def draw_upload(category: str) -> list[UploadedFile]:
    """Draw the file chooser; return at most 200 files and 500 MB, the others are forgotten."""
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
    taken = _that_fit(given[:MAX_FILES])
    if len(taken) < min(len(given), MAX_FILES):
        size = MAX_BYTES // 1_000_000
        st.warning(t("inspection_too_large", given=len(given), count=len(taken), size=size))
    _forget(given[len(taken) :])
    return taken


def _that_fit(files: Sequence[UploadedFile]) -> list[UploadedFile]:
    """Return the first files, as many as take no more than 500 MB together."""
    sizes = accumulate(file.size for file in files)
    return [file for file, so_far in zip(files, sizes, strict=True) if so_far <= MAX_BYTES]


def _forget(files: Sequence[UploadedFile]) -> None:
    """Free the memory of uploaded files; the server would keep them as long as the session."""
    context = get_script_run_ctx()
    if context is None or not isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        return
    for file in files:
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


def draw_camera() -> UploadedFile | None:
    """Draw the camera; return the picture that was taken."""
    taken = st.camera_input(t("inspection_take_photo"), key="inspection_camera")
    return taken or None


def chosen_file(
    file: UploadedFile, name: str, cells: Sequence[FinishedCell], geometry: Transform
) -> Chosen | None:
    """Read a file and say what became of it; None, with a sentence, if it cannot be read."""
    try:
        image, size = uploaded_picture(file, geometry)
    except UnreadableImageError as error:
        st.error(plain(refusal(name, error)))
        return None
    _draw_how(name, size, cells[0], geometry)
    return Chosen(name, image)


def _draw_how(name: str, size: tuple[int, int], cell: FinishedCell, geometry: Transform) -> None:
    category = cell.place.category
    values = {
        "name": name,
        "height": size[0],
        "width": size[1],
        "to_height": geometry.height,
        "to_width": geometry.width,
        "category": category,
    }
    cropped = geometry.shorter_side is not None
    if cropped:
        st.caption(t("inspection_how_cropped", side=geometry.shorter_side, **values))
    else:
        st.caption(t("inspection_how_whole", **values))
    height, width = _own_size(cell, geometry)
    ratio = (size[1] / size[0]) / (width / height)
    if max(ratio, 1 / ratio) > OTHER_SHAPE:
        own = {"category": category, "height": height, "width": width}
        key = "inspection_other_shape_cropped" if cropped else "inspection_other_shape_whole"
        st.warning(t(key, **own), icon=":material/aspect_ratio:")


def _own_size(cell: FinishedCell, geometry: Transform) -> tuple[int, int]:
    """Return (height, width) of the category's first test picture, or what it is brought to."""
    root = Path(cell.about["data_root"])
    try:
        path = root / str(cell.test["file"].iloc[0])
        if is_allowed(path) and not leads_out(path, root):
            return picture_size(path)
    except (UnreadableImageError, IndexError, KeyError):
        pass
    return geometry.height, geometry.width


def draw_test_picture(cells: Sequence[FinishedCell], geometry: Transform) -> Chosen | None:
    """Draw the choice of a test picture and its damage; return the damaged picture."""
    cell = cells[0]
    names = [sample_name(cell.test, position) for position in range(len(cell.test))]
    if not names:
        st.info(t("inspection_no_test_picture"))
        return None
    left, right = st.columns(2)
    with left:
        keep_choice("sample", names)
        name = st.selectbox(t("inspection_test_picture"), names, key="sample")
        options = [NONE, *DAMAGE_NAMES, DRAW]
        keep_choice("inspection_damage", options)
        damage = st.pills(
            t("inspection_damage"),
            options,
            key="inspection_damage",
            format_func=lambda key: said(key),
            required=True,
        )
        row = cell.test.iloc[names.index(name)]
        file = picture_name(row["defect"], row["stem"], "img")
        image = _stored_picture([one.place.folder for one in cells], file, geometry)
    if image is None:
        st.info(t("inspection_no_test_picture"))
        return None
    if damage is None or damage == NONE:
        return Chosen(name, image)
    with right:
        if damage == DRAW:
            return _draw_freely(image, cell.place.category, name)
        painted, mask = DAMAGES[DAMAGE_NAMES[damage]](image, _draw_damage_sliders())
    return Chosen(name, painted, image, mask)


def _stored_picture(
    folders: Sequence[Path], name: str, geometry: Transform
) -> NDArray[np.uint8] | None:
    """Return the first file of that name that is whole: the very pixels that were evaluated."""
    for folder in folders:
        if not (folder / name).is_file() or leads_out(folder / name, folder):
            continue
        try:
            with Image.open(folder / name) as picture:
                if picture.size == (geometry.width, geometry.height):
                    return np.asarray(picture.convert("RGB"))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue
    return None


def _draw_damage_sliders() -> Damage:
    for key, start in DAMAGE_STARTS.items():
        remember(key, start)
    left, right = st.columns(2)
    with left:
        across = st.slider(t("inspection_across"), 0, 100, key="inspection_across")
        size = st.slider(t("inspection_size"), 1, 60, key="inspection_size")
        strength = st.slider(t("inspection_strength"), 5, 100, key="inspection_strength")
    with right:
        down = st.slider(t("inspection_down"), 0, 100, key="inspection_down")
        angle = st.slider(t("inspection_angle"), 0, 180, key="inspection_angle")
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
