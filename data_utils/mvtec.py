"""Scanning a folder in the layout of MVTec AD.

A category is any folder with ``train/good``; its ``test/good`` and ``test/<defect>`` hold the
test pictures and ``ground_truth/<defect>/<stem>_mask.png`` the masks. Layout and names follow
Bergmann et al., "MVTec AD", CVPR 2019. Labels come from the folders, never from the masks.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from data_utils.images import UnreadableImageError, is_picture, read_header
from data_utils.locations import is_allowed, readable

OFFICIAL_CATEGORIES = (
    "bottle",
    "cable",
    "capsule",
    "carpet",
    "grid",
    "hazelnut",
    "leather",
    "metal_nut",
    "pill",
    "screw",
    "tile",
    "toothbrush",
    "transistor",
    "wood",
    "zipper",
)
GOOD = "good"
COLUMNS = [
    "category",
    "split",
    "defect",
    "stem",
    "image_path",
    "mask_path",
    "label",
    "height",
    "width",
]
ASPECT_TOLERANCE = 1.15
SMALLEST_SIDE = 8
NOT_OPEN = "leads outside the allowed folders; left out"


class DatasetError(ValueError):
    """A data folder or category that cannot be used; the message is a full sentence."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one file or folder of the data."""

    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


@dataclass(frozen=True)
class Category:
    """One category on disk.

    Attributes
    ----------
    name : str
        Folder name.
    root : Path
        The data folder that holds the category.
    records : DataFrame
        One row per picture, training pictures first, with the columns ``category, split
        ("train" or "test"), defect ("good" or the folder's name), stem, image_path, mask_path
        (None where there is none), label (0 good, 1 defective), height, width`` (of the file,
        in pixels).
    findings : tuple of Finding
        What is wrong, by file.
    """

    name: str
    root: Path
    records: pd.DataFrame
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
        raise DatasetError(f"The data folder {readable(str(root))} {problem}.")
    if not _is_folder(root):
        raise DatasetError(
            f"There is no data folder at {root}; give the folder that holds the categories "
            "(bottle, screw, ...)."
        )
    if _is_category(root):
        raise DatasetError(
            f"{root} is one category, not a data folder; give the folder above it: "
            f"{root.resolve().parent}"
        )
    try:
        names = [
            folder.name
            for folder in root.iterdir()
            if _is_category(folder)
            and not folder.name.startswith(".")
            and not name_problem(folder.name)
            and not _is_link_out(folder)
        ]
    except OSError as error:
        raise DatasetError(f"The data folder {root} cannot be read: {error.strerror}.") from error
    if not names:
        raise DatasetError(
            f"No category in {root}: none of its folders has a train/good folder with pictures; "
            "the layout is <category>/train/good, <category>/test/<defect>, "
            "<category>/ground_truth/<defect>."
        )
    return sorted(names, key=lambda name: (name not in OFFICIAL_CATEGORIES, name))


def left_out_folders(root: Path) -> tuple[Finding, ...]:
    """Name the folders below `root` that may be categories but cannot be used as such."""
    findings = []
    for folder in sorted(root.iterdir()):
        if folder.name.startswith("."):
            continue
        problem = name_problem(folder.name)
        if problem and _is_category(folder):
            findings.append(_finding(folder, root, f"{problem}; left out"))
        if _is_link_out(folder):
            findings.append(_finding(folder, root, NOT_OPEN))
            continue
        try:
            (folder / "train" / GOOD).stat()
        except PermissionError as error:
            problem = f"cannot be looked into ({error.strerror}); left out"
            findings.append(_finding(folder, root, problem))
        except OSError:
            continue
    return tuple(findings)


