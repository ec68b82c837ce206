"""Pictures are decoded once; the cache never shows anything but what is on disk."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from data_utils.images import read_picture
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
from data_utils.mvtec import Category, scan_category
from data_utils.pictures import Pictures, cached_fingerprint, load_pictures, prune_cache
from data_utils.transform import Transform, cropped_transform
from tests.make_data import save, write_category

SMALL = Transform(32, 32)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the list of pictures that are decoded from now on."""
    paths: list[Path] = []

    def counted(path: Path) -> Image.Image:
        paths.append(path)
        return read_picture(path)

    monkeypatch.setattr("data_utils.pictures.read_picture", counted)
    return paths


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """Return the folder of a small category in the data folder ``tmp_path / "data"``."""
    return write_category(tmp_path / "data", train=3, good=2, bad=2)


def load(part: Path, transform: Transform = SMALL) -> Pictures:
    """Scan and load one category."""
    return load_pictures(scan_category(part.parent, part.name), transform)


def entries() -> list[Path]:
    """Return the cached categories."""
    return sorted((cache_root() / "pictures").iterdir())


def assert_equal(one: Pictures, other: Pictures) -> None:
    """Check that everything about two loads is the same."""
    assert (one.images == other.images).all()
    assert (one.masks == other.masks).all()
    assert one.records.equals(other.records)
    assert one.findings == other.findings
    assert one.fingerprint == other.fingerprint
    assert one.transform == other.transform


def test_pictures_come_in_the_order_of_the_records(part: Path) -> None:
    loaded = load(part, Transform(64, 64))

    assert loaded.images.dtype == np.uint8
    assert loaded.images.shape == (7, 64, 64, 3)
    assert loaded.train_count == len(loaded.train) == 3
    assert len(loaded.test) == len(loaded.masks) == len(loaded.test_records) == 4
    for path, image in zip(loaded.records["image_path"], loaded.images, strict=True):
        assert (np.asarray(Image.open(path)) == image).all()


def test_masks_belong_to_the_test_pictures_in_order(part: Path) -> None:
    loaded = load(part, Transform(64, 64))

    assert loaded.masks.dtype == np.bool_
    for row, mask in zip(loaded.test_records.itertuples(), loaded.masks, strict=True):
        if row.label:
            assert (mask == (np.asarray(Image.open(str(row.mask_path))) > 0)).all()
            assert mask.any()
        else:
            assert not mask.any()


def test_a_second_load_is_identical_and_decodes_nothing(part: Path, decoded: list[Path]) -> None:
    first = load(part)
    count = len(decoded)
    second = load(part)

    assert count == 7
    assert len(decoded) == 7
    assert_equal(first, second)


def test_progress_counts_decoded_pictures_and_is_silent_on_a_hit(part: Path) -> None:
    reported: list[tuple[int, int]] = []
    category = scan_category(part.parent, part.name)
    for _ in range(2):
        load_pictures(category, SMALL, lambda done, total: reported.append((done, total)))

    assert reported == [(done, 7) for done in range(1, 8)]


def test_cached_pictures_cannot_be_written_to(part: Path) -> None:
    load(part)

    with pytest.raises(ValueError, match="read-only"):
        load(part).images[0, 0, 0] = 1


def change_content(path: Path) -> None:
    """Replace a picture by another one of the same size."""
    save(255 - np.asarray(Image.open(path)), path)


def touch_later(path: Path) -> None:
    """Give a file another modification time."""
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
    assert again.fingerprint == fresh_fingerprint(part)


def fresh_fingerprint(part: Path) -> str:
    """Return the fingerprint that a load without any cache gives."""
    for entry in entries():
        for file in entry.iterdir():
            file.unlink()
        entry.rmdir()
    return load(part).fingerprint


def test_another_transform_is_another_entry(part: Path, decoded: list[Path]) -> None:
    small, large = load(part), load(part, Transform(32, 64))

    assert len(decoded) == 14
    assert small.images.shape[1:] == (32, 32, 3)
    assert large.images.shape[1:] == (32, 64, 3)
    assert small.fingerprint != large.fingerprint
    assert_equal(load(part), small)


def test_an_added_picture_is_seen(part: Path) -> None:
    before = load(part)
    save(np.zeros((64, 64, 3), np.uint8), part / "test" / "good" / "900.png")

    assert len(load(part).images) == len(before.images) + 1


def emptied(path: Path) -> None:
    """Leave a file of no bytes."""
    path.write_bytes(b"")


