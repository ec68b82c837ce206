"""Trade-off: how much time each method takes for how much accuracy, over all results."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.charts import draw_chart, draw_clickable_chart, draw_export_choice
from dashboard.figures.tradeoff import COST_TEXTS, GAIN_TEXTS, phase_chart, tradeoff_chart
from dashboard.frame import framed
from dashboard.loaders import results
from dashboard.notices import draw_brightness_notice, draw_notices, draw_origin
from dashboard.recorded import machine, weights_text
from dashboard.state import (
    Selection,
    keep_choice,
    keep_choices,
    language,
    remember,
    said,
    selected,
    t,
)
from dashboard.tables import method_title, number
from dashboard.texts import plain
from dashboard.tradeoff.click import follow_click, remember_click
from dashboard.tradeoff.differences import draw_differences
from dashboard.tradeoff.groups import (
    KINDS,
    Group,
    groups,
    in_order,
    mean_points,
    shared_categories,
    with_front,
)
from dashboard.tradeoff.other_summary import draw_other_summary
from dashboard.tradeoff.seeds import has_several_seeds, over_seeds
from detectors.backbones.names import RANDOM, UNTRAINED
from evaluation.latency import TIMED_PICTURES
from evaluation.seeds import without_seed
from evaluation.summary import MACHINE_COLUMNS

MEAN, ONE_CATEGORY, CELLS = "mean", "category", "cells"
SETTINGS_KEY, SEEDS_KEY = "tradeoff_settings", "tradeoff_over_seeds"
WARNINGS = {RANDOM: "tradeoff_random", UNTRAINED: "tradeoff_untrained"}


def draw() -> None:
    """Draw the page."""
    selection = selected()
    follow_click()
    st.title(t("tradeoff_heading"))
    draw_notices(selection)
    own, problems = results(selection.outputs)
    for problem in problems:
        st.warning(plain(problem))
    other = draw_other_summary()
    table = pd.concat([own.assign(origin=""), other]) if len(other) else own.assign(origin="")
    if table.empty:
        st.info(t("tradeoff_empty"))
        return
    group, compared = _draw_group(selection, table)
    together = _draw_seeds(compared)
    cells = _draw_settings(in_order(over_seeds(compared)) if together else compared)
    if cells.empty:
        return
    setting = compared["settings_id"].map(without_seed) if together else compared["settings_id"]
    of_seeds = compared[setting.isin(set(cells["settings_id"]))]
    if group.weights in WARNINGS:
        st.warning(t(WARNINGS[group.weights]), icon=":material/warning:")
    own_cells = cells[cells["origin"] == ""]
    if len(own_cells):
        draw_origin(selection, own_cells.to_dict("records"))
        _draw_machine(own_cells)
    view, gain, cost = _draw_choices(selection, cells)
    _draw_tradeoff(selection, cells, of_seeds, view, gain, cost)
    draw_differences(selection, compared[compared["origin"] == ""])
    _draw_phases(selection, cells, view)
    only = selection.category if view == ONE_CATEGORY else None
    draw_brightness_notice(own, only)
    draw_export_choice()


def _draw_group(selection: Selection, table: pd.DataFrame) -> tuple[Group, pd.DataFrame]:
    """Draw the choice of results that may be compared, if there is more than one."""
    found = groups(table)
    found.sort(key=lambda group: (group.demo_data != selection.demo, KINDS.index(group.weights)))
    names = [_group_name(group, len(group.cells(table))) for group in found]
    position = 0
    if len(found) > 1:
        keep_choice("tradeoff_group", range(len(found)))
        position = st.selectbox(
            t("tradeoff_group"),
            range(len(found)),
            format_func=lambda at: names[at],
            help=t("tradeoff_group_help"),
            key="tradeoff_group",
        )
    else:
        st.caption(t("tradeoff_shown_group", name=names[0]))
    group = found[position]
    return group, in_order(group.cells(table))


def _group_name(group: Group, count: int) -> str:
    data = said("tradeoff_data_demo") if group.demo_data else said("tradeoff_data_real")
    weights = said(f"tradeoff_weights_{group.weights}")
    return said("tradeoff_group_name", data=data, weights=weights, count=count)


def _draw_seeds(cells: pd.DataFrame) -> bool:
    """Draw the choice of one point for all seeds, if there are several of a setting."""
    if not has_several_seeds(cells):
        return False
    remember(SEEDS_KEY, True)
    name, explained = t("tradeoff_over_seeds"), t("tradeoff_over_seeds_help")
    return st.toggle(name, key=SEEDS_KEY, help=explained)


def _draw_settings(cells: pd.DataFrame) -> pd.DataFrame:
    """Draw the choice of settings, if there are any but the default ones."""
    names = sorted(set(cells["settings_id"]))
    if len(names) == 1:
        return cells
    remember(SETTINGS_KEY, names[:1])
    keep_choices(SETTINGS_KEY, names)
    if not st.session_state[SETTINGS_KEY]:
        st.session_state[SETTINGS_KEY] = names[:1]
    chosen = st.pills(
        t("tradeoff_settings"),
        names,
        selection_mode="multi",
        format_func=lambda name: plain(name) if name else said("default_settings"),
        key=SETTINGS_KEY,
    )
    return cells[cells["settings_id"].isin(chosen)]


def _draw_machine(cells: pd.DataFrame) -> None:
    machines = sorted({machine(cell) for cell in cells[MACHINE_COLUMNS].to_dict("records")})
    if len(machines) > 1:
        st.warning(
            t("tradeoff_machines_differ", machines="; ".join(machines)),
            icon=":material/warning:",
        )
    else:
        st.caption(t("tradeoff_machine", machine=machines[0]))


def _draw_choices(selection: Selection, cells: pd.DataFrame) -> tuple[str, str, str]:
    views = {MEAN: said("tradeoff_view_mean"), CELLS: said("tradeoff_view_cells")}
    if selection.category in set(cells["category"]):
        name = said("tradeoff_view_category", category=plain(selection.category))
        views = {MEAN: views[MEAN], ONE_CATEGORY: name, CELLS: views[CELLS]}
    keep_choice("tradeoff_view", list(views))
    keep_choice("tradeoff_gain", list(GAIN_TEXTS))
    keep_choice("tradeoff_cost", list(COST_TEXTS))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = st.segmented_control(
            t("tradeoff_points"),
            list(views),
            format_func=lambda key: views[key],
            key="tradeoff_view",
            required=True,
        )
        gain = st.segmented_control(
            t("tradeoff_gain"),
            list(GAIN_TEXTS),
            format_func=lambda key: said(GAIN_TEXTS[key][0]),
            key="tradeoff_gain",
            required=True,
        )
        cost = st.selectbox(
            t("tradeoff_cost"),
            list(COST_TEXTS),
            format_func=lambda key: said(COST_TEXTS[key]),
            key="tradeoff_cost",
            width=340,
        )
    return str(view), str(gain), str(cost)


def _draw_tradeoff(
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
        points = mean_points(cells, names)
        notes = [t("tradeoff_mean_over", names=", ".join(names))]
        if "seeds" in cells:
            points = in_order(over_seeds(mean_points(of_seeds, names)))
            notes.append(t("tradeoff_seed_bars_of_means"))
    else:
        chosen = cells if view == CELLS else cells[cells["category"] == selection.category]
        points = chosen.assign(categories=1)
        notes = [t("tradeoff_click")]
        if gain == "image_auroc":
            seeds = "seeds" in points and (points["seeds"] > 1).any()
            notes.append(t("tradeoff_seed_bars" if seeds else "tradeoff_intervals"))
        if points["category"].nunique() > 1:
            notes.append(t("tradeoff_front_per_category"))
    shown = with_front(points, cost, gain)
    shown["weights"] = shown["weights"].map(weights_text)
    absent = points[points[gain].isna() | points[cost].isna()]
    if len(shown):
        draw_clickable_chart(
            tradeoff_chart(shown, cost, gain, language()),
            f"tradeoff_chart_{view}_{gain}_{cost}",
            f"tradeoff_{view}_{gain}_{cost}",
            remember_click,
        )
    if len(absent):
        names = [
            f"{category} / {method_title(method)}" if category else method_title(method)
            for category, method in zip(absent["category"], absent["method"], strict=True)
        ]
        notes.append(t("tradeoff_not_available", cells=", ".join(names)))
    st.caption(" ".join(notes))
    if len(shown):
        sizes = shown["model_mb"]
        smallest, largest = number(sizes.min(), 1), number(sizes.max(), 1)
        st.caption(t("tradeoff_reading", smallest=smallest, largest=largest))
        st.caption(t("tradeoff_time_meaning"))
        st.caption(t("latency_explained", most=TIMED_PICTURES))
        _draw_numbers(shown)


def _draw_numbers(shown: pd.DataFrame) -> None:
    columns = {
        "category": "column_category",
        "method": "column_method",
        "image_auroc": "column_image_auroc",
        "pixel_auroc": "column_pixel_auroc",
        "fit_s": "column_fit_s",
        "score_s": "column_score_s",
        "runtime_s": "column_runtime_s",
        "ms_per_image": "column_ms_per_image",
        "latency_ms": "column_latency_ms",
        "latency_p95_ms": "column_latency_p95_ms",
        "model_mb": "column_model_mb",
        "settings_id": "column_settings",
        "weights": "column_weights",
        "origin": "tradeoff_column_origin",
        "on_front": "tradeoff_column_front",
    }
    table = shown[list(columns)].assign(
        category=[
            name or said("tradeoff_mean_of", count=count)
            for name, count in zip(shown["category"], shown["categories"], strict=True)
        ],
        method=[method_title(key) for key in shown["method"]],
        settings_id=[name or said("default_settings") for name in shown["settings_id"]],
    )
    if not shown["origin"].any():
        del table["origin"]
    with st.expander(t("tradeoff_numbers")):
        st.dataframe(
            table.rename(columns={name: said(key) for name, key in columns.items()}),
            hide_index=True,
            width="stretch",
        )


def _draw_phases(selection: Selection, cells: pd.DataFrame, view: str) -> None:
    names = [selection.category] if view == ONE_CATEGORY else shared_categories(cells, "runtime_s")
    if not names:
        return
    st.header(t("tradeoff_phases_title"))
    rows = mean_points(cells, names)
    rows["weights"] = rows["weights"].map(weights_text)
    draw_chart(phase_chart(rows, language()), "tradeoff_phases", "seconds_by_phase")
    st.caption(t("tradeoff_phases_over", names=", ".join(names)))
    st.caption(t("tradeoff_phases_note"))


framed(draw)
