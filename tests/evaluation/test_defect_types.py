"""AUROC by defect type as a table."""

from __future__ import annotations

import math
from typing import Any

from evaluation.defect_types import hardest_types, type_table
from tests.make_data import cell_content


def cell_with(by_defect: object, **changes: Any) -> dict[str, Any]:
    """Return a cell with these defect types."""
    content = cell_content(**changes)
    content["metrics"] = content["metrics"] | {"by_defect": by_defect}
    return content


def test_each_type_of_each_cell_is_a_row() -> None:
    types = {
        "dent": {"count": 4, "image_auroc": 0.7, "pixel_auroc": 0.8},
        "scratch": {"count": 2, "image_auroc": 0.9, "pixel_auroc": math.nan},
    }
    table = type_table([cell_with(types), cell_with(types, method="ae", demo_data=True)])
    assert list(table["defect"]) == ["dent", "scratch"] * 2
    assert list(table["method"]) == ["padim", "padim", "ae", "ae"]
    assert list(table["pictures"]) == [4, 2, 4, 2]
    assert list(table["demo_data"]) == [False, False, True, True]
    assert table["pixel_auroc"].isna().sum() == 2


def test_the_lowest_value_comes_first_and_undefined_ones_are_left_out() -> None:
    types = {
        "a": {"count": 1, "image_auroc": 0.9, "pixel_auroc": math.nan},
        "b": {"count": 1, "image_auroc": 0.4, "pixel_auroc": 0.6},
        "c": {"count": 1, "image_auroc": 0.9, "pixel_auroc": 0.5},
    }
    table = type_table([cell_with(types)])
    assert list(hardest_types(table, "image_auroc")["defect"]) == ["b", "a", "c"]
    assert list(hardest_types(table, "pixel_auroc")["defect"]) == ["c", "b"]


def test_malformed_entries_are_left_out() -> None:
    good = {"count": 1, "image_auroc": 0.9, "pixel_auroc": None}
    table = type_table(
        [cell_with({"x": 3, "y": {}, "z": good}), cell_with(None), cell_with([1, 2])]
    )
    assert list(table["defect"]) == ["z"]
    assert math.isnan(table["pixel_auroc"][0])
