"""Scanning a data folder in the layout of MVTec AD.

A category is any folder with ``train/good``; its ``test/good`` and ``test/<defect>`` hold the
test pictures and ``ground_truth/<defect>/<stem>_mask.png`` the masks. Layout and names follow
Bergmann et al., "MVTec AD", CVPR 2019. Labels come from the folders, never from the masks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from data_utils.facts import Fault, fact
from data_utils.images import UnreadableImageError, is_picture, read_header
from data_utils.listing import Finding, Listing, is_folder, is_link_out, name_problem
from data_utils.locations import readable

OFFICIAL_CATEGORIES = (
    *("bottle", "cable", "capsule", "carpet", "grid", "hazelnut", "leather", "metal_nut"),
    *("pill", "screw", "tile", "toothbrush", "transistor", "wood", "zipper"),
)
GOOD = "good"
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
    mask_path: Path | None
    label: int  # 0 good, 1 defective
    height: int  # of the file, in pixels
    width: int


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
    if _is_category(root):
        raise DatasetError("data_is_category", root=root, parent=root.resolve().parent)
    try:
        names = [
            folder.name
            for folder in root.iterdir()
            if _is_category(folder)
            and not folder.name.startswith(".")
            and not name_problem(folder.name)
            and not is_link_out(folder)
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
        problem = name_problem(folder.name)
        if problem and _is_category(folder):
            listing.leave_out(folder, problem)
        if is_link_out(folder):
            listing.leave_out(folder, "not_allowed")
            continue
        try:
            (folder / "train" / GOOD).stat()
        except PermissionError as error:
            listing.leave_out(folder, "not_looked_into", error=error.strerror)
        except OSError:
            continue
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
    for folder in _picture_folders(root / name, listing):
        masks: dict[str, Path] = {}
        if folder.parent.name == "test":
            masks = _masks_by_stem(root / name / "ground_truth" / folder.name, listing)
        if folder.name == GOOD:
            for path in masks.values():
                listing.note(path, "mask_of_good")
            masks = {}
        known = len(listing.findings)
        pictures = listing.pictures(folder)
        if not pictures and len(listing.findings) == known:
            listing.note(folder, "no_picture")
        for stem, path in pictures.items():
            mask_path = masks.pop(stem, None)
            row = _record(path, mask_path, listing)
            if row is None:
                continue
            rows.append(row)
            if row.label and mask_path is None:
                unmasked.append(path)
        for path in masks.values():
            listing.note(path, "mask_alone")
    records = pd.DataFrame(rows, columns=list(Record._fields))
    _note_what_is_missing(root / name, records, listing)
    _note_other_shapes(records, listing)
    if len(unmasked) < records["label"].sum():
        for path in unmasked:
            listing.note(path, "no_mask")
    return Category(name=name, root=root, records=records, findings=tuple(listing.findings))


def _is_category(folder: Path) -> bool:
    return is_folder(folder / "train" / GOOD)


def _picture_folders(category: Path, listing: Listing) -> Iterator[Path]:
    yield category / "train" / GOOD
    for other in listing.folders(category / "train"):
        if other.name != GOOD:
            listing.note(other, "not_train_good")
    for masks in listing.folders(category / "ground_truth"):
        if not is_folder(category / "test" / masks.name):
            listing.note(masks, "masks_unused", defect=masks.name)
    yield from sorted(listing.folders(category / "test"), key=lambda path: path.name != GOOD)


def _masks_by_stem(folder: Path, listing: Listing) -> dict[str, Path]:
    """Return the masks in a folder, which may not exist, by the stem of their picture."""
    masks: dict[str, Path] = {}
    for stem, path in listing.pictures(folder).items() if is_folder(folder) else ():
        twin = masks.get(stem.removesuffix("_mask"))
        if twin is not None:
            listing.note(twin, "mask_twice", other=path.name)
        masks[stem.removesuffix("_mask")] = path
    return masks


def _record(path: Path, mask_path: Path | None, listing: Listing) -> Record | None:
    """Return a picture's row, without its mask if that cannot be used; None if it cannot be."""
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
    if mask_path is not None and not _is_mask(mask_path, header.size, listing):
        mask_path = None
    category, split, defect, _ = path.relative_to(listing.root).parts
    label = int(defect != GOOD)
    return Record(category, split, defect, path.stem, path, mask_path, label, *header.size)


def _is_mask(path: Path, size: tuple[int, int], listing: Listing) -> bool:
    """Tell whether a file is a mask for a picture of a size."""
    try:
        header = read_header(path)
    except UnreadableImageError as error:
        listing.note(path, "mask_useless", reason=error.fact)
        return False
    if header.size != size:
        differs = fact("mask_size", size=_px(header.size), picture=_px(size))
        listing.note(path, "mask_useless", reason=differs)
        return False
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
    if len(defective) and defective["mask_path"].isna().all():
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
    """Count the pictures of one category from listings alone; no file is opened.

    What cannot be listed counts as empty; pictures that share a stem count once.
    """
    train = _listed_pictures(root, root / name / "train" / GOOD)
    tests = Listing(root).folders(root / name / "test")
    test = {folder.name: _listed_pictures(root, folder) for folder in tests}
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
    for name in names:
        test = root / name / "test"
        for folder in (root / name / "train" / GOOD, test, *Listing(root).folders(test)):
            with suppress(OSError):
                stamp.append((str(folder), folder.stat().st_mtime_ns))
    return tuple(stamp)


def _listed_pictures(root: Path, folder: Path) -> list[Path]:
    pictures: dict[str, Path] = {}
    for path in Listing(root).paths(folder):
        if is_picture(path) and not is_link_out(path):
            pictures.setdefault(path.stem, path)
    return list(pictures.values())
