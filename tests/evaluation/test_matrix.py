"""The run matrix says of each cell what is true of it on disk and in the running job."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from detectors.registry import METHODS
from evaluation.cells import CellPlace, record_failure
from evaluation.job import CellState, JobStatus
from evaluation.matrix import CellStatus, run_matrix
from tests.make_data import cell_content

NOW = datetime.now(UTC)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data folder with the folders of one category, all an hour old, no pictures."""
    root = tmp_path / "data"
    for name in ("train/good", "test/good", "test/blot", "ground_truth/blot"):
        (root / "part" / name).mkdir(parents=True)
    for folder in (root / "part").rglob("*"):
        changed(folder, -3600)
    return root


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Return the outputs folder."""
    return tmp_path / "outputs"


def changed(path: Path, seconds_from_now: float) -> None:
    """Set the time at which a file or folder was changed last."""
    os.utime(path, (time.time() + seconds_from_now,) * 2)


def finish(outputs: Path, data: Path, settings_id: str = "", **changes: Any) -> Path:
    """Put a finished cell of part / padim in place; return its file."""
    folder = CellPlace(outputs, "part", "padim", settings_id).folder
    folder.mkdir(parents=True)
    content = cell_content(data_root=str(data.resolve()), method_version=METHODS["padim"].version)
    content["finished"] = (NOW - timedelta(minutes=30)).isoformat(timespec="seconds")
    file = folder / "cell.json"
    file.write_text(json.dumps(content | changes))
    changed(file, -1800)
    return file


def state_of(outputs: Path, data: Path | None, job: JobStatus | None = None) -> CellStatus:
    """Return the state of part / padim."""
    [status] = run_matrix(outputs, data, ["part"], ["padim"], job)
    return status


def job_with(state: str, cell: str, reason: str = "", settings_id: str = "") -> JobStatus:
    """Return a job with the single cell part / padim."""
    return JobStatus(state=state, cells=[CellState("part", "padim", cell, reason, settings_id)])


def test_the_matrix_has_every_cell_once_category_by_category(outputs: Path, data: Path) -> None:
    finish(outputs, data)
    matrix = run_matrix(outputs, data, ["part", "other"], ["ae", "padim"], None)

    assert [(cell.category, cell.method, cell.state) for cell in matrix] == [
        ("part", "ae", "missing"),
        ("part", "padim", "done"),
        ("other", "ae", "missing"),
        ("other", "padim", "missing"),
    ]
    assert all(cell.reason == "" for cell in matrix)


def test_a_cell_with_other_settings_does_not_count(outputs: Path, data: Path) -> None:
    finish(outputs, data, settings_id="seed-3")

    assert state_of(outputs, data).state == "missing"


@pytest.mark.parametrize("state", ["running", "waiting"])
def test_cells_without_a_result_run_or_wait_with_the_running_job(
    outputs: Path, data: Path, state: str
) -> None:
    assert state_of(outputs, data, job_with("running", state)).state == state
    record_failure(CellPlace(outputs, "part", "padim"), "No memory left.")
    assert state_of(outputs, data, job_with("running", state)).state == state


def test_a_finished_cell_shows_its_result_until_the_running_job_has_reached_it(
    outputs: Path, data: Path
) -> None:
    finish(outputs, data)
    assert state_of(outputs, data, job_with("running", "waiting")).state == "done"
    assert state_of(outputs, data, job_with("running", "running")).state == "running"
    changed(data / "part" / "test", -60)
    assert state_of(outputs, data, job_with("running", "waiting")).state == "stale"


@pytest.mark.parametrize("job", ["cancelled", "failed", "done"])
def test_a_job_that_has_ended_has_nothing_waiting(outputs: Path, data: Path, job: str) -> None:
    assert state_of(outputs, data, job_with(job, "waiting")).state == "missing"
    finish(outputs, data)
    assert state_of(outputs, data, job_with(job, "waiting")).state == "done"


def test_a_running_job_with_other_settings_leaves_the_default_cell_as_it_is(
    outputs: Path, data: Path
) -> None:
    job = job_with("running", "running", settings_id="seed-3")

    assert state_of(outputs, data, job).state == "missing"


def test_what_a_running_job_has_finished_is_done(outputs: Path, data: Path) -> None:
    finish(outputs, data)

    assert state_of(outputs, data, job_with("running", "done")).state == "done"


def test_a_failed_try_is_told_with_its_reason(outputs: Path, data: Path) -> None:
    record_failure(CellPlace(outputs, "part", "padim"), "All pictures are equal.")

    assert state_of(outputs, data) == CellStatus(
        "part", "padim", "failed", "All pictures are equal."
    )


def test_a_failed_try_over_an_earlier_result_says_that_it_is_kept(
    outputs: Path, data: Path
) -> None:
    finish(outputs, data)
    record_failure(CellPlace(outputs, "part", "padim"), "All pictures are equal.")

    assert (state_of(outputs, data).state, state_of(outputs, data).cause) == ("failed", "kept")


def test_a_cell_whose_process_died_is_failed_without_a_note(outputs: Path, data: Path) -> None:
    status = state_of(outputs, data, job_with("failed", "failed", "the process ended"))

    assert (status.state, status.reason) == ("failed", "the process ended")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"category": "part"}', "\xff"])
def test_a_note_that_cannot_be_read_is_still_a_failure(
    outputs: Path, data: Path, content: str
) -> None:
    note = CellPlace(outputs, "part", "padim").failure_file
    note.parent.mkdir(parents=True)
    note.write_bytes(content.encode("latin-1"))

    assert state_of(outputs, data).state == "failed"
    assert state_of(outputs, data).reason.endswith("cannot be read.")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 2}'])
def test_a_damaged_cell_is_failed_and_named(outputs: Path, data: Path, content: str) -> None:
    finish(outputs, data).write_text(content)
    status = state_of(outputs, data)

    assert status.state == "failed"
    assert status.reason.endswith("evaluate this cell again.")


@pytest.mark.parametrize("name", ["settings", ".hidden"])
def test_a_category_that_cannot_have_results_is_failed(
    outputs: Path, data: Path, name: str
) -> None:
    [status] = run_matrix(outputs, data, [name], ["padim"], None)

    assert status.state == "failed"
    assert "cannot be called" in status.reason


def test_a_cell_of_another_version_of_the_method_is_stale(outputs: Path, data: Path) -> None:
    finish(outputs, data, method_version=0)
    status = state_of(outputs, data)

    assert (status.state, status.cause) == ("stale", "version")
    assert "another version of the method" in status.reason


def test_a_cell_from_another_data_folder_is_stale_and_says_which(outputs: Path, data: Path) -> None:
    finish(outputs, data, data_root="/elsewhere")
    status = state_of(outputs, data)

    assert (status.state, status.cause, status.detail) == ("stale", "other_data", "/elsewhere")
    assert "/elsewhere" in status.reason


def test_without_a_data_folder_no_cell_is_stale_for_its_data(outputs: Path, data: Path) -> None:
    finish(outputs, data, data_root="/elsewhere")

    assert state_of(outputs, None).state == "done"


@pytest.mark.parametrize(
    "folder", ["train", "train/good", "test", "test/blot", "ground_truth", "ground_truth/blot"]
)
def test_a_folder_that_changed_after_the_cell_makes_it_stale(
    outputs: Path, data: Path, folder: str
) -> None:
    finish(outputs, data)
    before = state_of(outputs, data).state
    changed(data / "part" / folder, -60)
    status = state_of(outputs, data)

    assert before == "done"
    assert (status.state, status.cause) == ("stale", "changed_data")
    assert status.detail == f"part/{folder}"


def test_adding_a_picture_makes_the_cell_stale(outputs: Path, data: Path) -> None:
    finish(outputs, data)
    (data / "part" / "train" / "good" / "000.png").write_bytes(b"never opened")

    assert state_of(outputs, data).detail == "part/train/good"


def test_a_run_that_found_the_cell_up_to_date_ends_its_staleness(outputs: Path, data: Path) -> None:
    file = finish(outputs, data)
    changed(data / "part" / "test", -60)
    before = state_of(outputs, data).state
    file.touch()

    assert (before, state_of(outputs, data).state) == ("stale", "done")


@pytest.mark.parametrize("finished", ["yesterday", ""])
def test_a_cell_of_unknown_age_is_not_called_stale(
    outputs: Path, data: Path, finished: object
) -> None:
    finish(outputs, data, finished=finished)
    changed(data / "part" / "test", -60)

    assert state_of(outputs, data).state == "done"


def test_a_category_whose_folder_is_gone_is_judged_by_what_is_left(
    outputs: Path, tmp_path: Path
) -> None:
    finish(outputs, tmp_path / "gone")

    assert state_of(outputs, tmp_path / "gone").state == "done"
