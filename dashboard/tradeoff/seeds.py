"""Cells that differ in nothing but the seed, as one row with their mean and spread."""

from __future__ import annotations

import pandas as pd

from evaluation.seeds import weights_without_seed, without_seed

ALIKE = ("category", "method", "settings_id", "weights", "demo_data", "transform", "origin")


def over_seeds(cells: pd.DataFrame) -> pd.DataFrame:
    """Return one row per category, method and setting.

    Parameters
    ----------
    cells : DataFrame
        As from ``evaluation.summary.table_of``, with ``origin``, or ``mean_points``.

    Returns
    -------
    DataFrame
        As `cells`, with the mean of every number, ``settings_id`` without the seed, and
        ``seeds``, how many were averaged. Where it is more than one, ``image_auroc_low`` and
        ``image_auroc_high`` lie one standard deviation over the seeds around the mean.
    """
    alike = cells.assign(
        settings_id=cells["settings_id"].map(without_seed),
        weights=cells["weights"].map(weights_without_seed),
    )
    shared = [name for name in ALIKE if name in alike]
    groups = alike.groupby(shared, sort=False, dropna=False)
    numbers = list(alike.select_dtypes("float").columns)
    rows = groups.first()
    rows[numbers] = groups[numbers].mean()
    rows["seeds"] = groups.size()
    several = rows["seeds"] > 1
    spread = groups["image_auroc"].std()
    for bound, sign in (("image_auroc_low", -1), ("image_auroc_high", 1)):
        rows[bound] = rows[bound].mask(several, rows["image_auroc"] + sign * spread)
    return rows.reset_index()[[*cells.columns, "seeds"]]


def has_several_seeds(cells: pd.DataFrame) -> bool:
    """Tell whether any cells differ in nothing but the seed."""
    return len(over_seeds(cells)) < len(cells)
