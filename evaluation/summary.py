"""``outputs/summary.csv``: one row per finished cell, rebuilt from the cells."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.cells import all_cells, write_atomically
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
    table = pd.DataFrame([summary_row(cell) for _, cell in cells], columns=COLUMNS)
    return table.sort_values(["settings_id", "category", "method"], ignore_index=True), problems


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
