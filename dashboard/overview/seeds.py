"""The overview's choice of settings, and its table of means and deviations over seeds."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard.recorded import weights_text
from dashboard.state import keep_choices, remember, said, t
from dashboard.tables import method_title, table_height
from evaluation.seeds import BY_SETTING_FILE, without_seed
from evaluation.spreadsheet import NOT_AVAILABLE, harmless_table

SETTINGS_KEY = "overview_settings"
FORMATS = {
    "image_auroc": "{:.3f}",
    "pixel_auroc": "{:.3f}",
    "aupro": "{:.3f}",
    "runtime_s": "{:.1f}",
}


def draw_settings(summary: pd.DataFrame) -> pd.DataFrame:
    """Draw the choice of settings, if there are several; return the rows of the chosen ones.

    None chosen means all. Cells that differ in nothing but the seed are chosen together.
    """
    setting = summary["settings_id"].map(without_seed)
    names = sorted(set(setting))
    if len(names) < 2:
        return summary
    remember(SETTINGS_KEY, [])
    keep_choices(SETTINGS_KEY, names)
    chosen = st.multiselect(
        t("tradeoff_settings"),
        names,
        format_func=lambda name: name or said("default_settings"),
        placeholder=t("everything"),
        key=SETTINGS_KEY,
    )
    return summary[setting.isin(chosen)].reset_index(drop=True) if chosen else summary


def draw_over_seeds(rows: pd.DataFrame) -> None:
    """Draw the rows of ``by_setting``, and a button that downloads all of their columns."""
    numbers = {f"{name}_{end}": FORMATS[name] for name in FORMATS for end in ("mean", "std")}
    table = pd.DataFrame(
        {
            "category": rows["category"],
            "method": rows["method"].map(method_title),
            "settings": [name or said("default_settings") for name in rows["setting"]],
            "seeds": rows["seeds"],
            **{name: rows[name] for name in numbers},
            "weights": rows["weights"].map(weights_text),
        }
    )
    labels = {name: t(f"column_{name}") for name in ("category", "method", "settings", "weights")}
    labels["seeds"] = t("difference_column_seeds")
    for name in FORMATS:
        labels[f"{name}_mean"] = t(f"column_{name}")
        labels[f"{name}_std"] = f"± {t(f'column_{name}')}"
    style: Any = table.style
    st.dataframe(
        style.format(numbers, na_rep=NOT_AVAILABLE),
        hide_index=True,
        width="stretch",
        height=table_height(len(table)),
        placeholder=NOT_AVAILABLE,
        key="overview_over_seeds",
        column_config={name: st.column_config.Column(label) for name, label in labels.items()},
    )
    st.caption(t("overview_over_seeds_help"))
    st.download_button(
        t("overview_download_seeds"),
        harmless_table(rows).to_csv(index=False, na_rep=NOT_AVAILABLE).encode(),
        file_name=BY_SETTING_FILE,
        mime="text/csv",
        on_click="ignore",
    )
