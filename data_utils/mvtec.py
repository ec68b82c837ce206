"""Scanning a data folder: one table of pictures per category, whatever its layout.

``layouts`` says where the pictures are. Labels come from the folders, never from the masks.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from data_utils.facts import Fault, fact
from data_utils.images import QUARTER_TURNS, Header, UnreadableImageError, read_header
from data_utils.layouts import (
    GOOD,
    MASK_SUFFIX,
    PictureFolder,
    data_folders,
    is_category,
    picture_folders,
    picture_of,
    place,
)
from data_utils.listing import Finding, Listing, is_folder, is_link_out, name_problem
from data_utils.locations import readable

OFFICIAL_CATEGORIES = (
    *("bottle", "cable", "capsule", "carpet", "grid", "hazelnut", "leather", "metal_nut"),
    *("pill", "screw", "tile", "toothbrush", "transistor", "wood", "zipper"),
)
ASPECT_TOLERANCE = 1.15
SMALLEST_SIDE = 8
EXAMPLES = 3


class DatasetError(Fault):
    """Data that cannot be used."""


class Record(NamedTuple):
    """One picture: a row of ``Category.records``."""

    category: str
    split: str  # "train" or "test"
    defect: str  # "good" or the folder's name
    stem: str
    image_path: Path
    mask_paths: tuple[Path, ...]  # whose union marks the defect; none without a mask
    label: int  # 0 good, 1 defective
    height: int  # of the file, in pixels
    width: int
    deep: bool  # whether it holds gray values of more than 8 bits


@dataclass(frozen=True)
class Category:
    """One category on disk."""

    name: str
    root: Path  # the data folder that holds the category
    records: pd.DataFrame  # one Record per picture: training, then good, then defective ones
    findings: tuple[Finding, ...]

    @property
    def official(self) -> bool:
        """Whether this is one of the fifteen categories of MVTec AD, by name."""
        return self.name in OFFICIAL_CATEGORIES

    @property
    def train(self) -> pd.DataFrame:
        """The good training pictures."""
        return self.records[self.records["split"] == "train"]

    @property
    def test(self) -> pd.DataFrame:
        """The test pictures, good ones first."""
        return self.records[self.records["split"] == "test"]

    @property
    def train_sizes(self) -> list[tuple[int, int]]:
        """``(height, width)`` of every training picture in pixels."""
        return list(zip(self.train["height"], self.train["width"], strict=True))


def category_names(root: Path) -> list[str]:
    """List the categories below `root`: the official ones first, each group by name.

    Raises
    ------
    DatasetError
        If `root` is no readable folder or holds no category.
    """
    if problem := name_problem(str(root.absolute())):
        raise DatasetError("data_name", root=readable(str(root)), problem=problem)
    if not is_folder(root):
        raise DatasetError("data_missing", root=root)
    if is_category(root):
        raise DatasetError("data_is_category", root=root, parent=root.resolve().parent)
    try:
        names = [
            folder.name
            for folder in root.iterdir()
            if not folder.name.startswith(".")
            and not name_problem(folder.name)
            and not is_link_out(folder)
            and is_category(folder)
        ]
    except OSError as error:
        raise DatasetError("data_unreadable", root=root, error=error.strerror) from error
    if not names:
        raise DatasetError("data_without_category", root=root)
    return sorted(names, key=lambda name: (name not in OFFICIAL_CATEGORIES, name))


def left_out_folders(root: Path) -> tuple[Finding, ...]:
    """Name the folders below `root` that may be categories but cannot be used as such."""
    listing = Listing(root)
    for folder in sorted(root.iterdir()):
        if folder.name.startswith("."):
            continue
        if is_link_out(folder):
            listing.leave_out(folder, "not_allowed")
            continue
        if (problem := name_problem(folder.name)) and is_category(folder):
            listing.leave_out(folder, problem)
        try:
            (folder / "train" / GOOD).stat()
        except PermissionError as error:
            listing.leave_out(folder, "not_looked_into", error=error.strerror)
        except OSError:
            if place(folder, "train") and not is_category(folder):
                listing.leave_out(folder, "no_train_good")
    return tuple(listing.findings)


def scan_category(root: Path, name: str) -> Category:
    """Read the table of one category and check every picture and mask by its header.

    Raises
    ------
    DatasetError
        If there is no such category below `root`.
    """
    names = category_names(root)
    if name not in names:
        held = ", ".join(names)
        raise DatasetError("category_unknown", names=name, data=root, available=held)
    listing = Listing(root)
    rows: list[Record] = []
    unmasked: list[Path] = []
    for folder in picture_folders(root / name, listing):
        for stem, path in folder.pictures.items():
            masks = tuple(folder.masks.pop(stem, ()))
            row = _record(name, folder, stem, masks, listing)
            if row is None:
                continue
            rows.append(row)
            if row.label and not masks:
                unmasked.append(path)
        for stem, paths in folder.masks.items():
            meant = picture_of(stem, folder.pictures)
            for path in paths:
                right = f"{meant}{MASK_SUFFIX}{path.suffix}"
                if meant is None or path.with_name(right).exists():
                    listing.note(path, "mask_alone")
                else:
                    picture = folder.pictures[meant].name
                    listing.note(path, "mask_misnamed", picture=picture, name=right)
    records = pd.DataFrame(rows, columns=list(Record._fields))
    _note_what_is_missing(root / name, records, listing)
    _note_other_shapes(records, listing)
    if len(unmasked) < records["label"].sum():
        for path in unmasked:
            listing.note(path, "no_mask")
    return Category(name=name, root=root, records=records, findings=tuple(listing.findings))


def _record(
    category: str, folder: PictureFolder, stem: str, masks: tuple[Path, ...], listing: Listing
) -> Record | None:
    """Return a picture's row, without masks that cannot be used; None if it cannot be."""
    path = folder.pictures[stem]
    try:
        header = read_header(path)
    except UnreadableImageError as error:
        listing.leave_out(path, error.fact)
        return None
    if min(header.size) < SMALLEST_SIDE:
        listing.leave_out(path, "too_small", size=_px(header.size))
        return None
    for remark in header.remarks:
        listing.note(path, remark)
    usable = tuple(mask for mask in masks if _is_mask(mask, header, listing))
    label = int(folder.defect != GOOD)
    height, width = header.size
    split, defect, deep = folder.split, folder.defect, header.deep
    return Record(category, split, defect, stem, path, usable, label, height, width, deep)


