"""The power fails: what was never flushed is gone, and no number is lost."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from evaluation.run.job import remove_cells
from evaluation.store.cells import read_cell
from evaluation.store.checksums import damaged_file
from evaluation.store.summary import stored_summary, wrong_summary
from tests.evaluation.store.test_cells import raise_after_exchange
from tests.faults.test_damaged_data import run_on
from tests.make_data import write_category
from tests.runs import states

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs to know a file by its inode")


class PowerFailure(BaseException):
    """Nothing catches it, as nothing goes on without power."""


class Disk:
    """Remembers what was flushed; a power failure keeps the names but empties everything else."""

    def __init__(self) -> None:
        self.flushed: dict[int, int] = {}
        self._fsync = os.fsync

    def fsync(self, handle: int) -> None:
        self._fsync(handle)
        about = os.fstat(handle)
        self.flushed[about.st_ino] = about.st_size

    def lose_the_rest(self, folder: Path) -> list[Path]:
        """Cut what was not flushed; return it."""
        lost = []
        for path in sorted(folder.rglob("*")):
            about = path.stat()
            if path.is_file() and self.flushed.get(about.st_ino, 0) < about.st_size:
                os.truncate(path, self.flushed.get(about.st_ino, 0))
                lost.append(path)
        return lost


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    watched = Disk()
    monkeypatch.setattr(os, "fsync", watched.fsync)
    return watched


def numbers(folder: Path) -> str:
    return repr(sorted(read_cell(folder)["metrics"].items()))


def test_a_cell_has_its_numbers_and_its_model_on_the_disk_before_it_takes_its_place(
    tmp_path: Path, disk: Disk
) -> None:
    write_category(tmp_path / "data", train=4, good=2, bad=2)
    run = run_on(tmp_path / "data", ["padim"])
    states(run)
    place = run.place("part", "padim")
    before = numbers(place.folder)
    with pytest.MonkeyPatch.context() as patch:
        raise_after_exchange(patch, place, PowerFailure)
        with pytest.raises(PowerFailure):
            states(replace(run, force=True))
    lost = [path for path in disk.lose_the_rest(place.folder.parent) if path.parent == place.folder]
    damaged = damaged_file(place.folder, read_cell(place.folder))
    [state] = states(run)

    assert {path.suffix for path in lost} == {".png"}
    assert numbers(place.folder) == before
    assert "bytes" in str(damaged)
    assert state == "done"
    assert damaged_file(place.folder, read_cell(place.folder)) is None


def test_the_summary_is_on_the_disk_when_it_is_written(tmp_path: Path, disk: Disk) -> None:
    write_category(tmp_path / "data", train=4, good=2, bad=2)
    run = run_on(tmp_path / "data", ["padim", "patchcore"])
    states(run)
    remove_cells(run.outputs, [run.place("part", "patchcore").key])
    disk.lose_the_rest(run.outputs)

    assert list(stored_summary(run.outputs)["method"]) == ["padim"]
    assert wrong_summary(run.outputs) is None


def test_a_folder_that_cannot_be_flushed_loses_no_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def refused(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", refused)
    write_category(tmp_path / "data", train=4, good=2, bad=2)

    assert states(run_on(tmp_path / "data", ["padim"])) == ["done"]
