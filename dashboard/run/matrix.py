"""The run matrix as a table: a sign and a word for the state of each category and method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from dashboard.loaders import results
from dashboard.state import Selection, t, told
from dashboard.tables import cell_names, method_title
from dashboard.texts import plain
from detectors.registry import METHODS
from evaluation.run.job import read_status
from evaluation.run.progress import DONE, FAILED, RUNNING, WAITING, JobStatus
from evaluation.run.states import MISSING, STALE, CellStatus, run_matrix
from evaluation.store.cells import StoredCell

POLL_S = 1.0
SIGNS = {
    DONE: ("✓", "green", "matrix_done"),
    RUNNING: ("▶", "blue", "matrix_running"),
    WAITING: ("…", "", "matrix_waiting"),
    FAILED: ("✕", "red", "matrix_failed"),
    STALE: ("↻", "", "matrix_stale"),
    MISSING: ("–", "", "matrix_missing"),
}
MEANINGS = {
    DONE: "matrix_done_means",
    RUNNING: "matrix_running_means",
    WAITING: "matrix_waiting_means",
    FAILED: "matrix_failed_means",
    STALE: "matrix_stale_means",
    MISSING: "matrix_missing_means",
}
ROWS_IN_SIGHT = 16
SCROLLED_HEIGHT_PX = 560


def draw_matrix(selection: Selection, known: Mapping[Path, StoredCell] | None = None) -> None:
    """Draw the state of every cell with default settings, live while an evaluation runs.

    Parameters
    ----------
    known : mapping, optional
        Cells that have been read. Without it, and live, all is read from disk each time.
    """
    status = read_status(selection.outputs)
    if status is not None and status.state == RUNNING:
        st.fragment(_draw_live, run_every=POLL_S)(selection)
    else:
        _draw(selection, status, known)


def _draw_live(selection: Selection) -> None:
    status = read_status(selection.outputs)
    if status is None or status.state != RUNNING:
        st.rerun()
    _draw(selection, status)


def _draw(
    selection: Selection,
    status: JobStatus | None,
    known: Mapping[Path, StoredCell] | None = None,
) -> None:
    categories = _categories(selection, status)
    if not categories:
        st.info(t("matrix_nothing"))
        return
    cells = run_matrix(selection.outputs, selection.data, categories, list(METHODS), status, known)
    st.table(
        _table(cells),
        border="horizontal",
        height=SCROLLED_HEIGHT_PX if len(categories) > ROWS_IN_SIGHT else "content",
    )
    present = [state for state in SIGNS if any(cell.state == state for cell in cells)]
    st.caption(" · ".join(f"{_sign(state)}: {t(MEANINGS[state])}" for state in present))
    _draw_reasons(cells)


def _categories(selection: Selection, status: JobStatus | None) -> list[str]:
    """Return the data folder's categories and those of the running job.

    Without a data folder, the categories that have results.
    """
    names = list(selection.categories)
    if not names:
        names = sorted(set(results(selection.outputs)[0]["category"]))
    if status is not None and status.state == RUNNING:
        names += [cell.category for cell in status.cells]
    return list(dict.fromkeys(names))


def _table(cells: Sequence[CellStatus]) -> pd.DataFrame:
    columns: dict[str, dict[str, str]] = {}
    for cell in cells:
        column = columns.setdefault(plain(method_title(cell.method)), {})
        column[plain(cell.category)] = _sign(cell.state)
    return pd.DataFrame(columns)


def _sign(state: str) -> str:
    sign, colour, key = SIGNS[state]
    shown = f"{sign} {t(key)}"
    return f":{colour}[{shown}]" if colour else shown


def _draw_reasons(cells: Sequence[CellStatus]) -> None:
    """Say why cells failed or are stale, those with one reason in one line."""
    alike: dict[tuple[str, str], list[CellStatus]] = {}
    for cell in cells:
        if cell.state in (FAILED, STALE):
            alike.setdefault((cell.state, _reason(cell)), []).append(cell)
    lines = [
        f"- {_sign(state)} **{plain(cell_names(map(vars, some)))}**: {reason}"
        for (state, reason), some in alike.items()
    ]
    if lines:
        st.markdown("\n".join(lines))


def _reason(cell: CellStatus) -> str:
    reason = told(cell.reason) if cell.reason else ""
    return f"{reason} {t('matrix_kept')}" if cell.kept else reason