def scan_category(root: Path, name: str) -> Category:
    """Read the table of one category and check every picture and mask by its header.

    Raises
    ------
    DatasetError
        If there is no such category below `root`.
    """
    if name not in category_names(root):
        raise DatasetError(
            f"There is no category '{name}' in {root}; it holds: {', '.join(category_names(root))}."
        )
    folder = root / name
    findings: list[Finding] = []
    rows: list[dict[str, object]] = []
    unmasked: list[Path] = []
    for split, defect, pictures_folder in _picture_folders(folder, findings):
        masks: dict[str, Path] = {}
        if split == "test":
            masks = _masks_by_stem(folder / "ground_truth" / defect, root, findings)
        if defect == GOOD:
            for path in masks.values():
                findings.append(_finding(path, root, "is a mask for a good picture; unused"))
            masks = {}
        named = len(findings)
        pictures = _pictures_by_stem(pictures_folder, root, findings)
        if not pictures and len(findings) == named:
            findings.append(_finding(pictures_folder, root, "holds no picture"))
        for stem, path in pictures.items():
            mask_path = masks.pop(stem, None)
            row = _checked_row(name, split, defect, stem, path, mask_path, root, findings)
            if row is None:
                continue
            rows.append(row)
            if row["label"] and mask_path is None:
                unmasked.append(path)
        for path in masks.values():
            findings.append(_finding(path, root, "is a mask without a picture; unused"))
    records = pd.DataFrame(rows, columns=COLUMNS)
    findings += _category_findings(name, records)
    if len(unmasked) < records["label"].sum():
        findings += [_finding(path, root, "has no mask; no pixel metrics") for path in unmasked]
    return Category(name=name, root=root, records=records, findings=tuple(findings))


def scan(root: Path) -> dict[str, Category]:
    """Scan every category below `root`.

    Raises
    ------
    DatasetError
        If `root` is no folder or holds no category.
    """
    return {name: scan_category(root, name) for name in category_names(root)}


def _is_link_out(path: Path) -> bool:
    return path.is_symlink() and not is_allowed(path)


def _is_category(folder: Path) -> bool:
    return _is_folder(folder / "train" / GOOD)


def _is_folder(path: Path) -> bool:
    return _kind(path) == stat.S_IFDIR


def _kind(path: Path) -> int:
    """Return the file type of `path`, links followed; 0 where there is none to be seen."""
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except OSError:
        return 0


def _listed(folder: Path, root: Path, findings: list[Finding]) -> list[Path]:
    """Return what is in a folder, without hidden files and names that cannot be written down."""
    if not is_allowed(folder):
        findings.append(_finding(folder, root, NOT_OPEN))
        return []
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        findings.append(_finding(folder, root, f"cannot be read ({error.strerror}); left out"))
        return []
    listed = []
    for path in paths:
        if path.name.startswith("."):
            continue
        if problem := name_problem(path.name):
            findings.append(_finding(path, root, f"{problem}; left out"))
        else:
            listed.append(path)
    return listed


def _folders(parent: Path, root: Path, findings: list[Finding]) -> list[Path]:
    """Return the folders in a folder; there may be no such one."""
    if not os.path.lexists(parent):
        return []
    folders = []
    for path in _listed(parent, root, findings):
        if _is_folder(path):
            folders.append(path)
        else:
            findings.append(_finding(path, root, "is no folder; ignored"))
    return folders


def _picture_folders(folder: Path, findings: list[Finding]) -> Iterator[tuple[str, str, Path]]:
    root = folder.parent
    yield "train", GOOD, folder / "train" / GOOD
    for other in _folders(folder / "train", root, findings):
        if other.name != GOOD:
            findings.append(
                _finding(other, root, "is ignored: only train/good is used for training")
            )
    for masks_folder in _folders(folder / "ground_truth", root, findings):
        if not _is_folder(folder / "test" / masks_folder.name):
            problem = f"is unused: there is no folder test/{masks_folder.name}"
            findings.append(_finding(masks_folder, root, problem))
    test_folders = _folders(folder / "test", root, findings)
    for test_folder in sorted(test_folders, key=lambda path: path.name != GOOD):
        yield "test", test_folder.name, test_folder


def _pictures_by_stem(folder: Path, root: Path, findings: list[Finding]) -> dict[str, Path]:
    pictures: dict[str, Path] = {}
    for path in _files(folder, root, findings):
        if not is_picture(path):
            findings.append(_finding(path, root, "is no PNG, JPEG, BMP or TIFF file; ignored"))
        elif _is_link_out(path):
            findings.append(_finding(path, root, NOT_OPEN))
        elif path.stem in pictures:
            findings.append(
                _finding(path, root, f"has the same name as {pictures[path.stem].name}; left out")
            )
        else:
            pictures[path.stem] = path
    return pictures


