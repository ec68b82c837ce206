"""``outputs/summary.csv``: one row per finished cell, rebuilt from the cells.

The overview and the trade-off page are drawn from this file, so it can be looked at without cells.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from data_utils.facts import Fact, Fault, fact
from data_utils.locations import leads_out
from evaluation.measure.averages import by_setting
from evaluation.store.cells import AMOUNTS, abouts, damages, readable_cells, stored_cells
from evaluation.store.files import is_short_file, write_atomically
from evaluation.store.places import SETTINGS_FOLDER, CellKey
from evaluation.store.spreadsheet import NOT_AVAILABLE, table_text, without_guard

KEY = list(CellKey._fields)
SUMMARY_FILE = "summary.csv"
BY_SETTING_FILE = "summary_by_setting.csv"
MOST_NAMED = 5
ROUNDING = 1e-6
LARGEST = 1e10
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
METRIC_COLUMNS = (
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
)
COUNT_COLUMNS = ("train_images", "test_good", "test_defective", "test_with_mask")
PHASE_COLUMNS = tuple(f"{name}_phase_s" for name in PHASE_NAMES)
AMOUNT_COLUMNS = (*AMOUNTS, *PHASE_COLUMNS)
MACHINE_COLUMNS = ["cpu", "threads", "system"]
WHOLE_COLUMNS = (*COUNT_COLUMNS, "seed")
COLUMNS = [
    "category",
    "method",
    *METRIC_COLUMNS,
    *AMOUNT_COLUMNS,
    *COUNT_COLUMNS,
    "backbone",
    "weights",
    "seed",
    "demo_data",
    "data_root",
    "transform",
    "settings_id",
    "settings",
    *MACHINE_COLUMNS,
    "finished",
]


class SummaryError(Fault):
    """A ``summary.csv`` that cannot be used."""


def phase_column(name: str) -> str:
    """Return the column that holds the seconds of a phase."""
    return f"{name}_phase_s"


def summary_row(cell: dict[str, Any]) -> dict[str, Any]:
    """Return the cell's row of ``summary.csv``; NaN for a latency that was not measured."""
    row = {name: cell["metrics"].get(name, math.nan) for name in METRIC_COLUMNS}
    row |= {name: cell["counts"].get(name, math.nan) for name in COUNT_COLUMNS}
    row |= phase_seconds(cell["timings"])
    row |= {name: cell.get(name, math.nan) for name in AMOUNT_COLUMNS if name not in row}
    texts = {name: cell.get(name) for name in COLUMNS if name not in row}
    row |= {name: NOT_AVAILABLE if text is None else text for name, text in texts.items()}
    row["settings_id"] = cell.get("settings_id", "")
    row["seed"] = cell["settings"].get("seed", math.nan)
    row["settings"] = json.dumps(cell["settings"], sort_keys=True)
    return {name: row[name] for name in COLUMNS}


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


