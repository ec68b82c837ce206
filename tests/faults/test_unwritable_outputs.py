"""No room for results: one clear sentence, earlier results intact, and the next run goes on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.faults.evaluations import BOTH, CATEGORIES, Evaluation, write_data

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs limits and signals of POSIX")
SENTENCE = "Make room there, or choose another folder with --out, and run again"


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


def test_an_outputs_folder_that_is_removed_during_the_run_is_no_traceback(tmp_path: Path) -> None:
    evaluation = Evaluation(write_data(tmp_path), tmp_path / "outputs")
    process = evaluation.start(force=False)
    evaluation.begun(process)
    shutil.rmtree(evaluation.outputs, ignore_errors=True)  # the run goes on writing
    output, _ = process.communicate()
    said = output.decode()
    evaluation.to_the_end()

    assert process.returncode in (0, 1), said
    assert "Traceback" not in said
    assert evaluation.expect_everything_whole() == len(CATEGORIES) * len(BOTH)


def test_a_cache_that_cannot_be_written_changes_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_data(tmp_path)
    cached = Evaluation(data, tmp_path / "cached")
    cached.to_the_end()
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("MVTEC_CACHE", str(tmp_path / "file"))
    uncached = Evaluation(data, tmp_path / "uncached")
    uncached.to_the_end()

    assert uncached.numbers() == cached.numbers()
