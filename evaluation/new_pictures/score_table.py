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
from evaluation.store.review_lines import ReviewLines
from evaluation.store.spreadsheet import NOT_AVAILABLE, harmless

COLUMNS = (
    *("file", "method", "score", "threshold", "review_above", "verdict", "false_alarms"),
    "remark",
)
DEFECTIVE, REVIEW, GOOD = "defective", "review", "good"
BYTE_ORDER_MARK = "\ufeff"


def verdict(score: float, threshold: float, review_above: float = math.nan) -> str:
    """Return ``defective``, ``good``, or ``n/a`` where score or threshold is NaN.

    Between `review_above`, if it is given, and `threshold`: ``review``.
    """
    if math.isnan(score) or math.isnan(threshold):
        return NOT_AVAILABLE
    if is_defective(score, threshold):
        return DEFECTIVE
    return REVIEW if is_defective(score, review_above) else GOOD


def score_csv(
    scored: Sequence[ScoredPicture],
    cells: Sequence[OpenCell],
    false_alarms: float,
    chosen: ReviewLines | None = None,
) -> str:
    """Return the table as text with a byte order mark, in which no name is a formula.

    So a spreadsheet opens it, Korean names and all. Thresholds follow from the rate, or are the
    `chosen` ones of the one cell.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    thresholds = {cell.method: cell.threshold(false_alarms) for cell in cells}
    review_above, rate = math.nan, f"{false_alarms:g}"
    if chosen is not None:
        thresholds = {chosen.method: chosen.reject_above}
        review_above, rate = chosen.review_above, NOT_AVAILABLE
    for one in scored:
        for method, threshold in thresholds.items():
            writer.writerow(
                [
                    harmless(one.name),
                    method,
                    f"{one.score(method):.9g}" if one.readable else "",
                    NOT_AVAILABLE if math.isnan(threshold) else f"{threshold:.9g}",
                    NOT_AVAILABLE if math.isnan(review_above) else f"{review_above:.9g}",
                    verdict(one.score(method), threshold, review_above),
                    rate,
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
