"""What is reported of a run is what it does."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import pytest

from data_utils.facts import fact
from evaluation.run.progress import RunProgress
from evaluation.store.places import CellKey
from tests.runs import told

CELLS = [CellKey("bottle", "padim"), CellKey("bottle", "patchcore"), CellKey("screw", "padim")]
PADIM, PATCHCORE, SCREW = CELLS
NO_MEMORY = fact("plain", message="no memory")


@pytest.fixture
def progress(tmp_path: Path) -> RunProgress:
    return RunProgress(tmp_path, CELLS, show_bars=False)


def states(outputs: Path) -> list[str]:
    return [cell.state for cell in told(outputs).cells]


def test_cells_begin_together_and_end_one_by_one(
    tmp_path: Path, progress: RunProgress, capsys: pytest.CaptureFixture[str]
) -> None:
    first = told(tmp_path)
    seen = [states(tmp_path)]
    progress.begin([PADIM, PATCHCORE])
    seen.append(states(tmp_path))
    progress.end(PADIM, "done")
    seen.append(states(tmp_path))
    progress.end(PATCHCORE, "skipped", fact("up_to_date"))
    seen.append(states(tmp_path))

    assert (first.state, first.pid) == ("running", progress.status.pid)
    assert first.eta_s is None  # nothing was timed yet
    assert seen == [
        ["waiting"] * 3,
        ["running", "running", "waiting"],
        ["done", "running", "waiting"],
        ["done", "skipped", "waiting"],
    ]
    assert told(tmp_path).cells[1].reason == fact("up_to_date")
    printed = "bottle / padim: done\nbottle / patchcore: skipped - finished earlier\n"
    assert capsys.readouterr().out == printed


def test_phases_and_counts_are_told(tmp_path: Path, progress: RunProgress) -> None:
    report = progress.phase("reading", category="bottle")
    begun = told(tmp_path)
    report(3, 12)
    progress.begin([PADIM])
    status = told(tmp_path)

    assert (str(begun.phase), begun.done, begun.total) == ("bottle: reading pictures", 0, 0)
    assert (str(status.phase), status.done, status.total) == ("bottle: reading pictures", 3, 12)


@pytest.mark.parametrize(("first", "end"), [("done", "done"), ("failed", "failed")])
def test_one_failed_cell_makes_the_run_end_as_failed(
    tmp_path: Path, progress: RunProgress, first: str, end: str
) -> None:
    progress.end(PADIM, first, NO_MEMORY if first == "failed" else None)
    for cell in (PATCHCORE, SCREW):
        progress.end(cell, "done")
    progress.finish()
    status = told(tmp_path)

    assert (status.state, status.phase, status.eta_s) == (end, None, 0.0)
    assert str(status.last_error or "") == ("bottle / padim: no memory" if end == "failed" else "")


@pytest.mark.parametrize("state", ["cancelled", "failed"])
def test_an_aborted_run_keeps_finished_cells_and_has_no_running_one_and_no_time_left(
    tmp_path: Path, state: str
) -> None:
    progress = RunProgress(tmp_path, CELLS, dict.fromkeys(CELLS, 60.0), show_bars=False)
    progress.begin([PADIM, PATCHCORE])
    progress.end(PADIM, "done")
    progress.abort(state, NO_MEMORY)
    status = told(tmp_path)

    assert (status.state, status.last_error, status.eta_s) == (state, NO_MEMORY, None)
    assert states(tmp_path) == ["done", state, "waiting"]


def test_the_time_left_is_that_of_the_cells_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("evaluation.run.progress.time.monotonic", lambda: now[0])
    estimates = {cell: 60.0 * (i + 1) for i, cell in enumerate(CELLS)}
    progress = RunProgress(tmp_path, CELLS, estimates, show_bars=False)
    left = [told(tmp_path).eta_s]
    progress.begin([PADIM, PATCHCORE])
    now[0] += 50
    progress.phase("loading_weights")
    left.append(told(tmp_path).eta_s)
    progress.end(PADIM, "done")
    progress.end(PATCHCORE, "done")
    left.append(told(tmp_path).eta_s)
    progress.begin([SCREW])
    now[0] += 10_000
    progress.phase("loading_weights")
    left.append(told(tmp_path).eta_s)

    assert left == [360, 310, 180, 0]


def test_bars_are_drawn_on_standard_error_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = RunProgress(tmp_path, CELLS, show_bars=True)
    report = progress.phase("scoring", category="bottle")
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
    progress.end(cells[1], "failed", NO_MEMORY)

    assert states(tmp_path) == ["running", "failed"]
    assert str(told(tmp_path).last_error) == "bottle / padim (seed-1): no memory"


class Broken(io.BytesIO):
    def write(self, _: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_what_is_no_text_or_cannot_be_printed_ends_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = RunProgress(tmp_path, CELLS, show_bars=False, arguments=["--data", "/parts/\udcff"])
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, "utf-8"))
    progress.say("/parts/\udcff is damaged")
    said = written.getvalue().decode()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(Broken(), "utf-8"))
    progress.end(PADIM, "done")

    assert said == "/parts/\\udcff is damaged\n"
    assert told(tmp_path).arguments == ["--data", "/parts/\udcff"]
