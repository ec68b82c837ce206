"""New pictures get the scores of the evaluation; none is left out without a word."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from data_utils.transform import Transform, choose_transform
from detectors.base import AnomalyResult
from evaluation.new_pictures import scoring
from evaluation.new_pictures.opened_cell import OpenCell
from evaluation.new_pictures.scoring import (
    has_other_shape,
    pictures_below,
    score_pictures,
    unlike_held_out,
)
from tests.make_data import defective_picture, good_picture, save


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
        table = table[table["split"] == "test"].set_index("file")
        for one in scored:
            row = table.loc[f"part/test/{one.name}"]
            assert one.backgrounds[cell.method] == pytest.approx(row["background"], rel=1e-4)
            assert one.looks["size"] == row["size"] == "64x64"
            for name in ("brightness", "sharpness"):
                assert one.looks[name] == pytest.approx(row[name], rel=1e-8)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda picture: picture, ""),
        (lambda picture: picture * 0.8, "they are darker (AUROC of brightness 1.00"),
        (lambda picture: gaussian_filter(picture, (1, 1, 0)), "they are less sharp"),
        (lambda picture: np.tile(picture, (2, 1, 1)), "12 of them have a size that none"),
    ],
)
def test_only_pictures_that_were_changed_as_a_whole_are_said_to_differ(
    cells: list[OpenCell],
    tmp_path: Path,
    change: Callable[[np.ndarray], np.ndarray],
    told: str,
) -> None:
    rng = np.random.default_rng(3)
    for number in range(12):
        picture = good_picture(rng) if number else defective_picture(rng)[0]
        save(change(picture.astype(float)).astype(np.uint8), tmp_path / f"{number}.png")
    scored = score_pictures(cells, pictures_below(tmp_path))
    of_one, of_both = (str(unlike_held_out(scored, some) or "") for some in (cells[:1], cells))

    assert bool(of_both) == bool(of_one) == bool(told)
    assert told in of_one
    assert of_both.count(told) == 1 or not told
    assert of_both.startswith("These 12 pictures differ from the held-out") or not told
    assert unlike_held_out(scored[:3], cells) is None


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
