"""Reading results and data for the pages, cached and keyed by modification times."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from dashboard.state import said
from data_utils.demo import ensure_demo, is_demo
from data_utils.locations import default_data_root, demo_root, expanded, is_allowed
from data_utils.mvtec import DatasetError, category_names
from evaluation.cells import (
    CELL_FILE,
    CURVES_FILE,
    SCORES_FILE,
    CellError,
    CellPlace,
    read_cell,
)
from evaluation.errors import sentence
from evaluation.measure import CURVE_NAMES
from evaluation.scores import COLUMNS
from evaluation.summary import summary_table


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


def results_stamp(outputs: Path) -> tuple[tuple[str, int], ...]:
    """Return what changes whenever a cell is written, replaced or removed."""
    files = [*outputs.glob(f"*/*/{CELL_FILE}"), *outputs.glob(f"settings/*/*/*/{CELL_FILE}")]
    return tuple(sorted((str(path), _modified(path)) for path in files))


def results(outputs: Path) -> tuple[pd.DataFrame, list[str]]:
    """Return the summary table and a sentence for each unreadable cell."""
    return _results(str(outputs), results_stamp(outputs))


@st.cache_data(show_spinner=False, max_entries=4)
def _results(
    outputs: str,
    stamp: tuple[tuple[str, int], ...],  # noqa: ARG001  part of the cache's key
) -> tuple[pd.DataFrame, list[str]]:
    return summary_table(Path(outputs))


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
        If it is missing or damaged, or holds other pictures than the cell counted.
    """
    path = place.folder / SCORES_FILE
    if not path.is_file():
        raise CellError(f"{path} is missing; evaluate this cell again.")
    table = _scores(str(path), _modified(path))
    for what, found, counted in _rows(table, cell(place)["counts"]):
        if found != counted:
            raise CellError(
                f"{path} is damaged (rows of {what}: {found}, counted in the evaluation: "
                f"{counted}); evaluate this cell again."
            )
    return table


def _rows(table: pd.DataFrame, counts: dict[str, int]) -> list[tuple[str, int, int]]:
    """Return what a row can be of, how many rows there are, and how many there should be."""
    test, held_out = table["split"] == "test", table["split"] == "calibration"
    good = table["label"] == 0
    return [
        ("good test pictures", int((test & good).sum()), counts["test_good"]),
        ("defective test pictures", int((test & ~good).sum()), counts["test_defective"]),
        ("held-out training pictures", int(held_out.sum()), counts["calibration_images"]),
    ]


@st.cache_data(show_spinner=False, max_entries=64)
def _scores(path: str, modified: int) -> pd.DataFrame:  # noqa: ARG001
    text = {"split": str, "defect": str, "stem": str, "file": str}
    try:
        table = pd.read_csv(path, dtype=text, keep_default_na=False, na_values={"score": [""]})
    except (OSError, ValueError) as error:
        raise CellError(f"{path} is damaged; evaluate this cell again.") from error
    if wrong := _wrong_in(table):
        raise CellError(f"{path} is damaged ({wrong}); evaluate this cell again.")
    return table


def _wrong_in(table: pd.DataFrame) -> str:
    """Return what is wrong with a table of scores by itself, "" if nothing is."""
    if not set(COLUMNS) <= set(table.columns):
        return "a column is missing"
    if not is_numeric_dtype(table["score"]) or not np.isfinite(table["score"]).all():
        return "a score is not a number"
    if not table["label"].isin((0, 1)).all():
        return "a label is neither 0 nor 1"
    if table.duplicated(["split", "defect", "stem"]).any():
        return "a picture has two rows"
    return ""


def curves(place: CellPlace) -> dict[str, NDArray[Any]]:
    """Return the arrays of the cell's ``curves.npz``.

    Raises
    ------
    CellError
        If it is missing or damaged.
    """
    path = place.folder / CURVES_FILE
    return _curves(str(path), _modified(path))


@st.cache_data(show_spinner=False, max_entries=64)
def _curves(path: str, modified: int) -> dict[str, NDArray[Any]]:  # noqa: ARG001
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, EOFError, ValueError, BadZipFile) as error:
        raise CellError(f"{path} is missing or damaged; evaluate this cell again.") from error
    if not set(CURVE_NAMES) <= set(arrays):
        raise CellError(f"{path} is incomplete; evaluate this cell again.")
    return arrays


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
