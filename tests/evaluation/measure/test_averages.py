"""Means over categories and over seeds, only of what may be averaged."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from detectors.backbones.names import RANDOM, TRAINED, UNTRAINED
from evaluation.measure.averages import (
    by_setting,
    groups,
    in_order,
    over_categories,
    over_seeds,
    shared_categories,
    without_engine,
    without_seed,
)
from evaluation.store.cells import new_cell, write_cell_file
from evaluation.store.places import CellPlace
from evaluation.store.summary import BY_SETTING_FILE, table_of, write_summary
from tests.make_data import cell_content


def cell(category: str, method: str, image_auroc: float = 0.9, **changes: Any) -> dict[str, Any]:
    """Return a cell with real weights unless told otherwise."""
    backbone = "none" if method == "ae" else "resnet18"
    weights = "none (trained on these pictures)" if method == "ae" else "ImageNet"
    content = cell_content(category, method, backbone=backbone, weights=weights)
    content["metrics"] = content["metrics"] | {"image_auroc": image_auroc}
    return content | changes


def seed(number: int, image_auroc: float, **changes: Any) -> dict[str, Any]:
    """Return a cell of PaDiM with random weights and a seed."""
    return cell("part", "padim", image_auroc) | {
        "settings_id": f"seed-{number}" if number else "",
        "settings": {"seed": number, "padim_channels": 100},
        "weights": f"random (seed {number})",
        **changes,
    }


def test_demo_and_real_data_and_trained_untrained_and_random_backbones_are_groups_apart() -> None:
    table = table_of(
        [
            cell("a", "padim"),
            cell("b", "patchcore", weights="random (seed 0)"),
            cell("c", "ae"),
            cell("d", "padim", demo_data=True),
            cell("e", "padim", weights="filter bank (no training)"),
        ]
    )
    found = [(demo, kind, set(cells["category"])) for demo, kind, cells in groups(table)]
    assert found == [
        (False, TRAINED, {"a", "c"}),
        (False, UNTRAINED, {"e", "c"}),
        (False, RANDOM, {"b", "c"}),
        (True, TRAINED, {"d"}),
    ]
    [(demo, kind, cells)] = groups(table_of([cell("a", "ae"), cell("b", "ae")]))
    assert (demo, kind, len(cells)) == (False, TRAINED, 2)
    nothing = table_of([])
    assert groups(nothing) == []
    assert shared_categories(nothing) == []
    assert over_categories(nothing).empty
    assert by_setting(nothing).empty


def test_means_are_over_the_categories_that_every_method_has() -> None:
    aurocs = {"padim": [0.8, 0.6, 0.1], "ae": [0.7, 0.5, math.nan], "new": [0.2, 0.4, 0.6]}
    table = table_of(
        [
            cell(category, method, value)
            for method, values in aurocs.items()
            for category, value in zip("abc", values, strict=True)
        ]
    )
    assert shared_categories(table) == ["a", "b", "c"]
    assert shared_categories(table, "image_auroc") == ["a", "b"]
    means = in_order(over_categories(table), ("method",))
    assert list(means["method"]) == ["ae", "padim", "new"]
    assert list(means["image_auroc"]) == pytest.approx([0.6, 0.5, 0.4])
    assert list(means["with_image_auroc"]) == [2, 3, 3]
    assert list(means["with_pixel_auroc"]) == list(means["categories"]) == [3, 3, 3]
    assert means["image_auroc_low"].isna().all()
    lacking = table_of([cell("a", "padim"), cell("a", "ae", math.nan)])
    assert shared_categories(lacking, "image_auroc") == []


@pytest.mark.parametrize(
    "changes",
    [{"settings_id": "engine-openvino_precision-int8"}, {"weights": "W"}, {"demo_data": True}],
)
def test_other_settings_weights_and_data_have_means_of_their_own(changes: dict[str, Any]) -> None:
    table = table_of([cell("a", "padim", 0.9), cell("b", "padim", 0.1, **changes)])
    assert sorted(over_categories(table)["image_auroc"]) == [0.1, 0.9]
    assert shared_categories(table) == []


@pytest.mark.parametrize(
    ("settings_id", "setting"),
    [
        ("", ""),
        ("seed-1", ""),
        ("coreset_ratio-0.1", "coreset_ratio-0.1"),
        ("coreset_ratio-0.1_seed-12", "coreset_ratio-0.1"),
        ("seed-12_whole_picture-True", "whole_picture-True"),
        ("image_size-64_seed-3_whole_picture-True", "image_size-64_whole_picture-True"),
    ],
)
def test_a_setting_is_an_identifier_without_its_seed(settings_id: str, setting: str) -> None:
    assert without_seed(settings_id) == setting


@pytest.mark.parametrize(
    ("settings_id", "setting"),
    [
        ("", ""),
        ("engine-openvino_precision-int8", ""),
        ("backbone-x_engine-openvino_precision-bfloat16_seed-1", "backbone-x_seed-1"),
        ("engine-openvino_padim_channels-9_precision-float32", "padim_channels-9"),
        ("coreset_ratio-0.1", "coreset_ratio-0.1"),
    ],
)
def test_a_setting_without_its_engine_is_what_all_engines_share(
    settings_id: str, setting: str
) -> None:
    assert without_engine(settings_id) == setting


def test_mean_deviation_and_count_are_those_over_the_seeds() -> None:
    table = table_of(
        [
            *(seed(number, auroc) for number, auroc in enumerate((0.90, 0.92, 0.97))),
            seed(0, 0.5, settings_id="padim_channels-50", settings={"padim_channels": 50}),
        ]
    )
    made = by_setting(table).set_index("setting")
    deviation = math.sqrt(0.0013)
    assert list(made.index) == ["", "padim_channels-50"]
    assert list(made["seeds"]) == [3, 1]
    assert list(made["image_auroc_mean"]) == pytest.approx([0.93, 0.5])
    assert list(made["image_auroc_std"]) == pytest.approx([deviation, math.nan], nan_ok=True)
    assert made["weights"].iloc[0] == "random"
    assert made["settings"].iloc[0] == '{"padim_channels": 100}'

    rows = over_seeds(table).set_index("settings_id")
    assert list(rows["seeds"]) == [3, 1]
    assert list(rows["image_auroc"]) == pytest.approx([0.93, 0.5])
    assert list(rows["image_auroc_high"]) == pytest.approx([0.95, 0.95])
    assert list(rows["image_auroc_low"]) == pytest.approx([0.8, 0.8])
    means = over_seeds(over_categories(table)).set_index("settings_id")
    assert means["image_auroc_high"].iloc[0] == pytest.approx(0.93 + deviation)
    assert means["image_auroc_low"].iloc[0] == pytest.approx(0.93 - deviation)
    lacking = by_setting(table_of([seed(0, 0.9), seed(1, math.nan)]))
    assert list(lacking["seeds"]) == [2]
    assert lacking["image_auroc_mean"].isna().all()


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": "file other.pth (sha256 00000000)"},
        {"transform": "whole picture 64 x 64 px"},
        {"demo_data": True},
        {"counts": cell_content()["counts"] | {"test_good": 5}},
    ],
)
def test_what_was_not_evaluated_alike_is_no_other_seed(changes: dict[str, Any]) -> None:
    table = table_of([seed(0, 0.9), seed(1, 0.8, **changes)])
    assert list(by_setting(table)["seeds"]) == [1, 1]
    assert list(over_seeds(table)["seeds"]) == [1, 1]


@pytest.mark.parametrize("aurocs", [[], [0.9]])
def test_the_file_says_what_is_not_available(tmp_path: Path, aurocs: list[float]) -> None:
    for auroc in aurocs:
        with new_cell(CellPlace(tmp_path, "part", "padim")) as folder:
            write_cell_file(folder, seed(0, auroc))
    write_summary(tmp_path)
    read = pd.read_csv(tmp_path / BY_SETTING_FILE, keep_default_na=False)
    assert read["image_auroc_mean"].tolist() == aurocs
    assert read["image_auroc_std"].tolist() == ["n/a"] * len(aurocs)
