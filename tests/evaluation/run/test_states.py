"""The run matrix says of each cell what is true of it on disk and in the running job."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from data_utils.facts import Fact, fact
from detectors.registry import METHODS
from evaluation.run.progress import CellState, JobStatus
from evaluation.run.states import CellStatus, run_matrix
from evaluation.store.cells import new_cell, record_failure, write_cell_file
from evaluation.store.places import CellPlace
from tests.make_data import cell_content

NOW = datetime.now(UTC)
EQUAL = fact("plain", message="All pictures are equal.")


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
    return tmp_path / "outputs"


def changed(path: Path, seconds_from_now: float) -> None:
    os.utime(path, (time.time() + seconds_from_now,) * 2)


def finish(outputs: Path, data: Path, settings_id: str = "", **changes: Any) -> Path:
    """Put a finished cell of part / padim in place; return its file."""
    place = CellPlace(outputs, "part", "padim", settings_id)
    content = cell_content(data_root=str(data.resolve()), method_version=METHODS["padim"].version)
    content["finished"] = (NOW - timedelta(minutes=30)).isoformat(timespec="seconds")
    with new_cell(place) as folder:
        write_cell_file(folder, content | changes)
    file = place.folder / "cell.json"
    changed(file, -1800)
    return file


def state_of(outputs: Path, data: Path | None, job: JobStatus | None = None) -> CellStatus:
    [status] = run_matrix(outputs, data, ["part"], ["padim"], job)
    return status


def job_with(state: str, cell: str, reason: Fact | None = None, settings_id: str = "") -> JobStatus:
    return JobStatus(state=state, cells=[CellState("part", "padim", cell, reason, settings_id)])


@pytest.mark.parametrize("state", ["running", "waiting"])
def test_cells_without_a_result_run_or_wait_with_the_running_job(
    outputs: Path, data: Path, state: str
) -> None:
    assert state_of(outputs, data, job_with("running", state)).state == state
    record_failure(CellPlace(outputs, "part", "padim"), EQUAL)
    assert state_of(outputs, data, job_with("running", state)).state == state


def test_a_finished_cell_shows_its_result_until_the_running_job_has_reached_it(
    outputs: Path, data: Path
) -> None:
    finish(outputs, data)
    assert state_of(outputs, data, job_with("running", "waiting")).state == "done"
    assert state_of(outputs, data, job_with("running", "running")).state == "running"
    assert state_of(outputs, data, job_with("running", "done")).state == "done"
    changed(data / "part" / "test", -60)
    assert state_of(outputs, data, job_with("running", "waiting")).state == "stale"


@pytest.mark.parametrize("job", ["cancelled", "failed", "done"])
def test_a_job_that_has_ended_has_nothing_waiting(outputs: Path, data: Path, job: str) -> None:
    assert state_of(outputs, data, job_with(job, "waiting")).state == "missing"
    finish(outputs, data)
    assert state_of(outputs, data, job_with(job, "waiting")).state == "done"


def test_other_settings_leave_the_default_cell_as_it_is(outputs: Path, data: Path) -> None:
    finish(outputs, data, settings_id="seed-3")
    assert state_of(outputs, data).state == "missing"
    job = job_with("running", "running", settings_id="seed-3")
    assert state_of(outputs, data, job).state == "missing"


def test_a_failed_try_is_told_with_its_reason_and_says_whether_an_earlier_result_is_kept(
    outputs: Path, data: Path
) -> None:
    of_job = state_of(outputs, data, job_with("failed", "failed", EQUAL))  # its process died
    record_failure(CellPlace(outputs, "part", "padim"), EQUAL)
    noted = state_of(outputs, data)
    finish(outputs, data)
    record_failure(CellPlace(outputs, "part", "padim"), EQUAL)

    assert of_job == noted == CellStatus("part", "padim", "failed", EQUAL)
    assert state_of(outputs, data) == CellStatus("part", "padim", "failed", EQUAL, kept=True)


@pytest.mark.parametrize("name", ["settings", ".hidden"])
def test_a_category_that_cannot_have_results_is_failed(
    outputs: Path, data: Path, name: str
) -> None:
    [status] = run_matrix(outputs, data, [name], ["padim"], None)

    assert status.state == "failed"
    assert "cannot be called" in str(status.reason)


def test_a_cell_of_another_version_or_data_folder_is_stale(outputs: Path, data: Path) -> None:
    finish(outputs, data, method_version=0)
    of_version = state_of(outputs, data)
    finish(outputs, data, data_root="/elsewhere")
    of_data = state_of(outputs, data)

    assert (of_version.state, of_version.reason) == ("stale", fact("other_version"))
    assert (of_data.state, of_data.reason) == ("stale", fact("other_data", data="/elsewhere"))
    assert state_of(outputs, None).state == "done"


@pytest.mark.parametrize(
    "folder", ["train", "train/good", "test", "test/blot", "ground_truth", "ground_truth/blot"]
)
def test_a_folder_that_changed_makes_the_cell_stale_until_a_run_finds_it_up_to_date(
    outputs: Path, data: Path, folder: str
) -> None:
    file = finish(outputs, data)
    before = state_of(outputs, data).state
    changed(data / "part" / folder, -60)
    status = state_of(outputs, data)
    file.touch()
    touched = state_of(outputs, data).state
    changed(file, -30)
    (data / "part" / folder / "000.png").write_bytes(b"never opened")

    assert (before, touched) == ("done", "done")
    assert status.state == "stale"
    assert status.reason == fact("changed_data", folder=f"part/{folder}")
    assert state_of(outputs, data).reason == status.reason


@pytest.mark.parametrize("finished", ["yesterday", ""])
def test_a_cell_of_unknown_age_or_of_a_folder_that_is_gone_is_not_called_stale(
    outputs: Path, data: Path, tmp_path: Path, finished: str
) -> None:
    finish(outputs, data, finished=finished)
    changed(data / "part" / "test", -60)
    assert state_of(outputs, data).state == "done"
    finish(outputs, tmp_path / "gone")
    assert state_of(outputs, tmp_path / "gone").state == "done"
