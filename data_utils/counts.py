"""How many pictures each category has, from the folders' listings alone: no file is opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from data_utils.images import is_picture
from data_utils.locations import is_allowed
from data_utils.mvtec import GOOD, name_problem

EXAMPLES = 3


@dataclass(frozen=True)
class CategoryCounts:
    """Pictures of one category by their file names; unreadable files are counted too.

    Attributes
    ----------
    name : str
    train, test_good, test_defective : int
    defects : tuple of (str, int)
        Every defect type with its number of test pictures, by name.
    examples : tuple of Path
        The first good pictures, test pictures before training pictures.
    """

    name: str
    train: int
    test_good: int
    test_defective: int
    defects: tuple[tuple[str, int], ...]
    examples: tuple[Path, ...]


def count_pictures(root: Path, name: str) -> CategoryCounts:
    """Count the pictures of one category; what cannot be listed counts as empty.

    Pictures of one folder that share a stem count once, as in ``mvtec.scan_category``.
    """
    train = _pictures(root / name / "train" / GOOD)
    test = {folder.name: _pictures(folder) for folder in _folders(root / name / "test")}
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
    return tuple(
        (str(folder), _modified(folder)) for name in names for folder in _watched(root / name)
    )


def _watched(category: Path) -> Iterator[Path]:
    yield category / "train" / GOOD
    yield category / "test"
    yield from _folders(category / "test")


def _folders(parent: Path) -> list[Path]:
    return [path for path in _listed(parent) if path.is_dir() and not path.name.startswith(".")]


def _pictures(folder: Path) -> list[Path]:
    by_stem: dict[str, Path] = {}
    for path in _listed(folder):
        if is_picture(path) and (not path.is_symlink() or is_allowed(path)):
            by_stem.setdefault(path.stem, path)
    return list(by_stem.values())


def _listed(folder: Path) -> list[Path]:
    try:
        paths = sorted(folder.iterdir()) if is_allowed(folder) else []
    except OSError:
        return []
    return [path for path in paths if not name_problem(path.name)]


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
