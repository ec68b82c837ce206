"""New pictures get the scores of the evaluation; none is left out without a word."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_utils.transform import Transform, choose_transform
from detectors.base import AnomalyResult
from evaluation.new_pictures import scoring
from evaluation.new_pictures.opened_cell import OpenCell
from evaluation.new_pictures.scoring import has_other_shape, pictures_below, score_pictures


@pytest.mark.parametrize(("at_once", "batches"), [(16, [12]), (5, [5, 5, 2])])
def test_scores_are_those_of_the_evaluation_with_one_batch_in_memory(
    evaluated: tuple[Path, Path],
    cells: list[OpenCell],
    at_once: int,
    batches: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []
    done: list[int] = []
    score = cells[0].detector.score

    def counted(images: np.ndarray) -> AnomalyResult:
        seen.append(len(images))
        return score(images)

    monkeypatch.setattr(scoring, "AT_ONCE", at_once)
    monkeypatch.setattr(cells[0].detector, "score", counted)
    scored = score_pictures(cells, pictures_below(evaluated[0] / "part" / "test"), done.append)

    assert seen == batches
    assert done == np.cumsum(batches).tolist()
    for cell in cells:
        table = pd.read_csv(cell.place.folder / "scores.csv")
        test = table[table["split"] == "test"].set_index("file")["score"]
        found = {f"part/test/{one.name}": one.score(cell.method) for one in scored}
        assert found == pytest.approx(test.to_dict(), rel=1e-5 if len(batches) > 1 else 1e-7)


def test_pictures_are_found_below_subfolders_by_name_and_hidden_ones_are_not(
    tmp_path: Path,
) -> None:
    hidden = ["notes.txt", ".hidden.png", ".git/y.png"]
    for name in ["b.png", "a.JPG", "ä 사진/z.png", "deep/er/x.bmp", *hidden]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "empty").mkdir()
    names = ["a.JPG", "b.png", "deep/er/x.bmp", "ä 사진/z.png"]
    assert pictures_below(tmp_path) == [(name, tmp_path / name) for name in names]
    with pytest.raises(ValueError, match="There is no picture"):
        pictures_below(tmp_path / "empty")
    with pytest.raises(ValueError, match="There is no folder"):
        pictures_below(tmp_path / "nothing")


def test_a_loop_of_links_is_walked_once_and_a_locked_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked" / "b.png").write_bytes(b"")
    (tmp_path / "locked" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a.txt").symlink_to("a.txt")
    assert pictures_below(tmp_path) == [("locked/b.png", tmp_path / "locked" / "b.png")]
    scandir = os.scandir

    def refusing(path: Path | str) -> object:
        if Path(path).name == "locked":  # also for the superuser, whom no mode keeps out
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(ValueError, match=r"locked cannot be read \(Permission denied\); make"):
        pictures_below(tmp_path)


def test_a_batch_of_unreadable_pictures_has_no_scores(
    cells: list[OpenCell], tmp_path: Path
) -> None:
    (tmp_path / "damaged.png").write_bytes(b"no picture")
    [damaged] = score_pictures(cells, pictures_below(tmp_path))

    assert (damaged.name, str(damaged.remark)) == ("damaged.png", "is not a picture")
    assert not damaged.readable
    assert np.isnan(damaged.score("padim"))


def test_another_shape_is_more_than_rounding_and_less_than_a_third() -> None:
    for width in np.geomspace(250, 4000, 401).round().astype(int).tolist():
        own = choose_transform([(1000, width)], official=False)
        assert not has_other_shape(width, 1000, own)
    assert has_other_shape(400, 300, Transform(224, 224))
    assert has_other_shape(300, 400, Transform(224, 224))
    assert not has_other_shape(390, 300, Transform(224, 224))
