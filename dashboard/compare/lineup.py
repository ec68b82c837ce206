"""Several methods on the same test pictures, at one false-alarm rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from dashboard.finished import FinishedCell
from dashboard.samples.sample_set import sample_names
from dashboard.state import said
from dashboard.tables import method_title
from detectors.registry import METHODS
from evaluation.measure.disagreement import (
    SideBySide,
    disagreement,
    ranks,
    side_by_side,
    verdicts,
)
from evaluation.measure.operating_points import threshold_for


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

    @cached_property
    def places(self) -> dict[str, dict[str, int]]:
        """Where each picture stands in each method's table, by name."""
        return {
            method: {name: at for at, name in enumerate(sample_names(cell.test))}
            for method, cell in self.cells.items()
        }

    @property
    def stamp(self) -> str:
        """What differs where other maps or thresholds are shown."""
        made = [(cell.place.folder, cell.about.get("checksum")) for cell in self.cells.values()]
        return f"{made} {self.thresholds}"

    def rows(self, defect: str) -> list[int]:
        """Return the rows of a defect type; "" for all."""
        defects = self.together.pictures["defect"]
        return [row for row, its_defect in enumerate(defects) if defect in ("", its_defect)]

    def most_disputed(self, rows: list[int]) -> pd.Series[float]:
        """Return the spreads of those rows that all have scored, by row, the largest first."""
        spread = pd.Series(disagreement(self.ranked))[rows].dropna()
        return spread.sort_values(ascending=False, kind="stable")


def compared(cells: Sequence[FinishedCell], false_alarms: float) -> Comparison:
    """Line up the cells of one category, at least one, and judge their pictures."""
    together = side_by_side({cell.method: cell.test for cell in cells})
    thresholds = {
        cell.method: threshold_for(cell.calibration_scores, false_alarms) for cell in cells
    }
    judged = {
        method: verdicts(together.scores[method], together.pictures["label"], threshold)
        for method, threshold in thresholds.items()
    }
    return Comparison(
        cells={cell.method: cell for cell in cells},
        together=together,
        thresholds=thresholds,
        ranked=ranks(together.scores),
        judged=pd.DataFrame(judged, dtype=object),
    )


def judged_together(comparison: Comparison, test: pd.DataFrame) -> pd.DataFrame:
    """Return the verdicts of all methods with a threshold, a row per picture of `test`."""
    judged = comparison.judged[comparison.with_threshold]
    judged.index = pd.Index(comparison.together.names)
    return judged.reindex(sample_names(test)).reset_index(drop=True)


def unlike(cells: Sequence[FinishedCell]) -> str:
    """Say in what the cells were evaluated differently; "" if in nothing that matters."""
    roots, geometries = _apart(cells, _noted("data_root")), _apart(cells, _geometry)
    differences = [unlike_weights(cells)]
    if geometries:
        differences.insert(0, said("compare_unlike_geometry", values=geometries))
    if roots:
        differences.insert(0, said("compare_unlike_root", values=roots))
    elif not geometries and _apart(cells, _noted("data_fingerprint")):
        differences.insert(0, said("compare_unlike_pictures"))
    return "; ".join(filter(None, differences))


def unlike_weights(cells: Sequence[FinishedCell]) -> str:
    """Say that the methods' backbones had different weights, and which; "" if they had not."""
    readers = [cell for cell in cells if METHODS[cell.method].reads_backbone]
    named = _apart(readers, _noted("weights")) or _apart(readers, _noted("backbone_identity"))
    return said("compare_unlike_weights", values=named) if named else ""


def _apart(cells: Sequence[FinishedCell], value: Callable[[FinishedCell], str]) -> str:
    """Return each method's value, or "" if they are all equal."""
    if len({value(cell) for cell in cells}) <= 1:
        return ""
    return ", ".join(f"{method_title(cell.method)}: {value(cell)}" for cell in cells)


def _noted(key: str) -> Callable[[FinishedCell], str]:
    return lambda cell: str(cell.about.get(key, ""))


def _geometry(cell: FinishedCell) -> str:
    noted = cell.about["geometry"]
    size = {"height": noted.get("height"), "width": noted.get("width")}
    shorter = noted.get("shorter_side")
    return said("size_cropped", side=shorter, **size) if shorter else said("size_whole", **size)
