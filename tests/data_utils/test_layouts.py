"""Data sets as they lie on disks: every layout gives the same table of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from data_utils.decoding import decode
from data_utils.layouts import data_folders
from data_utils.mvtec import category_names, count_pictures, left_out_folders, scan_category
from data_utils.transform import Transform
from tests.make_data import good_picture, save

SIDE = 32
Row = tuple[str, str, str, int]  # split, defect, stem, masks


def pictures(folder: Path, *names: str) -> None:
    for name in names:
        rng = np.random.default_rng(len(str(folder)) + sum(map(ord, name)))
        save(good_picture(rng, SIDE), folder / name)


def mask(path: Path, *rows: int) -> None:
    marked = np.zeros((SIDE, SIDE), np.uint8)
    marked[list(rows)] = 255
    save(marked, path)


def table(root: Path, name: str = "part") -> list[Row]:
    records = scan_category(root, name).records
    columns = records["split"], records["defect"], records["stem"], records["mask_paths"].map(len)
    return sorted(zip(*columns, strict=True))


def findings(root: Path, name: str = "part") -> list[str]:
    return [str(finding) for finding in scan_category(root, name).findings]


def marked_rows(root: Path) -> NDArray[np.int64]:
    """Return which rows the last test picture's mask marks."""
    made = decode(scan_category(root, "part"), Transform(SIDE, SIDE), None)
    return np.flatnonzero(made.masks[-1].any(axis=1))


def test_mvtec_loco_has_several_masks_of_a_picture_and_more_good_ones(tmp_path: Path) -> None:
    part = tmp_path / "part"
    pictures(part / "train" / "good", "000.png", "001.png")
    pictures(part / "validation" / "good", "000.png")
    pictures(part / "test" / "good", "000.png")
    pictures(part / "test" / "logical_anomalies", "000.png", "001.png")
    truth = part / "ground_truth" / "logical_anomalies"
    mask(truth / "000" / "000.png", 3)
    mask(truth / "001" / "000.png", 5)
    mask(truth / "001" / "001.png", 9)

    assert table(tmp_path) == [
        ("test", "good", "000", 0),
        ("test", "logical_anomalies", "000", 1),
        ("test", "logical_anomalies", "001", 2),
        ("train", "good", "000", 0),
        ("train", "good", "001", 0),
        ("train", "good", "validation_000", 0),
    ]
    assert findings(tmp_path) == []
    assert marked_rows(tmp_path).tolist() == [5, 9]


@pytest.mark.parametrize("truth", ["test_public/ground_truth/bad", "ground_truth/bad"])
def test_mvtec_ad_2_keeps_its_public_test_pictures_elsewhere(tmp_path: Path, truth: str) -> None:
    part = tmp_path / "part"
    pictures(part / "train" / "good", "000.png", "001.png")
    pictures(part / "validation" / "good", "002.png")
    pictures(part / "test_public" / "good", "000.png")
    pictures(part / "test_public" / "bad", "000.png")
    pictures(part / "test_private", "000.png")
    mask(part / truth / "000_mask.png", 4)

    assert table(tmp_path) == [
        ("test", "bad", "000", 1),
        ("test", "good", "000", 0),
        ("train", "good", "000", 0),
        ("train", "good", "001", 0),
        ("train", "good", "validation_002", 0),
    ]
    assert findings(tmp_path) == ["part/test_private: is not used in the layout of MVTec AD 2"]


def test_btad_calls_good_ok(tmp_path: Path) -> None:
    part = tmp_path / "part"
    pictures(part / "train" / "ok", "0000.bmp", "0001.bmp")
    pictures(part / "test" / "ok", "0000.bmp")
    pictures(part / "test" / "ko", "0000.bmp")
    mask(part / "ground_truth" / "ko" / "0000.png", 4)

    assert table(tmp_path) == [
        ("test", "good", "0000", 0),
        ("test", "ko", "0000", 1),
        ("train", "good", "0000", 0),
        ("train", "good", "0001", 0),
    ]
    assert findings(tmp_path) == []


def test_visa_is_split_by_its_table(tmp_path: Path) -> None:
    normal, bad = (tmp_path / "part" / "Data" / "Images" / kind for kind in ("Normal", "Anomaly"))
    pictures(normal, "0000.JPG", "0001.JPG", "0002.JPG", "0003.JPG")
    pictures(bad, "000.JPG")
    mask(tmp_path / "part" / "Data" / "Masks" / "Anomaly" / "000.png", 4)
    without = findings(tmp_path)
    split = tmp_path / "split_csv" / "1cls.csv"
    split.parent.mkdir()
    lines = ["object,split,label,image,mask"]
    for stem, part in (("0000", "train"), ("0001", "train"), ("0002", "test")):
        lines.append(f"part,{part},normal,part/Data/Images/Normal/{stem}.JPG,")
    split.write_text("\n".join(lines))

    assert (
        "part: needs the file split_csv/1cls.csv beside it, which says what is for training"
        in without
    )
    assert category_names(tmp_path) == ["part"]
    assert table(tmp_path) == [
        ("test", "Anomaly", "000", 1),
        ("test", "good", "0002", 0),
        ("train", "good", "0000", 0),
        ("train", "good", "0001", 0),
    ]
    assert findings(tmp_path) == [
        "part/Data/Images/Normal/0003.JPG: is not named in split_csv/1cls.csv; left out"
    ]


@pytest.mark.parametrize("good", ["good", "Good", "GOOD"])
def test_good_is_good_whatever_its_case(tmp_path: Path, good: str) -> None:
    pictures(tmp_path / "part" / "train" / good, "000.png", "001.png")
    pictures(tmp_path / "part" / "test" / good, "000.png")
    pictures(tmp_path / "part" / "test" / "NG", "000.png")

    assert table(tmp_path) == [
        ("test", "NG", "000", 0),
        ("test", "good", "000", 0),
        ("train", "good", "000", 0),
        ("train", "good", "001", 0),
    ]


