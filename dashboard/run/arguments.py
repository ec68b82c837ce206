"""What the app hands on to ``evaluate.py``: the options of its own form, and nothing else.

The arguments of the last job stand in a file that anybody may have edited, and a category may be
called like an option.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from dashboard.state import said
from data_utils.locations import expanded, is_allowed
from detectors.backbones.names import RANDOM, WEIGHTS_VARIABLE
from evaluation.request import SCHEDULER_VARIABLE, SWEPT, named_scheduler

FLAGS = ("--no-crop", "--force")
WITH_VALUE = (
    "--data",
    "--weights",
    "--backbone",
    "--image-size",
    "--crop",
    "--coreset-ratio",
    "--padim-channels",
    "--seed",
    "--threads",
    "--workers",
    "--scheduler",
)
WITH_VALUES = ("--categories", "--methods", *SWEPT)
NO_PATHS = {"--data": "demo", "--weights": RANDOM}
SIGN = "-"


def refusal(arguments: Sequence[str]) -> str:
    """Return why these arguments are not handed on, as a sentence; "" if nothing is wrong.

    Only the options of ``Request.arguments`` pass, each with as many values as it takes, and only
    folders and weights that are open on this machine. A cluster executes what it is sent, and is
    trusted with what it sends, so only the one that the machine's owner has named passes.
    """
    rest = list(arguments)
    while rest:
        option, values = rest.pop(0), []
        while rest and not rest[0].startswith(SIGN):
            values.append(rest.pop(0))
        if not _is_whole(option, len(values)):
            return said("run_argument_refused", argument=option)
        if option == "--scheduler" and values != [named_scheduler()]:
            return said("run_scheduler_refused", address=values[0], variable=SCHEDULER_VARIABLE)
        for value in values if option in NO_PATHS else ():
            known = value in (NO_PATHS[option], _named_by_owner())
            if not known and not is_allowed(expanded(value)):
                return said("run_path_refused", path=value)
    return ""


def can_be_named(category: str) -> bool:
    """Tell whether a category can be handed on by name; one that begins as an option cannot."""
    return not category.startswith(SIGN)


def _named_by_owner() -> str:
    """Return the weights file that the machine's owner has set, as the form names it."""
    given = os.environ.get(WEIGHTS_VARIABLE, "").strip()
    return str(expanded(given).absolute()) if given else ""


def _is_whole(option: str, count: int) -> bool:
    if option in FLAGS:
        return count == 0
    return count == 1 if option in WITH_VALUE else count > 0 and option in WITH_VALUES
