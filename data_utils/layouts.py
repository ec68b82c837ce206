"""Where the pictures of a category are, in the layouts in which data sets come.

MVTec AD and MVTec LOCO (Bergmann et al., CVPR 2019 and IJCV 2022)::

    train/good, validation/good; test/good, test/<defect>; ground_truth/<defect>/<stem>_mask.png,
    or several masks of one picture in ground_truth/<defect>/<stem>/

MVTec AD 2 (Heckler-Kram et al., arXiv 2503.21622): the same with ``test_public`` for ``test``, and
the masks inside it. BTAD (Mishra et al., ISIE 2021): the same with ``ok`` for ``good``. VisA (Zou
et al., ECCV 2022): ``Data/Images/Normal``, ``Data/Images/Anomaly``, ``Data/Masks/Anomaly``, and
``split_csv/1cls.csv`` beside the categories says what is for training.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from data_utils.listing import Listing, is_folder, is_link_out, name_problem
from data_utils.locations import is_allowed

GOOD = "good"
MASK_SUFFIX = "_mask"
OFFICIAL_TESTS, OFFICIAL_MASKS = "test", "ground_truth"
OTHER_GOOD = frozenset({"ok", "normal", "gut", "pass", "io", "i.o", "i.o.", "양품"})
OTHER_MASKS = frozenset(
    {"mask", "masks", "gt", "groundtruth", "ground-truth", "ground truth", "label", "labels"}
)
MASK_AFFIXES = ("mask", "gt", "label", "seg", "groundtruth")
VISA_GOOD, VISA_BAD = ("Data", "Images", "Normal"), ("Data", "Images", "Anomaly")
VISA_MASKS = ("Data", "Masks", "Anomaly")
VISA_SPLIT = Path("split_csv", "1cls.csv")


@dataclass(frozen=True)
class Layout:
    """The folders of a category, by their paths below it."""

    name: str
    training: tuple[str, ...]  # of good pictures for training; the first must be there
    tests: str  # that holds a folder for each kind of test picture
    masks: str  # that holds a folder for each kind of defect
    good: str = GOOD  # the kind of test picture that has no defect


@dataclass
class PictureFolder:
    """Pictures of one kind, with the masks that belong to them."""

    split: str  # "train" or "test"
    defect: str  # "good", or the kind of defect
    pictures: dict[str, Path]  # by stem, which no other picture of this split and kind has
    masks: dict[str, list[Path]] = field(default_factory=dict)  # by the stem of their picture


TRAINING = ("train/good", "validation/good")
LAYOUTS = (
    Layout("MVTec AD 2", TRAINING, "test_public", "test_public/ground_truth"),
    Layout("MVTec AD", TRAINING, OFFICIAL_TESTS, OFFICIAL_MASKS),
    Layout("BTAD", ("train/ok",), OFFICIAL_TESTS, OFFICIAL_MASKS, "ok"),
)


def layout_of(category: Path) -> Layout | None:
    """Return the layout of a category of folders, None for VisA's and for what is no category."""
    for layout in LAYOUTS:
        if place(category, layout.training[0]) and (
            is_folder(category / layout.tests) or layout.tests == OFFICIAL_TESTS
        ):
            return layout
    return None


def data_folders(category: Path) -> list[Path]:
    """Return the folders in which a change of the category's files shows; some may not exist."""
    layout = layout_of(category)
    if layout is None:
        folders = [category.joinpath(*parts) for parts in (VISA_GOOD, VISA_BAD, VISA_MASKS)]
        return [*folders, category.parent / VISA_SPLIT]
    training = _training_folders(category, layout)
    folders = [folder for path in training for folder in (path.parent, path)]
    for parent in (category / layout.tests, category / layout.masks):
        folders.append(parent)
        folders += _folders(parent)
    return folders


def _training_folders(category: Path, layout: Layout) -> list[Path]:
    return [path for below in layout.training if (path := place(category, below))]


def is_category(folder: Path) -> bool:
    """Tell whether a folder is a category in one of the layouts."""
    return layout_of(folder) is not None or is_folder(folder.joinpath(*VISA_GOOD))


def place(category: Path, below: str) -> Path | None:
    """Return a folder below a category, whatever the case of its last name; None without it."""
    wanted = category / below
    if is_folder(wanted):
        return wanted
    named = (path for path in _folders(wanted.parent) if path.name.casefold() == wanted.name)
    return next(named, None)


def _folders(parent: Path) -> list[Path]:
    """Return the folders in a folder, hidden ones left out; none where it may not be read."""
    if is_link_out(parent):
        return []
    try:
        paths = sorted(parent.iterdir())
    except OSError:
        return []
    return [
        path
        for path in paths
        if not path.name.startswith(".") and not is_link_out(path) and is_folder(path)
    ]


