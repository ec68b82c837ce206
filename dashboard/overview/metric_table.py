"""The overview's tables of results: means, AUROC by category, all columns, means over seeds."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from dashboard.state import keep_choices, open_samples, remember, said, t, told
from dashboard.tables import (
    draw_download,
    draw_table,
    interval,
    machines,
    method_title,
    number,
    pinned,
    settings_title,
    weights_text,
)
from dashboard.texts import plain
from detectors.registry import position
from evaluation.measure.averages import (
    by_setting,
    in_order,
    over_categories,
    shared_categories,
    why_undefined,
    without_seed,
)
from evaluation.run.timing import TIMED_PICTURES
from evaluation.store.summary import BY_SETTING_FILE, SUMMARY_FILE

NUMBERS = {
    "image_auroc": "{:.3f}",
    "pixel_auroc": "{:.3f}",
    "aupro": "{:.3f}",
    "fit_s": "{:.1f}",
    "score_s": "{:.1f}",
    "runtime_s": "{:.1f}",
    "ms_per_image": "{:.0f}",
    "latency_ms": "{:.0f}",
    "model_mb": "{:.1f}",
}
PAIR = ("image_auroc", "pixel_auroc")
OVER_SEEDS = (*PAIR, "aupro", "runtime_s")
AUROC_FILE = "auroc.csv"
SETTINGS_KEY = "overview_settings"


def draw_results(summary: pd.DataFrame) -> None:
    """Draw the results of the chosen settings: AUROC alone, all columns, means over seeds."""
    whole, summary = summary, _draw_settings(summary)
    rows_over_seeds = by_setting(summary)
    names = [t("overview_tab_auroc"), t("overview_tab_all")]
    if (rows_over_seeds["seeds"] > 1).any():
        names.append(t("tradeoff_over_seeds"))
    short, full, *seeds = st.tabs(names)
    means = means_by_method(summary)
    with short:
        st.markdown(t("overview_means_title"))
        _draw_means(means, PAIR)
        _draw_remarks_on_means(summary, means)
        st.markdown(t("overview_categories_title"))
        _draw_by_category(summary)
        for row in summary.drop_duplicates(["category", "demo_data"]).to_dict("records"):
            for reason in why_undefined(row):
                st.caption(f"{plain(row['category'])} {told(reason)}.")
    with full:
        _draw_cells(summary)
        st.markdown(t("overview_means_title"))
        _draw_means(means, tuple(NUMBERS))
        st.caption(t("time_explained", machine="; ".join(machines(whole))))
        st.caption(t("latency_explained", most=TIMED_PICTURES))
        draw_download(t("download_summary"), whole, SUMMARY_FILE)
    for tab in seeds:
        with tab:
            _draw_over_seeds(rows_over_seeds)
    st.caption(t("auroc_explained"))


def means_by_method(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the means over categories, of real before demo data, by settings and method."""
    return in_order(over_categories(summary), ("demo_data", "settings_id", "method"))


def auroc_by_category(summary: pd.DataFrame) -> pd.DataFrame:
    """Return one row per category, kind of data and settings with both AUROCs of every method.

    Returns
    -------
    DataFrame
        Columns ``category, demo_data, settings_id``, then ``<method>_image_auroc`` and
        ``<method>_pixel_auroc`` for each method with a cell; NaN where undefined or not evaluated.
    """
    keys = ["category", "demo_data", "settings_id"]
    cells = summary.drop_duplicates([*keys, "method"]).set_index([*keys, "method"])
    wide = cells[list(PAIR)].unstack("method")
    methods = sorted(sorted(set(summary["method"])), key=position)
    columns = {f"{method}_{name}": wide[name, method] for method in methods for name in PAIR}
    return pd.DataFrame(columns, index=wide.index).reset_index()


def _draw_settings(summary: pd.DataFrame) -> pd.DataFrame:
    """Draw the choice of settings, if there are several; return the rows of the chosen ones.

    It begins with the default ones, so that no mean is over other categories than its neighbour;
    none chosen means all. Cells that differ in nothing but the seed are chosen together.
    """
    setting = summary["settings_id"].map(without_seed)
    names = sorted(set(setting))
    if len(names) < 2:
        return summary
    remember(SETTINGS_KEY, [""] if "" in names else [])
    keep_choices(SETTINGS_KEY, names)
    chosen = st.multiselect(
        t("tradeoff_settings"),
        names,
        format_func=settings_title,
        placeholder=t("everything"),
        key=SETTINGS_KEY,
    )
    return summary[setting.isin(chosen)].reset_index(drop=True) if chosen else summary


def _draw_means(means: pd.DataFrame, numbers: tuple[str, ...]) -> None:
    """Draw one row per method; apart from the categories, so that sorting never mixes them."""
    table = means[["method", "categories", *numbers, "weights"]].assign(**_kind(means))
    _draw_numbers(table, numbers, method=pinned("column_method"))


