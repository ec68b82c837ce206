"""How many good pictures are enough: a category's learning curve, and what measures it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.charts import draw_chart
from dashboard.figures.learning_charts import TITLES, learning_chart
from dashboard.loaders import finished_cells
from dashboard.run.control import draw_start, duration
from dashboard.state import Selection, draw_false_alarm_slider, language, t, told
from dashboard.tables import draw_download, percent, weights_text
from data_utils.facts import Fault
from evaluation.run.request import ALL_PICTURES, Request
from evaluation.training_set.curve_table import TEXTS, curve_file, over_draws, read_curve

COUNTS, SEEDS = (10, 20, 50, 100), (0, 1, 2)
EVALUATIONS = 4  # that a curve takes the time of, at most


def draw_learning_curves(selection: Selection) -> None:
    """Draw the selected category's curve with what it says, and the button that measures it."""
    st.header(t("learning_title"))
    try:
        path = curve_file(selection.outputs, selection.category)
        if path.exists():
            _draw(_read(selection.outputs, selection.category, path.stat().st_mtime_ns))
    except Fault as error:
        st.error(told(error.fact))
    if selection.data is not None and selection.category in selection.categories:
        _draw_start(selection)


@st.cache_data(show_spinner=False, max_entries=8)
def _read(outputs: Path, category: str, modified: int) -> dict[str, Any]:  # noqa: ARG001
    return read_curve(outputs, category)


def _draw(curve: dict[str, Any]) -> None:
    st.markdown("\n".join(f"- {told(sentence)}" for sentence in curve["enough"]))
    allowed = draw_false_alarm_slider()
    table = over_draws(curve, allowed)
    for place, measured in zip((*st.columns(2), *st.columns(2)), TITLES, strict=True):
        with place:
            figure = learning_chart(table, measured, allowed, language())
            draw_chart(figure, f"learning_{measured}", f"{measured}_{curve['category']}")
    about = {name: curve[name] for name in TEXTS} | {"weights": weights_text(curve["weights"])}
    draws = len({fit["seed"] for fit in curve["fits"]})
    st.caption(t("learning_explained", rate=percent(allowed), draws=draws, **about))
    name = f"learning_curve_{curve['category']}.csv"
    draw_download(t("download_table"), table.assign(allowed=allowed), name)


def _draw_start(selection: Selection) -> None:
    category, of_all = selection.category, finished_cells(selection.outputs)
    cells = [one for one in of_all if one["category"] == category and one["backbone"] != "none"]
    most = min((one["counts"]["train_images"] for one in cells), default=math.inf)
    counts = (*(str(count) for count in COUNTS if count < most), ALL_PICTURES)
    seconds = EVALUATIONS * max((one.get("wall_s") or 0 for one in cells), default=0)
    time = duration(seconds) if seconds else t("learning_time_unknown")
    st.caption(t("learning_takes", counts=", ".join(counts), draws=len(SEEDS), time=time))
    request = Request(selection.data_argument, (category,), seeds=SEEDS, train_counts=counts)
    draw_start(selection, request, t("learning_start", category=category), "learning_start")