def picture_folders(category: Path, listing: Listing) -> Iterator[PictureFolder]:
    """Yield the folders of training, then of good, then of defective pictures."""
    layout = layout_of(category)
    if layout is None:
        yield from _visa_folders(category, listing)
        return
    training = _training_folders(category, layout)
    for path in training:
        pictures = _pictures(path, listing)
        if path != training[0]:
            pictures = {f"{path.parent.name}_{stem}": file for stem, file in pictures.items()}
        yield PictureFolder("train", GOOD, pictures)
    for parent in dict.fromkeys((category / below).parent for below in layout.training):
        for other in listing.folders(parent):
            if other not in training:
                listing.note(other, "not_train_good", training=layout.training[0])
    known = (*layout.training, layout.tests, layout.masks, OFFICIAL_MASKS)
    for other in _folders(category):
        unused = other.name.casefold() not in OTHER_MASKS or _masks_of(category, layout)
        if unused and other.name not in {Path(below).parts[0] for below in known}:
            listing.note(other, "folder_unused", layout=layout.name)
    yield from _test_folders(category, layout, listing)


def _test_folders(category: Path, layout: Layout, listing: Listing) -> Iterator[PictureFolder]:
    tests, masks = category / layout.tests, _masks_place(category, layout, listing)
    kinds = [path for path in listing.folders(tests) if path != masks]
    names = {path.name for path in kinds}
    for folder in listing.folders(masks):
        if folder.name not in names:
            listing.note(folder, "masks_unused", defect=folder.name, tests=layout.tests)
    for path in sorted(kinds, key=lambda path: path.name.casefold() != layout.good):
        defect = GOOD if path.name.casefold() == layout.good else path.name
        if defect != GOOD and path.name.casefold() in OTHER_GOOD | {GOOD}:
            listing.note(path, "good_by_another_name", good=layout.good)
        found = _masks_by_stem(masks / path.name, listing)
        if defect == GOOD:
            for mask in (mask for masks in found.values() for mask in masks):
                listing.note(mask, "mask_of_good")
            found = {}
        yield PictureFolder("test", defect, _pictures(path, listing), found)


def _masks_of(category: Path, layout: Layout) -> Path | None:
    return place(category, layout.masks) or place(category, OFFICIAL_MASKS)


def _masks_place(category: Path, layout: Layout, listing: Listing) -> Path:
    """Return the folder of the masks, which may not exist, and note one by another name."""
    if found := _masks_of(category, layout):
        return found
    for parent in (category, category.parent):
        for path in _folders(parent):
            if path.name.casefold() in OTHER_MASKS and not is_category(path):
                listing.note(path, "masks_elsewhere", masks=f"{category.name}/{layout.masks}")
    return category / layout.masks


def _pictures(folder: Path, listing: Listing) -> dict[str, Path]:
    known = len(listing.findings)
    pictures = listing.pictures(folder)
    if not pictures and len(listing.findings) == known:
        listing.note(folder, "no_picture")
    return pictures


def _masks_by_stem(folder: Path, listing: Listing) -> dict[str, list[Path]]:
    """Return the masks in a folder, which may not exist, by the stem of their picture."""
    if not is_folder(folder):
        return {}
    of_one = [path for path in _folders(folder) if not name_problem(path.name)]
    masks = {path.name: list(_pictures(path, listing).values()) for path in of_one}
    masks = {name: paths for name, paths in masks.items() if paths}
    for stem, path in listing.pictures(folder, beside=of_one).items():
        name = stem.removesuffix(MASK_SUFFIX)
        for twin in masks.get(name, []):
            listing.note(twin, "mask_twice", other=path.name)
        masks[name] = [path]
    return masks


def picture_of(mask: str, pictures: dict[str, Path]) -> str | None:
    """Return the stem of the picture that a wrongly named mask seems to belong to."""
    names = [mask]
    for affix in MASK_AFFIXES:
        for mark in "_-. ":
            names += [
                mask.lower().removeprefix(affix + mark),
                mask.lower().removesuffix(mark + affix),
            ]
    return next((stem for stem in pictures if stem != mask and stem.lower() in names), None)


def _visa_folders(category: Path, listing: Listing) -> Iterator[PictureFolder]:
    splits = _visa_split(category, listing)
    normal = category.joinpath(*VISA_GOOD)
    parts: dict[str, dict[str, Path]] = {"train": {}, "test": {}}
    for stem, path in _pictures(normal, listing).items():
        split = splits.get(path.relative_to(category.parent).as_posix())
        if split in parts:
            parts[split][stem] = path
        elif splits:
            listing.leave_out(path, "not_in_split", split=VISA_SPLIT.as_posix())
    for other in _folders(normal.parent):
        if other.name not in (VISA_GOOD[-1], VISA_BAD[-1]):
            listing.note(other, "folder_unused", layout="VisA")
    for split, pictures in parts.items():
        yield PictureFolder(split, GOOD, pictures)
    bad = category.joinpath(*VISA_BAD)
    if is_folder(bad):
        masks = _masks_by_stem(category.joinpath(*VISA_MASKS), listing)
        yield PictureFolder("test", bad.name, _pictures(bad, listing), masks)


def _visa_split(category: Path, listing: Listing) -> dict[str, str]:
    """Return the split of each picture by its path below the data folder."""
    file = category.parent / VISA_SPLIT
    try:
        if not file.is_file() or not is_allowed(file):  # a pipe would be waited for
            raise FileNotFoundError
        with file.open(encoding="utf-8-sig", newline="") as text:
            return {row["image"]: row["split"] for row in csv.DictReader(text)}
    except (OSError, ValueError, KeyError, csv.Error):
        listing.note(category, "no_split", split=VISA_SPLIT.as_posix())
        return {}
