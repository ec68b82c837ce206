"""Where a cell stands in the outputs folder, and what its files are called."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from data_utils.facts import Fault
from data_utils.locations import leads_out

CELL_FILE = "cell.json"
SCORES_FILE = "scores.csv"
CURVES_FILE = "curves.npz"
MAPS_FILE = "maps.npy"
MODEL_FILE = "model.safetensors"
PICTURE_SUFFIX = ".png"
FAILURE_SUFFIX = ".failed.json"
SETTINGS_FOLDER = "settings"


class CellError(Fault):
    """A cell that cannot be read or written."""


class CellKey(NamedTuple):
    """What names a cell within an outputs folder; `settings_id` is "" for the default settings."""

    category: str
    method: str
    settings_id: str = ""

    def __str__(self) -> str:
        setting = f" ({self.settings_id})" if self.settings_id else ""
        return f"{self.category} / {self.method}{setting}"


def is_taken(category: str) -> bool:
    """Tell whether the outputs folder uses a category's name for something else."""
    return category == SETTINGS_FOLDER or category.startswith(".")


@dataclass(frozen=True)
class CellPlace:
    """Where the cell of one category and method with one set of settings stands."""

    outputs: Path
    category: str
    method: str
    settings_id: str = ""

    def __post_init__(self) -> None:
        if is_taken(self.category):
            raise CellError("category_name_taken", category=self.category)
        if leads_out(self.folder.parent, self.outputs):
            raise CellError("leads_out", folder=self.folder.parent, outputs=self.outputs)

    @property
    def key(self) -> CellKey:
        """What names the cell within the outputs folder."""
        return CellKey(self.category, self.method, self.settings_id)

    @property
    def folder(self) -> Path:
        """The cell's folder, whether it exists or not."""
        if not self.settings_id:
            return self.outputs / self.category / self.method
        return self.outputs / SETTINGS_FOLDER / self.settings_id / self.category / self.method

    @property
    def failure_file(self) -> Path:
        """The note about the last failed try, beside the cell."""
        return self.folder.with_name(self.method + FAILURE_SUFFIX)

    @property
    def finished(self) -> bool:
        """Whether a finished cell stands there, perhaps a damaged one."""
        return os.path.lexists(self.folder / CELL_FILE)
