"""The overview's tables of results: means, AUROC by category and method, and all columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.auroc_colours import auroc_style
from dashboard.overview.seeds import draw_over_seeds, draw_settings
from dashboard.recorded import machine, weights_text
from dashboard.state import said, t
from dashboard.tables import (
    PAIR,
    auroc_by_category,
    interval,
    means_per_method,
    method_title,
    number,
    same_categories,
    shared_means,
    table_height,
)
from evaluation.latency import TIMED_PICTURES
from evaluation.seeds import by_setting
from evaluation.spreadsheet import NOT_AVAILABLE, harmless_table
from evaluation.summary import MACHINE_COLUMNS, SUMMARY_FILE

NUMBERS = {
    "image_auroc": "{:.3f}",
    "pixel_auroc": "{:.3f}",
    "aupro": "{:.3f}",
    "fit_s": "{:.1f}",
    "score_s": "{:.1f}",
    "runtime_s": "{:.1f}",
    "ms_per_image": "{:.0f}",
    "latency_ms": "{:.0f}",
    "latency_p95_ms": "{:.0f}",
    "model_mb": "{:.1f}",
    "peak_memory_mb": "{:.0f}",
}
AUROC_FORMAT = NUMBERS["image_auroc"]
AUROC_FILE = "auroc.csv"


def draw_results(summary: pd.DataFrame) -> None:
    """Draw the results of the chosen settings: AUROC alone, all columns, means over seeds."""
    whole, summary = summary, draw_settings(summary)
    over_seeds = by_setting(summary)
    names = [t("overview_tab_auroc"), t("overview_tab_all")]
    if (over_seeds["seeds"] > 1).any():
        names.append(t("tradeoff_over_seeds"))
    short, full, *seeds = st.tabs(names)
    means = means_per_method(summary)
    with short:
        st.markdown(t("overview_means_title"))
        _draw_means(means, PAIR)
        _draw_remarks_on_means(summary, means)
        st.markdown(t("overview_categories_title"))
        _draw_pivot(summary)
    with full:
        _draw_cells(summary)
        st.markdown(t("overview_means_title"))
        _draw_means(means, list(NUMBERS))
        machines = sorted({machine(row) for row in whole[MACHINE_COLUMNS].to_dict("records")})
        st.caption(t("time_explained", machine="; ".join(machines)))
        st.caption(t("latency_explained", most=TIMED_PICTURES))
        _draw_download(t("download_summary"), whole, SUMMARY_FILE)
    for tab in seeds:
        with tab:
            draw_over_seeds(over_seeds)
    st.caption(t("auroc_explained"))


def _draw_means(means: pd.DataFrame, numbers: Sequence[str]) -> None:
    """Draw one row per method; apart from the categories, so that sorting never mixes them."""
    table = pd.DataFrame(
        {
            "method": [method_title(key) for key in means["method"]],
            "categories": means["categories"],
            **{name: means[name] for name in numbers},
            "weights": means["weights"].map(weights_text),
            **_kind(means),
        }
    )
    _draw_table(
        table,
        numbers,
        {
            "method": st.column_config.TextColumn(t("column_method"), pinned=True),
            "categories": st.column_config.NumberColumn(t("overview_column_categories")),
        },
    )


def _draw_remarks_on_means(summary: pd.DataFrame, means: pd.DataFrame) -> None:
    if not same_categories(summary):
        counts = ", ".join(
            f"{method_title(method)} {count}"
            for method, count in zip(means["method"], means["categories"], strict=True)
        )
        st.caption(t("means_mixed", counts=counts))
        shared, over_shared = shared_means(summary)
        if shared:
            values = ", ".join(
                f"{method_title(row['method'])} {number(row['image_auroc'])} / "
                f"{number(row['pixel_auroc'])}"
                for _, row in over_shared.iterrows()
            )
            st.caption(t("overview_shared", count=len(shared), values=values))
    partial = [
        said(
            "overview_defined_in",
            method=method_title(row["method"]),
            metric=said(f"column_{metric}"),
            defined=row[count],
            count=row["categories"],
        )
        for _, row in means.iterrows()
        for metric, count in zip(PAIR, ("with_image", "with_pixel"), strict=True)
        if row[count] < row["categories"]
    ]
    if partial:
        st.caption(t("overview_defined", counts="; ".join(partial)))


def _draw_pivot(summary: pd.DataFrame) -> None:
    pivot = auroc_by_category(summary)
    values = [name for name in pivot.columns if name.endswith(tuple(PAIR))]
    labels = {
        name: said(
            "overview_column_image" if name.endswith(PAIR[0]) else "overview_column_pixel",
            method=method_title(name.removesuffix(f"_{PAIR[0]}").removesuffix(f"_{PAIR[1]}")),
        )
        for name in values
    }
    table = pd.concat(
        [pivot[["category"]], pivot[values], pd.DataFrame(_kind(pivot), index=pivot.index)], axis=1
    )
    st.dataframe(
        _coloured(table, dict.fromkeys(values, AUROC_FORMAT), values),
        hide_index=True,
        width="stretch",
        height=table_height(len(table)),
        placeholder=NOT_AVAILABLE,
        key="overview_pivot",
        column_config={
            **{name: st.column_config.NumberColumn(label) for name, label in labels.items()},
            "category": st.column_config.TextColumn(t("column_category"), pinned=True),
            **_text_columns("settings", "data"),
        },
    )
    st.caption(t("overview_colours"))
    _draw_download(t("overview_download"), table.rename(columns=labels), AUROC_FILE)


def _draw_cells(summary: pd.DataFrame) -> None:
    """Draw one row per cell with every column that people compare."""
    table = pd.DataFrame(
        {
            "category": summary["category"],
            "method": [method_title(key) for key in summary["method"]],
            "image_auroc": summary["image_auroc"],
            "interval": [
                interval(low, high)
                for low, high in zip(
                    summary["image_auroc_low"], summary["image_auroc_high"], strict=True
                )
            ],
            **{name: summary[name] for name in list(NUMBERS)[1:]},
            "weights": summary["weights"].map(weights_text),
            **_kind(summary),
        }
    )
    _draw_table(
        table,
        list(NUMBERS),
        {
            "category": st.column_config.TextColumn(t("column_category"), pinned=True),
            "method": st.column_config.TextColumn(t("column_method"), width=90),
            **_text_columns("interval"),
        },
    )


def _draw_table(table: pd.DataFrame, numbers: Sequence[str], columns: dict[str, Any]) -> None:
    st.dataframe(
        _coloured(table, {name: NUMBERS[name] for name in numbers}, PAIR),
        hide_index=True,
        width="stretch",
        height=table_height(len(table)),
        placeholder=NOT_AVAILABLE,
        column_config={
            **{name: st.column_config.NumberColumn(t(f"column_{name}")) for name in numbers},
            **_text_columns("weights", "settings", "data"),
            **columns,
        },
    )


def _coloured(table: pd.DataFrame, formats: dict[str, str], aurocs: Sequence[str]) -> Any:
    """Return the table with formatted numbers and with colours where an AUROC stands."""
    style: Any = table.style
    return style.format(formats, na_rep=NOT_AVAILABLE).map(auroc_style, subset=list(aurocs))


def _kind(table: pd.DataFrame) -> dict[str, list[str]]:
    """Return the columns that tell settings and demo data apart, where there is anything to."""
    columns = {}
    if (table["settings_id"] != "").any():
        columns["settings"] = [name or t("default_settings") for name in table["settings_id"]]
    if table["demo_data"].any():
        columns["data"] = [
            t("demo_badge") if demo else t("overview_real_data") for demo in table["demo_data"]
        ]
    return columns


def _text_columns(*names: str) -> dict[str, Any]:
    return {name: st.column_config.TextColumn(t(f"column_{name}")) for name in names}


def _draw_download(label: str, table: pd.DataFrame, file_name: str) -> None:
    st.download_button(
        label,
        harmless_table(table).to_csv(index=False, na_rep=NOT_AVAILABLE).encode(),
        file_name=file_name,
        mime="text/csv",
        on_click="ignore",
    )
