"""Trade-off: how much time each method takes for how much accuracy, over all results."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.charts import draw_export_choice
from dashboard.frame import framed
from dashboard.loaders import results
from dashboard.opening import draw_evaluation, draw_notices, opened
from dashboard.state import Selection, keep_choice, keep_choices, remember, said, t, told
from dashboard.tables import machines, settings_title
from dashboard.texts import plain
from dashboard.tradeoff.chart_panel import (
    ONE_CATEGORY,
    draw_phases,
    draw_tradeoff,
    draw_view_choice,
)
from dashboard.tradeoff.difference_panel import draw_differences
from detectors.backbones.names import RANDOM, UNTRAINED
from detectors.registry import METHODS
from evaluation.measure.averages import (
    KINDS,
    Group,
    groups,
    in_order,
    over_seeds,
    without_engine,
    without_seed,
)
from evaluation.store.summary import SummaryError, parsed_summary

SETTINGS_KEY, SEEDS_KEY = "tradeoff_settings", "tradeoff_over_seeds"
WARNINGS = {RANDOM: "tradeoff_random", UNTRAINED: "tradeoff_untrained"}


def draw() -> None:
    """Draw the page."""
    selection = opened("tradeoff_heading")
    own, problems = results(selection.outputs)
    for problem in problems:
        st.warning(told(problem))
    other = draw_other_summary()
    table = pd.concat([own.assign(origin=""), other]) if len(other) else own.assign(origin="")
    if table.empty:
        st.info(t("tradeoff_empty"))
        draw_evaluation(selection, list(METHODS))
        return
    group = draw_group_choice(selection, table)
    compared = in_order(group.cells)
    cells, of_seeds = draw_settings_choice(compared)
    if group.weights in WARNINGS:
        st.warning(t(WARNINGS[group.weights]), icon=":material/warning:")
    own_cells = cells[cells["origin"] == ""]
    if len(own_cells):
        draw_machine(own_cells)
    view, gain, cost = draw_view_choice(selection, cells)
    draw_tradeoff(selection, cells, of_seeds, view, gain, cost)
    draw_differences(selection, compared[compared["origin"] == ""])
    draw_phases(selection, cells, view)
    of_one = view == ONE_CATEGORY
    shown = own_cells.to_dict("records")
    draw_notices(selection, shown, selection.category if of_one else None)
    draw_export_choice()


@st.cache_data(show_spinner=False, max_entries=2)
def parsed(file_id: str, name: str, _content: bytes) -> pd.DataFrame:  # noqa: ARG001
    """Return an uploaded summary."""
    return parsed_summary(_content, name)


def draw_other_summary() -> pd.DataFrame:
    """Draw the upload; return its rows as ``origin`` names their machine, none without a file."""
    nothing = pd.DataFrame({"origin": []})
    with st.expander(t("tradeoff_other"), icon=":material/compare_arrows:"):
        file = st.file_uploader(
            t("tradeoff_other_file"),
            type="csv",
            key="tradeoff_other",
            help=t("tradeoff_other_help"),
        )
        if file is None:
            return nothing
        try:
            table = parsed(file.file_id, file.name, file.getvalue())
        except SummaryError as error:
            st.error(f"{told(error.fact)}. {t('tradeoff_other_refused')}")
            return nothing
        origin = "; ".join(machines(table)) or file.name
        st.caption(t("tradeoff_other_note", count=len(table), origin=origin))
    return table.assign(origin=origin)


def draw_group_choice(selection: Selection, table: pd.DataFrame) -> Group:
    """Draw the choice of results that may be compared, if there is more than one."""
    found = groups(table)
    found.sort(key=lambda group: (group.demo_data != selection.demo, KINDS.index(group.weights)))
    names = [
        said(
            "tradeoff_group_name",
            data=said("tradeoff_data_demo" if group.demo_data else "tradeoff_data_real"),
            weights=said(f"tradeoff_weights_{group.weights}"),
            count=len(group.cells),
        )
        for group in found
    ]
    if len(found) == 1:
        st.caption(t("tradeoff_shown_group", name=names[0]))
        return found[0]
    keep_choice("tradeoff_group", range(len(found)))
    position = st.selectbox(
        t("tradeoff_group"),
        range(len(found)),
        format_func=names.__getitem__,
        help=t("tradeoff_group_help"),
        key="tradeoff_group",
    )
    return found[position]


def draw_settings_choice(compared: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw the choices of one point for all seeds, and of settings, where there are several.

    Return the rows to be shown, which may be means over seeds, and the cells that are behind them.
    """
    cells, setting = compared, compared["settings_id"]
    averaged = in_order(over_seeds(compared))
    if len(averaged) < len(compared):
        remember(SEEDS_KEY, True)
        if st.toggle(t("tradeoff_over_seeds"), key=SEEDS_KEY, help=t("tradeoff_over_seeds_help")):
            cells, setting = averaged, setting.map(without_seed)
    names = sorted(set(setting))
    if len(names) == 1:
        return cells, compared
    covered = compared.groupby(setting)["category"].agg(set)
    first = [
        name
        for name in names
        if without_engine(name) == without_engine(names[0]) and covered[name] >= covered[names[0]]
    ]
    remember(SETTINGS_KEY, first)
    keep_choices(SETTINGS_KEY, names)
    if not st.session_state[SETTINGS_KEY]:
        st.session_state[SETTINGS_KEY] = first
    chosen = st.pills(
        t("tradeoff_settings"),
        names,
        selection_mode="multi",
        format_func=lambda name: plain(settings_title(name)),
        key=SETTINGS_KEY,
    )
    return cells[cells["settings_id"].isin(chosen)], compared[setting.isin(chosen)]


def draw_machine(cells: pd.DataFrame) -> None:
    """Say on which machine the times were measured, or warn if there are several."""
    found = machines(cells)
    if len(found) > 1:
        text = t("tradeoff_machines_differ", machines="; ".join(found))
        st.warning(text, icon=":material/warning:")
    else:
        st.caption(t("tradeoff_machine", machine=found[0]))


framed(draw)
