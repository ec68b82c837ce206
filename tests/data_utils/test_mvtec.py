"""Every picture and mask of a category is paired and checked, and what is wrong is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from data_utils.mvtec import (
    OFFICIAL_CATEGORIES,
    Category,
    DatasetError,
    category_names,
    count_pictures,
    folders_stamp,
    scan_category,
)
from tests.make_data import save, write_category

BLACK = np.zeros((8, 8, 3), np.uint8)
WHITE_MASK = np.full((64, 64), 255, np.uint8)


def findings_by_path(category: Category) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in category.findings:
        found.setdefault(finding.path, []).append(str(finding.problem))
    return found


def test_the_official_categories_come_first_and_what_is_none_is_left_out(tmp_path: Path) -> None:
    for name in ("zebra", "screws", *reversed(OFFICIAL_CATEGORIES), ".hidden"):
        save(BLACK, tmp_path / name / "train" / "good" / "000.png")
    save(BLACK, tmp_path / "notes" / "train" / "bad" / "000.png")
    (tmp_path / "license.txt").write_text("terms")

    assert len(OFFICIAL_CATEGORIES) == 15
    assert category_names(tmp_path) == [*sorted(OFFICIAL_CATEGORIES), "screws", "zebra"]
    assert scan_category(tmp_path, "screw").official
    assert not scan_category(tmp_path, "screws").official


def test_a_clean_category_has_one_row_per_picture_and_no_findings(tmp_path: Path) -> None:
    write_category(tmp_path, train=3, good=2, bad=2)
    aged = np.zeros((60, 50, 3), np.uint8)
    save(aged, tmp_path / "part" / "test" / "aged" / "000.png")
    save(aged[..., 0], tmp_path / "part" / "ground_truth" / "aged" / "000_mask.png")

    category = scan_category(tmp_path, "part")
    rows = category.records[["split", "defect", "stem", "label"]].values.tolist()

    assert rows == [
        *[["train", "good", f"{i:03}", 0] for i in range(3)],
        *[["test", "good", f"{i:03}", 0] for i in range(2)],
        ["test", "aged", "000", 1],
        *[["test", "blot", f"{i:03}", 1] for i in range(2)],
    ]
    assert [finding.path for finding in category.findings] == ["part/test/aged/000"]
    assert category.records[["height", "width"]].values.tolist()[5] == [60, 50]
    assert len(category.train) == 3
    assert len(category.test) == 5
    assert category.train_sizes == [(64, 64)] * 3


@pytest.mark.parametrize("mask_name", ["000_mask.png", "000.png", "000_mask.bmp", "000.tif"])
def test_masks_are_paired_by_stem_with_and_without_the_suffix(
    tmp_path: Path, mask_name: str
) -> None:
    write_category(tmp_path, train=2, good=1, bad=2, masks=False)
    masks = tmp_path / "part" / "ground_truth" / "blot"
    mask = save(WHITE_MASK, masks / mask_name)
    other = save(WHITE_MASK, masks / mask_name.replace("000", "001"))

    category = scan_category(tmp_path, "part")
    defective = category.records[category.records["label"] == 1]

    assert defective["stem"].tolist() == ["000", "001"]
    assert defective["mask_paths"].tolist() == [(mask,), (other,)]
    assert category.findings == ()


@pytest.mark.parametrize(
    ("train", "good", "bad", "words"),
    [
        (2, 2, 3, "has no usable masks, so pixel metrics are n/a"),  # not picture by picture
        (2, 0, 2, "has no good test pictures, so image AUROC is n/a"),
        (2, 2, 0, "has no defective test pictures, so AUROC is n/a"),
        (2, 0, 0, "has no test pictures, so nothing can be measured"),
        (0, 1, 1, "has no readable training picture in train/good"),
        (1, 1, 1, "has only one training picture: no threshold, and scores mean little"),
    ],
)
def test_what_a_category_lacks_is_named(
    tmp_path: Path, train: int, good: int, bad: int, words: str
) -> None:
    masks = "masks" not in words
    part = write_category(tmp_path, train=train, good=good, bad=bad, masks=masks)
    (part / "train" / "good").mkdir(parents=True, exist_ok=True)
    category = scan_category(tmp_path, "part")

    assert findings_by_path(category)["part"] == [words]
    assert len(category.test) == good + bad


def test_hidden_files_of_file_managers_are_ignored_in_silence(tmp_path: Path) -> None:
    part = write_category(tmp_path, train=2, good=1, bad=1)
    for folder in ("train/good", "test/blot", "ground_truth/blot"):
        (part / folder / ".DS_Store").write_bytes(b"x")
        (part / folder / "._000.png").write_bytes(b"x")

    assert scan_category(tmp_path, "part").findings == ()


@pytest.mark.parametrize(
    ("root", "words"),
    [
        ("nowhere", r"^There is no data folder at .*nowhere.*\.$"),
        ("part/test/good/000.png", "no data folder"),
        ("part/test", "No category in .*<category>/train/good"),
    ],
)
def test_a_root_without_categories_is_answered_in_a_sentence(
    tmp_path: Path, root: str, words: str
) -> None:
    write_category(tmp_path, train=1, good=1, bad=0)

    with pytest.raises(DatasetError, match=words):
        category_names(tmp_path / root)


@pytest.mark.parametrize("current", [False, True])
def test_a_root_that_is_itself_a_category_is_answered_with_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, current: bool
) -> None:
    part = write_category(tmp_path, train=2, good=1, bad=1)
    monkeypatch.chdir(part)

    with pytest.raises(DatasetError) as caught:
        category_names(Path() if current else part)

    assert str(caught.value).endswith(f"give the folder above it: {tmp_path}")


def test_an_unknown_category_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    write_category(tmp_path, "part", train=2, good=1, bad=1)
    write_category(tmp_path, "cover", train=2, good=1, bad=1)

    with pytest.raises(DatasetError, match=r"no category parts in .* holds: cover, part\.$"):
        scan_category(tmp_path, "parts")


def test_counts_from_listings_equal_those_of_a_full_scan(tmp_path: Path) -> None:
    folder = write_category(tmp_path, train=5, good=2, bad=3)
    (folder / "test" / "good" / "notes.txt").write_text("no picture")
    (folder / "test" / ".hidden").mkdir()
    (folder / "test" / "good" / "000.jpg").write_bytes(b"the same stem as 000.png")
    counts = count_pictures(tmp_path, "part")

    assert (counts.train, counts.test_good, counts.test_defective) == (5, 2, 3)
    assert len(scan_category(tmp_path, "part").test) <= 2 + 3
    assert counts.defects == (("blot", 3),)
    assert [path.parent.relative_to(folder) for path in counts.examples] == [Path("test/good")] * 2

    shutil.rmtree(folder / "test" / "good")
    examples = count_pictures(tmp_path, "part").examples
    assert [path.parent.relative_to(folder) for path in examples] == [Path("train/good")] * 3

    missing = count_pictures(tmp_path, "another")
    assert (missing.train, missing.test_good, missing.test_defective) == (0, 0, 0)
    assert missing.examples == ()


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
