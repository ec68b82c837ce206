"""Means over categories and over seeds, of cells that may be averaged.

``outputs/summary_by_setting.csv`` has mean and spread over the seeds of every setting.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from data_utils.facts import Fact, fact
from detectors.backbones.names import LITE0, RANDOM, TRAINED, UNTRAINED, weights_kind
from detectors.registry import position

AVERAGED = (
    "image_auroc",
    "pixel_auroc",
    "aupro",
    "image_ap",
    "pixel_ap",
    "image_best_f1",
    "pixel_best_f1",
    "runtime_s",
    "ms_per_image",
)
ALIKE = (
    "category",
    "method",
    "settings_id",
    "origin",
    "backbone",
    "weights",
    "demo_data",
    "transform",
    "train_images",
    "test_good",
    "test_defective",
    "settings",
)
SERIES = ("method", "settings_id", "weights", "origin", "demo_data")
KINDS = (TRAINED, UNTRAINED, RANDOM)
SEED_IN_IDENTIFIER = re.compile(r"(^|_)seed-\d+")
ENGINE_IN_IDENTIFIER = re.compile(r"(^|_)(engine|precision)-[a-z0-9]+")
SEED_IN_WEIGHTS = re.compile(r"^random \(seed \d+\)$")


class Group(NamedTuple):
    """Cells whose numbers may stand side by side.

    Demo data are never compared with real pictures, nor trained networks, the filter bank and
    random weights with each other. Methods without a backbone are in all groups of their data.

    Attributes
    ----------
    demo_data : bool
    weights : str
        ``TRAINED``, ``UNTRAINED`` or ``RANDOM``.
    cells : DataFrame
        Their rows of the summary.
    """

    demo_data: bool
    weights: str
    cells: pd.DataFrame


def groups(table: pd.DataFrame) -> list[Group]:
    """Return the groups that the cells form, real before demo data, in the order of `KINDS`."""
    found = []
    kind = table["weights"].map(weights_kind).replace(LITE0, TRAINED)
    kind = kind.mask(table["backbone"] == "none", "")
    for demo in (False, True):
        same = table["demo_data"] == demo
        there = [one for one in KINDS if (kind[same] == one).any()]
        if same.any():
            found += [
                Group(demo, one, table[same & kind.isin([one, ""])]) for one in there or [TRAINED]
            ]
    return found


def in_order(
    table: pd.DataFrame,
    by: tuple[str, ...] = ("method", "settings_id", "weights", "origin", "category"),
) -> pd.DataFrame:
    """Return the rows sorted by these columns, methods in the registry's order."""
    return table.sort_values(
        list(by),
        key=lambda column: column.map(position) if column.name == "method" else column,
        kind="stable",
        ignore_index=True,
    )


def shared_categories(cells: pd.DataFrame, number: str = "method") -> list[str]:
    """Return the categories in which every method, with its settings, has the column `number`."""
    having = [set(rows["category"][rows[number].notna()]) for _, rows in _by_series(cells)]
    return sorted(set.intersection(*having)) if having else []


def why_undefined(counts: Mapping[Any, Any]) -> list[Fact]:
    """Return why metrics are n/a, from ``test_good, test_defective, test_with_mask``."""
    if not counts["test_defective"]:
        return [fact("no_defective")]
    reasons = [] if counts["test_good"] else [fact("no_good")]
    return reasons if counts["test_with_mask"] else [*reasons, fact("no_masks")]


def over_categories(cells: pd.DataFrame) -> pd.DataFrame:
    """Return one row per method, settings, weights, origin and kind of data with its means.

    NaN values are left out; a mean of nothing is NaN.

    Returns
    -------
    DataFrame
        As `cells`, numbers only, with ``category`` empty, ``categories`` (how many), and
        ``with_image_auroc`` and ``with_pixel_auroc`` (in how many these are defined). A mean has
        no interval: ``image_auroc_low`` and ``image_auroc_high`` are NaN.
    """
    by_series = _by_series(cells)
    means = by_series[_numbers(cells)].mean()
    defined = by_series[["image_auroc", "pixel_auroc"]].count().add_prefix("with_")
    return (
        means.assign(category="", image_auroc_low=math.nan, image_auroc_high=math.nan)
        .assign(categories=by_series.size(), **defined)
        .reset_index()
    )


