"""Every picture and mask of a category is paired and checked, and what is wrong is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data_utils.mvtec import (
    OFFICIAL_CATEGORIES,
    Category,
    DatasetError,
    category_names,
    scan,
    scan_category,
)
from tests.make_data import save, write_category

BLACK = np.zeros((8, 8, 3), np.uint8)
WHITE_MASK = np.full((64, 64), 255, np.uint8)


def findings_by_path(category: Category) -> dict[str, list[str]]:
    """Return the problems of every named file or folder."""
    found: dict[str, list[str]] = {}
    for finding in category.findings:
        found.setdefault(finding.path, []).append(finding.problem)
    return found


def stems(category: Category, split: str, defect: str) -> list[str]:
    """Return the stems of one folder in the order of the table."""
    chosen = category.records["split"].eq(split) & category.records["defect"].eq(defect)
    return category.records.loc[chosen, "stem"].tolist()


def test_the_fifteen_official_categories_come_first_then_own_ones_by_name(tmp_path: Path) -> None:
    for name in ("zebra", "alpha", *reversed(OFFICIAL_CATEGORIES)):
        save(BLACK, tmp_path / name / "train" / "good" / "000.png")

    assert len(OFFICIAL_CATEGORIES) == 15
    assert category_names(tmp_path) == [*sorted(OFFICIAL_CATEGORIES), "alpha", "zebra"]


def test_only_categories_of_mvtec_ad_are_official(tmp_path: Path) -> None:
    write_category(tmp_path, "screw", train=2, good=1, bad=1)
    write_category(tmp_path, "screws", train=2, good=1, bad=1)

    scanned = scan(tmp_path)

    assert list(scanned) == ["screw", "screws"]
    assert [category.official for category in scanned.values()] == [True, False]


def test_folders_without_good_training_pictures_and_hidden_ones_are_no_categories(
    tmp_path: Path,
) -> None:
    write_category(tmp_path, "part", train=2, good=1, bad=1)
    save(BLACK, tmp_path / "notes" / "train" / "bad" / "000.png")
    save(BLACK, tmp_path / ".hidden" / "train" / "good" / "000.png")
    (tmp_path / "license.txt").write_text("terms")

    assert category_names(tmp_path) == ["part"]


def test_a_clean_category_has_one_row_per_picture_and_no_findings(tmp_path: Path) -> None:
    write_category(tmp_path, train=3, good=2, bad=2)
    save(BLACK, tmp_path / "part" / "test" / "aged" / "000.png")
    save(BLACK[..., 0], tmp_path / "part" / "ground_truth" / "aged" / "000_mask.png")

    category = scan_category(tmp_path, "part")
    rows = category.records[["split", "defect", "stem", "label"]].values.tolist()

    assert rows == [
        *[["train", "good", f"{i:03}", 0] for i in range(3)],
        *[["test", "good", f"{i:03}", 0] for i in range(2)],
        ["test", "aged", "000", 1],
        *[["test", "blot", f"{i:03}", 1] for i in range(2)],
    ]
    assert category.findings == ()
    assert len(category.train) == 3
    assert len(category.test) == 5
    assert category.train_sizes == [(64, 64)] * 3


def test_sizes_are_those_of_the_files_in_pixels(tmp_path: Path) -> None:
    save(np.zeros((20, 50, 3), np.uint8), tmp_path / "wide" / "train" / "good" / "000.png")

    assert scan_category(tmp_path, "wide").train_sizes == [(20, 50)]


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
    assert defective["mask_path"].tolist() == [mask, other]
    assert category.findings == ()


def test_masks_are_paired_by_name_and_never_by_position(tmp_path: Path) -> None:
    write_category(tmp_path, train=2, good=1, bad=4)
    (tmp_path / "part" / "ground_truth" / "blot" / "001_mask.png").unlink()

    records = scan_category(tmp_path, "part").records
    paired = records[records["defect"] == "blot"].set_index("stem")["mask_path"]

    assert [path.name if path else None for path in paired] == [
        "000_mask.png",
        None,
        "002_mask.png",
        "003_mask.png",
    ]


def test_labels_come_from_folders_and_never_from_masks(tmp_path: Path) -> None:
    write_category(tmp_path, train=2, good=1, bad=1, masks=False)
    save(WHITE_MASK, tmp_path / "part" / "ground_truth" / "good" / "000_mask.png")
    save(WHITE_MASK * 0, tmp_path / "part" / "ground_truth" / "blot" / "000_mask.png")

    test = scan_category(tmp_path, "part").test

    assert test[["defect", "label"]].values.tolist() == [["good", 0], ["blot", 1]]
    assert test["mask_path"].iloc[0] is None


def mask_without_a_picture(part: Path) -> None:
    """Plant a mask for which there is no picture."""
    save(WHITE_MASK, part / "ground_truth" / "blot" / "077_mask.png")


def mask_of_an_unknown_defect(part: Path) -> None:
    """Plant a folder of masks for which there is no folder of pictures."""
    save(WHITE_MASK, part / "ground_truth" / "crack" / "000_mask.png")


def mask_for_a_good_picture(part: Path) -> None:
    """Plant a mask for a picture without a defect."""
    save(WHITE_MASK, part / "ground_truth" / "good" / "000_mask.png")


def mask_of_another_size(part: Path) -> None:
    """Replace a mask by one that is larger than its picture."""
    save(np.full((70, 64), 255, np.uint8), part / "ground_truth" / "blot" / "001_mask.png")


def two_masks_for_one_picture(part: Path) -> None:
    """Plant a second mask for a picture, under the other name that is understood."""
    save(WHITE_MASK, part / "ground_truth" / "blot" / "000.png")


def unreadable_mask(part: Path) -> None:
    """Replace a mask by text."""
    (part / "ground_truth" / "blot" / "001_mask.png").write_text("no mask")


def missing_mask(part: Path) -> None:
    """Remove one of the masks."""
    (part / "ground_truth" / "blot" / "001_mask.png").unlink()


def unreadable_test_picture(part: Path) -> None:
    """Replace a test picture by text."""
    (part / "test" / "good" / "000.png").write_text("no picture")


def unreadable_training_picture(part: Path) -> None:
    """Replace a training picture by text."""
    (part / "train" / "good" / "001.png").write_text("no picture")


def file_that_is_no_picture(part: Path) -> None:
    """Leave a note among the pictures."""
    (part / "train" / "good" / "notes.txt").write_text("light was dim")


def same_stem_in_two_formats(part: Path) -> None:
    """Store a picture a second time in another format."""
    save(WHITE_MASK, part / "test" / "blot" / "000.bmp")


def second_training_folder(part: Path) -> None:
    """Plant defective training pictures."""
    save(BLACK, part / "train" / "blot" / "000.png")


def picture_of_another_shape(part: Path) -> None:
    """Plant a test picture that is clearly wider than the others."""
    save(np.zeros((64, 80, 3), np.uint8), part / "test" / "good" / "050.png")


@pytest.mark.parametrize(
    ("plant", "path", "words"),
    [
        (mask_without_a_picture, "ground_truth/blot/077_mask.png", "mask without a picture"),
        (mask_of_an_unknown_defect, "ground_truth/crack", "no folder test/crack"),
        (mask_for_a_good_picture, "ground_truth/good/000_mask.png", "mask for a good picture"),
        (mask_of_another_size, "ground_truth/blot/001_mask.png", "64 x 70 px.*64 x 64 px"),
        (two_masks_for_one_picture, "ground_truth/blot/000.png", "same picture as 000_mask.png"),
        (unreadable_mask, "ground_truth/blot/001_mask.png", "is not a picture.*no pixel metrics"),
        (missing_mask, "test/blot/001.png", "has no mask"),
        (unreadable_test_picture, "test/good/000.png", "is not a picture; left out"),
        (unreadable_training_picture, "train/good/001.png", "is not a picture; left out"),
        (file_that_is_no_picture, "train/good/notes.txt", "no PNG, JPEG, BMP or TIFF"),
        (same_stem_in_two_formats, "test/blot/000.png", "same name as 000.bmp"),
        (second_training_folder, "train/blot", "only train/good is used"),
        (picture_of_another_shape, "test/good/050", "80 x 64 px, a shape clearly different"),
    ],
)
def test_each_fault_is_named_once_by_its_file(
    tmp_path: Path, plant: Callable[[Path], None], path: str, words: str
) -> None:
    part = write_category(tmp_path, train=3, good=2, bad=3)
    plant(part)

    found = findings_by_path(scan_category(tmp_path, "part"))

    assert list(found) == [f"part/{path}"]
    assert len(found[f"part/{path}"]) == 1
    assert re.search(words, found[f"part/{path}"][0])


@pytest.mark.parametrize("plant", [mask_of_another_size, unreadable_mask, missing_mask])
def test_a_picture_whose_mask_cannot_be_used_stays_without_one(
    tmp_path: Path, plant: Callable[[Path], None]
) -> None:
    plant(write_category(tmp_path, train=2, good=1, bad=3))

    test = scan_category(tmp_path, "part").test

    assert test["mask_path"].isna().tolist() == [True, False, True, False]


@pytest.mark.parametrize(
    ("plant", "split", "defect", "left"),
    [
        (unreadable_training_picture, "train", "good", ["000", "002"]),
        (unreadable_test_picture, "test", "good", ["001"]),
        (same_stem_in_two_formats, "test", "blot", ["000", "001", "002"]),
        (second_training_folder, "train", "blot", []),
        (file_that_is_no_picture, "train", "good", ["000", "001", "002"]),
    ],
)
def test_what_cannot_be_used_is_left_out_of_the_table(
    tmp_path: Path, plant: Callable[[Path], None], split: str, defect: str, left: list[str]
) -> None:
    plant(write_category(tmp_path, train=3, good=2, bad=3))

    assert stems(scan_category(tmp_path, "part"), split, defect) == left


def test_a_category_without_any_masks_is_named_once_not_picture_by_picture(tmp_path: Path) -> None:
    write_category(tmp_path, train=2, good=2, bad=3, masks=False)

    category = scan_category(tmp_path, "part")

    assert findings_by_path(category) == {"part": ["has no usable masks, so pixel metrics are n/a"]}
    assert len(category.test) == 5


@pytest.mark.parametrize(
    ("good", "bad", "words"),
    [
        (0, 2, "has no good test pictures, so image AUROC is n/a"),
        (2, 0, "has no defective test pictures, so AUROC is n/a"),
        (0, 0, "has no test pictures, so nothing can be measured"),
    ],
)
def test_what_is_missing_from_the_test_pictures_is_named(
    tmp_path: Path, good: int, bad: int, words: str
) -> None:
    write_category(tmp_path, train=2, good=good, bad=bad)

    category = scan_category(tmp_path, "part")

    assert findings_by_path(category) == {"part": [words]}
    assert len(category.test) == good + bad


def test_a_category_without_readable_training_pictures_is_named(tmp_path: Path) -> None:
    part = write_category(tmp_path, train=1, good=1, bad=1)
    (part / "train" / "good" / "000.png").write_text("no picture")

    found = findings_by_path(scan_category(tmp_path, "part"))

    assert found["part"] == ["has no readable training picture in train/good"]


def test_hidden_files_of_file_managers_are_ignored_in_silence(tmp_path: Path) -> None:
    part = write_category(tmp_path, train=2, good=1, bad=1)
    for folder in ("train/good", "test/blot", "ground_truth/blot"):
        (part / folder / ".DS_Store").write_bytes(b"x")
        (part / folder / "._000.png").write_bytes(b"x")

    assert scan_category(tmp_path, "part").findings == ()


def test_a_missing_root_is_named_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"^There is no data folder at .*nowhere.*\.$"):
        category_names(tmp_path / "nowhere")


def test_a_file_as_root_is_no_data_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no data folder"):
        category_names(save(BLACK, tmp_path / "picture.png"))


def test_an_empty_root_is_answered_with_the_wanted_layout(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"No category in .*<category>/train/good"):
        category_names(tmp_path)


def test_a_root_that_is_itself_a_category_is_answered_with_its_parent(tmp_path: Path) -> None:
    part = write_category(tmp_path, train=2, good=1, bad=1)

    with pytest.raises(DatasetError) as caught:
        category_names(part)

    assert str(caught.value).endswith(f"give the folder above it: {tmp_path}")


def test_the_parent_is_named_also_for_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_category(tmp_path, train=2, good=1, bad=1))

    with pytest.raises(DatasetError) as caught:
        category_names(Path())

    assert str(caught.value).endswith(f"give the folder above it: {tmp_path}")


def test_an_unknown_category_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    write_category(tmp_path, "part", train=2, good=1, bad=1)
    write_category(tmp_path, "cover", train=2, good=1, bad=1)

    with pytest.raises(DatasetError, match=r"no category 'parts' .* holds: cover, part\.$"):
        scan_category(tmp_path, "parts")
