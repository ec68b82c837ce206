"""What every finished cell cost: its summary, the machine it ran on, and seconds by phase."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.loaders import results_stamp, stamped_cells
from evaluation.summary import COLUMNS, summary_row

PHASES = {
    "decode": ("decode",),
    "backbone": ("backbone_fit", "backbone_score"),
    "fit": ("fit",),
    "calibrate": ("calibrate",),
    "score": ("score",),
    "metrics": ("metrics",),
    "write": ("write",),
}
OTHER_PHASE = "other"
PHASE_NAMES = (*PHASES, OTHER_PHASE)
MACHINE_COLUMNS = ["cpu", "threads", "system"]
TEXT_COLUMNS = {
    "category",
    "method",
    "backbone",
    "weights",
    "transform",
    "settings_id",
    "settings",
    "finished",
    "demo_data",
    "data_root",
    *MACHINE_COLUMNS,
}


def costs(outputs: Path) -> tuple[pd.DataFrame, list[str]]:
    """Return ``costs_table`` of all readable cells, and a sentence for each unreadable one."""
    return _costs(str(outputs), results_stamp(outputs))


@st.cache_data(show_spinner=False, max_entries=4)
def _costs(outputs: str, stamp: str) -> tuple[pd.DataFrame, list[str]]:
    cells, problems = stamped_cells(outputs, stamp)
    return costs_table(cells), problems


def costs_table(cells: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row per cell.

    Returns
    -------
    DataFrame
        The columns of ``summary.csv``, with NaN for what is not a number; ``data_root``;
        ``cpu, threads, system`` as text, empty if unknown; and ``<phase>_phase_s`` for each of
        ``PHASE_NAMES``, seconds.
    """
    rows = [
        summary_row(dict(cell))
        | {"data_root": str(cell["data_root"])}
        | {name: str(cell.get(name) or "") for name in MACHINE_COLUMNS}
        | phase_seconds(cell["timings"])
        for cell in cells
    ]
    phases = [phase_column(name) for name in PHASE_NAMES]
    table = pd.DataFrame(rows, columns=[*COLUMNS, "data_root", *MACHINE_COLUMNS, *phases])
    for name in table.columns:
        if name not in TEXT_COLUMNS:
            table[name] = pd.to_numeric(table[name], errors="coerce").astype(float)
    table["settings_id"] = table["settings_id"].fillna("")
    return table


def phase_column(name: str) -> str:
    """Return the column that holds the seconds of a phase."""
    return f"{name}_phase_s"


def phase_seconds(timings: Mapping[str, Any]) -> dict[str, float]:
    """Return seconds by phase, by column; what is not known goes to ``other``.

    The backbone's pass over training and test pictures is one phase; a method without a backbone
    spends 0 s on it.
    """
    known = {part for parts in PHASES.values() for part in parts}
    seconds = {
        phase_column(name): sum(_seconds(timings.get(part, 0.0)) for part in parts)
        for name, parts in PHASES.items()
    }
    unknown = sum(_seconds(value) for part, value in timings.items() if part not in known)
    return seconds | {phase_column(OTHER_PHASE): unknown}


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else 0.0