def _draw_remarks_on_means(summary: pd.DataFrame, means: pd.DataFrame) -> None:
    """Say where the means are not over the same categories, and what they are over shared ones."""
    rows = means.assign(method=means["method"].map(method_title)).to_dict("records")
    sets = summary.groupby(["demo_data", "settings_id", "method", "weights"])["category"]
    sets_of_kind = sets.agg(frozenset).groupby(["demo_data", "settings_id"])
    if (sets_of_kind.nunique() > 1).any():
        counts = ", ".join(f"{row['method']} {row['categories']}" for row in rows)
        st.caption(t("means_mixed", counts=counts))
        cells = summary[summary["settings_id"] == ""]
        cells = cells[cells["demo_data"] == cells["demo_data"].all()]
        shared = shared_categories(cells)
        if shared:
            values = ", ".join(
                f"{method_title(row['method'])} {number(row['image_auroc'])} / "
                f"{number(row['pixel_auroc'])}"
                for _, row in means_by_method(cells[cells["category"].isin(shared)]).iterrows()
            )
            st.caption(t("overview_shared", count=len(shared), values=values))
    partial = [
        said(
            "overview_defined_in",
            method=row["method"],
            metric=said(f"column_{metric}"),
            defined=row[f"with_{metric}"],
            count=row["categories"],
        )
        for row in rows
        for metric in PAIR
        if row[f"with_{metric}"] < row["categories"]
    ]
    if partial:
        st.caption(t("overview_defined", counts="; ".join(partial)))


def _draw_by_category(summary: pd.DataFrame) -> None:
    wide = auroc_by_category(summary)
    labels = {
        f"{method}_{metric}": said(f"overview_column_{metric}", method=method_title(method))
        for method in summary["method"].unique()
        for metric in PAIR
    }
    values = [name for name in wide if name in labels]
    table = wide[["category", *values]].assign(**_kind(wide))
    draw_table(
        table,
        {**labels, "category": pinned("column_category")},
        dict.fromkeys(values, NUMBERS[PAIR[0]]),
        values,
        key="overview_pivot",
        on_cell=lambda row, column: _open_cell(wide.iloc[row], column),
    )
    st.caption(t("overview_colours"))
    draw_download(t("download_table"), table.rename(columns=labels), AUROC_FILE)


def _open_cell(row: pd.Series, column: str) -> None:
    """Open the pictures behind a clicked AUROC."""
    method = column.removesuffix(f"_{PAIR[0]}").removesuffix(f"_{PAIR[1]}")
    if method != column and not math.isnan(row[column]):
        open_samples(category=row["category"], method=method, settings=row["settings_id"])


def _draw_cells(summary: pd.DataFrame) -> None:
    """Draw one row per cell with every column that people compare."""
    bounds = summary[["image_auroc_low", "image_auroc_high"]].itertuples(index=False)
    table = summary[["category", "method", *NUMBERS, "weights"]].assign(**_kind(summary))
    table.insert(3, "interval", [interval(low, high) for low, high in bounds])
    method = st.column_config.Column(t("column_method"), width=90)
    _draw_numbers(table, tuple(NUMBERS), category=pinned("column_category"), method=method)


def _draw_numbers(table: pd.DataFrame, numbers: tuple[str, ...], **headings: object) -> None:
    readable = table.assign(
        method=table["method"].map(method_title), weights=table["weights"].map(weights_text)
    )
    draw_table(readable, headings, {name: NUMBERS[name] for name in numbers}, PAIR)


def _draw_over_seeds(rows: pd.DataFrame) -> None:
    """Draw the rows of ``by_setting``, and a button that downloads all of their columns."""
    headings: dict[str, str] = {}
    formats: dict[str, str] = {}
    for name in OVER_SEEDS:
        label = t(f"column_{name}")
        headings |= {f"{name}_mean": label, f"{name}_std": f"± {label}"}
        formats |= dict.fromkeys((f"{name}_mean", f"{name}_std"), NUMBERS[name])
    table = rows[["category", "method", "setting", "seeds", *formats, "weights"]].rename(
        columns={"setting": "settings"}
    )
    table["settings"] = table["settings"].map(settings_title)
    table["method"] = table["method"].map(method_title)
    table["weights"] = table["weights"].map(weights_text)
    draw_table(table, headings, formats, key="overview_over_seeds")
    st.caption(t("overview_over_seeds_help"))
    draw_download(t("overview_download_seeds"), rows, BY_SETTING_FILE)


def _kind(table: pd.DataFrame) -> dict[str, list[str]]:
    """Return the columns that tell settings and demo data apart, where there is anything to."""
    columns = {}
    if (table["settings_id"] != "").any():
        columns["settings"] = [settings_title(name) for name in table["settings_id"]]
    if table["demo_data"].any():
        columns["data"] = [
            t("demo_badge") if demo else t("overview_real_data") for demo in table["demo_data"]
        ]
    return columns
