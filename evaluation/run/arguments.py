"""The options of a run on the command line, one for each field of ``Request``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from typing import Any, NoReturn

from data_utils.locations import DATA_VARIABLE, default_data_root, expanded
from detectors.backbones.engines import LIBRARIES, PRECISIONS, REQUIREMENTS
from detectors.backbones.names import AUTOMATIC, BACKBONES, DEFAULT_BACKBONE, RANDOM, STAND_IN
from detectors.registry import ALL_CHANNELS, METHODS
from evaluation.run.request import ALL_PICTURES, MAX_SEED, MAX_WORKERS, Request, is_scheduler

DEMO = "demo"
MAX_THREADS = 1024


class ArgumentsError(ValueError):
    """Arguments that do not make sense; the message is a sentence without its full stop."""


class Parser(argparse.ArgumentParser):
    """A parser that raises ``ArgumentsError`` for a wrong argument."""

    def error(self, message: str) -> NoReturn:
        """Raise the error."""
        raise ArgumentsError(message)


def parse_request(arguments: Sequence[str]) -> Request:
    """Return the request that ``Request.arguments`` wrote; raises ArgumentsError."""
    parser = Parser(add_help=False, allow_abbrev=False)
    add_run_options(parser)
    return request_of(parser.parse_args(list(arguments)))


def request_of(parsed: argparse.Namespace) -> Request:
    """Return what is asked for, with paths that hold in any folder."""
    given: dict[str, Any] = {
        option.name: tuple(value) if isinstance(value, list) else value
        for option in fields(Request)
        for value in [getattr(parsed, option.name)]
    }
    data = given["data"]
    if data != DEMO:
        given["data"] = str((expanded(data) if data else default_data_root()).absolute())
    for name in ("weights", "leave_out"):
        if given[name] and given[name] != RANDOM:
            given[name] = str(expanded(given[name]).absolute())
    return Request(**given)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a run to a parser."""
    parser.add_argument(
        "--data",
        default="",
        metavar="FOLDER",
        help="data folder with <category>/train/good, <category>/test/<defect> and "
        "<category>/ground_truth/<defect>; 'demo' for generated pictures "
        f"(default: ${DATA_VARIABLE}, else data/mvtec_ad)",
    )
    parser.add_argument(
        "--categories", nargs="+", metavar="NAME", help="categories to evaluate (default: all)"
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=list(METHODS),
        metavar="NAME",
        help=f"any of {', '.join(METHODS)} (default: all)",
    )
    parser.add_argument(
        "--seeds",
        "--seed",
        nargs="+",
        type=_whole(0, MAX_SEED),
        metavar="N",
        help="same seed, same numbers (default: 0); several of them give a mean and a spread",
    )
    parser.add_argument("--force", action="store_true", help="repeat finished cells")

    network = parser.add_argument_group("backbone of PaDiM and PatchCore")
    network.add_argument(
        "--backbones",
        "--backbone",
        nargs="+",
        choices=[AUTOMATIC, *BACKBONES],
        metavar="NAME",
        help=f"any of {', '.join(BACKBONES)} (default: {DEFAULT_BACKBONE}, or {STAND_IN}, "
        "which pip has installed, where its weights cannot be had)",
    )
    network.add_argument(
        "--weights",
        metavar="FILE",
        help="torchvision state dict of the backbone, or 'random' (default: $BACKBONE_WEIGHTS, "
        "else ImageNet weights, downloaded once)",
    )
    network.add_argument(
        "--engines",
        "--engine",
        nargs="+",
        choices=LIBRARIES,
        metavar="NAME",
        help="what computes it: torch (default), or openvino, which takes less time and needs "
        f"pip install -r {REQUIREMENTS}",
    )
    network.add_argument(
        "--precisions",
        "--precision",
        nargs="+",
        choices=PRECISIONS,
        metavar="NAME",
        help=f"any of {', '.join(PRECISIONS)} (default: float32, the only one of torch); bfloat16 "
        "needs a processor that has it, int8 is prepared once for each backbone",
    )

    size = parser.add_argument_group("pictures")
    size.add_argument(
        "--image-size",
        type=_whole(1),
        metavar="PX",
        help="with a crop the shorter side before it (default 256); without one the pictures "
        "cover about PX x PX pixels (default 224)",
    )
    size.add_argument(
        "--crop",
        type=_whole(1),
        metavar="PX",
        help="side of the centre crop (default: 224 for MVTec AD's categories, else no crop)",
    )
    size.add_argument("--no-crop", action="store_true", help="always keep the whole picture")
    size.add_argument(
        "--full-size-masks",
        action="store_true",
        help="compute pixel metrics at the masks' own size instead of that of the maps; with "
        "--no-crop as well, as MVTec's evaluation does; takes more time and memory",
    )

    methods = parser.add_argument_group("methods")
    methods.add_argument(
        "--coreset-ratios",
        "--coreset-ratio",
        nargs="+",
        type=share(up_to_one=True),
        metavar="SHARE",
        help="share of patches in PatchCore's memory bank (default: 0.01)",
    )
    methods.add_argument(
        "--padim-channels",
        type=lambda text: text if text == ALL_CHANNELS else _whole(1)(text),
        metavar="D",
        help="random channels of PaDiM, or 'all' of the backbone's: often better, for several "
        "times the time and memory (default: 100; 550 with wide_resnet50_2; all 176 of "
        "efficientnet_lite0)",
    )

    parser.add_argument(
        "--leave-out",
        metavar="FILE",
        help="evaluate without the training pictures that this file names, one path below the data "
        "folder per line, as the page Training pictures writes it; results stand beside the others",
    )
    studies = parser.add_argument_group(
        "studies of the training pictures, instead of an evaluation"
    )
    studies.add_argument(
        "--training-pictures",
        action="store_true",
        help="rate every training picture by PaDiM and PatchCore without it, and tell which ones "
        "stand out and which are nearly equal: <out>/<category>/training_pictures",
    )
    studies.add_argument(
        "--train-counts",
        nargs="+",
        type=lambda text: text if text == ALL_PICTURES else str(_whole(2)(text)),
        metavar="N",
        help="how many good pictures are enough: fit PaDiM and PatchCore on so many of them, such "
        "as 10 20 50 100 all, and score the test pictures; each of the --seeds draws others, so "
        "several show the spread: <out>/<category>/train_counts.json",
    )

    places = parser.add_argument_group("where the cells are made")
    places.add_argument(
        "--threads",
        type=_whole(1, MAX_THREADS),
        metavar="N",
        help="processor threads, with several workers those of each (default: every core once; on "
        "a cluster as its workers are set)",
    )
    places.add_argument(
        "--workers",
        type=_whole(1, MAX_WORKERS),
        metavar="N",
        help="processes on this machine (default: 1); cells of a category that share a backbone "
        "stay together, so no more processes work than there are such groups",
    )
    places.add_argument(
        "--scheduler",
        type=_scheduler,
        metavar="ADDRESS",
        help="the scheduler of a Dask cluster, tcp://host:port or tls://host:port, whose workers "
        f"make the cells; each reads the data from its own ${DATA_VARIABLE}, else from the same "
        "path as here. Dask executes what it receives: trusted networks or TLS only",
    )
    parser.set_defaults(
        **{one.name: one.default for one in fields(Request) if one.default is not MISSING}
    )


def share(up_to_one: bool = False) -> Callable[[str], float]:
    """Return a reader of a share above 0 and below 1, or up to 1."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not (0 < value < 1 or (up_to_one and value == 1)):
            most = "at most 1" if up_to_one else "below 1"
            raise argparse.ArgumentTypeError(f"'{text}' is not a share above 0 and {most}")
        return value

    return read


def _whole(low: int, high: int | None = None) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < low or (high is not None and int(text) > high):
            bounds = f"from {low} to {high}" if high is not None else f"above {low - 1}"
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number {bounds}")
        return int(text)

    return read


def _scheduler(text: str) -> str:
    if text and not is_scheduler(text):
        raise argparse.ArgumentTypeError(
            f"'{text}' is no scheduler's address, such as tcp://192.168.0.10:8786"
        )
    return text
