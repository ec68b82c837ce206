"""The training pictures of a category, those that stand out first, and which are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from dashboard.components.gallery import Tile, draw_gallery
from dashboard.components.picture_viewer import draw_viewer, zoom
from dashboard.run.control import draw_start
from dashboard.samples import viewer
from dashboard.samples.picker import LIST_PX, SAMPLE_KEY, draw_picker, gallery_part
from dashboard.samples.sample_set import SampleSet, sample_names
from dashboard.state import (
    Selection,
    allowed_false_alarms,
    keep_choice,
    language,
    mirror_in_url,
    said,
    t,
    told,
)
from dashboard.tables import method_title, number, percent, weights_text
from dashboard.training.comparison_panel import draw_comparison
from data_utils.decoding import Pictures
from data_utils.facts import fact_of
from evaluation.measure.operating_points import threshold_for
from evaluation.new_pictures.opened_cell import fitted_pictures
from evaluation.run.request import Request
from evaluation.run.states import is_from
from evaluation.store.heatmap import OVERLAY_OPACITY
from evaluation.store.leave_out import change_left_out, kept_left_out
from evaluation.training_set.ratings import Ratings, about_file, read_ratings

STANDS_OUT = 3.5  # standard deviations above the median: Iglewicz and Hoaglin, 1993
ORDERS = ("standing_out", "equal")
LIST_KEY = "left_out"
KEYS: dict[Any, Any] = {Ratings: lambda ratings: ratings.about["checksum"]}


def draw_ratings(selection: Selection) -> None:
    """Draw the ratings of the selected category, or offer to make them."""
    try:
        file = about_file(selection.outputs, selection.category)
        stamp = file.stat().st_mtime_ns if file.exists() else 0
        ratings = read_ratings(selection.outputs, selection.category)
        if ratings is not None:
            pictures = _pictures(stamp, ratings)
            root = ratings.about["data_root"]
            if selection.data is not None and not is_from(ratings.about, selection.data):
                st.warning(t("made_from", root=root))
            _draw_pictures(selection, ratings, pictures, stamp)
            methods = ", ".join(map(method_title, ratings.methods))
            made = {"seconds": ratings.about["seconds"], "root": root, "methods": methods}
            made["weights"] = weights_text(ratings.about["weights"])
            st.caption(t("training_origin", count=len(ratings.table), **made))
        else:
            st.info(t("training_nothing", category=selection.category))
    except (ValueError, OSError) as error:
        st.error(told(fact_of(error)))
        ratings = None
    draw_start(
        selection,
        Request(selection.data_argument, (selection.category,), training_pictures=True),
        t("training_rate" if ratings is None else "training_rate_again"),
        "training_rate",
    )


@st.cache_resource(show_spinner=False, max_entries=2, ttl=60, hash_funcs=KEYS)
def _pictures(stamp: int, ratings: Ratings) -> Pictures:  # noqa: ARG001
    return fitted_pictures(ratings.about)


@st.fragment
def _draw_pictures(selection: Selection, ratings: Ratings, pictures: Pictures, stamp: int) -> None:
    """Draw what stands out, and what is left out; a click redraws only this part of the page."""
    try:
        left_out = kept_left_out(selection.outputs).get(selection.category, ())
    except ValueError as error:
        st.error(told(fact_of(error)))
        return
    table, pairs = _table(ratings, left_out), ratings.about["equal"]
    apart = int((table["apart"] > STANDS_OUT).sum())
    told_of = {"count": apart, "of": len(table), "limit": STANDS_OUT, "pairs": len(pairs)}
    st.markdown(t("training_summary", **told_of))
    names = sample_names(table)
    with st.container(key="controls", horizontal=True, vertical_alignment="bottom"):
        keep_choice("training_order", ORDERS)
        order = st.selectbox(
            t("sort_by"),
            ORDERS,
            key="training_order",
            format_func=lambda one: said(f"training_order_{one}"),
            width=LIST_PX,
        )
        positions = np.argsort(-table["apart"].fillna(0), kind="stable").tolist()
        if order == "equal":
            paired = [position for pair in pairs for position in pair[:2]]
            positions = list(dict.fromkeys([*paired, *positions]))
        listed = [names[position] for position in positions]
        if st.session_state.get(SAMPLE_KEY) not in listed:  # a test picture, from another page
            st.session_state[SAMPLE_KEY] = listed[0]
        at = draw_picker(listed, lambda: listed[0])
    samples = {method: _sample_set(ratings, table, pictures, method) for method in ratings.methods}
    _draw_picture(ratings, table, samples, positions, at, f"{stamp}/{left_out}")
    _draw_tiles(samples[ratings.methods[0]], positions[gallery_part(at, len(positions))])
    additions: dict[str, list[int]] = {
        "training_leave_this": [positions[at]],
        "training_leave_apart": np.flatnonzero(table["apart"] > STANDS_OUT).tolist(),
        "training_leave_second": _second(pairs),
    }
    _draw_left_out(selection, table, additions)
    draw_comparison(selection, left_out, ratings.methods)
    mirror_in_url()


def _table(ratings: Ratings, left_out: Sequence[str]) -> pd.DataFrame:
    """Return the pictures as the viewer knows them, named by folder and stem.

    With how far they stand ``apart``, what they are nearly equal to as ``twin``, in words or "",
    and whether they are ``left_out``.
    """
    folders = [file.split("/", 1)[1].rpartition("/")[0] for file in ratings.table["file"]]
    table = ratings.table.assign(defect=folders, label=0, has_mask=False, twin="")
    names = sample_names(table)
    for one, other, part in reversed(ratings.about["equal"]):
        for own, twin in ((one, other), (other, one)):
            table.loc[own, "twin"] = said("training_twin", name=names[twin], share=percent(part))
    return table.assign(apart=ratings.standing_out, left_out=table["file"].isin(left_out))


def _second(pairs: Sequence[tuple[int, int, float]]) -> list[int]:
    """Return one picture of each pair; none of a pair of which one is among them already."""
    second: list[int] = []
    for one, other, _ in pairs:
        if not {one, other} & {*second}:
            second.append(other)
    return second


def _sample_set(
    ratings: Ratings, table: pd.DataFrame, pictures: Pictures, method: str
) -> SampleSet:
    return SampleSet(
        table,
        table[method].to_numpy(np.float64),
        ratings.scale(method),
        ratings.maps[method],
        lambda position, kind: Image.fromarray(pictures.train[position]) if kind == "img" else None,
        (ratings.about["data_fingerprint"], "train"),
    )


def _draw_picture(
    ratings: Ratings,
    table: pd.DataFrame,
    samples: dict[str, SampleSet],
    positions: list[int],
    at: int,
    version: str,
) -> None:
    deviations, rate = ratings.deviations, allowed_false_alarms()
    levels = {method: threshold_for(table[method], rate) for method in samples}

    def viewed(place: int) -> dict[str, Any]:
        position = positions[place]
        row = table.iloc[position]
        marks = [(row["twin"], "wrong")] if row["twin"] else []
        marks += [(said("training_left_out"), "defect")] if row["left_out"] else []
        under = {
            method: said("training_deviation", score=row[method], deviations=number(far, 1))
            for method, far in zip(samples, deviations.iloc[position], strict=True)
        }
        seen = {method: one.panels(position) for method, one in samples.items()}
        return viewer.viewed(ratings.about, row, seen, levels, marks, under=under)

    panels = [{"kind": "image", "method": "", "title": said("panel_image")}]
    panels += [{"kind": "overlay", "method": one, "title": method_title(one)} for one in samples]
    draw_viewer(
        viewed,
        sample_names(table.iloc[positions]),
        at,
        f"training/{version}/{rate}/{zoom()[0] > 1}/{language()}",
        panels,
        viewer.labels(methods=False, truth=False),
        OVERLAY_OPACITY,
        None,
        listed="",
    )


def _draw_tiles(samples: SampleSet, positions: list[int]) -> None:
    shown, tiles = samples.table.iloc[positions], []
    for name, row, picture in zip(
        sample_names(shown), shown.to_dict("records"), samples.thumbnails(positions), strict=True
    ):
        marks = [said("training_left_out")] if row["left_out"] else []
        marks += [said("training_twin_short")] if row["twin"] else []
        mark, far, stands_out = (
            ", ".join(marks),
            f"{number(row['apart'], 1)} σ",
            row["apart"] > STANDS_OUT,
        )
        tiles.append(Tile(name, far, "", stands_out, mark, f"{name}, {far}, {mark}", picture))
    height, width = samples.maps.shape[1:]
    draw_gallery(tiles, said("training_gallery"), width / height)


def _draw_left_out(
    selection: Selection, table: pd.DataFrame, additions: Mapping[str, list[int]]
) -> None:
    """Draw the list of pictures that are left out, and buttons that add positions to it."""
    file_of = dict(zip(sample_names(table), table["file"], strict=True))
    left_out = set(table["file"][table["left_out"]])

    def change(add: Set[str] = frozenset(), remove: Set[str] = frozenset()) -> None:
        try:
            change_left_out(selection.outputs, selection.category, add, remove)
        except (ValueError, OSError) as error:
            st.error(told(fact_of(error)))

    with st.container(horizontal=True):
        for key, added in additions.items():
            new = set(table["file"].iloc[added]) - left_out
            if added:
                st.button(
                    t(key, count=len(new)),
                    key=key,
                    disabled=not new,
                    on_click=change,
                    args=(new,),
                )

    def chosen() -> set[str]:
        return {file_of[name] for name in st.session_state[LIST_KEY]}

    st.session_state[LIST_KEY] = [name for name, file in file_of.items() if file in left_out]
    st.multiselect(
        t("training_list"),
        list(file_of),
        key=LIST_KEY,
        placeholder=t("training_list_empty"),
        on_change=lambda: change(chosen() - left_out, left_out - chosen()),
    )
