"""Means per method."""

from __future__ import annotations

import math

import pandas as pd

from dashboard.tables import (
    MEAN_COLUMNS,
    auroc_by_category,
    cell_names,
    interval,
    means_per_method,
    number,
    percent,
    percent_interval,
    same_categories,
    shared_means,
)
from evaluation.summary import COLUMNS


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


def test_a_mean_says_how_many_values_it_is_of() -> None:
    table = pd.DataFrame(
        [row("a", "ae", 0.5, pixel_auroc=math.nan), row("b", "ae", math.nan), row("c", "ae", 0.7)]
    )
    mean = means_per_method(table).iloc[0]
    assert (mean["categories"], mean["with_image"], mean["with_pixel"]) == (3, 2, 2)


def test_as_many_categories_are_not_the_same_categories() -> None:
    table = pd.DataFrame([row("a", "ae", 0.5), row("b", "padim", 0.9)])
    assert not same_categories(table)
    assert shared_means(table)[0] == []
    both = pd.concat([table, pd.DataFrame([row("b", "ae", 0.7)])])
    shared, means = shared_means(both)
    assert shared == ["b"]
    assert dict(zip(means["method"], means["image_auroc"], strict=True)) == {
        "ae": 0.7,
        "padim": 0.9,
    }
    assert same_categories(both[both["category"] == "b"])


def test_shared_means_leave_demo_data_and_other_settings_out() -> None:
    table = pd.DataFrame(
        [
            row("a", "ae", 0.5),
            row("a", "padim", 0.9),
            row("demo", "ae", 0.1, demo_data=True),
            row("a", "padim", 0.2, settings_id="seed-1"),
        ]
    )
    assert same_categories(table)
    shared, means = shared_means(table)
    assert shared == ["a"]
    assert list(means["image_auroc"]) == [0.5, 0.9]


def test_each_category_has_one_row_with_all_its_methods() -> None:
    table = pd.DataFrame(
        [
            row("a", "patchcore", 0.9, pixel_auroc=math.nan),
            row("a", "ae", 0.5),
            row("b", "ae", 0.6, demo_data=True),
            row("a", "other", 0.4),
            row("a", "ae", 0.55, settings_id="seed-1"),
        ]
    )
    wide = auroc_by_category(table)
    assert list(wide["category"]) == ["a", "a", "b"]
    assert list(wide["settings_id"]) == ["", "seed-1", ""]
    assert list(wide.columns[3:]) == [
        f"{method}_{name}_auroc"
        for method in ("ae", "patchcore", "other")
        for name in ("image", "pixel")
    ]
    assert list(wide["ae_image_auroc"]) == [0.5, 0.55, 0.6]
    assert wide["patchcore_image_auroc"].iloc[0] == 0.9
    assert wide["patchcore_image_auroc"].isna().sum() == 2
    assert wide["patchcore_pixel_auroc"].isna().all()


def test_no_results_are_an_empty_table() -> None:
    empty = pd.DataFrame(columns=COLUMNS)
    assert auroc_by_category(empty).empty
    assert same_categories(empty)
    assert shared_means(empty)[0] == []


def test_a_copied_cell_that_names_another_category_breaks_no_table() -> None:
    assert len(auroc_by_category(pd.DataFrame([row("a", "ae", 0.5), row("a", "ae", 0.5)]))) == 1


def test_shares_are_percentages() -> None:
    assert percent(0.05) == "5 %"
    assert percent(0.005) == "0.5 %"
    assert percent(math.nan) == "n/a"
    assert percent_interval(0.0021, 0.0594) == "0.2–5.9 %"
    assert percent_interval(math.nan, 1.0) == "n/a"


def test_numbers_that_are_not_defined_read_not_available() -> None:
    assert number(math.nan) == "n/a"
    assert number(0.98765) == "0.988"
    assert interval(math.nan, 1.0) == "n/a"
    assert interval(0.9, 1.0) == "0.900–1.000"


def test_cells_are_named_by_their_methods_and_never_crossed() -> None:
    cells = [
        {"category": category, "method": method}
        for category, method in (
            ("bottle", "ae"),
            ("bottle", "padim"),
            ("cable", "ae"),
            ("cable", "padim"),
            ("pill", "patchcore"),
        )
    ]
    assert cell_names(cells) == "bottle, cable (AE, PaDiM); pill (PatchCore)"
