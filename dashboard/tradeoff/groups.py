"""Which cells may be compared with each other, and the points they give: cost against AUROC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from detectors.backbones.names import LITE0, RANDOM, TRAINED, UNTRAINED, weights_kind
from detectors.registry import METHODS
from evaluation.pareto import pareto_front
from evaluation.summary import LATENCY_COLUMNS, PHASE_COLUMNS

COST_COLUMNS = ("runtime_s", "fit_s", "score_s", "ms_per_image", *LATENCY_COLUMNS)
GAIN_COLUMNS = ("image_auroc", "pixel_auroc")
SERIES = ["method", "settings_id", "weights", "origin"]
NO_BACKBONE = "none"
KINDS = (TRAINED, UNTRAINED, RANDOM)


@dataclass(frozen=True)
class Group:
    """Cells whose numbers may stand side by side.

    Demo data are never compared with real pictures, nor trained networks, the filter bank and
    random weights with each other. Methods without a backbone are in all groups of their data.

    Attributes
    ----------
    weights : str
        ``TRAINED``, ``UNTRAINED`` or ``RANDOM``.
    """

    demo_data: bool
    weights: str

    def cells(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the summary that belong to this group."""
        own = _has_backbone(table) & (_kinds(table) == self.weights)
        same_data = table["demo_data"].astype(bool) == self.demo_data
        return table[same_data & (own | ~_has_backbone(table))]


def groups(table: pd.DataFrame) -> list[Group]:
    """Return the groups that the cells form, real before demo data, in the order of `KINDS`."""
    found = []
    for demo in (False, True):
        cells = table[table["demo_data"].astype(bool) == demo]
        with_backbone = cells[_has_backbone(cells)]
        kinds = [kind for kind in KINDS if (_kinds(with_backbone) == kind).any()]
        if len(cells):
            found += [Group(demo, kind) for kind in kinds or [TRAINED]]
    return found


def shared_categories(cells: pd.DataFrame, metric: str) -> list[str]:
    """Return the categories in which every method (with its settings) has the number `metric`."""
    defined = cells[cells[metric].notna()]
    if defined.empty or set(map(tuple, cells[SERIES].values)) != set(
        map(tuple, defined[SERIES].values)
    ):
        return []
    sets = [set(names) for _, names in defined.groupby(SERIES)["category"]]
    return sorted(set.intersection(*sets))


def mean_points(cells: pd.DataFrame, categories: Sequence[str]) -> pd.DataFrame:
    """Return one row per method, settings, weights and origin with the means over `categories`.

    Returns
    -------
    DataFrame
        As `cells`, with ``category`` empty and a column ``categories``, how many were averaged.
        A mean has no interval: ``image_auroc_low`` and ``image_auroc_high`` are NaN.
    """
    chosen = cells[cells["category"].isin(categories)]
    if chosen.empty:
        return cells.iloc[:0].assign(categories=pd.Series(dtype=int))
    numbers = [*COST_COLUMNS, *GAIN_COLUMNS, "model_mb", *PHASE_COLUMNS]
    grouped = chosen.groupby(SERIES, sort=False)
    means = grouped[numbers].mean()
    means["categories"] = grouped.size()
    means = means.reset_index().assign(category="", image_auroc_low=np.nan, image_auroc_high=np.nan)
    return in_order(means)


def with_front(points: pd.DataFrame, cost: str, gain: str) -> pd.DataFrame:
    """Return the points that have both numbers, with a column ``on_front``.

    Cells are compared within their category and origin only: an easy category proves nothing
    about a method that was tried on a harder one, nor a fast machine about a slow one.
    """
    chosen = points[points[cost].notna() & points[gain].notna()].reset_index(drop=True)
    front = np.zeros(len(chosen), bool)
    for _, rows in chosen.groupby(["category", "origin"]):
        front[rows.index] = pareto_front(rows[cost], rows[gain])
    return chosen.assign(on_front=front)


def in_order(points: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in the registry's order of methods."""
    order = {key: position for position, key in enumerate(METHODS)}
    return points.sort_values(
        [*SERIES, "category"],
        key=lambda column: (
            column.map(lambda key: order.get(key, len(order)))
            if column.name == "method"
            else column
        ),
        kind="stable",
        ignore_index=True,
    )


def clicked_cell(clicked: Sequence[object]) -> tuple[str, str, str, str] | None:
    """Return category, method, settings and origin of the first clicked point, if it has them.

    A mean comes back with an empty category.
    """
    for data in clicked:
        values = list(data.values()) if isinstance(data, dict) else data
        if isinstance(values, (list, tuple)) and len(values) == 4:
            category, method, settings_id, origin = map(str, values)
            return category, method, settings_id, origin
    return None


def _has_backbone(table: pd.DataFrame) -> pd.Series:
    return table["backbone"].fillna(NO_BACKBONE) != NO_BACKBONE


def _kinds(table: pd.DataFrame) -> pd.Series:
    return table["weights"].astype(str).map(weights_kind).replace(LITE0, TRAINED)
