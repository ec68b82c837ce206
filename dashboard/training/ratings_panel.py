"""The training pictures of a category, those that stand out first, and which are left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from dashboard.components.gallery import Tile, draw_gallery
from dashboard.components.picture_viewer import draw_viewer, zoom
from dashboard.samples import viewer
from dashboard.samples.picker import LIST_PX, draw_picker, gallery_part
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
from dashboard.tables import method_title, weights_text
from dashboard.training.comparison_panel import draw_comparison
from dashboard.training.start_button import draw_start
from data_utils.decoding import Pictures
from data_utils.facts import fact_of
from evaluation.measure.operating_points import threshold_for
from evaluation.new_pictures.opened_cell import fitted_pictures
from evaluation.run.request import Request
from evaluation.store.heatmap import OVERLAY_OPACITY
from evaluation.store.leave_out import keep_left_out, kept_left_out
from evaluation.training_set.ratings import Ratings, about_file, read_ratings

STANDS_OUT = 3.5  # standard deviations above the median: Iglewicz and Hoaglin, 1993
ORDERS = ("standing_out", "equal")
LIST_KEY = "left_out"


def draw_ratings(selection: Selection) -> None:
    """Draw the ratings of the selected category, or offer to make them."""
    file = about_file(selection.outputs, selection.category)
    stamp = file.stat().st_mtime_ns if file.exists() else 0
    try:
        ratings = _ratings(str(selection.outputs), selection.category, stamp)
        if ratings is not None:
            pictures = _pictures(str(selection.outputs), selection.category, stamp)
            _draw_pictures(selection, ratings, pictures, stamp)
            st.caption(_origin(ratings))
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


@st.cache_resource(show_spinner=False, max_entries=4)
def _ratings(outputs: str, category: str, stamp: int) -> Ratings | None:  # noqa: ARG001
    return read_ratings(Path(outputs), category)


@st.cache_resource(show_spinner=False, max_entries=2, ttl=60)
def _pictures(outputs: str, category: str, stamp: int) -> Pictures:
    ratings = _ratings(outputs, category, stamp)
    assert ratings is not None
    return fitted_pictures(ratings.about)


def _origin(ratings: Ratings) -> str:
    """Say what the ratings were made with, and what was not."""
    about = ratings.about
    methods = ", ".join(map(method_title, ratings.methods))
    origin = {"weights": weights_text(about["weights"]), "seconds": about["seconds"]}
    return t("training_origin", methods=methods, count=len(ratings.table), **origin)


@st.fragment
def _draw_pictures(selection: Selection, ratings: Ratings, pictures: Pictures, stamp: int) -> None:
    """Draw what stands out, and what is left out; a click redraws only this part of the page."""
    table = _sample_table(ratings)
    names, standing_out = sample_names(table), ratings.standing_out
    name_of = dict(zip(table["file"], names, strict=True))
    twins = _twins(ratings, names)
    try:
        kept = kept_left_out(selection.outputs)
    except ValueError as error:
        st.error(told(fact_of(error)))
        return
    left_out = {name_of[file] for file in kept.get(selection.category, ()) if file in name_of}
    st.markdown(
        t(
            "training_summary",
            count=int((standing_out > STANDS_OUT).sum()),
            of=len(names),
            limit=STANDS_OUT,
            pairs=len(ratings.about["equal"]),
        )
    )
    with st.container(key="controls", horizontal=True, vertical_alignment="bottom"):
        keep_choice("training_order", ORDERS)
        order = st.selectbox(
            t("sort_by"),
            ORDERS,
            key="training_order",
            format_func=lambda one: said(f"training_order_{one}"),
            width=LIST_PX,
        )
        positions = np.argsort(-np.nan_to_num(standing_out), kind="stable").tolist()
        if order == "equal":
            paired = [one for pair in ratings.about["equal"] for one in pair[:2]]
            positions = list(dict.fromkeys([*paired, *positions]))
        listed = [names[position] for position in positions]
        at = draw_picker(listed, lambda: listed[0])
    samples = {method: _sample_set(ratings, table, pictures, method) for method in ratings.methods}
    _draw_picture(ratings, table, samples, positions, at, left_out, stamp)
    shown = positions[gallery_part(at, len(positions))]
    _draw_tiles(samples[ratings.methods[0]], shown, standing_out, twins, left_out)
    _draw_left_out(selection, names, list(name_of), left_out, positions, at, ratings)
    draw_comparison(selection, tuple(sorted(kept.get(selection.category, ()))), ratings.methods)
    mirror_in_url()


def _sample_table(ratings: Ratings) -> pd.DataFrame:
    """Return the pictures as the viewer knows them, named by folder and stem."""
    folders = [file.split("/", 1)[1].rpartition("/")[0] for file in ratings.table["file"]]
    return ratings.table.assign(defect=folders, label=0, has_mask=False)


def _sample_set(
    ratings: Ratings, table: pd.DataFrame, pictures: Pictures, method: str
) -> SampleSet:
    scores = table[method].to_numpy(np.float64)
    return SampleSet(
        table.assign(score=scores),
        scores,
        ratings.scale(method),
        ratings.maps[method],
        lambda position, kind: Image.fromarray(pictures.train[position]) if kind == "img" else None,
        (ratings.about["data_fingerprint"], "train"),
    )


def _twins(ratings: Ratings, names: list[str]) -> dict[int, str]:
    """Return by position what a picture is nearly equal to, and how nearly, in words."""
    found: dict[int, str] = {}
    for one, other, levels in ratings.about["equal"]:
        for own, twin in ((one, other), (other, one)):
            found.setdefault(own, said("training_twin", name=names[twin], levels=levels))
    return found


def _draw_picture(
    ratings: Ratings,
    table: pd.DataFrame,
    samples: dict[str, SampleSet],
    positions: list[int],
    at: int,
    left_out: set[str],
    stamp: int,
) -> None:
    names, deviations = sample_names(table), ratings.deviations
    twins, rate = _twins(ratings, names), allowed_false_alarms()
    levels = {method: threshold_for(table[method], rate) for method in samples}

    def viewed(place: int) -> dict[str, Any]:
        position = positions[place]
        marks = [(twins[position], "wrong")] if position in twins else []
        marks += [(said("training_left_out"), "defect")] if names[position] in left_out else []
        under = {
            method: said(
                "training_deviation",
                score=table[method].iat[position],
                deviations=deviations[method].iat[position],
            )
            for method in samples
        }
        seen = {method: one.panels(position) for method, one in samples.items()}
        row = table.iloc[position]
        return viewer.viewed(ratings.about, row, seen, levels, marks, under=under)

    panels = [{"kind": "image", "method": "", "title": said("panel_image")}]
    panels += [{"kind": "overlay", "method": one, "title": method_title(one)} for one in samples]
    listed = [names[position] for position in positions]
    draw_viewer(
        viewed,
        listed,
        at,
        f"training/{stamp}/{rate}/{sorted(left_out)}/{zoom()[0] > 1}/{language()}",
        panels,
        viewer.labels(methods=False, truth=False),
        OVERLAY_OPACITY,
        None,
        listed="",
    )


def _draw_tiles(
    samples: SampleSet,
    positions: list[int],
    standing_out: NDArray[np.float64],
    twins: dict[int, str],
    left_out: set[str],
) -> None:
    names, tiles = sample_names(samples.table), []
    for position, picture in zip(positions, samples.thumbnails(positions), strict=True):
        name, far = names[position], f"{standing_out[position]:+.1f} σ"
        marks = [said("training_left_out")] if name in left_out else []
        marks += [said("training_twin_short")] if position in twins else []
        mark = ", ".join(marks)
        stands_out = bool(standing_out[position] > STANDS_OUT)
        tiles.append(Tile(name, far, "", stands_out, mark, f"{name}, {far}, {mark}", picture))
    height, width = samples.maps.shape[1:]
    draw_gallery(tiles, said("training_gallery"), width / height)


def _draw_left_out(
    selection: Selection,
    names: list[str],
    files: list[str],
    left_out: set[str],
    positions: list[int],
    at: int,
    ratings: Ratings,
) -> None:
    """Draw the list of pictures that are left out, and what adds to it."""
    file_of = dict(zip(names, files, strict=True))
    apart = [names[one] for one in positions if ratings.standing_out[one] > STANDS_OUT]
    second = [names[pair[1]] for pair in ratings.about["equal"]]
    additions = {
        "training_leave_this": [names[positions[at]]],
        "training_leave_apart": apart,
        "training_leave_second": second,
    }

    def keep(chosen: set[str]) -> None:
        try:
            keep_left_out(selection.outputs, selection.category, [file_of[name] for name in chosen])
        except (ValueError, OSError) as error:
            st.error(told(fact_of(error)))

    with st.container(horizontal=True):
        for key, added in additions.items():
            new = [name for name in added if name not in left_out]
            if added:
                st.button(
                    t(key, count=len(new)),
                    key=key,
                    disabled=not new,
                    on_click=keep,
                    args=(left_out | set(new),),
                )
    st.session_state[LIST_KEY] = sorted(left_out)
    st.multiselect(
        t("training_list"),
        names,
        key=LIST_KEY,
        placeholder=t("training_list_empty"),
        on_change=lambda: keep(set(st.session_state[LIST_KEY])),
    )
