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

from data_utils.demo import ensure_demo, is_demo
from data_utils.facts import Fact, fact, fact_of
from data_utils.locations import default_data_root, demo_root, expanded, is_allowed
from data_utils.mvtec import DatasetError, category_names
from detectors.registry import METHODS
from evaluation.measure import drift
from evaluation.store.cells import (
    StoredCell,
    abouts,
    cell_files,
    damages,
    key_of,
    read_cell,
    stored_cells,
)
from evaluation.store.curves import read_curves
from evaluation.store.places import (
    CELL_FILE,
    CURVES_FILE,
    MAPS_FILE,
    MODEL_FILE,
    SCORES_FILE,
    CellError,
    CellKey,
    CellPlace,
)
from evaluation.store.scores import held_out, read_scores
from evaluation.store.summary import (
    KEY,
    SUMMARY_FILE,
    SummaryError,
    agree,
    disagrees,
    rewritten,
    stored_summary,
    table_of,
    unknown_cells,
)

Content = TypeVar("Content")


@dataclass(frozen=True)
class DataSource:
    """The data folder in use and what it holds, or the reason why it cannot be used."""

    root: Path | None
    demo: bool
    categories: tuple[str, ...]
    problem: Fact | None = None


def data_source(given: str) -> DataSource:
    """Return the data folder that the user gave, or the default one, or the demo data."""
    root = expanded(given.strip()) if given.strip() else default_data_root()
    if demo_is_used(given):
        root = demo_root()
        try:
            ensure_demo(root)
        except OSError as error:
            return DataSource(None, True, (), fact_of(error))
    try:
        if not is_allowed(root):
            return DataSource(None, False, (), fact("folder_not_allowed", root=root))
        return DataSource(root, is_demo(root), tuple(category_names(root)))
    except (DatasetError, OSError, ValueError) as error:
        return DataSource(None, False, (), fact_of(error))


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


def stamped_cells(outputs: str, stamp: str) -> tuple[list[dict[str, Any]], list[Fact]]:
    """Return ``finished_cells``, and what is wrong with damaged ones.

    Parameters
    ----------
    outputs : str
    stamp : str
        As from ``results_stamp``.
    """
    stored = _stored(outputs, stamp)
    return abouts(stored), damages(stored.values())


def results(outputs: Path) -> tuple[pd.DataFrame, list[Fact]]:
    """Return the table in ``summary.csv``, and what is wrong with it.

    The table is made from the cells instead where the file is missing, damaged or of another
    version, or where a cell is newer than it; then damaged cells are named as well.
    """
    return _results(str(outputs), results_stamp(outputs), _modified(outputs / SUMMARY_FILE))


@st.cache_data(show_spinner=False, max_entries=4)
def _results(outputs: str, stamp: str, modified: int) -> tuple[pd.DataFrame, list[Fact]]:
    folder, wrong = Path(outputs), list[Fact]()
    files = cell_files(folder)
    keys = {key_of(folder, file) for file in files}
    try:
        table = stored_summary(folder)
        rows = {CellKey(*row) for row in table[KEY].itertuples(index=False)}
        if keys <= rows and all(_modified(file) <= modified for file in files):
            gone = sorted(rows - keys) if keys else []
            return table, [unknown_cells(folder, gone)] if gone else []
    except SummaryError as error:
        if files or os.path.lexists(folder / SUMMARY_FILE):
            wrong.append(rewritten(error.fact))
    cells, problems = stamped_cells(outputs, stamp)
    return table_of(cells), wrong + problems


def disagreement(outputs: Path) -> list[Fact]:
    """Return that what ``results`` gives is not what the cells say, if it is not."""
    stamp, modified = results_stamp(outputs), _modified(outputs / SUMMARY_FILE)
    return _disagreement(str(outputs), stamp, modified)


@st.cache_data(show_spinner=False, max_entries=4)
def _disagreement(outputs: str, stamp: str, modified: int) -> list[Fact]:
    table, _ = _results(outputs, stamp, modified)
    same = agree(table, table_of(stamped_cells(outputs, stamp)[0]))
    return [] if same else [disagrees(Path(outputs))]


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
    """Return the cell's ``scores.csv``; raises CellError if it is not as it was written."""
    return _scores(str(place.folder), *_modified_files(place, SCORES_FILE))


@st.cache_data(show_spinner=False, max_entries=64)
def _scores(folder: str, cell_modified: int, modified: int) -> pd.DataFrame:  # noqa: ARG001
    return _read(read_scores, Path(folder), cell_modified)


def differences(place: CellPlace) -> list[Fact]:
    """Return in what the cell's good test pictures differ from its held-out training ones."""
    title = METHODS[place.method].title
    return _differences(str(place.folder), *_modified_files(place, SCORES_FILE), title)


@st.cache_data(show_spinner=False, max_entries=64)
def _differences(folder: str, cell_modified: int, modified: int, title: str) -> list[Fact]:
    table = _scores(folder, cell_modified, modified)
    good = table[(table["split"] == "test") & (table["label"] == 0)]
    return drift.differences(held_out(table), good, title)


def curves(place: CellPlace) -> dict[str, NDArray[Any]]:
    """Return the arrays of ``curves.npz``; raises CellError if it is not as it was written."""
    return _curves(str(place.folder), *_modified_files(place, CURVES_FILE))


@st.cache_data(show_spinner=False, max_entries=64)
def _curves(folder: str, cell_modified: int, modified: int) -> dict[str, NDArray[Any]]:  # noqa: ARG001
    return _read(read_curves, Path(folder), cell_modified)


def _read(
    read: Callable[[Path, dict[str, Any]], Content], folder: Path, cell_modified: int
) -> Content:
    """Read a file of a cell; one replaced since its record was read is read by its new record."""
    try:
        return read(folder, _cell(str(folder), cell_modified))
    except CellError:
        return read(folder, read_cell(folder))


def _modified_files(place: CellPlace, name: str) -> tuple[int, int]:
    return _modified(place.folder / CELL_FILE), _modified(place.folder / name)


def _modified(path: Path | str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116  a Path takes several times as long to make
    except OSError:
        return 0
