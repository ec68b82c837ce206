"""Scoring a folder of new pictures: the evaluation's scores, in a table that opens anywhere."""

from __future__ import annotations

import csv
import errno
import io
import math
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from detectors.backbones.loading import load_backbone
from detectors.backbones.weights import random_weights
from evaluation import inspection, own_parts
from evaluation.cells import CellError, CellPlace
from evaluation.inspection import OpenCell, open_cell
from evaluation.own_parts import (
    COLUMNS,
    ScoredFile,
    check_target,
    default_file,
    finished_cell_for,
    pictures_below,
    score_files,
    scores_csv,
    verdict,
    write_scores,
)
from evaluation.progress import RunProgress
from evaluation.runner import Run, evaluate
from evaluation.settings import Settings
from evaluation.thresholds import threshold_for
from tests.make_data import SIDE, write_category

BARE = ScoredFile("a.png", 1.0)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a data folder and the outputs of PaDiM and PatchCore on it."""
    base = tmp_path_factory.mktemp("own")
    data, outputs = base / "data", base / "outputs"
    write_category(data, "part")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MVTEC_CACHE", str(base / "cache"))
        run = Run(data, outputs, ["part"], ["padim", "patchcore"], weights="random")
        evaluate(run, RunProgress(outputs, [], show_bars=False))
    return data, outputs


@pytest.fixture(scope="module")
def cell(evaluated: tuple[Path, Path]) -> OpenCell:
    """Return the open cell of PaDiM."""
    backbone = load_backbone("resnet18", "random")
    return open_cell(CellPlace(evaluated[1], "part", "padim"), backbone)


def rows(text: str) -> list[dict[str, str]]:
    """Return the table as a spreadsheet reads it."""
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


@pytest.mark.parametrize("method", ["padim", "patchcore"])
def test_scores_are_those_of_the_evaluation(
    evaluated: tuple[Path, Path], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, outputs = evaluated
    monkeypatch.setattr(own_parts, "BATCH_SIZE", 5)
    opened = finished_cell_for(outputs, "part", method, Settings(), "random")
    folder = data / "part" / "test"
    scored = score_files(opened, folder, pictures_below(folder))
    table = pd.read_csv(outputs / "part" / method / "scores.csv", dtype={"stem": str})
    test = table[table["split"] == "test"]
    expected = dict(zip(test["file"], test["score"], strict=True))
    assert len(scored) == 12
    for one in scored:
        assert one.score == pytest.approx(expected[f"part/test/{one.name}"], rel=1e-6)


def test_at_most_one_batch_is_in_memory(
    evaluated: tuple[Path, Path], cell: OpenCell, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    real = inspection.inspect_pictures

    def counted(cell: OpenCell, images: np.ndarray) -> object:
        seen.append(len(images))
        return real(cell, images)

    monkeypatch.setattr(own_parts, "BATCH_SIZE", 5)
    monkeypatch.setattr(own_parts, "inspect_pictures", counted)
    steps: list[tuple[int, int]] = []
    folder = evaluated[0] / "part" / "test"
    files = pictures_below(folder)
    score_files(cell, folder, files, lambda done, total: steps.append((done, total)))
    assert seen == [5, 5, 2]
    assert steps == [(5, 12), (10, 12), (12, 12)]


def test_pictures_are_found_below_subfolders_by_name_and_hidden_ones_are_not(
    tmp_path: Path,
) -> None:
    names = [
        "b.png",
        "a.JPG",
        "notes.txt",
        ".hidden.png",
        "ä 사진/z.png",
        "deep/er/x.bmp",
        ".git/y.png",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = [path.relative_to(tmp_path).as_posix() for path in pictures_below(tmp_path)]
    assert found == ["a.JPG", "b.png", "deep/er/x.bmp", "ä 사진/z.png"]


def test_a_folder_without_pictures_or_no_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="There is no picture"):
        pictures_below(tmp_path)
    with pytest.raises(ValueError, match="There is no folder"):
        pictures_below(tmp_path / "nothing")


def test_a_loop_of_links_is_walked_once_and_a_locked_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked" / "b.png").write_bytes(b"")
    (tmp_path / "locked" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a").symlink_to("a")
    assert pictures_below(tmp_path) == [tmp_path / "locked" / "b.png"]
    scandir = os.scandir

    def refusing(path: Path | str) -> object:
        if Path(path).name == "locked":  # also for the superuser, whom no mode keeps out
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(ValueError, match=r"locked cannot be read \(Permission denied\); make"):
        pictures_below(tmp_path)


def test_an_unreadable_picture_is_named_and_the_others_keep_their_scores(
    evaluated: tuple[Path, Path], cell: OpenCell, tmp_path: Path
) -> None:
    folder = tmp_path / "부품 사진 😀"
    shutil.copytree(evaluated[0] / "part" / "test" / "blot", folder)
    alone = score_files(cell, folder, pictures_below(folder))
    (folder / "002 damaged.png").write_bytes(b"no picture")
    mixed = score_files(cell, folder, pictures_below(folder))
    damaged = [one for one in mixed if not one.readable]
    assert [one.name for one in damaged] == ["002 damaged.png"]
    assert "picture" in damaged[0].remark
    others = [one for one in mixed if one.readable]
    assert [one.name for one in others] == [one.name for one in alone]
    assert [one.score for one in others] == pytest.approx([one.score for one in alone], rel=1e-6)
    line = rows(scores_csv(mixed, 1.0, 0.05))[2]
    assert (line["score"], line["verdict"]) == ("", "n/a")
    assert line["remark"] == damaged[0].remark


def test_only_unreadable_pictures_are_all_named(cell: OpenCell, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "b.png").write_bytes(b"x")
    scored = score_files(cell, tmp_path, pictures_below(tmp_path))
    assert [(one.name, one.readable) for one in scored] == [("a.png", False), ("b.png", False)]


def test_a_picture_of_another_shape_is_scored_and_said(cell: OpenCell, tmp_path: Path) -> None:
    Image.new("RGB", (3 * SIDE, SIDE)).save(tmp_path / "long.png")
    Image.new("RGB", (SIDE, SIDE)).save(tmp_path / "same.png")
    long, same = score_files(cell, tmp_path, pictures_below(tmp_path))
    assert long.readable
    assert f"{3 * SIDE} x {SIDE} px" in long.remark
    assert same.remark == ""


def test_a_score_at_the_threshold_passes_and_one_above_it_does_not() -> None:
    assert verdict(2.0, 2.0) == "good"
    assert verdict(2.1, 2.0) == "defective"
    assert verdict(math.nan, 2.0) == "n/a"
    assert verdict(2.0, math.nan) == "n/a"


def test_every_line_says_score_threshold_verdict_and_rate() -> None:
    scored = [ScoredFile("a.png", 0.125), ScoredFile("b.png", 3.5)]
    first, second = rows(scores_csv(scored, 2.25, 0.05))
    assert tuple(first) == COLUMNS
    assert first == {
        "file": "a.png",
        "score": "0.125",
        "threshold": "2.25",
        "verdict": "good",
        "false_alarms": "0.05",
        "remark": "",
    }
    assert (second["score"], second["verdict"]) == ("3.5", "defective")


def test_without_a_threshold_there_is_no_verdict() -> None:
    line = rows(scores_csv([BARE], math.nan, 0.001))[0]
    assert (line["threshold"], line["verdict"], line["score"]) == ("n/a", "n/a", "1")


@pytest.mark.parametrize("name", ["=1+1.png", "+a.png", "-a.png", "@a.png"])
def test_a_name_is_never_a_formula(name: str) -> None:
    assert rows(scores_csv([ScoredFile(name, 1.0)], 2.0, 0.05))[0]["file"] == f"'{name}"


@pytest.mark.parametrize("name", ['a, "b".png', "한글 😀.png", "two\nlines.png", "a=b.png"])
def test_a_strange_name_comes_back_as_it_is(name: str) -> None:
    assert rows(scores_csv([ScoredFile(name, 1.0)], 2.0, 0.05))[0]["file"] == name


def test_a_name_that_is_not_unicode_can_be_written(tmp_path: Path, cell: OpenCell) -> None:
    path = tmp_path / "out.csv"
    write_scores(path, cell, [ScoredFile("bad\udcff.png", 1.0)], 0.05)
    assert rows(path.read_bytes().decode("utf-8"))[0]["file"] == "bad?.png"


def test_the_file_begins_with_a_byte_order_mark_and_has_the_cells_threshold(
    tmp_path: Path, cell: OpenCell
) -> None:
    path = tmp_path / "점수.csv"
    threshold = write_scores(path, cell, [BARE], 0.1)
    assert path.read_bytes().startswith(b"\xef\xbb\xbffile,score,")
    assert threshold == threshold_for(cell.calibration_scores, 0.1)
    assert float(rows(path.read_bytes().decode())[0]["threshold"]) == pytest.approx(threshold)


def test_the_table_is_named_after_the_folder(tmp_path: Path) -> None:
    assert default_file(tmp_path / "new parts").name == "new parts_scores.csv"
    assert default_file(Path("/")).name == "scores.csv"


def test_a_file_that_cannot_be_written_is_refused_beforehand(tmp_path: Path) -> None:
    check_target(tmp_path / "new" / "a.csv")
    assert not (tmp_path / "new" / "a.csv").exists()
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="cannot be written"):
        check_target(tmp_path / "file" / "a.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ValueError, match="cannot be written"):
        check_target(tmp_path / "folder.csv")
    with pytest.raises(ValueError, match=r"end in \.csv"):
        check_target(tmp_path / "part.png")


def test_a_cell_that_was_never_made_is_a_sentence(evaluated: tuple[Path, Path]) -> None:
    with pytest.raises(CellError, match=r"no results of AE on 'part' in .*--methods ae"):
        finished_cell_for(evaluated[1], "part", "ae", Settings(), None)
    with pytest.raises(CellError, match="with settings image_size-64"):
        finished_cell_for(evaluated[1], "part", "padim", Settings(image_size=64), "random")


def test_other_weights_than_the_cells_are_refused(evaluated: tuple[Path, Path]) -> None:
    import torch

    path = evaluated[0].parent / "other.pth"
    torch.save(random_weights("resnet18", seed=1).state, path)
    with pytest.raises(CellError, match="other backbone weights"):
        finished_cell_for(evaluated[1], "part", "padim", Settings(), str(path))
