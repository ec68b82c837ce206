"""The overview's part about the data: how many pictures there are, and what they look like."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import streamlit as st
from PIL import ImageOps

from dashboard.state import Selection, t
from dashboard.tables import draw_table, pinned
from dashboard.texts import plain
from data_utils.images import UnreadableImageError, read_thumbnail
from data_utils.locations import shown_path
from data_utils.mvtec import CategoryCounts, count_pictures, folders_stamp

SHOWN_PX, MARGIN_PX = 88, 3
MOST_THUMBNAILS = 30


def category_counts(selection: Selection) -> list[CategoryCounts]:
    """Return the counts of the data folder's categories, in the order of the sidebar."""
    if selection.data is None:
        return []
    stamp = folders_stamp(selection.data, selection.categories)
    return _counts(str(selection.data), selection.categories, stamp)


def draw_counts(
    root: Path, counts: list[CategoryCounts], summary: pd.DataFrame, expanded: bool
) -> None:
    """Draw the totals, the table of the categories behind them, and what evaluations left out.

    `summary` has the finished cells of this data folder.
    """
    table = pd.DataFrame(
        {
            "category": [one.name for one in counts],
            "train": [one.train for one in counts],
            "good": [one.test_good for one in counts],
            "defective": [one.test_defective for one in counts],
            "types": [len(one.defects) for one in counts],
            "names": [
                ", ".join(f"{name} ({count})" for name, count in one.defects) for one in counts
            ],
        }
    )
    totals = {name: table[name].sum() for name in ("train", "good", "defective")}
    st.caption(t("overview_data_totals", root=shown_path(root), categories=len(counts), **totals))
    dangling = [one.name for one in root.iterdir() if one.is_symlink() and not one.exists()]
    if dangling:
        st.caption(t("overview_dangling", names=", ".join(sorted(dangling))))
    with st.expander(t("overview_data_table"), expanded=expanded):
        draw_table(table, {"category": pinned("column_category")})
        st.caption(t("overview_counts_explained"))
        used = summary.drop_duplicates("category").set_index("category")
        for one in counts:
            if one.name not in used.index:
                continue
            row = used.loc[one.name]
            train, test = row["train_images"], row["test_good"] + row["test_defective"]
            found = {"all_train": one.train, "all_test": one.test_good + one.test_defective}
            if [train, test] != list(found.values()):
                named = {"category": one.name, "train": train, "test": test}
                st.caption(t("overview_counts_used", **named, **found))


def draw_contact_sheet(counts: list[CategoryCounts]) -> None:
    """Draw one good picture of each category with its name."""
    pictures = {one.name: _example(one) for one in counts[:MOST_THUMBNAILS]}
    shown = {plain(name): picture for name, picture in pictures.items() if picture is not None}
    if shown:
        st.image(list(shown.values()), caption=list(shown), width=SHOWN_PX)
    without = [name for name, picture in pictures.items() if picture is None]
    if without:
        st.caption(t("overview_no_picture", names=", ".join(without)))
    if len(counts) > MOST_THUMBNAILS:
        st.caption(t("overview_first_pictures", count=MOST_THUMBNAILS))


def _example(counts: CategoryCounts) -> bytes | None:
    for path in counts.examples:
        try:
            picture = _thumbnail(str(path), path.stat().st_mtime_ns)
        except OSError:
            continue
        if picture is not None:
            return picture
    return None


@st.cache_data(show_spinner=False, max_entries=16)
def _counts(
    root: str,
    names: tuple[str, ...],
    stamp: tuple[tuple[str, int], ...],  # noqa: ARG001  part of the cache's key
) -> list[CategoryCounts]:
    return [count_pictures(Path(root), name) for name in names]


@st.cache_data(show_spinner=False, max_entries=256)
def _thumbnail(path: str, modified: int) -> bytes | None:  # noqa: ARG001
    """Return a square PNG, transparent around the picture; None if it cannot be read.

    Of the size that it is shown in: Streamlit would make a larger one smaller every time.
    """
    side = SHOWN_PX - 2 * MARGIN_PX
    try:
        picture = read_thumbnail(Path(path), side).convert("RGBA")
    except UnreadableImageError:
        return None
    square = ImageOps.pad(picture, (side, side), color=(0, 0, 0, 0))
    framed = ImageOps.expand(square, MARGIN_PX, (0, 0, 0, 0))
    with io.BytesIO() as file:
        framed.save(file, "PNG")
        return file.getvalue()