def _is_mask(path: Path, picture: Header, listing: Listing) -> bool:
    """Tell whether a file is a mask for a picture."""
    try:
        header = read_header(path)
    except UnreadableImageError as error:
        listing.note(path, "mask_useless", reason=error.fact)
        return False
    sizes = {"size": _px(header.size), "picture": _px(picture.size)}
    if header.size != picture.size:
        (height, width), (tall, wide) = header.size, picture.size
        if min(header.size) < SMALLEST_SIDE or abs(height * wide - width * tall) > max(
            tall, wide
        ):  # as far as a pixel may be rounded
            listing.note(path, "mask_useless", reason=fact("mask_size", **sizes))
            return False
        listing.note(path, "mask_scaled", **sizes)
    shape_tells = picture.orientation in QUARTER_TURNS and len(set(picture.size)) == 2
    if picture.orientation != 1 and header.orientation == 1 and not shape_tells:
        listing.note(path, "mask_upright")
    for remark in header.remarks:
        listing.note(path, remark)
    return True


def _note_what_is_missing(category: Path, records: pd.DataFrame, listing: Listing) -> None:
    training = int((records["split"] == "train").sum())
    test = records[records["split"] == "test"]
    defective = test[test["label"] == 1]
    if not training:
        listing.note(category, "no_training")
    elif training == 1:
        listing.note(category, "one_training")
    if test.empty:
        listing.note(category, "no_test")
    elif defective.empty:
        listing.note(category, "no_defective")
    elif len(defective) == len(test):
        listing.note(category, "no_good")
    if len(defective) and not defective["mask_paths"].map(len).any():
        listing.note(category, "no_masks")


def _note_other_shapes(records: pd.DataFrame, listing: Listing) -> None:
    """Note the pictures whose shape is not that of the training pictures."""
    aspects = records["width"] / records["height"]
    ratio = aspects / aspects[records["split"] == "train"].median()  # NaN without any: none is odd
    odd = records[(ratio > ASPECT_TOLERANCE) | (ratio < 1 / ASPECT_TOLERANCE)]
    for path, height, width in zip(odd["image_path"], odd["height"], odd["width"], strict=True):
        listing.note(path.with_name(path.stem), "other_shape", size=_px((height, width)))


def _px(size: tuple[int, int]) -> str:
    return f"{size[1]} x {size[0]} px"


@dataclass(frozen=True)
class CategoryCounts:
    """Pictures of one category by the names of its files; unreadable ones are counted too."""

    name: str
    train: int
    test_good: int
    test_defective: int
    defects: tuple[tuple[str, int], ...]  # every defect type with its number of test pictures
    examples: tuple[Path, ...]  # the first good pictures, of the test if it has any


def count_pictures(root: Path, name: str) -> CategoryCounts:
    """Count the pictures of one category from listings alone; no picture is opened.

    What cannot be listed counts as empty; pictures that share a stem count once.
    """
    train: list[Path] = []
    test: dict[str, list[Path]] = {}
    for folder in picture_folders(root / name, Listing(root)):
        pictures = train if folder.split == "train" else test.setdefault(folder.defect, [])
        pictures += folder.pictures.values()
    good = test.pop(GOOD, [])
    return CategoryCounts(
        name=name,
        train=len(train),
        test_good=len(good),
        test_defective=sum(map(len, test.values())),
        defects=tuple((defect, len(pictures)) for defect, pictures in test.items()),
        examples=tuple((good or train)[:EXAMPLES]),
    )


def folders_stamp(root: Path, names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Return what changes when a picture or a defect type is added, renamed or removed."""
    stamp = []
    for folder in (folder for name in names for folder in data_folders(root / name)):
        with suppress(OSError):
            stamp.append((readable(str(folder)), folder.stat().st_mtime_ns))
    return tuple(stamp)