def cut(path: Path) -> None:
    """Lose the second half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwritten(path: Path) -> None:
    """Replace a file by something else."""
    path.write_text('["something", "else"]')


def removed(path: Path) -> None:
    """Lose a file."""
    path.unlink()


@pytest.mark.parametrize("damage", [emptied, cut, overwritten, removed])
@pytest.mark.parametrize("name", ["images.npy", "masks.npy", "index.json"])
def test_a_damaged_entry_is_replaced_and_never_trusted(
    part: Path, decoded: list[Path], damage: Callable[[Path], None], name: str
) -> None:
    first = load(part)
    expected = np.array(first.images)
    del first
    (entry,) = entries()
    damage(entry / name)

    again = load(part)
    third = load(part)

    assert (again.images == expected).all()
    assert len(decoded) == 14
    assert_equal(again, third)


@pytest.mark.parametrize("name", ["images.npy", "masks.npy"])
def test_pixels_that_have_changed_in_the_cache_are_not_trusted(
    part: Path, decoded: list[Path], name: str
) -> None:
    first = load(part)
    expected = np.array(first.images), np.array(first.masks)
    (entry,) = entries()
    content = bytearray((entry / name).read_bytes())
    content[-1] ^= 1  # as after a power failure, or on a failing disk
    (entry / name).write_bytes(content)
    again = load(part)

    assert (again.images == expected[0]).all()
    assert (again.masks == expected[1]).all()
    assert len(decoded) == 14


def test_an_entry_with_fewer_pictures_than_it_says_is_not_trusted(part: Path) -> None:
    expected = np.array(load(part).images)
    (entry,) = entries()
    np.save(entry / "images.npy", expected[:-1])

    assert (load(part).images == expected).all()


def test_a_cache_folder_that_cannot_be_written_costs_time_only(
    part: Path, tmp_path: Path, decoded: list[Path]
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")

    first, second = load(part), load(part)

    assert len(decoded) == 14
    assert_equal(first, second)
    assert first.uncached == second.uncached != ""
    assert cached_fingerprint(scan_category(part.parent, part.name), SMALL) is None


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

    def mute(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(np, "save", mute)
    after = load(part)

    np.testing.assert_array_equal(after.images, pixels)
    assert after.uncached == "OSError"


def test_writing_leaves_no_temporary_folder(part: Path) -> None:
    load(part)

    assert [entry.name.startswith(".") for entry in entries()] == [False]


def test_the_fingerprint_is_at_hand_without_the_pictures(part: Path, decoded: list[Path]) -> None:
    category = scan_category(part.parent, part.name)
    before = cached_fingerprint(category, SMALL)
    loaded = load_pictures(category, SMALL)
    decoded.clear()

    assert before is None
    assert cached_fingerprint(category, SMALL) == loaded.fingerprint
    assert decoded == []


def test_equal_data_in_another_folder_have_the_same_fingerprint(tmp_path: Path, part: Path) -> None:
    elsewhere = write_category(tmp_path / "copy", train=3, good=2, bad=2)

    assert load(part).fingerprint == load(elsewhere).fingerprint
    assert len(entries()) == 2


def pixel_changed(part: Path) -> None:
    """Change one pixel of one training picture."""
    path = part / "train" / "good" / "000.png"
    picture = np.array(Image.open(path))
    picture[30, 30, 1] ^= 16
    save(picture, path)


def mask_moved(part: Path) -> None:
    """Mark another place."""
    path = part / "ground_truth" / "blot" / "000_mask.png"
    save(np.roll(np.asarray(Image.open(path)), 5, axis=0), path)


def mask_lost(part: Path) -> None:
    """Remove a mask."""
    (part / "ground_truth" / "blot" / "000_mask.png").unlink()


def defect_renamed(part: Path) -> None:
    """Give a defect type another name."""
    (part / "test" / "blot").rename(part / "test" / "stain")
    (part / "ground_truth" / "blot").rename(part / "ground_truth" / "stain")


def good_moved_to_training(part: Path) -> None:
    """Train on one picture more, test on one less."""
    (part / "test" / "good" / "001.png").rename(part / "train" / "good" / "100.png")


@pytest.mark.parametrize(
    "change", [pixel_changed, mask_moved, mask_lost, defect_renamed, good_moved_to_training]
)
def test_whatever_numbers_depend_on_changes_the_fingerprint(
    part: Path, change: Callable[[Path], None]
) -> None:
    before = load(part, Transform(64, 64)).fingerprint
    change(part)

    assert load(part, Transform(64, 64)).fingerprint != before


def truncate(path: Path) -> None:
    """Cut a picture so that only its header can be read."""
    path.write_bytes(path.read_bytes()[:2000])


@pytest.mark.parametrize("cached", [False, True])
def test_an_unreadable_picture_is_dropped_and_named(part: Path, cached: bool) -> None:
    truncate(part / "train" / "good" / "001.png")
    truncate(part / "test" / "blot" / "000.png")
    if cached:
        load(part)
    loaded = load(part)

    assert loaded.records["stem"].tolist() == ["000", "002", "000", "001", "001"]
    assert loaded.records.index.tolist() == list(range(5))
    assert len(loaded.images) == 5
    assert len(loaded.masks) == 3
    assert loaded.masks[2].any()
    assert [finding.path for finding in loaded.findings] == [
        "part/train/good/001.png",
        "part/test/blot/000.png",
    ]
    assert all("cannot be decoded" in finding.problem for finding in loaded.findings)
    assert all("left out" in finding.problem for finding in loaded.findings)


@pytest.mark.parametrize("cached", [False, True])
def test_an_empty_mask_is_named_and_counts_as_no_mask(part: Path, cached: bool) -> None:
    save(np.zeros((64, 64), np.uint8), part / "ground_truth" / "blot" / "000_mask.png")
    if cached:
        load(part)
    loaded = load(part)

    assert [str(finding) for finding in loaded.findings] == [
        "part/ground_truth/blot/000_mask.png: marks no pixel; its picture has no pixel metrics"
    ]
    assert loaded.test_records["has_mask"].tolist() == [True, True, False, True]


@pytest.mark.parametrize("cached", [False, True])
def test_a_mask_outside_the_crop_is_named_but_remains_a_mask(part: Path, cached: bool) -> None:
    corner = np.zeros((64, 64), np.uint8)
    corner[:3, :3] = 255
    save(corner, part / "ground_truth" / "blot" / "001_mask.png")
    crop = cropped_transform(64, 48)
    if cached:
        load(part, crop)
    loaded = load(part, crop)

    assert [finding.path for finding in loaded.findings] == ["part/ground_truth/blot/001_mask.png"]
    assert "centre crop 48 x 48 px" in loaded.findings[0].problem
    assert loaded.test_records["has_mask"].tolist() == [True, True, True, True]
    assert not loaded.masks[3].any()


def test_a_damaged_mask_is_named_and_its_picture_kept(part: Path) -> None:
    path = part / "ground_truth" / "blot" / "001_mask.png"
    path.write_bytes(path.read_bytes()[:50])
    loaded = load(part)

    assert len(loaded.images) == 7
    assert [finding.path for finding in loaded.findings] == ["part/ground_truth/blot/001_mask.png"]
    assert loaded.test_records["has_mask"].tolist() == [True, True, True, False]


def test_good_pictures_have_a_mask_by_definition_and_unmasked_defects_none(tmp_path: Path) -> None:
    loaded = load(write_category(tmp_path, train=1, good=2, bad=1, masks=False))

    assert loaded.test_records["has_mask"].tolist() == [True, True, False]
    assert not loaded.masks.any()


def entry_of(category: Category, name: str, seconds: int) -> Path:
    """Plant a cache entry of 100 bytes that was used at a given time."""
    entry = cache_root() / "pictures" / name
    entry.mkdir(parents=True)
    (entry / f"{category.name}.npy").write_bytes(bytes(100))
    os.utime(entry, (seconds, seconds))
    return entry


def test_pruning_keeps_the_entries_used_last(part: Path) -> None:
    category = scan_category(part.parent, part.name)
    oldest, newest, middle = (
        entry_of(category, name, seconds) for name, seconds in (("a", 10), ("b", 30), ("c", 20))
    )
    prune_cache(limit_bytes=250)

    assert [entry.exists() for entry in (oldest, middle, newest)] == [False, True, True]


def test_pruning_never_removes_the_entry_in_use(part: Path) -> None:
    category = scan_category(part.parent, part.name)
    used, newer = entry_of(category, "used", 10), entry_of(category, "newer", 30)
    prune_cache(keep=used, limit_bytes=150)

    assert used.exists()
    assert not newer.exists()


def test_using_an_entry_makes_it_young(part: Path) -> None:
    load(part)
    (entry,) = entries()
    os.utime(entry, (1, 1))
    load(part)

    assert entry.stat().st_mtime > 1


def test_pruning_without_a_cache_does_nothing(tmp_path: Path) -> None:
    prune_cache()

    assert not (tmp_path / "cache").exists()


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
