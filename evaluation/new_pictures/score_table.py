"""The scores of new pictures as a CSV file: one line per picture and method."""

from __future__ import annotations

import csv
import io
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from evaluation.measure.operating_points import (
    expected_interval,
    expected_share,
    is_defective,
    pictures_needed,
)
from evaluation.new_pictures.opened_cell import OpenCell
from evaluation.new_pictures.scoring import ScoredPicture, unlike_held_out
from evaluation.store.review_lines import ReviewLines
from evaluation.store.spreadsheet import NOT_AVAILABLE, harmless

COLUMNS = (
    *("file", "method", "score", "threshold", "review_above", "verdict", "false_alarms"),
    "remark",
)
ALL_PICTURES = "(all pictures)"
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
    `chosen` ones of the one cell. Each method ends with a line on all pictures.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    thresholds = {cell.method: cell.threshold(false_alarms) for cell in cells}
    review_above, rate = math.nan, f"{false_alarms:g}"
    if chosen is not None:
        thresholds = {chosen.method: chosen.reject_above}
        review_above, rate = chosen.review_above, NOT_AVAILABLE
    ends = {
        method: [
            NOT_AVAILABLE if math.isnan(end) else f"{end:.9g}" for end in (above, review_above)
        ]
        for method, above in thresholds.items()
    }
    lines: list[tuple[str, str, str, str, object]] = []
    for one in scored:
        for method, threshold in thresholds.items():
            score = one.score(method)
            judged = verdict(score, threshold, review_above)
            shown = f"{score:.9g}" if one.readable else ""
            lines.append((one.name, method, shown, judged, one.remark or ""))
    for cell in cells:
        words = [verdicts_in_words(scored, cell, false_alarms, chosen)]
        words += [str(unlike)] if (unlike := unlike_held_out(scored, [cell])) else []
        lines.append((ALL_PICTURES, cell.method, "", "", " ".join(words)))
    for name, method, shown, judged, remark in lines:
        told = harmless(str(remark))
        writer.writerow([harmless(name), method, shown, *ends[method], judged, rate, told])
    content = BYTE_ORDER_MARK + text.getvalue()
    return content.encode("utf-8", "replace").decode("utf-8")


def verdict_table(test: pd.DataFrame, chosen: ReviewLines) -> pd.DataFrame:
    """Return what the lines make of test pictures: their names, labels, scores and ``verdict``."""
    ends = (chosen.reject_above, chosen.review_above)
    judged = [verdict(score, *ends) for score in test["score"]]
    return test[["file", "defect", "stem", "label", "score"]].assign(verdict=judged)


def verdicts_in_words(
    scored: Sequence[ScoredPicture],
    cell: OpenCell,
    false_alarms: float,
    chosen: ReviewLines | None,
) -> str:
    """Return how many pictures are above the thresholds, and what these promise."""
    scores = [one.score(cell.method) for one in scored if one.readable]
    count = f"{len(scores)} pictures scored."
    held_out, threshold = len(cell.calibration_scores), cell.threshold(false_alarms)
    if chosen is not None:
        ends = (chosen.reject_above, chosen.review_above)
        judged = [verdict(score, *ends) for score in scores]
        return (
            f"{count} {judged.count(DEFECTIVE)} of them are above {ends[0]:.4g} and rejected; "
            f"{judged.count(REVIEW)} are above {ends[1]:.4g} and to be reviewed."
        )
    if math.isnan(threshold):
        return (
            f"{count} No verdicts: {held_out} held-out good pictures are too few for "
            f"{false_alarms:.1%} false alarms; at least {pictures_needed(false_alarms)} are needed."
        )
    low, high = expected_interval(held_out, false_alarms)
    judged = [verdict(score, threshold) for score in scores]
    return (
        f"{count} {judged.count(DEFECTIVE)} of them are above the threshold {threshold:.4g}; about "
        f"{expected_share(held_out, false_alarms):.1%} of good parts are expected above it, "
        f"between {low:.1%} and {high:.1%} for a threshold from {held_out} held-out good pictures."
    )


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
