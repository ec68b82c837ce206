"""Cells that differ in nothing but the seed become one row with their mean and spread."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from evaluation.cells import CellPlace, new_cell, write_cell_file
from evaluation.seeds import BY_SETTING_FILE, by_setting, without_seed, write_by_setting
from evaluation.summary import summary_table
from tests.make_data import cell_content


def write(outputs: Path, image_auroc: float, settings_id: str = "", **changes: Any) -> None:
    """Write one cell of PaDiM."""
    content = cell_content(settings_id=settings_id, **changes)
    content["metrics"] = content["metrics"] | {"image_auroc": image_auroc}
    place = CellPlace(outputs, content["category"], content["method"], settings_id)
    with new_cell(place) as folder:
        write_cell_file(folder, content)


def rows(outputs: Path) -> pd.DataFrame:
    """Return the rows of all cells."""
    return by_setting(summary_table(outputs)[0])


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


def test_mean_deviation_and_count_are_those_over_the_seeds(tmp_path: Path) -> None:
    for seed, image_auroc in enumerate((0.90, 0.92, 0.97)):
        write(
            tmp_path,
            image_auroc,
            f"seed-{seed}" if seed else "",
            settings={"seed": seed, "padim_channels": 100},
            weights=f"random (seed {seed})",
        )
    write(tmp_path, 0.5, "padim_channels-50", settings={"seed": 0, "padim_channels": 50})
    made = rows(tmp_path).set_index("setting")

    assert list(made.index) == ["", "padim_channels-50"]
    assert list(made["seeds"]) == [3, 1]
    assert list(made["image_auroc_mean"]) == pytest.approx([0.93, 0.5])
    deviations = list(made["image_auroc_std"])
    assert deviations == pytest.approx([math.sqrt(0.0013), math.nan], nan_ok=True)
    assert made["weights"].iloc[0] == "random"
    assert made["settings"].iloc[0] == '{"padim_channels": 100}'


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": "file other.pth (sha256 00000000)"},
        {"transform": "whole picture 64 x 64 px"},
        {"demo_data": True},
        {"counts": cell_content()["counts"] | {"test_good": 5}},
    ],
)
def test_what_was_not_evaluated_alike_is_not_averaged(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    write(tmp_path, 0.9)
    write(tmp_path, 0.8, "seed-1", settings={"seed": 1}, **changes)

    assert list(rows(tmp_path)["seeds"]) == [1, 1]


def test_what_one_seed_lacks_is_no_mean(tmp_path: Path) -> None:
    write(tmp_path, 0.9)
    write(tmp_path, math.nan, "seed-1", settings={"seed": 1, "image_size": None})
    made = rows(tmp_path)

    assert list(made["seeds"]) == [2]
    assert made["image_auroc_mean"].isna().all()


def test_the_file_says_what_is_not_available(tmp_path: Path) -> None:
    write(tmp_path, 0.9)
    write_by_setting(tmp_path, summary_table(tmp_path)[0])
    read = pd.read_csv(tmp_path / BY_SETTING_FILE, keep_default_na=False)

    assert read["image_auroc_mean"].tolist() == [0.9]
    assert read["image_auroc_std"].tolist() == ["n/a"]


def test_without_cells_there_are_no_rows(tmp_path: Path) -> None:
    write_by_setting(tmp_path, summary_table(tmp_path)[0])

    assert pd.read_csv(tmp_path / BY_SETTING_FILE).empty
