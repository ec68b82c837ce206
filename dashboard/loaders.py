"""Reading results and data for the pages, cached and keyed by modification times."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from dashboard.state import said
from data_utils.demo import ensure_demo, is_demo
from data_utils.locations import default_data_root, demo_root, expanded, is_allowed
from data_utils.mvtec import DatasetError, category_names
from evaluation.cell_files import changed
from evaluation.cells import (
    CELL_FILE,
    CURVES_FILE,
    MAPS_FILE,
    MODEL_FILE,
    SCORES_FILE,
    CellError,
    CellKey,
    CellPlace,
    StoredCell,
    cell_files,
    cells_and_problems,
    is_short_file,
    key_of,
    read_cell,
    stored_cells,
)
from evaluation.curves import read_curves
from evaluation.errors import sentence
from evaluation.scores import read_scores
from evaluation.summary import (
    DISAGREES,
    KEY,
    SUMMARY_FILE,
    SummaryError,
    agree,
    rebuilt,
    rows_without_cells,
    stored_summary,
    table_of,
)

Content = TypeVar("Content")


@dataclass(frozen=True)
class DataSource:
    """The data folder in use and what it holds, or the reason why it cannot be used."""

    root: Path | None
    demo: bool
    categories: tuple[str, ...]
    problem: str = ""


def data_source(given: str) -> DataSource:
    """Return the data folder that the user gave, or the default one, or the demo data."""
    root = expanded(given.strip()) if given.strip() else default_data_root()
    if demo_is_used(given):
        root = demo_root()
        try:
            ensure_demo(root)
        except OSError as error:
            return DataSource(None, True, (), sentence(error))
    try:
        if not is_allowed(root):
            return DataSource(None, False, (), said("data_folder_not_allowed", root=root))
        return DataSource(root, is_demo(root), tuple(category_names(root)))
    except (DatasetError, OSError, ValueError) as error:
        return DataSource(None, False, (), sentence(error))


def demo_is_needed(given: str) -> bool:
    """Tell whether ``data_source`` would have to draw the demo data first."""
    return demo_is_used(given) and not is_demo(demo_root())


def demo_is_used(given: str) -> bool:
    """Tell whether the demo data stand in, because no folder is given and none is found."""
    try:
        return not given.strip() and not default_data_root().is_dir()
    except OSError:
        return False


def results_stamp(outputs: Path) -> str:
    """Return what changes whenever a cell is written, replaced or removed, or a file of numbers.

    A picture cut in place is not noticed. It is short, because Streamlit takes longer to look up
    a long key than to read a cell.
    """
    parts = (".", CELL_FILE, SCORES_FILE, CURVES_FILE, MAPS_FILE, MODEL_FILE)
    paths = [f"{file.parent}{os.sep}{part}" for file in cell_files(outputs) for part in parts]
    seen = sorted((path, _modified(path)) for path in paths)
    return hashlib.sha256(repr(seen).encode()).hexdigest()


def finished_cells(outputs: Path) -> list[dict[str, Any]]:
    """Return ``cell.json`` of every readable cell, without its record of files."""
    return stamped_cells(str(outputs), results_stamp(outputs))[0]


def readable_cells(outputs: Path) -> dict[Path, StoredCell]:
    """Return the cells that could be read, by folder; what kept another from it may be over."""
    stored = _stored(str(outputs), results_stamp(outputs))
    return {folder: one for folder, one in stored.items() if one.about is not None}


@st.cache_data(show_spinner=False, max_entries=4)
def _stored(outputs: str, stamp: str) -> dict[Path, StoredCell]:  # noqa: ARG001
    return stored_cells(Path(outputs))


def stamped_cells(outputs: str, stamp: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return ``finished_cells``, and a sentence for each damaged one.

    Parameters
    ----------
    outputs : str
    stamp : str
        As from ``results_stamp``.
    """
    cells, problems = cells_and_problems(_stored(outputs, stamp))
    return [cell for _, cell in cells], problems


def results(outputs: Path) -> tuple[pd.DataFrame, list[str]]:
    """Return the table in ``summary.csv``, and what is wrong with it as sentences.

    The table is made from the cells instead where the file is missing, damaged or of another
    version, or where a cell is newer than it; then damaged cells are named as well.
    """
    return _results(str(outputs), results_stamp(outputs), _modified(outputs / SUMMARY_FILE))