def without_seed(settings_id: str) -> str:
    """Return a cell's ``settings_id`` without its seed: what cells of other seeds share."""
    return SEED_IN_IDENTIFIER.sub("", settings_id).removeprefix("_")


def without_engine(settings_id: str) -> str:
    """Return a cell's ``settings_id`` without its engine and precision."""
    return ENGINE_IN_IDENTIFIER.sub("", settings_id).removeprefix("_")


def weights_without_seed(label: str) -> str:
    """Return a cell's ``weights``; random ones without the seed that they were drawn with."""
    return SEED_IN_WEIGHTS.sub("random", label)


def over_seeds(cells: pd.DataFrame) -> pd.DataFrame:
    """Return one row for the rows that differ in nothing but the seed.

    Parameters
    ----------
    cells : DataFrame
        Rows of the summary, or means from ``over_categories``.

    Returns
    -------
    DataFrame
        As `cells`, with the mean of every number, ``settings_id`` without the seed, and
        ``seeds``, how many were averaged. ``image_auroc_low`` and ``image_auroc_high`` are means
        too; where there are none, in means over categories, they lie one standard deviation over
        the seeds around the mean.
    """
    by_setting = _by_setting(cells)
    rows = by_setting.first()
    rows[_numbers(cells)] = by_setting[_numbers(cells)].mean()
    rows["seeds"] = by_setting.size()
    spread = by_setting["image_auroc"].std()
    for bound, sign in (("image_auroc_low", -1), ("image_auroc_high", 1)):
        rows[bound] = rows[bound].fillna(rows["image_auroc"] + sign * spread)
    return rows.reset_index()[[*cells.columns, "seeds"]]


def by_setting(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of ``summary_by_setting.csv``, from a summary with at least these columns.

    Returns
    -------
    DataFrame
        What the cells of a row share, ``seeds`` (how many), and for every name of ``AVERAGED``
        the columns ``<name>_mean`` and ``<name>_std`` (of a sample; NaN for a single seed, or
        where a value is not defined for all of them).
    """
    grouped = _by_setting(table)
    values = grouped[list(AVERAGED)]
    lacking = values.count().lt(grouped.size(), axis=0)
    means = values.mean().mask(lacking).add_suffix("_mean")
    deviations = values.std().mask(lacking).add_suffix("_std")
    rows = pd.concat([grouped.size().rename("seeds"), means, deviations], axis=1).reset_index()
    numbers = [f"{name}_{kind}" for name in AVERAGED for kind in ("mean", "std")]
    shared = [name for name in ALIKE if name in table]
    rows = rows[[*shared[:3], "seeds", *numbers, *shared[3:]]]
    return rows.rename(columns={"settings_id": "setting"})


def _by_series(cells: pd.DataFrame) -> Any:
    return cells.groupby([name for name in SERIES if name in cells], sort=False)


def _by_setting(cells: pd.DataFrame) -> Any:
    """Group the rows that differ in nothing but the seed."""
    alike = cells.assign(
        settings_id=cells["settings_id"].map(without_seed),
        weights=cells["weights"].map(weights_without_seed),
    )
    if "settings" in cells:
        alike["settings"] = cells["settings"].map(_settings_without_seed)
    return alike.groupby([name for name in ALIKE if name in alike], dropna=False)


def _numbers(cells: pd.DataFrame) -> list[str]:
    return list(cells.select_dtypes("float").columns)


def _settings_without_seed(settings: str) -> str:
    kept = {name: value for name, value in json.loads(settings).items() if name != "seed"}
    return json.dumps(kept, sort_keys=True)
