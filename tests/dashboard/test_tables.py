"""Means per method."""

from __future__ import annotations

import math

import pandas as pd

from dashboard.tables import MEAN_COLUMNS, interval, means_per_method, number


def row(category: str, method: str, image_auroc: float, **other: object) -> dict[str, object]:
    base: dict[str, object] = dict.fromkeys(MEAN_COLUMNS, 1.0)
    base |= {"demo_data": False, "settings_id": "", "weights": "ImageNet"}
    return base | {"category": category, "method": method, "image_auroc": image_auroc} | other


def test_means_are_per_method_and_leave_undefined_values_out() -> None:
    table = pd.DataFrame(
        [row("a", "ae", 0.5), row("b", "ae", 0.9), row("c", "ae", math.nan), row("a", "padim", 0.7)]
    )
    means = means_per_method(table).set_index("method")
    assert means.loc["ae", "image_auroc"] == 0.7
    assert means.loc["ae", "categories"] == 3
    assert means.loc["padim", "image_auroc"] == 0.7


def test_demo_data_other_settings_and_other_weights_are_never_averaged_together() -> None:
    table = pd.DataFrame(
        [
            row("a", "padim", 0.9),
            row("b", "padim", 0.1, weights="random (seed 0)"),
            row("c", "padim", 0.2, demo_data=True),
            row("d", "padim", 0.3, settings_id="seed-1"),
        ]
    )
    means = means_per_method(table)
    assert sorted(means["image_auroc"]) == [0.1, 0.2, 0.3, 0.9]


def test_no_results_have_no_means() -> None:
    assert means_per_method(pd.DataFrame()).empty


def test_numbers_that_are_not_defined_read_not_available() -> None:
    assert number(math.nan) == "n/a"
    assert number(0.98765) == "0.988"
    assert interval(math.nan, 1.0) == "n/a"
    assert interval(0.9, 1.0) == "0.900–1.000"
