"""Learning curves on disk, what they say at a false-alarm rate, and how many pictures are enough.

Kept are the raw scores of every fit, so that any threshold can be tried later. A number of pictures
is told apart from the largest one by the difference of their image AUROCs on the same test pictures
and by the same draws (``significance``): enough is the smallest number from which on none differs.
That is no proof of equality, so the interval of what it may cost stands beside it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_utils.facts import Fact, Fault, fact
from data_utils.locations import leads_out
from detectors.registry import METHODS
from evaluation.measure.operating_points import decide
from evaluation.measure.significance import Difference, image_auroc_difference
from evaluation.store.checksums import CHECKSUM, content_checksum
from evaluation.store.files import is_short_file, write_atomically
from evaluation.store.places import CellError, CellPlace

CURVE_NAME = "train_counts"
FORMAT = 1
TEXTS = ("category", "data_root", "weights", "transform", "finished")
MEASURED = ("image_auroc", "pixel_auroc", "missed", "false_alarms")


class CurveError(Fault):
    """A learning curve that cannot be read."""


@dataclass(frozen=True)
class Fit:
    """What a method made of some of the training pictures gives.

    Attributes
    ----------
    count, seed : int
        How many pictures, and what drew them.
    image_auroc, pixel_auroc : float
        0..1, NaN where undefined.
    scores : float [T]
        Raw scores of the test pictures.
    calibration : float [K]
        Raw scores of its own pictures, each left out; none where they are too few.
    """

    method: str
    count: int
    seed: int
    image_auroc: float
    pixel_auroc: float
    scores: NDArray[np.floating]
    calibration: NDArray[np.floating]


@dataclass(frozen=True)
class LearningCurve:
    """Every method by every seed on every number of pictures of one category.

    Attributes
    ----------
    about : mapping
        At least ``TEXTS``, as a ``cell.json`` has them.
    labels : int [T]
        Of the test pictures: 0 good, 1 defective.
    fits : tuple of Fit
    """

    about: Mapping[str, Any]
    labels: NDArray[np.int64]
    fits: tuple[Fit, ...]

    @property
    def seeds(self) -> list[int]:
        """The seeds, in order."""
        return list(dict.fromkeys(fit.seed for fit in self.fits))


def curve_file(outputs: Path, category: str) -> Path:
    """Return where a category's curve is kept; raises CellError if that leads elsewhere."""
    return CellPlace(outputs, category, CURVE_NAME).folder.with_suffix(".json")


def write_curve(outputs: Path, curve: LearningCurve) -> Path:
    """Keep a curve, in place of an earlier one, and return its file; CellError if that fails."""
    path = curve_file(outputs, curve.about["category"])
    content: dict[str, Any] = {
        "format": FORMAT,
        **curve.about,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "labels": curve.labels.tolist(),
        "fits": [{name: _plain(value) for name, value in vars(fit).items()} for fit in curve.fits],
    }
    content[CHECKSUM] = content_checksum(content)
    try:
        write_atomically(path, json.dumps(content, allow_nan=False))
    except OSError as error:
        reason = error.strerror or error
        raise CellError("result_unwritable", outputs=outputs, error=reason) from error
    return path


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return None if isinstance(value, float) and math.isnan(value) else value


def read_curve(outputs: Path, category: str) -> LearningCurve | None:
    """Return what ``write_curve`` kept, None if there is nothing.

    Raises
    ------
    CurveError
        If it is damaged or of another version.
    """
    path = curve_file(outputs, category)
    if not path.exists():
        return None
    try:
        if not is_short_file(path) or leads_out(path, outputs):
            raise ValueError
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content[CHECKSUM] != content_checksum(content):
            raise ValueError
        labels = np.array(content.pop("labels"), np.int64)
        fits = tuple(_fit(one, labels) for one in content.pop("fits"))
        kinds = [{getattr(fit, name) for fit in fits} for name in ("method", "count", "seed")]
        every = {(fit.method, fit.count, fit.seed) for fit in fits}
        whole = len(every) == len(fits) == math.prod(map(len, kinds)) > 0
        whole &= normalize("NFC", content["category"]) == normalize("NFC", category)
        if not whole or not all(isinstance(content[name], str) for name in TEXTS):
            raise ValueError
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CurveError("curve_unreadable", path=path) from error
    return LearningCurve(content, labels, fits)


