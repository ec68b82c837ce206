"""A cell's stored curves, made ready for drawing: ROC and precision-recall of one method."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.store.checksums import changed
from evaluation.store.places import CURVES_FILE, CellError

CURVE_NAMES = (
    *(f"image_{name}" for name in ("threshold", "tpr", "fpr", "precision")),
    *(f"pixel_{name}" for name in ("threshold", "tpr", "fpr", "precision", "region_overlap")),
)


@dataclass(frozen=True)
class RankingCurve:
    """Rates at falling thresholds; what scores at or above a threshold is reported.

    Attributes
    ----------
    thresholds : float [P]
        The first is infinite: there nothing is reported.
    false_positive_rate, true_positive_rate : float [P]
        From 0 to 1.
    precision : float [P]
        Where nothing is reported, the precision at the next threshold.
    """

    thresholds: NDArray[np.float64]
    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]
    precision: NDArray[np.float64]

    def position_above(self, threshold: float) -> int | None:
        """Return the point at which exactly the scores above `threshold` are reported.

        On a thinned curve it is the nearest kept point with a higher threshold; None for NaN.
        """
        if math.isnan(threshold):
            return None
        return int((self.thresholds > np.float32(threshold)).sum()) - 1


def stored_curve(arrays: Mapping[str, NDArray[Any]], kind: str) -> RankingCurve | None:
    """Return one of the curves of ``curves.npz``, with the start that the file leaves out.

    Parameters
    ----------
    arrays : mapping
        The arrays named in ``CURVE_NAMES``.
    kind : str
        ``"image"`` or ``"pixel"``.

    Returns
    -------
    RankingCurve or None
        None if the curve is not defined, as for pixels in a category without masks.
    """
    thresholds, hits, alarms, precision = (
        np.asarray(arrays[f"{kind}_{name}"], np.float64)
        for name in ("threshold", "tpr", "fpr", "precision")
    )
    if not len(thresholds) or not np.isfinite([hits, alarms]).all():
        return None
    return RankingCurve(
        thresholds=np.concatenate([[math.inf], thresholds]),
        false_positive_rate=np.concatenate([[0.0], alarms]),
        true_positive_rate=np.concatenate([[0.0], hits]),
        precision=np.concatenate([precision[:1], precision]),
    )


def read_curves(folder: Path, cell: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Read the arrays of ``curves.npz`` by their names, ``CURVE_NAMES``.

    Parameters
    ----------
    folder : Path
        Of the cell.
    cell : mapping
        Its ``cell.json``, as from ``read_cell``.

    Raises
    ------
    CellError
        If it is not as it was written.
    """
    path = folder / CURVES_FILE
    if changed(path, cell):
        raise CellError("cell_changed", path=path)
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in CURVE_NAMES}
