"""A category's learning curve on disk, what it says, and how many pictures are enough.

Enough is the smallest number of pictures from which on none can be told apart from the largest by
its image AUROC, on the same test pictures and draws. That proves no equality, so the interval of
what it may cost stands beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pandas as pd

from data_utils.facts import Fact, Fault, fact
from data_utils.locations import leads_out
from detectors.registry import METHODS
from evaluation.measure.operating_points import DEFAULT_FALSE_ALARMS, decide
from evaluation.measure.significance import image_auroc_difference
from evaluation.store.checksums import CHECKSUM, content_checksum
from evaluation.store.files import is_short_file, write_atomically
from evaluation.store.places import CellPlace

CURVE_NAME, FORMAT = "train_counts", 1
TEXTS = ("data_root", "transform", "weights", "finished")
FIT = ("method", "count", "seed", "image_auroc", "pixel_auroc", "scores", "calibration")
MEASURED = ["image_auroc", "pixel_auroc", "missed", "false_alarms"]


class CurveError(Fault):
    """A learning curve that cannot be read."""


def curve_file(outputs: Path, category: str) -> Path:
    """Return where a category's curve is kept; raises CellError if that leads elsewhere."""
    return CellPlace(outputs, category, CURVE_NAME).folder.with_suffix(".json")


def write_curve(path: Path, curve: Mapping[str, Any]) -> None:
    """Keep ``labels`` of the test pictures and ``fits``, each a ``FIT``, in place of earlier ones.

    ``scores`` are raw ones of the test pictures, ``calibration`` of its own ones, each left out.
    Raises OSError if it cannot be written.
    """
    finished = datetime.now(UTC).isoformat(timespec="seconds")
    content: dict[str, Any] = {"format": FORMAT, "finished": finished, **curve}
    content[CHECKSUM] = content_checksum(content)
    write_atomically(path, json.dumps(content, allow_nan=False))


def read_curve(outputs: Path, category: str) -> dict[str, Any]:
    """Return what ``write_curve`` kept, and with it, as ``enough``, what ``enough_pictures`` says.

    Raises CurveError if it is not there, damaged or of another version.
    """
    path = curve_file(outputs, category)
    try:
        curve: dict[str, Any] = json.loads(path.read_text()) if is_short_file(path) else {}
        whole = curve["format"] == FORMAT and curve[CHECKSUM] == content_checksum(curve)
        whole &= normalize("NFC", curve["category"]) == normalize("NFC", category)
        whole &= all(isinstance(curve[name], str) for name in TEXTS)
        whole &= all(np.isfinite(fit["scores"] + fit["calibration"]).all() for fit in curve["fits"])
        if not whole or leads_out(path, outputs):
            raise ValueError(path)
        over_draws(curve, DEFAULT_FALSE_ALARMS)
        return curve | {"enough": enough_pictures(curve)}
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise CurveError("curve_unreadable", path=path) from error


def over_draws(curve: Mapping[str, Any], false_alarms: float) -> pd.DataFrame:
    """Return mean and spread over the seeds at an allowed share of false alarms.

    A row per method and number of pictures: ``method, count, seeds`` and ``<name>_mean`` and
    ``<name>_std`` (of a sample) for ``MEASURED``, shares; NaN unless defined for every seed.
    """
    fits = pd.DataFrame(curve["fits"])
    decided = [
        decide(fit["scores"], curve["labels"], fit["calibration"], false_alarms)
        for fit in curve["fits"]
    ]
    fits["missed"] = [one.missed_rate for one in decided]
    fits["false_alarms"] = [one.false_alarm_rate for one in decided]
    grouped = fits.astype(dict.fromkeys(MEASURED, float)).groupby(["method", "count"])
    values, seeds = grouped[MEASURED], grouped.size()
    lacking = values.count().lt(seeds, axis=0)
    table = values.mean().mask(lacking).add_suffix("_mean")
    table = table.join(values.std().mask(lacking).add_suffix("_std"))
    return table.assign(seeds=seeds).reset_index()


def enough_pictures(curve: Mapping[str, Any]) -> list[Fact]:
    """Return for each method from which number of pictures on more made no difference."""
    scores: dict[str, dict[int, list[list[float]]]] = {}
    for fit in curve["fits"]:
        scores.setdefault(fit["method"], {}).setdefault(fit["count"], []).append(fit["scores"])
    return [_enough(method, scores[method], curve["labels"]) for method in scores]


def _enough(method: str, scores: dict[int, list[list[float]]], labels: list[int]) -> Fact:
    title = METHODS[method].title if method in METHODS else method
    *fewer, largest = sorted(scores)
    if not fewer or len(set(labels)) == 1:
        return fact("curve_undefined", method=title)
    costs, differing = dict[int, Fact](), list[int]()
    for count in fewer:
        one = image_auroc_difference(scores[largest], scores[count], labels, paired=True)
        low, high = max(one.low, -1.0), min(one.high, 1.0)
        costs[count] = fact("curve_cost", count=count, cost=one.mean, low=low, high=high)
        differing += [count] * one.real
    first = costs[fewer[0]]
    if not differing:
        return fact("curve_flat", method=title, largest=largest, cost=first)
    if differing[-1] == fewer[-1]:
        return fact("curve_rising", method=title, count=fewer[-1], largest=largest, cost=first)
    enough = fewer[fewer.index(differing[-1]) + 1]
    return fact("curve_settled", method=title, count=enough, own=costs[enough], cost=first)
