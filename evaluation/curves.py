"""A cell's stored curves, made ready for drawing: ROC and precision-recall of one method."""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

CURVE_NAMES = (
    *(f"image_{name}" for name in ("threshold", "tpr", "fpr", "precision")),
    *(f"pixel_{name}" for name in ("threshold", "tpr", "fpr", "precision", "region_overlap")),
)
LARGEST_ARRAY_BYTES = 10_000_000
ROUNDING = 1e-6
SHARES = ("tpr", "fpr", "precision", "region_overlap")


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

    Raises
    ------
    ValueError
        If the arrays are no numbers or do not fit together.
    """
    thresholds, hits, alarms, precision = (
        np.asarray(arrays[f"{kind}_{name}"], np.float64)
        for name in ("threshold", "tpr", "fpr", "precision")
    )
    if thresholds.ndim != 1 or any(a.shape != thresholds.shape for a in (hits, alarms, precision)):
        raise ValueError(f"The arrays of the {kind} curve differ in length.")
    if not len(thresholds) or not np.isfinite([hits, alarms]).all():
        return None
    return RankingCurve(
        thresholds=np.concatenate([[math.inf], thresholds]),
        false_positive_rate=np.concatenate([[0.0], alarms]),
        true_positive_rate=np.concatenate([[0.0], hits]),
        precision=np.concatenate([precision[:1], precision]),
    )


def read_curves(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of ``curves.npz`` by their names, ``CURVE_NAMES``.

    What an array claims to be is checked before there is memory for it.

    Raises
    ------
    OSError
        If it cannot be opened.
    ValueError
        If it is damaged; the message says how.
    """
    with path.open("rb") as file:
        try:
            arrays = _unpacked(file)
        except (BadZipFile, EOFError, OSError, RuntimeError, zlib.error) as error:
            raise ValueError("it cannot be unpacked") from error
    for name, array in arrays.items():
        outside = (array < -ROUNDING) | (array > 1 + ROUNDING)
        if np.isinf(array).any() or (name.endswith(SHARES) and outside.any()):
            raise ValueError(f"{name} has impossible values")
    return arrays


def _unpacked(file: BinaryIO) -> dict[str, NDArray[Any]]:
    with ZipFile(file) as stored:
        missing = {f"{name}.npy" for name in CURVE_NAMES} - set(stored.namelist())
        if missing:
            raise ValueError("an array is missing")
        if max(member.file_size for member in stored.infolist()) > LARGEST_ARRAY_BYTES:
            raise ValueError("an array is too large")
        return {name: _array(stored.read(f"{name}.npy")) for name in CURVE_NAMES}


def _array(content: bytes) -> NDArray[Any]:
    """Return the row of numbers in the content of an ``.npy`` file."""
    file = io.BytesIO(content)
    if npy.read_magic(file) != (1, 0):
        raise ValueError("an array is of another version")
    shape, _, dtype = npy.read_array_header_1_0(file)
    if dtype.kind != "f" or len(shape) != 1:
        raise ValueError("an array is no row of numbers")
    if shape[0] * dtype.itemsize != len(content) - file.tell():
        raise ValueError("an array has another length than it says")
    return np.frombuffer(content, dtype, offset=file.tell())