@pytest.mark.parametrize("name", ["ok", "OK", "normal", "gut", "i.o.", "양품"])
def test_other_names_for_good_are_counted_as_defects_and_named(tmp_path: Path, name: str) -> None:
    pictures(tmp_path / "part" / "train" / "good", "000.png", "001.png")
    pictures(tmp_path / "part" / "test" / "good", "000.png")
    pictures(tmp_path / "part" / "test" / name, "000.png")
    pictures(tmp_path / "part" / "train" / name, "000.png")

    assert ("test", name, "000", 0) in table(tmp_path)
    assert (
        f"part/test/{name}: is counted as a defect type; rename it to good if these are good parts"
    ) in findings(tmp_path)
    assert f"part/train/{name}: is ignored: only train/good is used for training" in findings(
        tmp_path
    )


def test_a_folder_without_train_good_is_named(tmp_path: Path) -> None:
    pictures(tmp_path / "part" / "train" / "good", "000.png")
    pictures(tmp_path / "other" / "train" / "gut", "000.png")

    assert [str(one) for one in left_out_folders(tmp_path)] == [
        "other: has a folder train, but no train/good in it; rename the folder of the good "
        "pictures; left out"
    ]


@pytest.mark.parametrize("stem", ["000_gt", "mask_000", "000-label", "GT_000", "000_Mask"])
def test_a_wrongly_named_mask_is_named_with_what_to_call_it(tmp_path: Path, stem: str) -> None:
    part = tmp_path / "part"
    pictures(part / "train" / "good", "000.png", "001.png")
    pictures(part / "test" / "crack", "000.png")
    mask(part / "ground_truth" / "crack" / f"{stem}.png", 4)

    assert (
        f"part/ground_truth/crack/{stem}.png: seems to be the mask of 000.png, but is not used; "
        "rename it to 000_mask.png"
    ) in findings(tmp_path)


def test_masks_beside_the_data_and_pictures_too_deep_are_named(tmp_path: Path) -> None:
    part = tmp_path / "part"
    pictures(part / "train" / "good", "000.png", "001.png")
    pictures(part / "test" / "crack", "000.png")
    pictures(part / "test" / "crack" / "cam1", "001.png")
    mask(part / "masks" / "crack" / "000.png", 4)

    found = findings(tmp_path)
    assert (
        "part/masks: is not looked into; if it holds masks, rename it to part/ground_truth"
    ) in found
    assert (
        "part/test/crack/cam1: is a folder among pictures; move what is in it one folder up; left "
        "out"
    ) in found


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((16, 16), "is 16 x 16 px and is enlarged or reduced to its picture's 32 x 32 px"),
        ((64, 64), "is 64 x 64 px and is enlarged or reduced to its picture's 32 x 32 px"),
        ((16, 32), "is 32 x 16 px but its picture is 32 x 32 px; its picture has no pixel metrics"),
    ],
)
def test_a_mask_of_another_size_is_scaled_if_its_shape_fits(
    tmp_path: Path, shape: tuple[int, int], words: str
) -> None:
    part = tmp_path / "part"
    pictures(part / "train" / "good", "000.png", "001.png")
    pictures(part / "test" / "crack", "000.png")
    marked = np.zeros(shape, np.uint8)
    marked[: shape[0] // 4] = 255
    save(marked, part / "ground_truth" / "crack" / "000_mask.png")

    assert f"part/ground_truth/crack/000_mask.png: {words}" in findings(tmp_path)
    if shape[0] == shape[1]:
        assert marked_rows(tmp_path).tolist() == list(range(SIDE // 4))


def test_counts_and_folders_to_watch_are_those_of_the_layout(tmp_path: Path) -> None:
    pictures(tmp_path / "part" / "train" / "ok", "0000.bmp", "0001.bmp")
    pictures(tmp_path / "part" / "test" / "ko", "0000.bmp")
    counts = count_pictures(tmp_path, "part")

    assert (counts.train, counts.test_good, counts.test_defective) == (2, 0, 1)
    assert counts.defects == (("ko", 1),)
    watched = {path.relative_to(tmp_path).as_posix() for path in data_folders(tmp_path / "part")}
    assert {
        "part/train",
        "part/train/ok",
        "part/test",
        "part/test/ko",
        "part/ground_truth",
    } == watched


def test_folders_without_masks_and_other_categories_harm_nothing(tmp_path: Path) -> None:
    part = tmp_path / "part"
    pictures(part / "train" / "good", "000.png", "001.png")
    pictures(part / "test" / "bad", "000.png")
    (part / "ground_truth" / "bad" / "zzz").mkdir(parents=True)
    pictures(tmp_path / "label" / "train" / "good", "000.png", "001.png")

    assert "part/ground_truth/bad/zzz: holds no picture" in findings(tmp_path)
    assert not any(one.startswith("label") for one in findings(tmp_path))


def test_files_that_may_be_pictures_are_left_out_by_name_and_others_ignored(
    tmp_path: Path,
) -> None:
    good = tmp_path / "part" / "train" / "good"
    pictures(good, "000.png", "001.png")
    for name in ("002.heic", "notes.txt"):
        (good / name).write_bytes(b"?")

    told = findings(tmp_path)
    assert (
        "part/train/good/002.heic: is of a kind that is not read; save it as PNG, JPEG or TIFF; "
        "left out"
    ) in told
    assert "part/train/good/notes.txt: is no picture; ignored" in told
