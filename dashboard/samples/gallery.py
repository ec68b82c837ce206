"""The gallery of the samples page: which tiles it has and what stands above it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from dashboard.components.gallery import Tile, draw_gallery
from dashboard.samples.sample_set import SampleSet, is_wrong, sample_names
from dashboard.state import said, t

GALLERY_MOST = 240


def draw_sample_gallery(
    samples: SampleSet, positions: list[int], at: int, threshold: float
) -> None:
    """Draw the thumbnails; where there are too many, the block that holds the chosen sample.

    A click on a thumbnail chooses that sample.

    Parameters
    ----------
    samples : SampleSet
    positions : list of int
        The samples in the order they are shown.
    at : int
        The chosen one's place among `positions`.
    threshold : float
        Raw score above which a picture is reported; may be NaN.
    """
    listed = samples.table.iloc[positions]
    wrong = is_wrong(listed, threshold)
    st.markdown(f"**{t('samples_gallery')}**")
    st.caption(_counts_text(listed, wrong, threshold))
    first = at // GALLERY_MOST * GALLERY_MOST
    last = min(first + GALLERY_MOST, len(positions))
    if last - first < len(positions):
        st.caption(t("samples_gallery_part", first=first + 1, last=last, count=len(positions)))
    pictures = samples.thumbnails(positions[first:last])
    tiles = _tiles(listed[first:last], wrong[first:last], pictures)
    height, width = samples.size
    draw_gallery(
        tiles,
        chosen=tiles[at - first].name,
        label=said("samples_gallery"),
        aspect=width / height,
        key="gallery",
        state_key="sample",
    )


def _counts_text(listed: pd.DataFrame, wrong: NDArray[np.bool_], threshold: float) -> str:
    if math.isnan(threshold):
        return t("samples_gallery_no_threshold", shown=len(listed))
    defective = listed["label"].to_numpy() > 0
    return t(
        "samples_gallery_counts",
        shown=len(listed),
        missed=int((wrong & defective).sum()),
        alarms=int((wrong & ~defective).sum()),
    )


def _tiles(listed: pd.DataFrame, wrong: NDArray[np.bool_], pictures: list[str]) -> list[Tile]:
    tiles = []
    for name, defect, label, score, mistaken, picture in zip(
        sample_names(listed),
        listed["defect"],
        listed["label"],
        listed["score"],
        wrong,
        pictures,
        strict=True,
    ):
        defective = bool(label)
        title, shown = (str(defect) if defective else said("label_good")), f"{score:.4g}"
        mark = said("verdict_missed" if defective else "verdict_false_alarm") if mistaken else ""
        about = said("samples_tile", name=name, label=title, score=shown)
        about = f"{about}, {mark}" if mark else about
        tiles.append(Tile(name, title, shown, defective, mark, about, picture))
    return tiles
