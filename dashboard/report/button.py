"""The report's button: what to report, then a file to download."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from dashboard.loaders import finished_cells, results_stamp
from dashboard.state import Selection, allowed_false_alarms, language, t, told
from dashboard.tables import percent
from data_utils.facts import fact_of

MADE_KEY = "_report"
ONE, ALL = "one", "all"
BYTES_PER_MB = 1e6
ALSO_IN_NAMES = frozenset("-_")


def draw_report_button(selection: Selection) -> None:
    """Draw the choice, the button that prepares the report, and the download once it is ready.

    Nothing is drawn without results. A report is forgotten as soon as another choice, language,
    false-alarm rate or result would give another one.
    """
    cells = finished_cells(selection.outputs)
    evaluated = sorted({str(cell["category"]) for cell in cells})
    if not evaluated:
        return
    st.header(t("report_heading"))
    rate = allowed_false_alarms()
    st.markdown(t("report_lead", rate=percent(rate)))
    categories = _draw_scope(selection, evaluated)
    wanted = (categories, rate, language(), selection.outputs, results_stamp(selection.outputs))
    kept = st.session_state.get(MADE_KEY)
    made = kept[1] if kept is not None and kept[0] == wanted else None
    if st.button(t("report_prepare"), key="report_prepare", icon=":material/description:"):
        made = _made(selection, categories, rate)
    if made is None:
        st.session_state.pop(MADE_KEY, None)
        return
    st.session_state[MADE_KEY] = (wanted, made)
    st.download_button(
        t("report_download", size=len(made) / BYTES_PER_MB),
        made,
        file_name=_file_name(categories),
        mime="text/html",
        key="report_download",
        type="primary",
        icon=":material/download:",
        on_click="ignore",
    )


def _draw_scope(selection: Selection, evaluated: list[str]) -> list[str]:
    """Draw the choice between the sidebar's category and all; return the chosen ones."""
    if selection.category not in evaluated or len(evaluated) == 1:
        return evaluated
    words = {
        ONE: t("tradeoff_view_category", category=selection.category),
        ALL: t("report_all", count=len(evaluated)),
    }
    # Radio buttons, as for the language: the first page does without the table of emojis.
    scope, shown = t("report_scope"), words.__getitem__
    chosen = st.radio(scope, list(words), format_func=shown, key="report_scope", horizontal=True)
    return [selection.category] if chosen == ONE else evaluated


def _made(selection: Selection, categories: Sequence[str], rate: float) -> bytes | None:
    """Return the report, or None after saying why there is none."""
    from dashboard.report.document import report_html

    try:
        with st.spinner(t("report_preparing")):
            text = report_html(selection.outputs, categories, rate, language())
            return text.encode("utf-8", "replace")
    except Exception as error:  # whatever a damaged file of a cell leads to
        st.error(f"{t('report_failed')} {told(fact_of(error))}")
        return None


def _file_name(categories: Sequence[str]) -> str:
    """Return a file name that every system takes."""
    name = categories[0] if len(categories) == 1 else f"{len(categories)}_categories"
    safe = "".join(sign if sign.isalnum() or sign in ALSO_IN_NAMES else "_" for sign in name)
    return f"report_{safe}_{datetime.now(UTC).astimezone():%Y-%m-%d}.html"
