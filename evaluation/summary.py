"""``outputs/summary.csv``: one row per finished cell, rebuilt from the cells."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from data_utils.locations import leads_out
from evaluation.cells import all_cells, is_short_file, write_atomically
from evaluation.seeds import write_by_setting
from evaluation.spreadsheet import table_text

SUMMARY_FILE = "summary.csv"
COLUMNS = [
    "category",
    "method",
    "image_auroc",
    "image_auroc_low",
    "image_auroc_high",
    "pixel_auroc",
    "aupro",
    "image_ap",
    "pixel_ap",
    "image_best_f1",
    "pixel_best_f1",
    "brightness_auroc",
    "fit_s",
    "score_s",
    "runtime_s",
    "ms_per_image",
    "latency_ms",
    "latency_p95_ms",
    "model_mb",
    "peak_memory_mb",
    "train_images",
    "test_good",
    "test_defective",
    "test_with_mask",
    "backbone",
    "weights",
    "seed",
    "demo_data",
    "transform",
    "settings_id",
    "settings",
    "finished",
]
LATENCY_COLUMNS = ("latency_ms", "latency_p95_ms")
METRIC_COLUMNS = COLUMNS[2 : COLUMNS.index("fit_s")]


def summary_row(cell: dict[str, Any]) -> dict[str, Any]:
    """Return the cell's row of ``summary.csv``; NaN for a latency that was not measured."""
    row = {name: cell["metrics"].get(name) for name in METRIC_COLUMNS}
    row |= cell["counts"]
    row |= {name: cell.get(name, math.nan) for name in LATENCY_COLUMNS}
    row |= {name: cell.get(name) for name in COLUMNS if name not in row}
    row["seed"] = cell["settings"].get("seed")
    row["settings"] = json.dumps(cell["settings"], sort_keys=True)
    return {name: row[name] for name in COLUMNS}


def summary_table(outputs: Path) -> tuple[pd.DataFrame, list[str]]:
    """Return the summary of all readable cells, and a sentence for each unreadable one."""
    cells, problems = all_cells(outputs)
    return table_of(cell for _, cell in cells), problems


def table_of(cells: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Return the summary of these cells."""
    table = pd.DataFrame([summary_row(cell) for cell in cells], columns=COLUMNS)
    return table.sort_values(["settings_id", "category", "method"], ignore_index=True)


def write_summary(outputs: Path) -> list[str]:
    """Rebuild ``summary.csv`` and ``summary_by_setting.csv`` from the cells.

    Returns
    -------
    list of str
        A sentence for each unreadable cell.
    """
    table, problems = summary_table(outputs)
    write_atomically(outputs / SUMMARY_FILE, table_text(table))
    write_by_setting(outputs, table)
    return problems


def wrong_summary(outputs: Path, table: pd.DataFrame) -> str:
    """Return a sentence if ``summary.csv`` is damaged, edited or of another version, else "".

    Rows of cells that are not in `table` are not judged.

    Parameters
    ----------
    outputs : Path
    table : DataFrame
        As from ``summary_table``.
    """
    path = outputs / SUMMARY_FILE
    if leads_out(path, outputs):
        return _rebuilt(path, "is a link that leads out of the outputs folder")
    if path.exists() and not path.is_file():
        return _rebuilt(path, "is no file")
    if path.exists() and not is_short_file(path):
        return _rebuilt(path, "is too large")
    try:
        found = path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError):
        return _rebuilt(path, "cannot be read")
    try:
        (header, *rows), expected = _rows(found), _rows(table_text(table))
    except (csv.Error, ValueError):
        return _rebuilt(path, "is damaged")
    if header != COLUMNS:
        return _rebuilt(path, "is damaged or of another version")
    if not found.endswith("\n") or any(len(row) != len(COLUMNS) for row in rows):
        return _rebuilt(path, "is damaged")
    known = {_cell_of(row): row for row in expected[1:]}
    if any(known.get(_cell_of(row), row) != row for row in rows):
        return _rebuilt(path, "does not agree with the finished cells")
    return ""


def _rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def _cell_of(row: list[str]) -> tuple[str, ...]:
    return tuple(row[COLUMNS.index(name)] for name in ("category", "method", "settings_id"))


def _rebuilt(path: Path, what: str) -> str:
    return (
        f"{path} {what}; no page reads it, and the next evaluation writes it anew from the "
        "finished cells."
    )
