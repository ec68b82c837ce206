"""Many files at once: a table of scores and verdicts, and the same as a file to download."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard.inspection.picture_choice import MAX_FILES
from dashboard.inspection.scored_picture import VERDICTS
from dashboard.state import said, t, told
from dashboard.tables import method_title
from dashboard.texts import plain
from evaluation.new_pictures.opened_cell import OpenCell
from evaluation.new_pictures.score_table import DEFECTIVE, score_csv, verdict
from evaluation.new_pictures.scoring import AT_ONCE, ScoredPicture, score_pictures


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
    styled = table.style.format(dict.fromkeys(table.columns[1::2], "{:.4g}"), na_rep="n/a")
    st.dataframe(styled, hide_index=True, width="stretch", placeholder="n/a")
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
    by_id = {file.file_id: file for file, one in zip(files, scored, strict=True) if one.readable}
    if not by_id:
        return None
    if st.session_state.get("inspection_look_at") not in by_id:
        st.session_state["inspection_look_at"] = next(iter(by_id))
    chosen = st.selectbox(
        t("inspection_look_at"),
        list(by_id),
        key="inspection_look_at",
        format_func=lambda file_id: by_id[file_id].name,
    )
    return by_id[chosen]


@st.cache_data(
    show_spinner=False,
    max_entries=5 * MAX_FILES // AT_ONCE,
    hash_funcs={OpenCell: lambda cell: cell.stamp, UploadedFile: lambda file: file.file_id},
)
def _scored(ready: Sequence[OpenCell], files: Sequence[UploadedFile]) -> list[ScoredPicture]:
    return score_pictures(ready, [(file.name, file) for file in files])
