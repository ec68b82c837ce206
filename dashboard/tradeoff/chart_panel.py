"""The trade-off's charts: which points, at what cost and gain, their numbers, and their clicks."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard.charts import draw_chart, draw_shown_choice
from dashboard.figures.tradeoff_charts import (
    COSTS,
    GAINS,
    curves_of,
    phase_chart,
    tradeoff_chart,
    with_front,
)
from dashboard.state import Selection, keep_choice, language, open_samples, said, t
from dashboard.tables import machines, method_title, number, settings_title, weights_text
from dashboard.texts import plain
from evaluation.measure.averages import in_order, over_categories, over_seeds, shared_categories
from evaluation.run.timing import TIMED_PICTURES
from evaluation.store.spreadsheet import NOT_AVAILABLE

MEAN, ONE_CATEGORY, CELLS = "mean", "category", "cells"
NUMBERS = (
    "category",
    "method",
    "image_auroc",
    "pixel_auroc",
    "fit_s",
    "score_s",
    "runtime_s",
    "ms_per_image",
    "latency_ms",
    "model_mb",
    "settings",
    "weights",
    "origin",
    "on_front",
)


DIGITS = dict.fromkeys(("image_auroc", "pixel_auroc"), "{:.3f}") | dict.fromkeys(
    ("fit_s", "score_s", "runtime_s", "ms_per_image", "latency_ms", "model_mb"), "{:.1f}"
)


def draw_view_choice(selection: Selection, cells: pd.DataFrame) -> tuple[str, str, str]:
    """Draw the choice of points, accuracy and time; return the view and the two columns."""
    views = {MEAN: said("tradeoff_view_mean")}
    if selection.category in set(cells["category"]):
        name = plain(selection.category)
        views[ONE_CATEGORY] = said("tradeoff_view_category", category=name)
    views[CELLS] = said("tradeoff_view_cells")
    gains = {gain: said(f"metric_{gain}") for gain in GAINS}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = draw_shown_choice("tradeoff_view", t("tradeoff_points"), views)
        gain = draw_shown_choice("tradeoff_gain", t("tradeoff_gain"), gains)
        keep_choice("tradeoff_cost", COSTS)
        cost = st.selectbox(
            t("tradeoff_cost"),
            COSTS,
            format_func=lambda key: said(f"tradeoff_cost_{key}"),
            key="tradeoff_cost",
            width=340,
        )
    return view, gain, cost


def draw_tradeoff(
    selection: Selection,
    cells: pd.DataFrame,
    of_seeds: pd.DataFrame,
    view: str,
    gain: str,
    cost: str,
) -> None:
    """Draw the chart; `of_seeds` are the cells behind `cells`, which may be means over seeds."""
    if view == MEAN:
        names = shared_categories(cells[cells[cost].notna()], gain)
        if not names:
            st.info(t("tradeoff_mean_none"))
            return
        points = _means(of_seeds, names)
        notes = [t("tradeoff_mean_over", names=", ".join(names))]
        if "seeds" in cells:
            points = in_order(over_seeds(points))
            notes.append(t("tradeoff_seed_bars_of_means"))
    else:
        chosen = cells if view == CELLS else cells[cells["category"] == selection.category]
        points = chosen.assign(categories=1)
        notes = [t("tradeoff_click")]
        if gain == "image_auroc":
            seeds = "seeds" in points and (points["seeds"] > 1).any()
            notes.append(t("tradeoff_seed_bars" if seeds else "tradeoff_intervals"))
        if points["category"].nunique() > 1 and view != CELLS:
            notes.append(t("tradeoff_front_per_category"))
    points["weights"] = points["weights"].map(weights_text)
    shown = with_front(points, cost, gain)
    absent = points[points[gain].isna() | points[cost].isna()]
    if len(absent):
        named = zip(absent["category"], absent["method"].map(method_title), strict=True)
        without = ", ".join(" / ".join(filter(None, names)) for names in named)
        notes.append(t("tradeoff_not_available", cells=without))
    if shown.empty:
        st.caption(" ".join(notes))
        return
    if curves_of(shown)[1].any():
        notes.append(t("tradeoff_engines"))
    name = f"tradeoff_{view}_{gain}_{cost}"
    draw_chart(
        tradeoff_chart(
            shown, cost, gain, language(), named=view == CELLS, machine="; ".join(machines(cells))
        ),
        f"chart_{name}",
        name,
        follow_click,
    )
    st.caption(" ".join(notes))
    smallest, largest = number(shown["model_mb"].min(), 1), number(shown["model_mb"].max(), 1)
    st.caption(t("tradeoff_reading", smallest=smallest, largest=largest))
    st.caption(t("tradeoff_time_meaning"))
    st.caption(t("latency_explained", most=TIMED_PICTURES))
    with st.expander(t("tradeoff_numbers")):
        _draw_numbers(shown)


def _draw_numbers(shown: pd.DataFrame) -> None:
    mean_of = shown["categories"].map(lambda count: said("tradeoff_mean_of", count=count))
    table = shown.assign(
        category=shown["category"].where(shown["category"] != "", mean_of),
        method=shown["method"].map(method_title),
        settings=shown["settings_id"].map(settings_title),
    )[list(NUMBERS)]
    if not shown["origin"].any():
        del table["origin"]
    headings = {name: said(f"column_{name}") for name in table}
    rounded: Any = {said(f"column_{name}"): places for name, places in DIGITS.items()}
    styled = table.rename(columns=headings).style.format(rounded, na_rep=NOT_AVAILABLE)
    st.dataframe(styled, hide_index=True, width="stretch", placeholder=NOT_AVAILABLE)


def draw_phases(selection: Selection, cells: pd.DataFrame, view: str) -> None:
    """Draw how long each phase takes, per category."""
    names = [selection.category] if view == ONE_CATEGORY else shared_categories(cells, "runtime_s")
    if not names:
        return
    st.header(t("tradeoff_phases_title"))
    rows = _means(cells, names)
    rows["weights"] = rows["weights"].map(weights_text)
    draw_chart(phase_chart(rows, language()), "tradeoff_phases", "seconds_by_phase")
    st.caption(t("tradeoff_phases_over", names=", ".join(names)))
    st.caption(t("tradeoff_phases_note"))


def _means(cells: pd.DataFrame, categories: list[str]) -> pd.DataFrame:
    return in_order(over_categories(cells[cells["category"].isin(categories)]))


def follow_click(clicked: list[Any]) -> None:
    """Open the pictures of the clicked cell, or say why there are none.

    A point has its category (empty for a mean), method, settings and origin, as a list or, from
    some versions of Streamlit, as a dict; what is no point has None.
    """
    first = next(filter(None, clicked), None)
    if first is None:
        return
    values = first.values() if isinstance(first, dict) else first
    category, method, settings_id, origin = values
    if category and not origin:
        open_samples(category=category, method=method, settings=settings_id)
    elif origin:
        st.toast(t("tradeoff_other_clicked", origin=origin), icon=":material/info:")
    else:
        st.toast(t("tradeoff_mean_clicked"), icon=":material/info:")
