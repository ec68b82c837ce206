"""Overview: what data there is, and one table of all results with a mean row per method."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.frame import framed
from dashboard.loaders import results
from dashboard.notices import draw_notices
from dashboard.state import Selection, selected, t
from dashboard.tables import interval, means_per_method, method_title
from dashboard.texts import plain
from evaluation.cells import all_cells, failures
from evaluation.summary import SUMMARY_FILE

NUMBERS = {
    "image_auroc": "{:.3f}",
    "pixel_auroc": "{:.3f}",
    "aupro": "{:.3f}",
    "fit_s": "{:.1f}",
    "score_s": "{:.1f}",
    "runtime_s": "{:.1f}",
    "ms_per_image": "{:.0f}",
    "model_mb": "{:.1f}",
    "peak_memory_mb": "{:.0f}",
}


def draw() -> None:
    """Draw the page."""
    selection = selected()
    st.title(t("overview_title"))
    st.markdown(t("overview_lead"))
    draw_notices(selection)
    if selection.data is not None:
        st.caption(
            t(
                "data_caption",
                root=selection.data,
                count=len(selection.categories),
                names=", ".join(selection.categories),
            )
        )
    summary, problems = results(selection.outputs)
    st.header(t("results_title"))
    if summary.empty:
        st.subheader(t("no_results_title"))
        st.markdown(t("no_results_hint"))
    else:
        _draw_results(selection, summary)
    _draw_problems(selection, problems)


def _draw_results(selection: Selection, summary: pd.DataFrame) -> None:
    table = _for_people(_with_means(summary))
    means = range(len(summary), len(table))
    styled = table.style.format({**NUMBERS}, na_rep="n/a")
    st.dataframe(
        styled.set_properties(pd.IndexSlice[list(means), :], **{"font-weight": "bold"}),
        hide_index=True,
        width="stretch",
        height=min(35 * (len(table) + 1) + 3, 900),
        column_config={name: st.column_config.NumberColumn(t(f"column_{name}")) for name in NUMBERS}
        | {
            name: st.column_config.TextColumn(t(f"column_{name}"))
            for name in ("category", "interval", "weights", "settings", "data")
        }
        | {"method": st.column_config.TextColumn(t("column_method"), width=90)},
    )
    st.caption(t("auroc_explained"))
    st.caption(t("time_explained", machine=_machines(selection)))
    counted = means_per_method(summary)
    if counted["categories"].nunique() > 1:
        counts = ", ".join(
            f"{method_title(method)} {count}"
            for method, count in zip(counted["method"], counted["categories"], strict=True)
        )
        st.caption(t("means_mixed", counts=counts))
    st.download_button(
        t("download_summary"),
        summary.to_csv(index=False, na_rep="n/a").encode(),
        file_name=SUMMARY_FILE,
        mime="text/csv",
    )


def _with_means(summary: pd.DataFrame) -> pd.DataFrame:
    means = means_per_method(summary)
    means["category"] = [t("mean_of", count=count) for count in means["categories"]]
    return pd.concat([summary, means], ignore_index=True)


def _for_people(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "category": table["category"],
            "method": [method_title(key) for key in table["method"]],
            "image_auroc": table["image_auroc"],
            "interval": [
                "" if pd.isna(high) else interval(low, high)
                for low, high in zip(
                    table["image_auroc_low"], table["image_auroc_high"], strict=True
                )
            ],
            **{name: table[name] for name in list(NUMBERS)[1:]},
            "weights": table["weights"],
            "settings": [name or t("default_settings") for name in table["settings_id"]],
            "data": [t("demo_badge") if demo else "" for demo in table["demo_data"]],
        }
    )


def _machines(selection: Selection) -> str:
    cells, _ = all_cells(selection.outputs)
    machines = {f"{cell.get('cpu')}, {cell.get('threads')} threads" for _, cell in cells}
    return "; ".join(sorted(machines))


def _draw_problems(selection: Selection, problems: list[str]) -> None:
    failed = failures(selection.outputs)
    if failed:
        with st.expander(t("failed_cells"), expanded=True):
            for note in failed:
                st.error(plain(f"{note['category']} / {note['method']}: {note['reason']}"))
    if problems:
        with st.expander(t("unreadable_cells"), expanded=True):
            for problem in problems:
                st.warning(plain(problem))


framed(draw)
