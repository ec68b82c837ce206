"""Which samples are shown, in which order, and which of them is chosen, by list or by thumbnail."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import streamlit as st

from dashboard.components.gallery import Tile, draw_gallery
from dashboard.samples.sample_set import SampleSet, sample_names
from dashboard.state import keep_choice, language, said, t
from dashboard.texts import plain
from evaluation.measure.disagreement import FALSE_ALARM, MISSED, verdicts

SAMPLE_KEY, ORDER_KEY = "sample", "order"
EVERYTHING = ""
ORDER_WIDTH_PX = 210
ORDERS = {"name": "sort_name", "score": "sort_score", "mistakes": "sort_mistakes"}
MARKS = {MISSED: "verdict_missed", FALSE_ALARM: "verdict_false_alarm"}
GALLERY_MOST = 240


def draw_filter(defects: Sequence[str], names: Sequence[str], key: str) -> str:
    """Draw the filter; return the defect type, "" for all.

    One of the samples `names` that was chosen elsewhere, on another page or by its address, is
    shown: a filter that would hide it is lifted.
    """
    options = [EVERYTHING, *defects]
    keep_choice(key, options)
    chosen = st.session_state.get(SAMPLE_KEY, "")
    if chosen in names and not _passes(chosen, st.session_state[key]):
        st.session_state[key] = EVERYTHING
    defect = st.pills(
        t("filter_defect"),
        options,
        key=key,
        format_func=lambda name: plain(name) if name else t("everything"),
        required=True,
        on_change=_leave_hidden_sample,
        args=(key,),
    )
    return str(defect)


def draw_order() -> str:
    """Draw the list of orders; return the order. A new one starts at its first sample."""
    keep_choice(ORDER_KEY, list(ORDERS))
    # A list shown in one language keeps its chosen line in another; so each has its own key.
    key = f"{ORDER_KEY}_{language()}"
    st.session_state[key] = st.session_state[ORDER_KEY]
    return str(
        st.selectbox(
            t("sort_by"),
            list(ORDERS),
            key=key,
            format_func=lambda order: said(ORDERS[order]),
            width=ORDER_WIDTH_PX,
            on_change=_take_order,
            args=(key,),
        )
    )


def draw_picker(names: Sequence[str], shown: Callable[[str], str] = str) -> int:
    """Draw list, previous and next; return the chosen place among `names`, at least one.

    `shown` gives what the list says of a sample.
    """
    keep_choice(SAMPLE_KEY, names)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(t("sample"), names, key=SAMPLE_KEY, format_func=shown)
        st.button(t("previous"), key="previous", on_click=_step, args=(names, -1))
        st.button(t("next"), key="next", on_click=_step, args=(names, 1))
    return names.index(name)


def draw_sample_gallery(
    samples: SampleSet, positions: list[int], at: int, threshold: float
) -> None:
    """Draw the thumbnails of the samples at `positions`, of which the one at `at` is chosen.

    Where there are too many, the block that holds the chosen one is drawn.
    """
    listed = samples.table.iloc[positions]
    judged = verdicts(listed["score"], listed["label"], threshold)
    st.markdown(f"**{t('samples_gallery')}**")
    if math.isnan(threshold):
        st.caption(t("samples_gallery_no_threshold", shown=len(listed)))
    else:
        missed, alarms = (int((judged == mistake).sum()) for mistake in MARKS)
        st.caption(t("samples_gallery_counts", shown=len(listed), missed=missed, alarms=alarms))
    first = at // GALLERY_MOST * GALLERY_MOST
    block = slice(first, min(first + GALLERY_MOST, len(positions)))
    if block.stop - first < len(positions):
        count = len(positions)
        st.caption(t("samples_gallery_part", first=first + 1, last=block.stop, count=count))
    shown = listed[block]
    names = sample_names(shown)
    rows: Iterable[Any] = zip(shown["defect"], shown["label"], shown["score"], strict=True)
    pictures = samples.thumbnails(positions[block])
    tiles = []
    for name, row, verdict, picture in zip(names, rows, judged[block], pictures, strict=True):
        defect, defective, score = row
        label, score = defect if defective else said("label_good"), f"{score:.4g}"
        mark = said(MARKS[verdict]) if verdict in MARKS else ""
        about = said("samples_tile", name=name, label=label, score=score)
        about = f"{about}, {mark}" if mark else about
        tiles.append(Tile(name, label, score, bool(defective), mark, about, picture))
    height, width = samples.maps.shape[1:]
    draw_gallery(tiles, names[at - first], said("samples_gallery"), width / height)


def _passes(name: str, defect: str) -> bool:
    return defect == EVERYTHING or name.startswith(f"{defect}/")


def _leave_hidden_sample(key: str) -> None:
    """Start at the first sample if the filter that the user has chosen hides the current one."""
    if not _passes(st.session_state.get(SAMPLE_KEY, ""), st.session_state[key]):
        st.session_state[SAMPLE_KEY] = ""


def _take_order(key: str) -> None:
    st.session_state[ORDER_KEY] = st.session_state[key]
    st.session_state[SAMPLE_KEY] = ""


def _step(names: Sequence[str], by: int) -> None:
    current = st.session_state[SAMPLE_KEY]
    at = names.index(current) if current in names else 0
    st.session_state[SAMPLE_KEY] = names[(at + by) % len(names)]
