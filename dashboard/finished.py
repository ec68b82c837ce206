"""Finished cells as the pages read them: scores, curves and maps of one category's methods."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard import loaders
from dashboard.samples.sample_set import StoredSamples
from detectors.registry import METHODS
from evaluation.cells import CellError, CellPlace
from evaluation.choice import Candidate, candidate
from evaluation.decisions import Decisions, decide
from evaluation.picture_time import picture_time


@dataclass(frozen=True)
class FinishedCell:
    """One finished cell.

    Attributes
    ----------
    place : CellPlace
    about : dict
        The content of ``cell.json``.
    test : DataFrame
        One row per test picture, index 0..T-1: ``defect, stem, label, score, has_mask,
        defect_pixels, brightness, file``.
    calibration_scores : float64 [K]
        Scores of held-out good training pictures.
    """

    place: CellPlace
    about: dict[str, Any]
    test: pd.DataFrame
    calibration_scores: NDArray[np.float64]

    @property
    def method(self) -> str:
        """The method's key."""
        return self.place.method

    def decisions(self, false_alarms: float) -> Decisions:
        """Return what the method decides on the test pictures at a false-alarm rate."""
        return decide(self.test["score"], self.test["label"], self.calibration_scores, false_alarms)

    def candidate(self, false_alarms: float) -> Candidate:
        """Return the same decisions for choosing among methods."""
        return candidate(
            self.method,
            picture_time(self.about),
            str(self.about.get("data_fingerprint", "")),
            self.test,
            self.calibration_scores,
            false_alarms,
        )

    def curves(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of ``curves.npz``; raises CellError if it is damaged."""
        return loaders.curves(self.place)

    def samples(self) -> StoredSamples:
        """Return the test samples with their pictures; raises CellError if they are damaged."""
        return StoredSamples(self.place.folder, self.about, loaders.scores(self.place))


def finished_cell(place: CellPlace) -> FinishedCell | None:
    """Return the finished cell, or None if there is none.

    Raises
    ------
    CellError
        If it is there but damaged.
    """
    if not place.finished:
        return None
    about = loaders.cell(place)
    scores = loaders.scores(place)
    test = scores[scores["split"] == "test"].reset_index(drop=True)
    held_out = scores.loc[scores["split"] == "calibration", "score"].to_numpy(np.float64)
    return FinishedCell(place, about, test, held_out)


def finished_methods(outputs: Path, category: str) -> tuple[list[FinishedCell], list[str]]:
    """Return the category's finished cells with default settings, and a sentence per damaged one.

    In the order of the registry.
    """
    cells, problems = [], []
    for method in METHODS:
        try:
            cell = finished_cell(CellPlace(outputs, category, method))
        except CellError as error:
            problems.append(str(error))
            continue
        if cell is not None:
            cells.append(cell)
    return cells, problems
