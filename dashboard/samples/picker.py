"""Which samples are shown, in which order, and which of them is chosen, by list or by thumbnail."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from dashboard.components.gallery import Tile, draw_gallery
from dashboard.samples.sample_set import SampleSet, sample_names
from dashboard.state import keep_choice, language, remember, said, t
from dashboard.texts import plain
from evaluation.measure.conditions import ABOVE, BETWEEN, SINGLE, SIZE, TOGETHER, WITHIN, passing
from evaluation.measure.disagreement import FALSE_ALARM, MISSED, disagreement, verdicts

if TYPE_CHECKING:
    from dashboard.compare.lineup import Comparison

SAMPLE_KEY, ORDER_KEY, DEFECT_KEY = "sample", "order", "defect"
SHOW_KEY, TOGETHER_KEY = "show", "together"  # of one method; of all, on Compare
EVERYTHING = ""
LIST_PX, PICKER_PX = 180, 250
ORDERS = {"name": "sort_name", "score": "sort_score", "mistakes": "sort_mistakes"}
MARKS = {MISSED: "verdict_missed", FALSE_ALARM: "verdict_false_alarm"}
GALLERY_MOST = 240


def draw_condition(
    test: pd.DataFrame,
    threshold: float,
    together: Callable[[], pd.DataFrame],
    single: bool = True,
) -> NDArray[np.bool_]:
    """Draw the list of conditions; return which test pictures meet the chosen one, bool ``[T]``.

    Parameters
    ----------
    test, threshold, together
        As in ``conditions.passing``.
    single : bool
        Whether the pictures have the verdicts of one method.
    """
    key = SHOW_KEY if single else TOGETHER_KEY
    remember(key, EVERYTHING)
    show = st.session_state[key]
    known = single or show in TOGETHER
    met = passing(show, test, threshold, together) if show and known else None
    if show and met is None:
        st.warning(t("not_here", what=show))
        st.session_state[key] = show = EVERYTHING
    options = {EVERYTHING: said("everything")}
    for name in (*(SINGLE if single else ()), *TOGETHER):
        options[name] = said(f"show_{name}")
    if met is not None:
        options.setdefault(show, said("show_chosen"))  # without its count, which changes
    _draw_list(key, options, t("filter_show"))
    return np.ones(len(test), bool) if met is None else met


def wording(show: str, count: int) -> str:
    """Return what a condition that is one says, as plain words."""
    name, *values = show.split(":")
    if name == ABOVE:
        return said("shown_above", count=count, low=float(values[0]))
    if name in (BETWEEN, WITHIN):
        low, high = map(float, values[:2])
        key = f"shown_{'below' if low == -math.inf else 'over' if high == math.inf else 'score'}"
        kind = said("label_good" if values[2] == "good" else "roc_scores_defective")
        return said(key, count=count, low=low, high=high, kind=kind)
    if name == SIZE:
        return said(f"shown_size_{int(values[0])}", count=count)
    return said(f"shown_{name}", count=count)


def draw_filter(defects: Sequence[str]) -> str:
    """Draw the list of defect types; return the chosen one, "" for all."""
    options = {EVERYTHING: said("everything"), **{name: name for name in defects}}
    return _draw_list(DEFECT_KEY, options, t("filter_defect"))


def draw_order() -> str:
    """Draw the list of orders; return the order."""
    return _draw_list(ORDER_KEY, {name: said(key) for name, key in ORDERS.items()}, t("sort_by"))


def draw_picker(
    names: Sequence[str], first: Callable[[], str], shown: Callable[[str], str] = str
) -> int:
    """Draw the list of samples, at least one; return the chosen one's place among `names`.

    Parameters
    ----------
    names : sequence of str
    first : callable
        Returns the one that is opened where none has been chosen.
    shown : callable
        Gives what the list says of a sample.
    """
    if SAMPLE_KEY not in st.session_state and (telling := first()) in names:
        st.session_state[SAMPLE_KEY] = telling
    keep_choice(SAMPLE_KEY, names)
    name = st.selectbox(t("sample"), names, key=SAMPLE_KEY, format_func=shown, width=PICKER_PX)
    return names.index(name)


def telling_sample(table: pd.DataFrame, others: Comparison) -> str:
    """Return the defect that methods disagree on most or, of one method, the strongest."""
    names = sample_names(table)
    bad = table["label"].to_numpy() > 0
    if not bad.any():
        return names[0] if names else ""
    several = len(others.cells) > 1
    values = disagreement(others.ranked) if several else others.together.scores.iloc[:, 0]
    by_name = dict(zip(others.together.names, values, strict=True))
    apart = [by_name.get(name, math.nan) for name in names]
    return names[int(np.argmax(np.where(bad, np.nan_to_num(apart, nan=-math.inf), -math.inf)))]


def draw_taken_away(origin: Mapping[str, str], count: int) -> None:
    """Say which pictures are shown, if not all, with the button that takes the choice away."""
    show, defect = st.session_state[SHOW_KEY], st.session_state[DEFECT_KEY]
    if not show and not defect:
        return
    parts = [wording(show, count)] if show else [said("shown_count", count=count)]
    parts += [defect] if defect else []
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        by_rate = show and ":" not in show  # raw scores and sizes have nothing to do with it
        words = said("shown_origin", **origin) if by_rate else ", ".join(list(origin.values())[:2])
        st.markdown(f"**{plain(words)}: {plain(', '.join(parts))}**", width="content")
        st.button(
            t("show_everything"),
            key="show_everything",
            icon=":material/close:",
            type="tertiary",
            on_click=st.session_state.update,
            args=({SHOW_KEY: EVERYTHING, DEFECT_KEY: EVERYTHING},),
        )


def _draw_list(key: str, options: Mapping[str, str], label: str) -> str:
    """Draw a list; a new choice starts at its first sample unless it holds the current one."""
    keep_choice(key, list(options))
    # A list shown in one language keeps its chosen line in another; so each has its own key.
    shown = f"{key}_{language()}"
    st.session_state[shown] = st.session_state[key]

    def take_over() -> None:
        if st.session_state[shown] in options:  # else it comes from an older list
            st.session_state[key] = st.session_state[shown]
        if key == ORDER_KEY:
            st.session_state[SAMPLE_KEY] = ""

    st.selectbox(
        label,
        list(options),
        key=shown,
        format_func=options.__getitem__,
        width=LIST_PX,
        on_change=take_over,
    )
    return str(st.session_state[key])


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
    draw_tiles(samples, positions[gallery_part(at, len(positions))], threshold)


def gallery_part(at: int, count: int) -> slice:
    """Return which of many pictures the gallery shows with the one at place `at`, and say so."""
    first = at // GALLERY_MOST * GALLERY_MOST
    part = slice(first, min(first + GALLERY_MOST, count))
    if part.stop - first < count:
        st.caption(t("samples_gallery_part", first=first + 1, last=part.stop, count=count))
    return part


def draw_tiles(
    samples: SampleSet, positions: list[int], threshold: float, scores: bool = True
) -> None:
    """Draw thumbnails; a clicked one becomes the chosen sample."""
    shown = samples.table.iloc[positions]
    judged = verdicts(shown["score"], shown["label"], threshold)
    rows: Iterable[Any] = zip(shown["defect"], shown["label"], shown["score"], strict=True)
    pictures = samples.thumbnails(positions)
    tiles = []
    for name, row, verdict, picture in zip(
        sample_names(shown), rows, judged, pictures, strict=True
    ):
        defect, defective, score = row
        label = defect if defective else said("label_good")
        score = f"{score:.4g}" if scores else ""
        mark = said(MARKS[verdict]) if verdict in MARKS else ""
        about = said("samples_tile", name=name, label=label, score=score) if scores else name
        about = f"{about}, {mark}" if mark else about
        tiles.append(Tile(name, label, score, bool(defective), mark, about, picture))
    height, width = samples.maps.shape[1:]
    draw_gallery(tiles, said("samples_gallery"), width / height)