def table_of(cells: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Return the summary of these cells.

    Returns
    -------
    DataFrame
        ``COLUMNS``: metrics and amounts as float with NaN, counts and seeds as nullable integers,
        ``demo_data`` as bool, all else as text.
    """
    table = _typed(pd.DataFrame([summary_row(cell) for cell in cells], columns=COLUMNS))
    return table.sort_values(["settings_id", "category", "method"], ignore_index=True)


def write_summary(outputs: Path) -> list[Fact]:
    """Rebuild ``summary.csv`` and ``summary_by_setting.csv`` from the cells.

    Returns
    -------
    list of Fact
        What is wrong with cells that are damaged.
    """
    stored = stored_cells(outputs)
    table = table_of(abouts(stored))
    write_atomically(outputs / SUMMARY_FILE, table_text(table))
    write_atomically(outputs / BY_SETTING_FILE, table_text(by_setting(table)))
    return damages(stored.values())


def stored_summary(outputs: Path) -> pd.DataFrame:
    """Return what ``summary.csv`` says, whether or not there are cells.

    Raises
    ------
    SummaryError
        If it is missing, damaged, or of another version.
    """
    path = outputs / SUMMARY_FILE
    if leads_out(path, outputs):
        raise SummaryError("summary_link_out", file=path)
    if not os.path.lexists(path):
        raise SummaryError("summary_missing", file=path)
    if path.exists() and not path.is_file():
        raise SummaryError("summary_no_file", file=path)
    if path.exists() and not is_short_file(path):
        raise SummaryError("summary_too_large", file=path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SummaryError("summary_unreadable", file=path) from error
    return parsed_summary(content, path)


def parsed_summary(content: bytes, file: Path | str) -> pd.DataFrame:
    """Return the table in a ``summary.csv``, as from ``table_of``, checked value by value.

    Parameters
    ----------
    content : bytes
    file : Path or str
        How an error names it.

    Raises
    ------
    SummaryError
        If it is damaged or of another version.
    """
    try:
        text = content.decode()
        header, *rows = csv.reader(io.StringIO(text, newline=""))
    except (csv.Error, ValueError) as error:
        raise SummaryError("summary_damaged", file=file) from error
    if header != COLUMNS:
        raise SummaryError("summary_other_version", file=file)
    if not text.endswith("\n") or any(len(row) != len(COLUMNS) for row in rows):
        raise SummaryError("summary_damaged", file=file)
    table = pd.DataFrame([map(without_guard, row) for row in rows], columns=COLUMNS)
    nameless = table["category"].isin(["", SETTINGS_FOLDER]) | table["method"].eq("")
    if nameless.any() or not table[KEY].map(_can_be_a_folder).all(axis=None):
        raise SummaryError("summary_impossible_cells", file=file)
    if table.duplicated(KEY).any():
        raise SummaryError("summary_twice", file=file)
    for name, possible in (
        ("demo_data", table["demo_data"].isin(["True", "False"])),
        ("settings", table["settings"].map(_is_object)),
    ):
        if not possible.all():
            raise SummaryError("summary_wrong_values", file=file, column=name)
    table["demo_data"] = table["demo_data"] == "True"
    for name in (*METRIC_COLUMNS, *AMOUNT_COLUMNS, *WHOLE_COLUMNS):
        numbers = pd.to_numeric(table[name].replace(NOT_AVAILABLE, None), errors="coerce")
        low, high = (-ROUNDING, 1 + ROUNDING) if name in METRIC_COLUMNS else (0, LARGEST)
        whole = numbers.round().eq(numbers) | (name not in WHOLE_COLUMNS)
        possible = table[name].eq(NOT_AVAILABLE) | (numbers.between(low, high) & whole)
        if not possible.all():
            raise SummaryError("summary_wrong_values", file=file, column=name)
        table[name] = numbers
    return _typed(table)


def wrong_summary(outputs: Path) -> Fact | None:
    """Return what is wrong with ``summary.csv`` if it is damaged, edited or of another version.

    Rows of cells that are not there are not judged; nor is a missing file without cells.
    """
    expected = table_of(readable_cells(outputs))
    try:
        found = stored_summary(outputs)
    except SummaryError as error:
        nothing_there = expected.empty and not os.path.lexists(outputs / SUMMARY_FILE)
        return None if nothing_there else rewritten(error.fact)
    return None if agree(found, expected) else disagrees(outputs)


def agree(found: pd.DataFrame, expected: pd.DataFrame) -> bool:
    """Tell whether two summaries say the same, as written, of the cells that both have."""
    try:
        written = [parsed_summary(table_text(one).encode(), "") for one in (found, expected)]
    except SummaryError:
        return False
    here, there = (
        one.merge(other[KEY]).sort_values(KEY, ignore_index=True)
        for one, other in (written, reversed(written))
    )
    return here.equals(there)


def disagrees(outputs: Path) -> Fact:
    """Return that ``summary.csv`` does not say what the cells say, and what becomes of it."""
    return rewritten(fact("summary_disagrees", file=outputs / SUMMARY_FILE))


def rewritten(wrong: Fact) -> Fact:
    """Return what is wrong with ``summary.csv``, and what becomes of it."""
    return fact("summary_rewritten", wrong=wrong)


def unknown_cells(outputs: Path, keys: Sequence[CellKey]) -> Fact:
    """Return that ``summary.csv`` has rows whose cells are not in the outputs folder."""
    named = ", ".join(map(str, keys[:MOST_NAMED]))
    more = f" + {len(keys) - MOST_NAMED}" if len(keys) > MOST_NAMED else ""
    return fact("summary_unknown_cells", file=outputs / SUMMARY_FILE, cells=named + more)


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the types of ``table_of``; raises ValueError for a wrong number."""
    kinds: dict[str, Any] = dict.fromkeys(COLUMNS, str) | {"demo_data": bool}
    kinds |= dict.fromkeys((*METRIC_COLUMNS, *AMOUNT_COLUMNS), float)
    table = table.astype(kinds | dict.fromkeys(WHOLE_COLUMNS, float))
    return table.astype(dict.fromkeys(WHOLE_COLUMNS, "Int64"))


def _can_be_a_folder(name: str) -> bool:
    """Tell whether a cell's category, method or settings, which may be "", can be a folder."""
    return not (name.startswith(".") or set("/\\\0") & set(name) or len(name.encode()) > 255)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else 0.0
