"""A removed cell is gone with all its files, and every other one stays."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from evaluation.cells import (
    CellError,
    CellKey,
    CellPlace,
    new_cell,
    record_failure,
    write_cell_file,
)
from evaluation.job import BusyError, lock_outputs
from evaluation.removal import remove_cells
from evaluation.summary import SUMMARY_FILE, write_summary
from tests.make_data import cell_content

PADIM, PATCHCORE = CellKey("part", "padim"), CellKey("part", "patchcore", "seed-1")


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Return an outputs folder with two cells."""
    for key in (PADIM, PATCHCORE):
        with new_cell(CellPlace(tmp_path, *key)) as folder:
            content = cell_content(key.category, key.method, settings_id=key.settings_id)
            write_cell_file(folder, content)
            (folder / "blot_000_img.png").touch()
    write_summary(tmp_path)
    return tmp_path


def methods(outputs: Path) -> list[str]:
    """Return the methods in the summary."""
    return list(pd.read_csv(outputs / SUMMARY_FILE)["method"])


def test_a_cell_goes_with_all_its_files_and_its_row(outputs: Path) -> None:
    record_failure(CellPlace(outputs, *PATCHCORE), "a later try failed")
    remove_cells(outputs, [PATCHCORE])

    assert not [path for path in (outputs / "settings").rglob("*") if path.is_file()]
    assert not list(outputs.rglob(".*cell-new"))
    assert methods(outputs) == ["padim"]
    assert CellPlace(outputs, *PADIM).finished


def test_a_cell_that_is_not_there_is_passed_over(outputs: Path) -> None:
    remove_cells(outputs, [CellKey("part", "ae"), PADIM])

    assert methods(outputs) == ["patchcore"]


def test_nothing_is_removed_while_an_evaluation_runs(outputs: Path) -> None:
    with lock_outputs(outputs), pytest.raises(BusyError, match="Another evaluation"):
        remove_cells(outputs, [PADIM])

    assert CellPlace(outputs, *PADIM).finished


@pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows")
def test_nothing_is_removed_behind_a_link(
    outputs: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "padim").mkdir()
    (outside / "padim" / "cell.json").write_text("{}")
    (outputs / "linked").symlink_to(outside)
    with pytest.raises(CellError):
        remove_cells(outputs, [CellKey("linked", "padim")])

    assert (outside / "padim" / "cell.json").is_file()
