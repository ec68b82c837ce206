"""Several methods on the same test pictures, at one false-alarm rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard.finished import FinishedCell
from dashboard.state import said
from dashboard.tables import method_title
from data_utils.mvtec import GOOD
from detectors.registry import METHODS
from evaluation.disagreement import (
    UNKNOWN,
    SideBySide,
    agreed_on,
    disagreement,
    ranks,
    side_by_side,
    verdicts,
)
from evaluation.thresholds import threshold_for


@dataclass(frozen=True)
class Comparison:
    """All methods' judgements, one row per test picture, index 0..T-1.

    Attributes
    ----------
    cells : dict of str to FinishedCell
        In the order of the registry.
    together : SideBySide
    thresholds : dict of str to float
        NaN where too few held-out good pictures exist.
    ranked, judged : DataFrame [T, M]
        Percentiles among the pictures that all have scored, and verdicts; a column per method.
    """

    cells: dict[str, FinishedCell]
    together: SideBySide
    thresholds: dict[str, float]
    ranked: pd.DataFrame
    judged: pd.DataFrame

    @property
    def with_threshold(self) -> list[str]:
        """The methods that have a threshold."""
        return [method for method, value in self.thresholds.items() if not np.isnan(value)]

    def of_defect(self, defect: str) -> NDArray[np.bool_]:
        """Tell which pictures are of a defect type, bool ``[T]``; "" for all."""
        defects = self.together.pictures["defect"]
        return np.ones(len(defects), bool) if not defect else (defects == defect).to_numpy()

    def positions(self, defect: str) -> list[int]:
        """Return the rows of a defect type; "" for all."""
        return [int(row) for row in np.flatnonzero(self.of_defect(defect))]

    def defects(self) -> list[str]:
        """Return the defect types, good first."""
        names = sorted(set(self.together.pictures["defect"]), key=lambda n: (n != GOOD, n))
        return [str(name) for name in names]

    def most_disputed(self, defect: str) -> tuple[list[int], NDArray[np.float64]]:
        """Return the rows with the largest spread first, and their spreads in points."""
        spread = disagreement(self.ranked)
        shown = np.flatnonzero(self.of_defect(defect) & ~np.isnan(spread))
        order = shown[np.argsort(-spread[shown], kind="stable")]
        return [int(row) for row in order], spread[order]

    def wrong_together(self, defect: str, verdict: str) -> list[int]:
        """Return the rows for which all methods with a threshold come to `verdict`."""
        judged = self.judged[self.with_threshold]
        return [int(r) for r in np.flatnonzero(agreed_on(judged, verdict) & self.of_defect(defect))]


def compared(cells: Sequence[FinishedCell], false_alarms: float) -> Comparison:
    """Line up the cells of one category and judge their pictures.

    Parameters
    ----------
    cells : sequence of FinishedCell
        At least one.
    false_alarms : float
        Share of good pictures, above 0 and below 1.
    """
    together = side_by_side({cell.method: cell.test for cell in cells})
    thresholds = {
        cell.method: threshold_for(cell.calibration_scores, false_alarms) for cell in cells
    }
    labels = together.pictures["label"]
    judged = {
        method: verdicts(together.scores[method], labels, threshold)
        for method, threshold in thresholds.items()
    }
    return Comparison(
        cells={cell.method: cell for cell in cells},
        together=together,
        thresholds=thresholds,
        ranked=ranks(together.scores),
        judged=pd.DataFrame(judged, dtype=object).fillna(UNKNOWN),
    )


def unlike(cells: Sequence[FinishedCell]) -> str:
    """Say in what the cells were evaluated differently; "" if in nothing that matters."""
    differences = []
    roots = _values(cells, _noted("data_root"))
    geometries = _values(cells, _geometry)
    weights = unlike_weights(cells)
    if roots:
        differences.append(said("compare_unlike_root", values=roots))
    elif not geometries and _values(cells, _noted("data_fingerprint")):
        differences.append(said("compare_unlike_pictures"))
    if geometries:
        differences.append(said("compare_unlike_geometry", values=geometries))
    if weights:
        differences.append(weights)
    return "; ".join(differences)


def unlike_weights(cells: Sequence[FinishedCell]) -> str:
    """Say that the methods' backbones had different weights, and which; "" if they had not."""
    readers = [c for c in cells if c.method in METHODS and METHODS[c.method].reads_backbone]
    named = _values(readers, _noted("weights")) or _values(readers, _noted("backbone_identity"))
    return said("compare_unlike_weights", values=named) if named else ""


def _values(cells: Sequence[FinishedCell], value: Callable[[FinishedCell], str]) -> str:
    """Return each method's value, or "" if they are all equal."""
    values = {cell.method: value(cell) for cell in cells}
    if len(set(values.values())) <= 1:
        return ""
    return ", ".join(f"{method_title(method)}: {each}" for method, each in values.items())


def _noted(key: str) -> Callable[[FinishedCell], str]:
    return lambda cell: str(cell.about.get(key, ""))


def _geometry(cell: FinishedCell) -> str:
    noted = cell.about["geometry"]
    size = {"height": noted.get("height"), "width": noted.get("width")}
    shorter = noted.get("shorter_side")
    return said("size_cropped", side=shorter, **size) if shorter else said("size_whole", **size)
