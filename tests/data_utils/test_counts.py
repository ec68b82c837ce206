"""Counts of pictures from listings."""

from __future__ import annotations

from pathlib import Path

from data_utils.counts import count_pictures, folders_stamp
from data_utils.mvtec import scan_category
from tests.make_data import write_category


def test_counts_equal_those_of_a_full_scan(tmp_path: Path) -> None:
    folder = write_category(tmp_path, train=5, good=2, bad=3)
    (folder / "test" / "good" / "notes.txt").write_text("no picture")
    (folder / "test" / ".hidden").mkdir()
    (folder / "test" / "good" / "000.jpg").write_bytes(b"the same stem as 000.png")
    counts = count_pictures(tmp_path, "part")
    test = scan_category(tmp_path, "part").test

    assert (counts.train, counts.test_good, counts.test_defective) == (5, 2, 3)
    assert (test["label"] == 0).sum() <= counts.test_good
    assert counts.defects == (("blot", 3),)
    assert [path.parent.name for path in counts.examples] == ["good", "good"]


def test_without_good_test_pictures_training_pictures_are_the_examples(tmp_path: Path) -> None:
    write_category(tmp_path, train=2, good=0, bad=1)
    counts = count_pictures(tmp_path, "part")

    assert counts.test_good == 0
    assert [path.parent.parent.name for path in counts.examples] == ["train", "train"]


def test_a_missing_category_counts_as_empty(tmp_path: Path) -> None:
    counts = count_pictures(tmp_path, "part")

    assert (counts.train, counts.test_good, counts.test_defective) == (0, 0, 0)
    assert counts.examples == ()


def test_the_stamp_changes_with_a_new_picture_and_a_new_defect_type(tmp_path: Path) -> None:
    folder = write_category(tmp_path, train=1, good=1, bad=1)
    stamps = [folders_stamp(tmp_path, ["part"])]
    assert folders_stamp(tmp_path, ["part"]) == stamps[0]
    (folder / "test" / "scratch").mkdir()
    stamps.append(folders_stamp(tmp_path, ["part"]))
    (folder / "test" / "scratch").rmdir()
    (folder / "train" / "good" / "000.png").rename(folder / "train" / "good" / "900.png")
    stamps.append(folders_stamp(tmp_path, ["part"]))
    assert len(set(stamps)) == 3
