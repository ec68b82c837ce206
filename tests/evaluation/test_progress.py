"""What is reported of a run is what it does."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import pytest

from evaluation.cells import CellKey
from evaluation.job import JobStatus, read_status
from evaluation.progress import RunProgress

CELLS = [CellKey("bottle", "padim"), CellKey("bottle", "patchcore"), CellKey("screw", "padim")]
PADIM, PATCHCORE, SCREW = CELLS


@pytest.fixture
def progress(tmp_path: Path) -> RunProgress:
    """Return the progress of a run over three cells, without bars."""
    return RunProgress(tmp_path, CELLS, show_bars=False)


def told(outputs: Path) -> JobStatus:
    """Return what the status file says."""
    status = read_status(outputs)
    assert status is not None
    return status


def states(outputs: Path) -> list[str]:
    """Return the states of the three cells as the status file has them."""
    return [cell.state for cell in told(outputs).cells]


def test_a_run_begins_with_everything_waiting(tmp_path: Path, progress: RunProgress) -> None:
    assert told(tmp_path).state == "running"
    assert states(tmp_path) == ["waiting"] * 3
    assert progress.status.pid == told(tmp_path).pid


def test_the_cells_of_a_category_run_together_and_end_one_by_one(
    tmp_path: Path, progress: RunProgress
) -> None:
    progress.begin([PADIM, PATCHCORE])
    begun = states(tmp_path)
    progress.end(PADIM, "done")
    one = states(tmp_path)
    progress.end(PATCHCORE, "skipped", "finished earlier")

    assert begun == ["running", "running", "waiting"]
    assert one == ["done", "running", "waiting"]
    assert states(tmp_path) == ["done", "skipped", "waiting"]
    assert told(tmp_path).cells[1].reason == "finished earlier"


def test_the_end_of_a_cell_is_printed_with_its_reason(
    progress: RunProgress, capsys: pytest.CaptureFixture[str]
) -> None:
    progress.end(PADIM, "failed", "no memory")

    assert capsys.readouterr().out == "bottle / padim: failed - no memory\n"


def test_phases_and_counts_are_told(tmp_path: Path, progress: RunProgress) -> None:
    report = progress.phase("bottle: reading pictures")
    begun = told(tmp_path)
    report(3, 12)
    progress.begin([PADIM])
    status = told(tmp_path)

    assert (begun.phase, begun.done, begun.total) == ("bottle: reading pictures", 0, 0)
    assert (status.phase, status.done, status.total) == ("bottle: reading pictures", 3, 12)


def test_a_run_without_failures_ends_as_done(tmp_path: Path, progress: RunProgress) -> None:
    for cell in CELLS:
        progress.end(cell, "done")
    progress.finish()
    status = told(tmp_path)

    assert (status.state, status.phase, status.eta_s) == ("done", "", 0.0)


def test_one_failed_cell_makes_the_run_end_as_failed(tmp_path: Path, progress: RunProgress) -> None:
    progress.end(PADIM, "failed", "no memory")
    progress.end(SCREW, "done")
    progress.finish()

    assert told(tmp_path).state == "failed"
    assert told(tmp_path).last_error == "bottle / padim: no memory"


@pytest.mark.parametrize(
    ("state", "cell_state"), [("cancelled", "cancelled"), ("failed", "failed")]
)
def test_an_aborted_run_leaves_no_running_cell_and_keeps_finished_ones(
    tmp_path: Path, progress: RunProgress, state: str, cell_state: str
) -> None:
    progress.begin([PADIM, PATCHCORE])
    progress.end(PADIM, "done")
    progress.abort(state, "the reason")

    assert told(tmp_path).state == state
    assert told(tmp_path).last_error == "the reason"
    assert states(tmp_path) == ["done", cell_state, "waiting"]


def test_without_earlier_timings_no_time_is_promised(tmp_path: Path, progress: RunProgress) -> None:
    progress.begin([PADIM, PATCHCORE])

    assert told(tmp_path).eta_s is None


def test_the_time_left_is_that_of_the_cells_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("evaluation.progress.time.monotonic", lambda: now[0])
    estimates = {cell: 60.0 * (i + 1) for i, cell in enumerate(CELLS)}
    progress = RunProgress(tmp_path, CELLS, estimates, show_bars=False)
    left = [told(tmp_path).eta_s]
    progress.begin([PADIM, PATCHCORE])
    now[0] += 50
    progress.phase("fitting")
    left.append(told(tmp_path).eta_s)
    progress.end(PADIM, "done")
    progress.end(PATCHCORE, "done")
    left.append(told(tmp_path).eta_s)
    progress.begin([SCREW])
    now[0] += 10_000
    progress.phase("fitting")
    left.append(told(tmp_path).eta_s)

    assert left == [360, 310, 180, 0]


@pytest.mark.parametrize("state", ["cancelled", "failed"])
def test_an_aborted_run_promises_no_time(tmp_path: Path, state: str) -> None:
    progress = RunProgress(tmp_path, CELLS, dict.fromkeys(CELLS, 60.0), show_bars=False)
    progress.abort(state, "")

    assert told(tmp_path).eta_s is None


def test_bars_are_drawn_on_standard_error_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = RunProgress(tmp_path, CELLS, show_bars=True)
    report = progress.phase("scoring")
    report(1, 2)
    report(2, 2)
    progress.finish()
    printed = capsys.readouterr()

    assert "scoring" in printed.err
    assert printed.out == ""


def test_cells_that_differ_in_their_settings_end_one_by_one(tmp_path: Path) -> None:
    cells = [PADIM, CellKey("bottle", "padim", "seed-1")]
    progress = RunProgress(tmp_path, cells, show_bars=False)
    progress.begin(cells)
    progress.end(cells[1], "failed", "no memory")

    assert states(tmp_path) == ["running", "failed"]
    assert told(tmp_path).last_error == "bottle / padim (seed-1): no memory"


def test_what_is_no_text_or_cannot_be_printed_ends_no_run(
    progress: RunProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, "utf-8"))
    progress.say("/parts/\udcff is damaged")
    said = written.getvalue().decode()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(Broken(), "utf-8"))
    progress.end(PADIM, "done")

    assert said == "/parts/\\udcff is damaged\n"


class Broken(io.BytesIO):
    """A file on a full disk."""

    def write(self, _: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_names_that_are_no_text_stand_in_the_status_all_the_same(tmp_path: Path) -> None:
    RunProgress(tmp_path, CELLS, show_bars=False, arguments=["--data", "/parts/\udcff"])

    assert told(tmp_path).arguments == ["--data", "/parts/?"]
