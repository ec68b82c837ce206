"""``outputs/summary_by_setting.csv``: mean and spread over the seeds of one setting."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd

from evaluation.cells import write_atomically
from evaluation.spreadsheet import table_text

BY_SETTING_FILE = "summary_by_setting.csv"
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
    "setting",
    "backbone",
    "weights",
    "demo_data",
    "transform",
    "train_images",
    "test_good",
    "test_defective",
    "settings",
)
SEED_IN_IDENTIFIER = re.compile(r"(^|_)seed-\d+")
SEED_IN_WEIGHTS = re.compile(r"^random \(seed \d+\)$")


def without_seed(settings_id: str) -> str:
    """Return a cell's ``settings_id`` without its seed: what cells of other seeds share."""
    return SEED_IN_IDENTIFIER.sub("", settings_id).removeprefix("_")


def weights_without_seed(label: str) -> str:
    """Return a cell's ``weights``; random ones without the seed that they were drawn with."""
    return SEED_IN_WEIGHTS.sub("random", label)


def by_setting(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per category, method and setting, over the seeds of `table`.

    Parameters
    ----------
    table : DataFrame
        As from ``summary_table``.

    Returns
    -------
    DataFrame
        What the cells of a row share (``ALIKE``, the settings without the seed), ``seeds`` (how
        many), and for every name of ``AVERAGED`` the columns ``<name>_mean`` and ``<name>_std``
        (of a sample; NaN for a single seed, or where a value is not defined).
    """
    cells = table.assign(
        setting=table["settings_id"].map(without_seed),
        settings=table["settings"].map(_settings_without_seed),
        weights=table["weights"].map(weights_without_seed),
    )
    groups = cells.groupby(list(ALIKE), dropna=False, sort=True)
    values = groups[list(AVERAGED)]
    lacking = values.count().lt(groups.size(), axis=0)
    means = values.mean().mask(lacking).add_suffix("_mean")
    deviations = values.std().mask(lacking).add_suffix("_std")
    seeds = groups["settings_id"].nunique().rename("seeds")
    rows = pd.concat([seeds, means, deviations], axis=1).reset_index()
    numbers = [f"{name}_{kind}" for name in AVERAGED for kind in ("mean", "std")]
    return rows[[*ALIKE[:3], "seeds", *numbers, *ALIKE[3:]]]


def write_by_setting(outputs: Path, table: pd.DataFrame) -> None:
    """Rebuild ``summary_by_setting.csv`` from `table`; undefined numbers are ``n/a``."""
    write_atomically(outputs / BY_SETTING_FILE, table_text(by_setting(table)))


def _settings_without_seed(settings: str) -> str:
    kept = {name: value for name, value in json.loads(settings).items() if name != "seed"}
    return json.dumps(kept, sort_keys=True)
