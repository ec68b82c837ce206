"""Pictures are decoded once; the cache never shows anything but what is on disk."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from data_utils.decoding import Pictures
from data_utils.images import Read, read_picture
from data_utils.locations import (
    DEFAULT_DATA,
    DEFAULT_DEMO,
    DEFAULT_OUTPUTS,
    PROJECT,
    cache_root,
    default_data_root,
    default_outputs,
    demo_root,
)
from data_utils.mvtec import scan_category
from data_utils.pictures import cached_fingerprint, load_pictures, prune_cache
from data_utils.transform import Transform
from tests.make_data import save, write_category

SMALL = Transform(32, 32)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the list of pictures that are decoded from now on."""
    paths: list[Path] = []

    def counted(path: Path, white: int | None = None) -> Read:
        paths.append(path)
        return read_picture(path, white)

    monkeypatch.setattr("data_utils.decoding.read_picture", counted)
    return paths


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return write_category(tmp_path / "data", train=3, good=2, bad=2)


def load(part: Path, transform: Transform = SMALL) -> Pictures:
    return load_pictures(scan_category(part.parent, part.name), transform)


def entries() -> list[Path]:
    return sorted((cache_root() / "pictures").iterdir())


def assert_equal(one: Pictures, other: Pictures) -> None:
    assert (one.images == other.images).all()
    assert (one.masks == other.masks).all()
    assert one.records.equals(other.records)
    assert one.findings == other.findings
    assert one.fingerprint == other.fingerprint
    assert one.transform == other.transform


def test_pictures_and_masks_come_in_the_order_of_the_records(part: Path) -> None:
    loaded = load(part, Transform(64, 64))

    assert loaded.images.dtype == np.uint8
    assert loaded.images.shape == (7, 64, 64, 3)
    assert loaded.train_count == len(loaded.train) == 3
    assert len(loaded.test) == len(loaded.masks) == len(loaded.test_records) == 4
    for path, image in zip(loaded.records["image_path"], loaded.images, strict=True):
        assert (np.asarray(Image.open(path)) == image).all()
    assert loaded.masks.dtype == np.bool_
    for row, mask in zip(loaded.test_records.to_dict("records"), loaded.masks, strict=True):
        assert mask.any() == row["label"]
        for path in row["mask_paths"]:
            assert (mask == (np.asarray(Image.open(path)) > 0)).all()


def test_a_second_load_is_identical_read_only_and_decodes_nothing(
    part: Path, decoded: list[Path]
) -> None:
    reported: list[tuple[int, int]] = []
    category = scan_category(part.parent, part.name)
    before = cached_fingerprint(category, SMALL)
    first, second = (
        load_pictures(category, SMALL, lambda done, total: reported.append((done, total)))
        for _ in range(2)
    )

    assert reported == [(done, 7) for done in range(1, 8)]
    assert len(decoded) == 7
    assert_equal(first, second)
    assert before is None
    assert cached_fingerprint(category, SMALL) == first.fingerprint
    assert [entry.name.startswith(".") for entry in entries()] == [False]
    os.utime(entries()[0], (1, 1))
    load(part)
    assert entries()[0].stat().st_mtime > 1  # what is used is young
    with pytest.raises(ValueError, match="read-only"):
        second.images[0, 0, 0] = 1


def change_content(path: Path) -> None:
    save(255 - np.asarray(Image.open(path)), path)


def touch_later(path: Path) -> None:
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 5_000_000_000))


@pytest.mark.parametrize("change", [change_content, touch_later])
@pytest.mark.parametrize("name", ["train/good/001.png", "ground_truth/blot/001_mask.png"])
def test_a_changed_file_is_decoded_again(
    part: Path, decoded: list[Path], change: Callable[[Path], None], name: str
) -> None:
    load(part)
    change(part / name)
    again = load(part)

    assert len(decoded) == 14
    assert len(entries()) == 2
    shutil.rmtree(cache_root())
    assert again.fingerprint == load(part).fingerprint


def test_another_transform_is_another_entry(part: Path, decoded: list[Path]) -> None:
    small, large = load(part), load(part, Transform(32, 64))

    assert len(decoded) == 14
    assert small.images.shape[1:] == (32, 32, 3)
    assert large.images.shape[1:] == (32, 64, 3)
    assert small.fingerprint != large.fingerprint
    assert_equal(load(part), small)