def _masks_by_stem(folder: Path, root: Path, findings: list[Finding]) -> dict[str, Path]:
    if not _is_folder(folder):
        return {}
    masks: dict[str, Path] = {}
    for stem, path in _pictures_by_stem(folder, root, findings).items():
        twin = masks.get(stem.removesuffix("_mask"))
        if twin is not None:
            problem = f"is a mask for the same picture as {path.name}; unused"
            findings.append(_finding(twin, root, problem))
        masks[stem.removesuffix("_mask")] = path
    return masks


def _files(folder: Path, root: Path, findings: list[Finding]) -> list[Path]:
    files = []
    for path in _listed(folder, root, findings):
        kind = _kind(path)
        if kind == stat.S_IFREG:
            files.append(path)
            continue
        problem = "is no regular file"
        if kind == stat.S_IFDIR:
            problem = "is a folder among pictures"
        elif not kind:
            problem = "is a link that leads nowhere" if path.is_symlink() else "cannot be opened"
        findings.append(_finding(path, root, f"{problem}; left out"))
    return files


def _checked_row(
    name: str,
    split: str,
    defect: str,
    stem: str,
    path: Path,
    mask_path: Path | None,
    root: Path,
    findings: list[Finding],
) -> dict[str, object] | None:
    try:
        header = read_header(path)
    except UnreadableImageError as error:
        findings.append(_finding(path, root, f"{error}; left out"))
        return None
    height, width = header.height, header.width
    if min(height, width) < SMALLEST_SIDE:
        problem = f"is {width} x {height} px, too small to show anything; left out"
        findings.append(_finding(path, root, problem))
        return None
    if header.remark:
        findings.append(_finding(path, root, header.remark))
    if mask_path is not None:
        mask_path = _checked_mask(mask_path, (height, width), root, findings)
    return {
        "category": name,
        "split": split,
        "defect": defect,
        "stem": stem,
        "image_path": path,
        "mask_path": mask_path,
        "label": int(defect != GOOD),
        "height": height,
        "width": width,
    }


def _checked_mask(
    path: Path, size: tuple[int, int], root: Path, findings: list[Finding]
) -> Path | None:
    try:
        header = read_header(path)
    except UnreadableImageError as error:
        findings.append(_finding(path, root, f"{error}; its picture has no pixel metrics"))
        return None
    mask_size = (header.height, header.width)
    if mask_size != size:
        findings.append(
            _finding(
                path,
                root,
                f"is {mask_size[1]} x {mask_size[0]} px but its picture is {size[1]} x {size[0]} "
                "px; its picture has no pixel metrics",
            )
        )
        return None
    if header.remark:
        findings.append(_finding(path, root, header.remark))
    return path


def _category_findings(name: str, records: pd.DataFrame) -> list[Finding]:
    findings = []
    train = records[records["split"] == "train"]
    test = records[records["split"] == "test"]
    defective = test[test["label"] == 1]
    if train.empty:
        findings.append(Finding(name, "has no readable training picture in train/good"))
    elif len(train) == 1:
        findings.append(
            Finding(name, "has only one training picture: no threshold, and scores mean little")
        )
    if test.empty:
        findings.append(Finding(name, "has no test pictures, so nothing can be measured"))
    elif defective.empty:
        findings.append(Finding(name, "has no defective test pictures, so AUROC is n/a"))
    elif len(defective) == len(test):
        findings.append(Finding(name, "has no good test pictures, so image AUROC is n/a"))
    without_mask = defective[defective["mask_path"].isna()]
    if len(defective) and len(without_mask) == len(defective):
        findings.append(Finding(name, "has no usable masks, so pixel metrics are n/a"))
    if len(train):
        aspect = (train["width"] / train["height"]).median()
        ratio = (records["width"] / records["height"]) / aspect
        odd = records[(ratio > ASPECT_TOLERANCE) | (ratio < 1 / ASPECT_TOLERANCE)]
        for row in odd.itertuples():
            findings.append(
                Finding(
                    f"{name}/{row.split}/{row.defect}/{row.stem}",
                    f"is {row.width} x {row.height} px, a shape clearly different from the others",
                )
            )
    return findings


def _finding(path: Path, root: Path, problem: str) -> Finding:
    return Finding(readable(path.relative_to(root).as_posix()), problem)


def name_problem(name: str) -> str:
    """Return why a name cannot stand in result files, or ""."""
    if readable(name) != name:
        return "has a name that is no valid text; rename it"
    return "has a carriage return in its name; rename it" if "\r" in name else ""