def _fit(content: dict[str, Any], labels: NDArray[np.int64]) -> Fit:
    names = ("image_auroc", "pixel_auroc")
    areas = {name: math.nan if content[name] is None else float(content[name]) for name in names}
    lists = {name: np.array(content[name], np.float64) for name in ("scores", "calibration")}
    fit = Fit(**content | areas | lists)
    sizes = fit.scores.shape == labels.shape and fit.calibration.ndim == 1
    finite = all(np.isfinite(values).all() for values in lists.values())
    kinds = isinstance(fit.method, str) and type(fit.count) is type(fit.seed) is int
    if not (sizes and finite and kinds) or any(
        not 0 <= area <= 1 for area in areas.values() if area == area
    ):
        raise ValueError
    return fit


def over_draws(curve: LearningCurve, false_alarms: float) -> pd.DataFrame:
    """Return mean and spread over the seeds, a row for each method and number of pictures.

    Parameters
    ----------
    false_alarms : float
        The share of good pictures that may be reported; it places each fit's threshold.

    Returns
    -------
    DataFrame
        ``method, count, seeds`` and ``<name>_mean, <name>_std`` for ``MEASURED``, shares: the
        standard deviation is that of a sample. NaN where one is not defined for every seed.
    """
    rows = []
    for fit in curve.fits:
        found = decide(fit.scores, curve.labels, fit.calibration, false_alarms)
        own = (fit.image_auroc, fit.pixel_auroc, found.missed_rate, found.false_alarm_rate)
        rows.append(
            {"method": fit.method, "count": fit.count, **dict(zip(MEASURED, own, strict=True))}
        )
    grouped = pd.DataFrame(rows).groupby(["method", "count"])
    values, seeds = grouped[list(MEASURED)], grouped.size()
    lacking = values.count().lt(seeds, axis=0)
    means = values.mean().mask(lacking).add_suffix("_mean")
    deviations = values.std().mask(lacking).add_suffix("_std")
    numbers = [f"{name}_{kind}" for name in MEASURED for kind in ("mean", "std")]
    table = pd.concat([means, deviations], axis=1)[numbers]
    table.insert(0, "seeds", seeds)
    return table.reset_index()


def enough_pictures(curve: LearningCurve) -> list[Fact]:
    """Return for each method from which number of pictures on more made no difference."""
    methods = dict.fromkeys(fit.method for fit in curve.fits)
    return [_enough(curve, method) for method in methods]


def _enough(curve: LearningCurve, method: str) -> Fact:
    scores: dict[int, list[NDArray[np.floating]]] = {}
    for fit in sorted(curve.fits, key=lambda fit: (fit.count, fit.seed)):
        if fit.method == method:
            scores.setdefault(fit.count, []).append(fit.scores)
    *fewer, largest = scores
    title = METHODS[method].title if method in METHODS else method
    if not 0 < curve.labels.sum() < len(curve.labels):
        return fact("curve_undefined", method=title)
    if not fewer:
        return fact("curve_one_count", method=title, count=largest)
    costs = {
        count: image_auroc_difference(scores[largest], scores[count], curve.labels, paired=True)
        for count in fewer
    }
    cost = _cost(fewer[0], costs[fewer[0]])
    differing = [count for count in fewer if costs[count].real]
    if not differing:
        return fact("curve_flat", method=title, count=fewer[0], largest=largest, cost=cost)
    if differing[-1] == fewer[-1]:
        return fact("curve_rising", method=title, fewer=fewer[-1], largest=largest, cost=cost)
    settled = fewer[fewer.index(differing[-1]) + 1]
    own = _cost(settled, costs[settled])
    return fact("curve_settled", method=title, count=settled, own=own, cost=cost)


def _cost(count: int, cost: Difference) -> Fact:
    low, high = max(cost.low, -1.0), min(cost.high, 1.0)
    return fact("curve_cost", count=count, cost=cost.mean, low=low, high=high)
