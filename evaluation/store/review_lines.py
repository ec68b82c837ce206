"""Thresholds that a person has chosen: pass, review by hand, reject; one file per folder."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data_utils.facts import Fault
from evaluation.store.files import write_atomically
from evaluation.store.places import CellKey

LINES_FILE = "thresholds.json"
FORMAT = 1


class LinesError(Fault):
    """A file of thresholds that cannot be used."""


@dataclass(frozen=True)
class ReviewLines:
    """What is done with a picture of a cell: passed up to one score, rejected above another.

    Attributes
    ----------
    category, method, settings_id : str
        The cell.
    review_above, reject_above : float
        Raw scores, the first at most the second; between them a person decides. If they are
        equal, nothing is reviewed.
    finished : str
        When the cell was made whose scores these are.
    """

    category: str
    method: str
    settings_id: str
    review_above: float
    reject_above: float
    finished: str

    def __post_init__(self) -> None:
        scores = (self.review_above, self.reject_above)
        names = (self.category, self.method, self.settings_id, self.finished)
        if not all(isinstance(name, str) for name in names):
            raise ValueError("a name is no text")
        if not all(type(one) in (int, float) and abs(one) < sys.float_info.max for one in scores):
            raise ValueError("a threshold is no number")
        if self.review_above > self.reject_above:
            raise ValueError("review_above is greater than reject_above")

    @property
    def key(self) -> CellKey:
        """The cell's key."""
        return CellKey(self.category, self.method, self.settings_id)


def lines_text(lines: list[ReviewLines]) -> str:
    """Return the content of a file of thresholds."""
    content = {"format": FORMAT, "thresholds": [asdict(one) for one in lines]}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read_lines(path: Path) -> dict[CellKey, ReviewLines]:
    """Return the thresholds in a file by cell.

    Raises
    ------
    LinesError
        If it cannot be read or holds anything else.
    """
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError("another format")
        found = [ReviewLines(**one) for one in content["thresholds"]]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise LinesError("thresholds_unreadable", path=path, error=str(error)) from error
    return {one.key: one for one in found}


def lines_for(path: Path, key: CellKey, finished: str) -> ReviewLines:
    """Return the thresholds in a file for a cell.

    Raises
    ------
    LinesError
        If there are none, or the cell has been made again since.
    """
    chosen = read_lines(path).get(key)
    if chosen is None:
        raise LinesError("thresholds_absent", path=path, cell=str(key))
    if chosen.finished != finished:
        raise LinesError("thresholds_outdated", path=path, cell=str(key))
    return chosen


def kept_lines(outputs: Path) -> dict[CellKey, ReviewLines]:
    """Return the thresholds kept in an outputs folder; none without a file."""
    path = outputs / LINES_FILE
    return read_lines(path) if path.exists() else {}


def keep_lines(outputs: Path, key: CellKey, chosen: ReviewLines | None) -> None:
    """Keep a cell's thresholds in its outputs folder; None forgets them.

    Raises
    ------
    LinesError
        If the file that is there cannot be read; it is left as it is.
    OSError
        If it cannot be written.
    """
    kept = kept_lines(outputs)
    kept.pop(key, None)
    if chosen is not None:
        kept[key] = chosen
    write_atomically(outputs / LINES_FILE, lines_text(list(kept.values())), lasting=False)
