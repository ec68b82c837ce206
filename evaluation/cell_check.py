"""Whether a finished cell is whole, with every byte of it read: what a run asks before it skips."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.base import ModelFileError
from detectors.storage import read_model
from evaluation.cell_files import FILES, changed_files
from evaluation.cells import (
    CURVES_FILE,
    MAPS_FILE,
    MODEL_FILE,
    SCORES_FILE,
    CellPlace,
)
from evaluation.curves import read_curves
from evaluation.pictures import KINDS, picture_name
from evaluation.scores import read_scores


def damage_to(place: CellPlace, cell: dict[str, Any]) -> str:
    """Return a sentence about the files of a cell that are not as they were written, or "".

    A cell older than the record of files is opened instead; changes that leave its files readable
    are not found.

    Parameters
    ----------
    place : CellPlace
    cell : dict
        Its ``cell.json``.
    """
    wrong = changed_files(place.folder, cell) if FILES in cell else _unreadable(place, cell)
    if not wrong:
        return ""
    return f"The cell in {place.folder} is damaged ({wrong}); evaluate this cell again."


def _unreadable(place: CellPlace, cell: dict[str, Any]) -> str:
    folder, counts = place.folder, cell["counts"]
    name = SCORES_FILE
    try:
        scores = read_scores(folder / SCORES_FILE, counts)
        name = CURVES_FILE
        read_curves(folder / CURVES_FILE)
        name = MAPS_FILE
        maps = np.load(folder / MAPS_FILE, mmap_mode="r")
        test = scores[scores["split"] == "test"]
        size = tuple(cell["geometry"].get(side) for side in ("height", "width"))
        if maps.dtype.kind != "f" or maps.shape != (len(test), *size):
            return f"{MAPS_FILE} does not fit the scores"
        if not all(np.isfinite(one).all() for one in maps):
            return f"{MAPS_FILE} holds what is not a number"
        name = MODEL_FILE
        read_model(folder / MODEL_FILE, place.method)
    except (OSError, EOFError, ValueError, ModelFileError):
        return f"{name} cannot be read"
    for defect, stem in zip(test["defect"], test["stem"], strict=True):
        for kind in KINDS:
            name = picture_name(defect, stem, kind)
            if not (folder / name).is_file() or not (folder / name).stat().st_size:
                return f"{name} is missing or empty"
    return ""
