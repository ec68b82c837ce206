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

import pytest

from data_utils.locations import PROJECT
from evaluation.cell_check import damage_to
from evaluation.cells import SCORES_FILE, read_cell
from evaluation.job import read_status
from evaluation.summary import SUMMARY_FILE
from tests.faults.evaluations import BOTH, CATEGORIES, Evaluation, write_data
from tests.faults.test_damaged_data import go, run_on
from tests.make_data import write_category

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs limits and signals of POSIX")
SENTENCE = "Make room there, or choose another folder with --out, and run again"
OWN_MOUNTS = ["unshare", "--user", "--map-root-user", "--mount"]


@pytest.fixture(scope="module")
def mounts() -> list[str]:
    """Return the words before a command that may mount; skip where nobody may."""
    if not shutil.which("unshare"):
        pytest.skip("needs unshare of Linux")
    tried = subprocess.run([*OWN_MOUNTS, "mount", "-t", "tmpfs", "none", "/mnt"], check=False)
    if tried.returncode:
        pytest.skip("mounting a small disk is not allowed here")
    return OWN_MOUNTS


def ended_on(
    mounts: list[str], evaluation: Evaluation, before: str, after: str = "true"
) -> tuple[int, str]:
    """Run an evaluation between two shell commands that see the same mounts."""
    command = shlex.join(evaluation.command(force=True))
    script = f"set -e; {before}; status=0; {command} || status=$?; {after}; exit $status"
    ended = subprocess.run(
        [*mounts, "sh", "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_files_that_may_not_grow_lose_nothing_that_was_finished(tmp_path: Path) -> None:
    evaluation = Evaluation(write_data(tmp_path), tmp_path / "outputs")
    evaluation.to_the_end()
    before = evaluation.numbers()
    for size in (0, 3_000, 20_000, 200_000):
        status, said = evaluation.ended(force=True, file_bytes=size)

        assert status == 1, said
        assert SENTENCE in said
        assert "Traceback" not in said
        assert evaluation.expect_everything_whole() == len(CATEGORIES) * len(BOTH)
        assert evaluation.numbers() == before
    status, said = evaluation.ended(force=True)

    assert status == 0, said
    assert evaluation.numbers() == before
    assert evaluation.leftovers() == []


def test_a_full_disk_under_the_log_ends_no_run(tmp_path: Path) -> None:
    evaluation = Evaluation(write_data(tmp_path), tmp_path / "outputs")
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            evaluation.command(force=False), cwd=PROJECT, stdout=full, stderr=subprocess.PIPE
        )
    status = read_status(evaluation.outputs)

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert status is not None
    assert status.state == "done"
    assert evaluation.expect_everything_whole() == len(CATEGORIES) * len(BOTH)


@pytest.mark.parametrize("finished_cells", [0, 2])
def test_an_outputs_folder_that_is_removed_during_the_run_is_no_traceback(
    tmp_path: Path, finished_cells: int
) -> None:
    evaluation = Evaluation(write_data(tmp_path), tmp_path / "outputs")
    process = evaluation.start(force=False)
    evaluation.begun(process)
    while sum(place.finished for place in evaluation.places()) < finished_cells:
        assert process.poll() is None
        time.sleep(0.01)
    shutil.rmtree(evaluation.outputs, ignore_errors=True)  # the run goes on writing
    output, _ = process.communicate()
    said = output.decode()
    evaluation.to_the_end()

    assert process.returncode in (0, 1), said
    assert "Traceback" not in said
    assert evaluation.expect_everything_whole() == len(CATEGORIES) * len(BOTH)


def test_a_cache_that_cannot_be_written_is_one_sentence_and_changes_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_data(tmp_path)
    cached = Evaluation(data, tmp_path / "cached")
    cached.to_the_end()
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("MVTEC_CACHE", str(tmp_path / "file"))
    uncached = Evaluation(data, tmp_path / "uncached")
    status, said = uncached.ended()

    assert status == 0, said
    assert uncached.numbers() == cached.numbers()
    for name in CATEGORIES:
        assert said.count(f"The pictures of {name} cannot be kept in {tmp_path / 'file'} (") == 1


@pytest.mark.parametrize("room_kb", [0, 100, 350, 2_400])
def test_a_full_disk_loses_nothing_that_was_finished(
    tmp_path: Path, mounts: list[str], room_kb: int
) -> None:
    evaluation = Evaluation(write_data(tmp_path), tmp_path / "outputs")
    evaluation.to_the_end()
    before = evaluation.numbers()
    kept = tmp_path / "kept"
    evaluation.outputs.rename(kept)
    evaluation.outputs.mkdir()
    here, there = shlex.quote(str(evaluation.outputs)), shlex.quote(str(kept))
    used_kb = sum(-(-path.stat().st_size // 4096) * 4 for path in kept.rglob("*"))
    status, said = ended_on(
        mounts,
        evaluation,
        f"mount -t tmpfs -o size={used_kb + room_kb}k none {here}; cp -a {there}/. {here}",
        f"rm -r {there}/* {there}/.job; cp -a {here}/. {there}",
    )
    evaluation.outputs.rmdir()
    kept.rename(evaluation.outputs)

    assert status == 1, said
    assert SENTENCE in said
    assert "Traceback" not in said
    assert evaluation.expect_everything_whole() == len(CATEGORIES) * len(BOTH)
    assert evaluation.numbers() == before
    assert evaluation.ended(force=True)[0] == 0
    assert evaluation.numbers() == before
    assert evaluation.leftovers() == []


def test_an_outputs_folder_that_is_read_only_is_one_sentence(
    tmp_path: Path, mounts: list[str]
) -> None:
    evaluation = Evaluation(write_data(tmp_path), tmp_path / "outputs")
    evaluation.to_the_end()
    before = evaluation.numbers()
    here = shlex.quote(str(evaluation.outputs))
    status, said = ended_on(
        mounts, evaluation, f"mount --bind {here} {here}; mount -o remount,bind,ro {here}"
    )

    assert status == 2, said
    assert said.count("\n") == 1
    assert f"The outputs folder {evaluation.outputs} cannot be written" in said
    assert evaluation.numbers() == before


def test_an_outputs_folder_that_becomes_read_only_during_the_run_loses_nothing(
    tmp_path: Path, mounts: list[str]
) -> None:
    evaluation = Evaluation(write_data(tmp_path), tmp_path / "outputs")
    evaluation.to_the_end()
    before = evaluation.numbers()
    here = shlex.quote(str(evaluation.outputs))
    changed = (
        f"(while ! grep -q running {here}/.job/status.json; do sleep 0.02; done; "
        f"mount --bind {here} {here}; mount -o remount,bind,ro {here}) &"
    )
    status, said = ended_on(mounts, evaluation, f"{changed} :")

    assert status == 1, said
    assert SENTENCE in said
    assert "Traceback" not in said
    assert evaluation.expect_everything_whole() == len(CATEGORIES) * len(BOTH)
    assert evaluation.numbers() == before
    assert evaluation.ended(force=True)[0] == 0
    assert evaluation.leftovers() == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EIO], ids=os.strerror)
@pytest.mark.parametrize(
    "writer",
    [
        "evaluation.cell_writer.write_pictures",
        "evaluation.cell_writer.seal",
        "evaluation.cells.flush_files",
        "detectors.padim.Padim.save",
        "evaluation.summary.write_atomically",
    ],
)
def test_a_disk_that_fails_for_one_kind_of_file_loses_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    writer: str,
    number: int,
) -> None:
    write_category(tmp_path / "data", train=4, good=2, bad=2)
    run = run_on(tmp_path / "data", ["padim"])
    go(run)
    folder = run.place("part", "padim").folder
    before = (folder / SCORES_FILE).read_text(), (run.outputs / SUMMARY_FILE).read_text()

    def full(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, full)
        [(state, reason)] = go(replace(run, force=True))
    said = capsys.readouterr()
    after = (folder / SCORES_FILE).read_text(), (run.outputs / SUMMARY_FILE).read_text()
    sealed = damage_to(run.place("part", "padim"), read_cell(folder))

    assert after == before
    assert sealed == said.err == ""
    if "summary" in writer:
        assert state == "done"
        said_of = f"summary.csv cannot be written. The system reports: {os.strerror(number)}"
        assert said_of in said.out
    else:
        assert state == "failed"
        assert SENTENCE in reason
    assert [state for state, _ in go(run)] == ["skipped"]
    assert not list(run.outputs.rglob(".*.cell-*"))
