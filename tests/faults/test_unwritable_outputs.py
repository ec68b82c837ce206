"""No room for results: one clear sentence, earlier results intact, and the next run goes on."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from evaluation.run.plan import Run
from evaluation.run.progress import DONE
from evaluation.store.cells import read_cell
from evaluation.store.checksums import damaged_file
from evaluation.store.places import SCORES_FILE
from evaluation.store.summary import SUMMARY_FILE
from tests.faults.evaluations import CATEGORIES, Evaluation
from tests.faults.test_damaged_data import run_on
from tests.make_data import write_category
from tests.runs import evaluated, states

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs limits and signals of POSIX")
SENTENCE = "Make room there, or choose another folder with --out, and run again"


@pytest.fixture(scope="module")
def mounts() -> None:
    tried = "unshare --user --map-root-user --mount mount -t tmpfs none /mnt"
    if subprocess.run(tried, shell=True, capture_output=True).returncode:
        pytest.skip("mounting a small disk is not allowed here")


def test_files_that_may_not_grow_lose_nothing_that_was_finished(
    finished: Evaluation, undisturbed: Evaluation
) -> None:
    for size in (0, 3_000, 200_000):
        status, said = finished.start(force=True, file_bytes=size).ended()

        assert status == 1, said
        assert SENTENCE in said
        assert "Traceback" not in said
        finished.expect_same(undisturbed)
    finished.expect_to_go_on_like(undisturbed, force=True)


def test_a_full_disk_under_the_log_ends_no_run(fresh: Evaluation, undisturbed: Evaluation) -> None:
    assert fresh.start(log="/dev/full").ended() == (0, "")
    assert fresh.status.state == DONE
    fresh.expect_same(undisturbed)


@pytest.mark.parametrize("finished_cells", [0, 2])
def test_an_outputs_folder_that_is_removed_during_the_run_is_no_traceback(
    fresh: Evaluation, undisturbed: Evaluation, finished_cells: int
) -> None:
    started = fresh.start()
    fresh.wait_until_begun(started)
    while sum(place.finished for place in fresh.places()) < finished_cells:
        assert started.process.is_alive()
        time.sleep(0.01)
    shutil.rmtree(fresh.outputs, ignore_errors=True)  # the run goes on writing
    status, said = started.ended()

    assert status in (0, 1), said
    assert "Traceback" not in said
    fresh.expect_to_go_on_like(undisturbed)


def test_a_cache_that_cannot_be_written_is_one_sentence_and_changes_no_number(
    fresh: Evaluation, undisturbed: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("MVTEC_CACHE", str(tmp_path / "file"))
    status, said = fresh.start().ended()

    assert status == 0, said
    fresh.expect_same(undisturbed)
    for name in CATEGORIES:
        assert said.count(f"The pictures of {name} cannot be kept in {tmp_path / 'file'} (") == 1


@pytest.mark.usefixtures("mounts")
@pytest.mark.parametrize("room_kb", [0, 350, 2_400])
def test_a_full_disk_loses_nothing_that_was_finished(
    fresh: Evaluation, undisturbed: Evaluation, tmp_path: Path, room_kb: int
) -> None:
    fresh.outputs.mkdir()
    after = replace(fresh, outputs=tmp_path / "after")
    before, here, there = (shlex.quote(str(one.outputs)) for one in (undisturbed, fresh, after))
    files = undisturbed.outputs.rglob("*")
    used_kb = sum(-(-path.stat().st_size // 4096) * 4 for path in files)
    disk = f"mount -t tmpfs -o size={used_kb + room_kb}k none {here} && cp -a {before}/. {here}"
    status, said = fresh.start(force=True, before=disk, after=f"cp -a {here} {there}").ended()

    assert status == 1, said
    assert SENTENCE in said
    assert "Traceback" not in said
    after.expect_same(undisturbed)
    after.expect_to_go_on_like(undisturbed, force=True)


@pytest.mark.usefixtures("mounts")
def test_an_outputs_folder_that_is_read_only_is_one_sentence(
    finished: Evaluation, undisturbed: Evaluation
) -> None:
    status, said = finished.start(force=True, before=_read_only(finished.outputs)).ended()

    assert status == 2, said
    assert said.count("\n") == 1
    assert f"The outputs folder {finished.outputs} cannot be written" in said
    finished.expect_same(undisturbed)


@pytest.mark.usefixtures("mounts")
def test_an_outputs_folder_that_becomes_read_only_during_the_run_loses_nothing(
    finished: Evaluation, undisturbed: Evaluation
) -> None:
    status_file = shlex.quote(str(finished.outputs / ".job" / "status.json"))
    later = (
        f"(while ! grep -q running {status_file}; do sleep 0.02; done; "
        f"{_read_only(finished.outputs)}) &"
    )
    status, said = finished.start(force=True, before=later).ended()

    assert status == 1, said
    assert SENTENCE in said
    assert "Traceback" not in said
    finished.expect_same(undisturbed)
    finished.expect_to_go_on_like(undisturbed, force=True)


def _read_only(folder: Path) -> str:
    """Return the shell command that mounts a folder over itself, read-only."""
    here = shlex.quote(str(folder))
    return f"mount --bind {here} {here} && mount -o remount,bind,ro {here}"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    data = tmp_path_factory.mktemp("done") / "data"
    write_category(data, train=4, good=2, bad=2)
    run = run_on(data, ["padim"])
    states(run)
    return run


@pytest.mark.parametrize(
    "writer",
    [
        "evaluation.run.writing.write_pictures",
        "evaluation.run.writing.write_cell_file",
        "evaluation.store.cells.flush_files",
        "detectors.padim.Padim.save",
        "evaluation.store.summary.write_atomically",
    ],
)
def test_a_disk_that_fails_for_one_kind_of_file_loses_nothing(
    done: Run, capsys: pytest.CaptureFixture[str], writer: str
) -> None:
    folder = done.place("part", "padim").folder

    def texts() -> list[str]:
        return [(folder / SCORES_FILE).read_text(), (done.outputs / SUMMARY_FILE).read_text()]

    before = texts()
    for number in (errno.ENOSPC, errno.EFBIG, errno.EIO):
        error = OSError(number, os.strerror(number))
        with mock.patch(writer, side_effect=error):
            [(state, reason)] = evaluated(replace(done, force=True))
        said = capsys.readouterr()

        assert texts() == before
        assert damaged_file(folder, read_cell(folder)) is None
        assert said.err == ""
        if "summary" in writer:
            assert state == "done"
            reported = f"summary.csv cannot be written. The system reports: {error.strerror}"
            assert reported in said.out
        else:
            assert state == "failed"
            assert SENTENCE in reason
    assert states(done) == ["skipped"]
    assert not list(done.outputs.rglob(".*.cell-*"))
