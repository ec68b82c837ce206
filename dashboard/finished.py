"""Finished cells as the pages read them: scores, curves and maps of one category's methods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard import loaders
from dashboard.samples.sample_set import SampleSet, stored_samples
from data_utils.facts import Fact, fact, from_json
from detectors.registry import METHODS
from evaluation.measure.drift import joined
from evaluation.measure.operating_points import Decisions, decide
from evaluation.measure.recommendation import Candidate, candidate
from evaluation.store.places import CellError, CellPlace
from evaluation.store.scores import calibration_scores


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
            float(self.about["latency_ms"]),
            str(self.about.get("data_fingerprint", "")),
            self.test,
            self.calibration_scores,
            false_alarms,
        )

    def curves(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of ``curves.npz``; raises CellError if it is damaged."""
        return loaders.curves(self.place)

    def samples(self) -> SampleSet:
        """Return the test samples with their pictures; raises CellError if they are damaged."""
        return stored_samples(self.place.folder, self.about, self.test, self.calibration_scores)


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
    return FinishedCell(place, about, test, calibration_scores(scores))


def finished_methods(
    outputs: Path, category: str, settings: str = ""
) -> tuple[list[FinishedCell], list[Fact]]:
    """Return the category's finished cells, and what damaged ones lack.

    In the order of the registry. With these settings or, of a method that has no such result, with
    the default ones.
    """
    cells, problems = list[FinishedCell](), list[Fact]()
    for method in METHODS:
        try:
            places = [CellPlace(outputs, category, method, one) for one in (settings, "")]
            cell = finished_cell(next((one for one in places if one.finished), places[-1]))
        except CellError as error:
            problems.append(error.fact)
            continue
        if cell is not None:
            cells.append(cell)
    return cells, problems


def apart(category: str, cells: Iterable[FinishedCell]) -> list[Fact]:
    """Return in what a category's good test pictures differ from held-out training ones."""
    what = joined(one for cell in cells for one in loaders.differences(cell.place))
    return [fact("test_drift", category=category, what=what)] if what else []


def findings_of(about: Mapping[str, Any]) -> list[tuple[str, Fact]]:
    """Return path and problem of what was found wrong with a cell's data."""
    return [(one["path"], from_json(one["problem"])) for one in about.get("findings", [])]