@st.cache_data(show_spinner=False, max_entries=4)
def _results(outputs: str, stamp: str, modified: int) -> tuple[pd.DataFrame, list[str]]:
    folder, wrong = Path(outputs), list[str]()
    files = cell_files(folder)
    keys = {key_of(folder, file) for file in files}
    try:
        table = stored_summary(folder)
        rows = {CellKey(*row) for row in table[KEY].itertuples(index=False)}
        if keys <= rows and all(_modified(file) <= modified for file in files):
            gone = sorted(rows - keys) if keys else []
            return table, [rows_without_cells(folder, gone)] if gone else []
    except SummaryError as error:
        if files or os.path.lexists(folder / SUMMARY_FILE):
            wrong.append(rebuilt(folder, error))
    cells, problems = stamped_cells(outputs, stamp)
    return table_of(cells), wrong + problems


def disagreement(outputs: Path) -> str:
    """Return a sentence if what ``results`` gives is not what the cells say, else ""."""
    stamp, modified = results_stamp(outputs), _modified(outputs / SUMMARY_FILE)
    return _disagreement(str(outputs), stamp, modified)


@st.cache_data(show_spinner=False, max_entries=4)
def _disagreement(outputs: str, stamp: str, modified: int) -> str:
    table, _ = _results(outputs, stamp, modified)
    same = agree(table, table_of(stamped_cells(outputs, stamp)[0]))
    return "" if same else rebuilt(Path(outputs), DISAGREES)


def cell(place: CellPlace) -> dict[str, Any]:
    """Return a finished cell's ``cell.json``.

    Raises
    ------
    CellError
        If it is missing or damaged.
    """
    return _cell(str(place.folder), _modified(place.folder / CELL_FILE))


@st.cache_data(show_spinner=False, max_entries=64)
def _cell(folder: str, modified: int) -> dict[str, Any]:  # noqa: ARG001
    return read_cell(Path(folder))


def scores(place: CellPlace) -> pd.DataFrame:
    """Return the cell's ``scores.csv``.

    Raises
    ------
    CellError
        If it is missing or damaged, was changed after the evaluation, or holds other pictures
        than the cell counted.
    """
    path = place.folder / SCORES_FILE
    if not is_short_file(path):
        raise CellError(f"{path} is missing or damaged; evaluate this cell again.")
    return _scores(str(path), _modified(path), _modified(place.folder / CELL_FILE))


@st.cache_data(show_spinner=False, max_entries=64)
def _scores(path: str, modified: int, cell_modified: int) -> pd.DataFrame:  # noqa: ARG001
    about = _cell(str(Path(path).parent), cell_modified)
    return _unchanged(Path(path), about, lambda file: read_scores(file, about["counts"]))


def curves(place: CellPlace) -> dict[str, NDArray[Any]]:
    """Return the arrays of the cell's ``curves.npz``.

    Raises
    ------
    CellError
        If it is missing or damaged, or was changed after the evaluation.
    """
    path = place.folder / CURVES_FILE
    if not path.is_file():
        raise CellError(f"{path} is missing or damaged; evaluate this cell again.")
    return _curves(str(path), _modified(path), _modified(place.folder / CELL_FILE))


@st.cache_data(show_spinner=False, max_entries=64)
def _curves(path: str, modified: int, cell_modified: int) -> dict[str, NDArray[Any]]:  # noqa: ARG001
    return _unchanged(Path(path), _cell(str(Path(path).parent), cell_modified), read_curves)


def _unchanged(path: Path, cell: dict[str, Any], read: Callable[[Path], Content]) -> Content:
    """Read a file of a cell and compare it with the cell's record."""
    try:
        content = read(path)
    except (OSError, ValueError) as error:
        raise CellError(
            f"{path} is damaged ({sentence(error).rstrip('.')}); evaluate this cell again."
        ) from error
    # A cell replaced since its record was read is compared with its new record.
    if changed(path, cell) and changed(path, read_cell(path.parent)):
        raise CellError(f"{path} was changed after the evaluation; evaluate this cell again.")
    return content


def _modified(path: Path | str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116  a Path takes several times as long to make
    except OSError:
        return 0
