"""The scores of new pictures as a CSV file: one line per picture and method."""

from __future__ import annotations

import csv
import io
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

from evaluation.measure.operating_points import is_defective
from evaluation.new_pictures.opened_cell import OpenCell
from evaluation.new_pictures.scoring import ScoredPicture
from evaluation.store.spreadsheet import NOT_AVAILABLE, harmless

COLUMNS = ("file", "method", "score", "threshold", "verdict", "false_alarms", "remark")
DEFECTIVE, GOOD = "defective", "good"
BYTE_ORDER_MARK = "\ufeff"


def verdict(score: float, threshold: float) -> str:
    """Return ``defective``, ``good``, or ``n/a`` where score or threshold is NaN."""
    if math.isnan(score) or math.isnan(threshold):
        return NOT_AVAILABLE
    return DEFECTIVE if is_defective(score, threshold) else GOOD


def score_csv(
    scored: Sequence[ScoredPicture], cells: Sequence[OpenCell], false_alarms: float
) -> str:
    """Return the table as text with a byte order mark, in which no name is a formula.

    So a spreadsheet opens it, Korean names and all.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    thresholds = {cell.method: cell.threshold(false_alarms) for cell in cells}
    for one in scored:
        for method, threshold in thresholds.items():
            writer.writerow(
                [
                    harmless(one.name),
                    method,
                    f"{one.score(method):.9g}" if one.readable else "",
                    NOT_AVAILABLE if math.isnan(threshold) else f"{threshold:.9g}",
                    verdict(one.score(method), threshold),
                    f"{false_alarms:g}",
                    harmless(str(one.remark or "")),
                ]
            )
    content = BYTE_ORDER_MARK + text.getvalue()
    return content.encode("utf-8", "replace").decode("utf-8")


def default_file(folder: Path) -> Path:
    """Return where the table goes: ``<folder's name>_scores.csv`` in the current folder."""
    name = folder.resolve().name
    return Path(f"{name}_scores.csv" if name else "scores.csv").absolute()


def check_target(path: Path) -> None:
    """Raise ValueError for a file that cannot be written, before anything is computed."""
    if path.suffix.lower() != ".csv":
        raise ValueError(f"The table is written as CSV; let '{path.name}' end in .csv.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r+b") if path.exists() else tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise ValueError(
            f"{path} cannot be written ({error.strerror}); close it where it is open, or choose "
            "another file with --csv."
        ) from error
