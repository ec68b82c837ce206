"""Results with all training pictures and without those that are left out, side by side."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from dashboard.compare.lineup import unlike_weights
from dashboard.finished import FinishedCell, finished_cell
from dashboard.run.control import draw_start
from dashboard.state import Selection, allowed_false_alarms, said, t, told
from dashboard.tables import draw_table, method_title, number, percent
from data_utils.facts import fact_of
from detectors.registry import METHODS
from evaluation.run.request import Request
from evaluation.store.leave_out import LEAVE_OUT_FILE
from evaluation.store.places import CellError, CellPlace
from evaluation.store.settings import Settings
from evaluation.store.spreadsheet import NOT_AVAILABLE


def draw_comparison(selection: Selection, left_out: tuple[str, ...], methods: list[str]) -> None:
    """Draw the button that evaluates without these pictures, and what came of it.

    Parameters
    ----------
    left_out : tuple of str
        By their paths below the data folder.
    methods : list of str
        That are evaluated where nothing has been so far.
    """
    if not left_out:
        st.caption(t("training_choose"))
        return
    rows, evaluated = [], []
    for method in METHODS:
        identifier = Settings(leave_out=left_out).identifier(method)
        try:
            whole, without = (
                finished_cell(CellPlace(selection.outputs, selection.category, method, one))
                for one in ("", identifier)
            )
        except CellError as error:
            st.error(told(fact_of(error)))
            continue
        if whole is not None:
            evaluated.append(method)
        if without is not None:
            both = [cell for cell in (whole, without) if cell is not None]
            rows += [_row(method, cell) for cell in both]
            roots = {str(cell.about["data_root"]) for cell in both}
            apart = said("compare_unlike_root", values=", ".join(sorted(roots)))
            if differences := unlike_weights(both) or (apart if len(roots) > 1 else ""):
                st.warning(t("compare_unlike", what=differences))
    chosen = tuple(evaluated or methods)
    request = Request(
        selection.data_argument,
        (selection.category,),
        chosen,
        leave_out=str((selection.outputs / LEAVE_OUT_FILE).absolute()),
    )
    titles = ", ".join(map(method_title, chosen))
    label = t("training_evaluate", count=len(left_out), methods=titles)
    draw_start(selection, request, label, "training_evaluate")
    if rows:
        headings = {name: t(f"training_column_{name}") for name in rows[0]}
        draw_table(pd.DataFrame(rows), headings)
        st.caption(t("training_compared", rate=percent(allowed_false_alarms())))


def _row(method: str, cell: FinishedCell) -> dict[str, str]:
    metrics, decided = cell.about["metrics"], cell.decisions(allowed_false_alarms())
    return {
        "method": method_title(method),
        "pictures": str(cell.about["counts"]["train_images"]),
        "image_auroc": number(metrics["image_auroc"]),
        "pixel_auroc": number(metrics["pixel_auroc"]),
        "missed": _share(decided.missed, decided.defective, decided.missed_rate),
        "false_alarms": _share(decided.false_alarms, decided.good, decided.false_alarm_rate),
    }


def _share(count: int, of: int, share: float) -> str:
    return NOT_AVAILABLE if math.isnan(share) else said("overview_count_of", count=count, total=of)
