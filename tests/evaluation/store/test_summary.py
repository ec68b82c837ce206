"""``summary.csv`` is nothing but the finished cells, one row each."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from evaluation.store.cells import new_cell, readable_cells, write_cell_file
from evaluation.store.places import CELL_FILE, CellPlace
from evaluation.store.spreadsheet import harmless, without_guard
from evaluation.store.summary import (
    COLUMNS,
    METRIC_COLUMNS,
    SUMMARY_FILE,
    SummaryError,
    agree,
    parsed_summary,
    stored_summary,
    table_of,
    write_summary,
)
from tests.make_data import cell_content

UNDEFINED = dict.fromkeys(METRIC_COLUMNS, math.nan)


def write(
    outputs: Path,
    category: str = "part",
    method: str = "padim",
    settings_id: str = "",
    **changes: Any,
) -> Path:
    place = CellPlace(outputs, category, method, settings_id)
    with new_cell(place) as folder:
        content = cell_content(category, method, settings_id=settings_id, **changes)
        write_cell_file(folder, content)
    return place.folder


def rows(outputs: Path) -> list[dict[str, str]]:
    with (outputs / SUMMARY_FILE).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_there_is_one_row_per_cell_and_default_settings_come_first(tmp_path: Path) -> None:
    write(tmp_path, "screw", "patchcore")
    write(tmp_path, "bottle", "padim", "seed-1", settings={"seed": 1})
    write(tmp_path, "bottle", "patchcore")
    write(tmp_path, "bottle", "ae")

    assert write_summary(tmp_path) == []
    assert [(row["settings_id"], row["category"], row["method"]) for row in rows(tmp_path)] == [
        ("", "bottle", "ae"),
        ("", "bottle", "patchcore"),
        ("", "screw", "patchcore"),
        ("seed-1", "bottle", "padim"),
    ]
    assert [row["seed"] for row in rows(tmp_path)] == ["0", "0", "0", "1"]


def test_a_row_repeats_the_numbers_of_its_cell(tmp_path: Path) -> None:
    write(tmp_path)
    write_summary(tmp_path)
    (row,) = rows(tmp_path)

    assert list(row) == COLUMNS
    assert row["image_auroc"] == "0.900000"
    assert row["aupro"] == "0.700000"
    assert row["runtime_s"] == "2.000000"
    assert row["ms_per_image"] == "41.600000"
    assert (row["latency_ms"], row["latency_p95_ms"]) == ("52.500000", "61.250000")
    assert (row["train_images"], row["test_good"], row["test_with_mask"]) == ("24", "6", "6")
    assert (row["backbone"], row["weights"]) == ("resnet18", "random (seed 0)")
    assert row["demo_data"] == "False"
    assert json.loads(row["settings"]) == {"seed": 0, "image_size": None}
    assert [name for name, value in row.items() if not value] == ["settings_id"]


def test_undefined_metrics_are_written_as_not_available(tmp_path: Path) -> None:
    write(tmp_path, metrics=UNDEFINED | {"image_auroc": 0.75, "by_defect": {}})
    write_summary(tmp_path)
    (row,) = rows(tmp_path)

    assert row["image_auroc"] == "0.750000"
    assert {row[name] for name in ("pixel_auroc", "aupro", "pixel_ap")} == {"n/a"}
    table = table_of(readable_cells(tmp_path))
    assert table["image_auroc"].tolist() == pytest.approx([0.75])
    assert table["pixel_auroc"].isna().all()


def test_the_summary_is_rebuilt_from_the_cells_and_remembers_nothing(tmp_path: Path) -> None:
    folder = write(tmp_path, "bottle")
    write(tmp_path, "screw")
    write_summary(tmp_path)
    before = rows(tmp_path)
    (folder / CELL_FILE).unlink()
    write(tmp_path, "screw", metrics=cell_content()["metrics"] | {"image_auroc": 0.5})
    write_summary(tmp_path)

    assert [row["category"] for row in before] == ["bottle", "screw"]
    assert [(row["category"], row["image_auroc"]) for row in rows(tmp_path)] == [
        ("screw", "0.500000")
    ]


def test_a_damaged_cell_is_named_and_the_others_keep_their_rows(tmp_path: Path) -> None:
    damaged = write(tmp_path, "bottle")
    write(tmp_path, "screw")
    (damaged / CELL_FILE).write_text('{"format": 2, "categ')

    problems = write_summary(tmp_path)

    assert [row["category"] for row in rows(tmp_path)] == ["screw"]
    assert len(problems) == 1
    assert str(damaged) in str(problems[0])


def test_without_cells_the_summary_has_its_header_only(tmp_path: Path) -> None:
    assert write_summary(tmp_path / "outputs") == []
    assert (tmp_path / "outputs" / SUMMARY_FILE).read_text().strip() == ",".join(COLUMNS)


def test_what_is_read_back_is_what_the_cells_gave(tmp_path: Path) -> None:
    write(
        tmp_path, "나사, 큰", cpu="X", threads=2, system='"L", v2', timings={"fit": 1.5, "odd": 2}
    )
    write(tmp_path, "=1+1", "ae", "seed-7", settings={"seed": 2**32 - 1}, demo_data=True)
    write(tmp_path, "part", metrics=UNDEFINED | {"by_defect": {}}, settings={})
    table = table_of(readable_cells(tmp_path))
    write_summary(tmp_path)
    read = stored_summary(tmp_path)

    pd.testing.assert_frame_equal(read, table, check_exact=False, atol=1e-6)
    assert read["seed"].isna().sum() == 1
    assert read["seed"].max() == 2**32 - 1
    assert agree(read, table)
    assert "\n'=1+1,ae," in (tmp_path / SUMMARY_FILE).read_text()


def test_phases_of_a_cell_are_seconds_by_phase_and_what_is_not_known_is_other(
    tmp_path: Path,
) -> None:
    timings = {"backbone_fit": 3.0, "backbone_score": 1.0, "fit": 2.0, "new": 0.5}
    write(tmp_path, timings=timings)
    [row] = table_of(readable_cells(tmp_path)).to_dict("records")

    assert row["backbone_phase_s"] == 4
    assert row["fit_phase_s"] == 2
    assert row["decode_phase_s"] == 0
    assert row["other_phase_s"] == 0.5


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("image_auroc", "1.2", "image_auroc has impossible values"),
        ("image_auroc", "high", "impossible values"),
        ("fit_s", "-1", "fit_s has impossible values"),
        ("fit_s", "inf", "fit_s has impossible values"),
        ("train_images", "2.5", "impossible values"),
        ("demo_data", "maybe", "demo_data has impossible values"),
        ("seed", "inf", "impossible values"),
        ("settings", "hello", "settings has impossible values"),
        ("settings", "[" * 100_000, "settings has impossible values"),
        ("category", "settings", "names cells that cannot be"),
        ("category", "../x", "names cells that cannot be"),
        ("category", "x" * 300, "names cells that cannot be"),
        ("method", "", "names cells that cannot be"),
        ("settings_id", "../../etc", "names cells that cannot be"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(
    tmp_path: Path, column: str, value: str, reason: str
) -> None:
    write(tmp_path)
    write_summary(tmp_path)
    [row] = rows(tmp_path)
    changed = pd.DataFrame([row | {column: value}], columns=COLUMNS)

    with pytest.raises(SummaryError, match=reason):
        parsed_summary(changed.to_csv(index=False).encode(), "x.csv")
    content = (tmp_path / SUMMARY_FILE).read_bytes()
    with pytest.raises(SummaryError, match="two rows of one cell"):
        parsed_summary(content + content.splitlines(keepends=True)[1], "x.csv")


@pytest.mark.parametrize("name", ["=1+1", "'=x", "''=x", "'x", "+", "plain"])
def test_a_name_that_is_guarded_against_spreadsheets_is_read_back(name: str) -> None:
    assert without_guard(harmless(name)) == name
    assert not harmless(name).startswith(("=", "+"))
