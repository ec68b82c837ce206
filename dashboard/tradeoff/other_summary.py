"""Another ``summary.csv``, from a colleague or another machine, beside one's own results."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.recorded import machine
from dashboard.state import t
from dashboard.texts import plain
from evaluation.summary import MACHINE_COLUMNS, SummaryError, parsed_summary


@st.cache_data(show_spinner=False, max_entries=2)
def _parsed(file_id: str, _content: bytes) -> pd.DataFrame:  # noqa: ARG001
    return parsed_summary(_content)


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
            table = _parsed(file.file_id, file.getvalue())
        except SummaryError as error:
            st.error(plain(f"{file.name} {error}. {t('tradeoff_other_refused')}"))
            return nothing
        machines = sorted({machine(row) for row in table[MACHINE_COLUMNS].to_dict("records")})
        origin = "; ".join(machines) or file.name
        st.caption(t("tradeoff_other_note", count=len(table), origin=origin))
    return table.assign(origin=origin)