def another_pixel(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda _: b"",
    "cut": lambda content: content[: len(content) // 2],
    "overwritten": lambda _: b'["something", "else"]',
    "another pixel": another_pixel,
}


@pytest.mark.parametrize("damage", [*DAMAGES, "removed", "fewer"])
def test_a_damaged_entry_is_replaced_and_never_trusted(
    part: Path, decoded: list[Path], damage: str
) -> None:
    first = load(part)
    expected = np.array(first.images), np.array(first.masks)
    del first
    for number, name in enumerate(["images.npy", "masks.npy", "index.json"], start=1):
        (entry,) = entries()
        if damage == "removed":
            (entry / name).unlink()
        elif damage == "fewer":
            np.save(entry / "images.npy", expected[0][:-1])
        else:
            (entry / name).write_bytes(DAMAGES[damage]((entry / name).read_bytes()))
        again = load(part)

        assert (again.images == expected[0]).all()
        assert (again.masks == expected[1]).all()
        assert len(decoded) == 7 + 7 * number
        assert_equal(again, load(part))


def test_a_disk_that_is_full_while_the_cache_is_written_costs_time_only(
    part: Path, decoded: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = np.save

    def full(path: Path, array: NDArray[np.generic]) -> None:
        if path.name == "masks.npy":
            path.write_bytes(b"\x93NUMPY")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        keep(path, array)

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", full)
        first = load(part)
    left = entries()
    second = load(part)

    assert len(decoded) == 14
    assert left == []
    assert first.uncached == os.strerror(errno.ENOSPC)
    assert second.uncached == ""
    assert_equal(first, second)


def test_damaged_pixels_that_cannot_be_replaced_are_not_shown(
    part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the error that the disk gives says nothing."""
    load(part)
    (entry,) = entries()
    pixels = np.load(entry / "images.npy")
    np.save(entry / "images.npy", 255 - pixels)

    monkeypatch.setattr(np, "save", mock.Mock(side_effect=OSError))
    after = load(part)

    np.testing.assert_array_equal(after.images, pixels)
    assert after.uncached == "OSError"


def changed(part: Path, what: str) -> None:
    picture, mask = part / "train/good/000.png", part / "ground_truth/blot/000_mask.png"
    match what:
        case "pixel":
            pixels = np.array(Image.open(picture))
            pixels[30, 30, 1] ^= 16
            save(pixels, picture)
        case "place of a defect":
            save(np.roll(np.asarray(Image.open(mask)), 5, axis=0), mask)
        case "mask lost":
            mask.unlink()
        case "defect renamed":
            for folder in ("test", "ground_truth"):
                (part / folder / "blot").rename(part / folder / "stain")
        case "good picture moved":
            (part / "test/good/001.png").rename(part / "train/good/100.png")


CHANGES = ["pixel", "place of a defect", "mask lost", "defect renamed", "good picture moved"]


@pytest.mark.parametrize("what", CHANGES)
def test_only_what_numbers_depend_on_changes_the_fingerprint(part: Path, what: str) -> None:
    before = load(part, Transform(64, 64)).fingerprint
    moved = part.parent.rename(part.parent.with_name("elsewhere")) / part.name
    same = load(moved, Transform(64, 64)).fingerprint
    changed(moved, what)

    assert same == before
    assert load(moved, Transform(64, 64)).fingerprint != before


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])


def test_an_unreadable_picture_is_dropped_and_named(part: Path) -> None:
    truncate(part / "train" / "good" / "001.png")
    truncate(part / "test" / "blot" / "000.png")

    for loaded in (load(part), load(part)):  # decoded, and from the cache
        assert loaded.records["stem"].tolist() == ["000", "002", "000", "001", "001"]
        assert loaded.records.index.tolist() == list(range(5))
        assert len(loaded.images) == 5
        assert len(loaded.masks) == 3
        assert loaded.masks[2].any()
        assert [finding.path for finding in loaded.findings] == [
            "part/train/good/001.png",
            "part/test/blot/000.png",
        ]
        assert all("cannot be decoded" in str(finding.problem) for finding in loaded.findings)
        assert all("left out" in str(finding.problem) for finding in loaded.findings)


def test_a_training_picture_stored_twice_counts_once_and_is_named(part: Path) -> None:
    once = load(part)
    good = part / "train" / "good"
    for path in sorted(good.glob("*.png")):
        Image.open(path).save(good / f"z{path.stem}.bmp")
    twice = load(part)

    assert (twice.images == once.images).all()
    assert twice.fingerprint == once.fingerprint
    assert [str(finding) for finding in twice.findings] == [
        f"part/train/good/z00{number}.bmp: shows exactly the same as "
        f"part/train/good/00{number}.png; left out"
        for number in range(3)
    ]
    assert_equal(load(part), twice)


def test_a_picture_in_training_and_test_is_named_and_a_defect_among_good_ones_more_so(
    part: Path,
) -> None:
    shutil.copy(part / "test" / "blot" / "001.png", part / "train" / "good" / "bad.png")
    shutil.copy(part / "train" / "good" / "000.png", part / "test" / "good" / "again.png")
    loaded = load(part)

    assert len(loaded.records) == 9
    assert [str(finding) for finding in loaded.findings] == [
        "part/test/good/again.png: shows exactly the same as part/train/good/000.png",
        "part/test/blot/001.png: shows exactly the same as part/train/good/bad.png; one is in the "
        "wrong folder",
    ]


def test_masks_that_cannot_be_used_are_named_and_their_pictures_kept(part: Path) -> None:
    masks = part / "ground_truth" / "blot"
    empty, corner = np.zeros((2, 64, 64), np.uint8)
    corner[:3, :3] = 255
    for name in ("002", "003"):
        shutil.copy(part / "test" / "blot" / "001.png", part / "test" / "blot" / f"{name}.png")
    save(empty, masks / "000_mask.png")
    save(corner, masks / "001_mask.png")
    (masks / "002_mask.png").write_bytes(save(corner, masks / "002_mask.png").read_bytes()[:50])
    crop = Transform(48, 48, shorter_side=64)

    for loaded in (load(part, crop), load(part, crop)):  # decoded, and from the cache
        cropped, marks_nothing, marks_unseen, damaged, *copies = map(str, loaded.findings)
        assert cropped.startswith("part: has pictures that are cropped to their centre, 56 %")
        name = "part/ground_truth/blot"
        assert marks_nothing == (
            f"{name}/000_mask.png: marks no pixel; its picture has no pixel metrics"
        )
        assert marks_unseen == (
            f"{name}/001_mask.png: marks only pixels that the transform (shorter "
            "side 64 px, centre crop 48 x 48 px) removes"
        )
        assert damaged.startswith(f"{name}/002_mask.png: cannot be")
        assert len(copies) == 2
        assert len(loaded.images) == 9
        # Good pictures have a mask by definition; the last defective one never had one.
        assert loaded.test_records["has_mask"].tolist() == [True, True, False, True, False, False]
        assert not loaded.masks.any()


def entry_of(name: str, seconds: int) -> Path:
    """Plant a cache entry of 100 bytes that was used at a given time."""
    entry = cache_root() / "pictures" / name
    entry.mkdir(parents=True)
    (entry / "part.npy").write_bytes(bytes(100))
    os.utime(entry, (seconds, seconds))
    return entry


def test_pruning_keeps_the_entries_used_last_and_the_one_in_use(tmp_path: Path) -> None:
    prune_cache()
    assert not (tmp_path / "cache").exists()

    oldest, newest, middle = entry_of("a", 10), entry_of("b", 30), entry_of("c", 20)
    prune_cache(limit_bytes=250)
    assert [entry.exists() for entry in (oldest, middle, newest)] == [False, True, True]

    prune_cache(keep=middle, limit_bytes=150)
    assert [entry.exists() for entry in (middle, newest)] == [True, False]


FOLDERS = [
    (default_data_root, "MVTEC_ROOT", DEFAULT_DATA),
    (default_outputs, "MVTEC_OUTPUTS", DEFAULT_OUTPUTS),
    (demo_root, "MVTEC_DEMO", DEFAULT_DEMO),
]


@pytest.mark.parametrize(("folder", "variable", "default"), FOLDERS)
def test_a_variable_moves_a_folder_and_a_blank_one_does_not(
    monkeypatch: pytest.MonkeyPatch, folder: Callable[[], Path], variable: str, default: Path
) -> None:
    found = []
    for value in ("/elsewhere/x", " ~/mine ", "  "):
        monkeypatch.setenv(variable, value)
        found.append(folder())
    monkeypatch.delenv(variable)

    assert found == [Path("/elsewhere/x"), Path.home() / "mine", default]
    assert folder() == default


def test_the_cache_is_in_the_users_cache_folder_unless_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = cache_root()
    monkeypatch.delenv("MVTEC_CACHE")

    assert moved == tmp_path / "cache"
    assert cache_root().is_absolute()
    assert PROJECT not in cache_root().parents
