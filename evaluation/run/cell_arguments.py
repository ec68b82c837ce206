"""The options that use a finished cell: ``--score`` new pictures, ``--export`` it elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path

from data_utils.locations import expanded
from detectors.backbones.engines import REQUIREMENTS
from detectors.registry import METHODS
from evaluation.measure.operating_points import DEFAULT_FALSE_ALARMS
from evaluation.run.arguments import share

ONLY_WITH_CELL = ("category", "method", "csv", "false_alarms", "thresholds")
NOT_WITH_CELL = (
    *("data", "categories", "methods", "force", "workers", "scheduler"),
    *("train_counts", "training_pictures"),
)
SINGLE_WITH_CELL = ("seeds", "backbones", "engines", "precisions", "coreset_ratios")
MEANT = {"category": " (did you mean --categories?)", "method": " (did you mean --methods?)"}


def add_cell_options(parser: argparse.ArgumentParser) -> None:
    """Add them to a parser."""
    group = parser.add_argument_group(
        "scoring new pictures, here or elsewhere",
        "with the results of an earlier evaluation; give the options of that evaluation if they "
        "were not the default ones",
    )
    group.add_argument(
        "--export",
        type=named_path,
        metavar="FOLDER",
        help="write a folder that scores pictures on any machine with OpenVINO, without this "
        "program and without PyTorch, after checking it on the test pictures; needs pip install "
        f"-r {REQUIREMENTS}",
    )
    group.add_argument(
        "--score",
        type=named_path,
        metavar="FOLDER",
        help="score the pictures in this folder and its subfolders",
    )
    group.add_argument("--category", metavar="NAME", help="the category that they belong to")
    group.add_argument("--method", choices=list(METHODS), metavar="NAME")
    group.add_argument(
        "--csv",
        type=named_path,
        metavar="FILE",
        help="where the scores go (default: <FOLDER's name>_scores.csv in the current folder)",
    )
    group.add_argument(
        "--false-alarms",
        type=share(),
        metavar="SHARE",
        help="share of good parts that may be reported as defective; the threshold follows from "
        f"it (default: {DEFAULT_FALSE_ALARMS})",
    )
    group.add_argument(
        "--thresholds",
        type=named_path,
        metavar="FILE",
        help="thresholds chosen on the ROC page, instead of --false-alarms; pictures between the "
        "two get the verdict 'review'",
    )


def check_cell_options(parser: argparse.ArgumentParser, parsed: argparse.Namespace) -> None:
    """Refuse options that do not go together; exits with status 2."""
    asked = [name for name in ("score", "export") if getattr(parsed, name)]
    if not asked:
        alone = [name for name in ONLY_WITH_CELL if getattr(parsed, name) is not None]
        if alone:
            tasks = "--score" if alone[0] == "csv" else "--score or --export"
            hint = MEANT.get(alone[0], "")
            parser.error(f"{_option(alone[0])} goes with {tasks} only{hint}")
        return
    if len(asked) > 1:
        parser.error("--score and --export are two tasks; give one at a time")
    task = _option(asked[0])
    for name in ("category", "method"):
        if getattr(parsed, name) is None:
            parser.error(f"{task} needs {_option(name)} NAME as well")
    if parsed.thresholds and parsed.false_alarms is not None:
        parser.error("--thresholds and --false-alarms both say where the threshold is; give one")
    if parsed.export and parsed.csv:
        parser.error("--csv goes with --score; an exported program has a --csv of its own")
    for name in SINGLE_WITH_CELL:
        if len(getattr(parsed, name)) > 1:
            parser.error(f"{task} takes one value of {_option(name)}, those of one cell")
    for name in NOT_WITH_CELL:
        if getattr(parsed, name) != parser.get_default(name):
            parser.error(f"{_option(name)} does not go with {task}, which fits nothing")


def named_path(text: str) -> Path:
    """Read a path; refuse an empty name."""
    if not text.strip():
        raise argparse.ArgumentTypeError("an empty name is no path")
    return expanded(text)


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
