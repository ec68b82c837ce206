"""Listing the folders of a data set; whatever cannot be used of them is noted, by path."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from data_utils.facts import Fact, fact
from data_utils.images import is_picture, may_be_picture
from data_utils.locations import is_allowed, readable


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one file or folder of the data, by its path below the root."""

    path: str
    problem: Fact

    @classmethod
    def of(cls, path: Path, root: Path, problem: Fact) -> Finding:
        """Return what is wrong with a path below a root."""
        return cls(below(path, root), problem)

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


def below(path: Path, root: Path) -> str:
    """Return a path below a root as text."""
    return readable(path.relative_to(root).as_posix())


class Listing:
    """What is in the folders below a root, and what is wrong with it.

    Attributes
    ----------
    findings : list of Finding
        What was noted so far.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.findings: list[Finding] = []

    def note(self, path: Path, problem: Fact | str, **values: object) -> None:
        """Note what is wrong with a file or folder below the root: a fact, or its code."""
        told = problem if isinstance(problem, Fact) else fact(problem, **values)
        self.findings.append(Finding.of(path, self.root, told))

    def leave_out(self, path: Path, reason: Fact | str, **values: object) -> None:
        """Note why a file or folder is left out."""
        why = reason if isinstance(reason, Fact) else fact(reason, **values)
        self.note(path, "finding_left_out", reason=why)

    def paths(self, folder: Path) -> list[Path]:
        """Return what is in a folder but hidden files and names that cannot be written down."""
        if not is_allowed(folder):
            self.leave_out(folder, "not_allowed")
            return []
        try:
            paths = sorted(folder.iterdir())
        except OSError as error:
            self.leave_out(folder, "not_readable", error=error.strerror)
            return []
        listed = []
        for path in paths:
            if path.name.startswith("."):
                continue
            if problem := name_problem(path.name):
                self.leave_out(path, problem)
            else:
                listed.append(path)
        return listed

    def folders(self, parent: Path) -> list[Path]:
        """Return the folders in a folder; there may be no such one."""
        folders = []
        for path in self.paths(parent) if os.path.lexists(parent) else ():
            if is_folder(path):
                folders.append(path)
            else:
                self.note(path, "finding_no_folder")
        return folders

    def files(self, folder: Path, beside: Collection[Path] = ()) -> list[Path]:
        """Return the regular files in a folder, also behind links; `beside` them may be folders."""
        files = []
        for path in self.paths(folder):
            if path in beside:
                continue
            kind = _kind(path)
            if kind == stat.S_IFREG:
                files.append(path)
            elif kind == stat.S_IFDIR:
                self.leave_out(path, "folder_among_pictures")
            elif kind:
                self.leave_out(path, "no_regular_file")
            else:
                self.leave_out(path, "dead_link" if path.is_symlink() else "not_openable")
        return files

    def pictures(self, folder: Path, beside: Collection[Path] = ()) -> dict[str, Path]:
        """Return the pictures in a folder by stem; `beside` them may be folders."""
        pictures: dict[str, Path] = {}
        for path in self.files(folder, beside):
            if not may_be_picture(path):
                self.note(path, "finding_other_file")
            elif not is_picture(path):
                self.leave_out(path, "not_read")
            elif is_link_out(path):
                self.leave_out(path, "not_allowed")
            elif path.stem in pictures:
                self.leave_out(path, "same_name", other=pictures[path.stem].name)
            else:
                pictures[path.stem] = path
        return pictures


def name_problem(name: str) -> Fact | None:
    """Return why a name cannot stand in result files."""
    if readable(name) != name:
        return fact("name_no_text")
    return fact("name_carriage_return") if "\r" in name else None


def is_link_out(path: Path) -> bool:
    """Tell whether a path is a link to where nothing may be read."""
    return path.is_symlink() and not is_allowed(path)


def is_folder(path: Path) -> bool:
    """Tell whether a path is a folder that can be seen, links followed."""
    return _kind(path) == stat.S_IFDIR


def _kind(path: Path) -> int:
    """Return the file type of `path`, links followed; 0 where there is none to be seen."""
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except OSError:
        return 0
