"""Many files at once: a table of scores and verdicts, and the same as a file to download."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard.figures.style import RIGHT_STYLE, WRONG_STYLE
from dashboard.inspection.picture_choice import MAX_FILES
from dashboard.inspection.scored_picture import VERDICTS
from dashboard.state import said, t, told
from dashboard.tables import method_title
from dashboard.texts import plain
from evaluation.new_pictures.opened_cell import OpenCell
from evaluation.new_pictures.score_table import DEFECTIVE, score_csv, verdict
from evaluation.new_pictures.scoring import AT_ONCE, ScoredPicture, score_pictures, unlike_held_out

TABLE_KEY = "inspection_table"


def draw_batch(
    ready: Sequence[OpenCell], files: Sequence[UploadedFile], category: str, false_alarms: float
) -> UploadedFile | None:
    """Score many files and draw them as a table; return the one to look at."""
    scored: list[ScoredPicture] = []
    bar = st.progress(0.0)
    for start in range(0, len(files), AT_ONCE):
        scored += _scored(ready, files[start : start + AT_ONCE])
        done, count = len(scored), len(files)
        bar.progress(done / count, t("inspection_progress", done=done, count=count))
    bar.empty()
    st.header(t("inspection_batch", count=len(files)))
    table = pd.DataFrame({said("inspection_column_file"): [one.name for one in scored]})
    counts = []
    for cell in ready:
        title, threshold = method_title(cell.method), cell.threshold(false_alarms)
        scores = [one.score(cell.method) for one in scored]
        verdicts = [verdict(score, threshold) for score in scores]
        table[said("inspection_column_score", method=title)] = scores
        table[said("inspection_column_verdict", method=title)] = [
            said(VERDICTS[what][0] if one.readable else "inspection_not_read")
            for one, what in zip(scored, verdicts, strict=True)
        ]
        if np.isnan(threshold):
            counts.append(t("inspection_batch_undecided", method=title))
        else:
            reported, read = verdicts.count(DEFECTIVE), sum(one.readable for one in scored)
            counts.append(t("inspection_batch_line", method=title, reported=reported, count=read))
    if unlike := unlike_held_out(scored, ready):
        st.warning(told(unlike), icon=":material/wb_incandescent:")
    styled = table.style.format(dict.fromkeys(table.columns[1::2], "{:.4g}"), na_rep="n/a")
    st.caption(t("inspection_batch_hint"))
    st.dataframe(
        styled.map(_verdict_style, subset=list(table.columns[2::2])),
        hide_index=True,
        width="stretch",
        placeholder="n/a",
        key=TABLE_KEY,
        on_select="rerun",
        selection_mode="single-row",
    )
    st.caption(" · ".join(counts))
    st.download_button(
        t("inspection_download"),
        score_csv(scored, ready, false_alarms),
        file_name=f"{category}_inspection.csv",
        mime="text/csv",
    )
    for one in scored:
        if one.remark:
            draw = st.warning if one.readable else st.error
            key = "inspection_remark" if one.readable else "inspection_refused"
            draw(said(key, name=plain(one.name), why=told(one.remark)))
    rows = st.session_state[TABLE_KEY]["selection"]["rows"]
    readable = [at for at, one in enumerate(scored) if one.readable]
    at = next((row for row in rows if row in readable), next(iter(readable), None))
    return None if at is None else files[at]


def _verdict_style(shown: Any) -> str:
    """Return the CSS of a cell that shows a verdict."""
    colour = next((colour for key, colour in VERDICTS.values() if said(key) == shown), "")
    return {"red": WRONG_STYLE, "green": RIGHT_STYLE}.get(colour, "")


@st.cache_data(
    show_spinner=False,
    max_entries=5 * MAX_FILES // AT_ONCE,
    hash_funcs={OpenCell: lambda cell: cell.stamp, UploadedFile: lambda file: file.file_id},
)
def _scored(ready: Sequence[OpenCell], files: Sequence[UploadedFile]) -> list[ScoredPicture]:
    return score_pictures(ready, [(file.name, file) for file in files])
