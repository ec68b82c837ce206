"""How many good pictures are enough: the learning curve of a category, or what measures it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.charts import draw_chart
from dashboard.figures.learning_charts import learning_chart
from dashboard.loaders import finished_cells
from dashboard.run.control import duration, launch
from dashboard.state import Selection, draw_false_alarm_slider, language, t, told
from dashboard.tables import draw_download, percent, weights_text
from data_utils.facts import Fact, Fault
from detectors.registry import METHODS
from evaluation.run.job import read_status
from evaluation.run.progress import RUNNING
from evaluation.run.request import ALL_PICTURES, Request
from evaluation.training_set.curve_table import (
    LearningCurve,
    curve_file,
    enough_pictures,
    over_draws,
    read_curve,
)

COUNTS, SEEDS = (10, 20, 50, 100), (0, 1, 2)
EVALUATIONS = 4  # that a curve takes the time of, at most


def draw_learning_curves(selection: Selection) -> None:
    """Draw the selected category's curve with what it says, and the button that measures it."""
    st.header(t("learning_title"))
    curve = None
    try:
        path = curve_file(selection.outputs, selection.category)
        curve, sentences = _read(str(path), path.stat().st_mtime_ns)
    except FileNotFoundError:
        pass
    except Fault as error:
        st.error(told(error.fact))
    if curve is not None:
        _draw(curve, sentences)
    _draw_start(selection, measured=curve is not None)


@st.cache_data(show_spinner=False, max_entries=8)
def _read(path: str, modified: int) -> tuple[LearningCurve | None, list[Fact]]:  # noqa: ARG001
    curve = read_curve(Path(path).parent.parent, Path(path).parent.name)
    return curve, enough_pictures(curve) if curve else []


def _draw(curve: LearningCurve, sentences: list[Fact]) -> None:
    st.markdown("\n".join(f"- {told(sentence)}" for sentence in sentences))
    allowed = draw_false_alarm_slider()
    table = over_draws(curve, allowed)
    about = curve.about
    for pair in (("image_auroc", "pixel_auroc"), ("missed", "false_alarms")):
        for column, measured in zip(st.columns(2), pair, strict=True):
            asked = {"asked": allowed} if measured == "false_alarms" else {}
            name = f"learning_{measured}_{about['category']}"
            with column:
                draw_chart(
                    learning_chart(table, measured, language(), **asked),
                    f"learning_{measured}",
                    name,
                )
    st.caption(t("learning_explained", rate=percent(allowed)))
    st.caption(
        t(
            "learning_made",
            seeds=len(curve.seeds),
            transform=about["transform"],
            weights=weights_text(about["weights"]),
            finished=about["finished"][:19].replace("T", " "),
            data=about["data_root"],
        )
    )
    draw_download(
        t("learning_download"),
        table.assign(allowed=allowed),
        f"learning_curve_{about['category']}.csv",
    )


def _draw_start(selection: Selection, measured: bool) -> None:
    """Draw the button that measures the curve, and about how long that takes."""
    category = selection.category
    if selection.data is None or category not in selection.categories:
        return
    methods = [name for name, method in METHODS.items() if method.reads_backbone]
    cells = [
        cell
        for cell in finished_cells(selection.outputs)
        if cell["category"] == category and cell["method"] in methods and cell.get("wall_s")
    ]
    most = min((cell["counts"]["train_images"] for cell in cells), default=COUNTS[-1] + 1)
    counts = (*(str(count) for count in COUNTS if count < most), ALL_PICTURES)
    if not measured:
        st.info(t("learning_none", category=category, counts=", ".join(counts)))
    status = read_status(selection.outputs)
    running = status is not None and status.state == RUNNING
    if st.button(t("learning_start", category=category), key="learning_start", disabled=running):
        request = Request(selection.data_argument, (category,), seeds=SEEDS, train_counts=counts)
        launch(selection.outputs, request.arguments())
        st.rerun()
    if cells:
        seconds = EVALUATIONS * max(cell["wall_s"] for cell in cells)
        st.caption(t("learning_time", time=duration(seconds)))
    else:
        st.caption(t("learning_time_unknown"))
