"""What a user asks to be evaluated; the command line and the pages say it in the same words."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path

from data_utils.facts import Fact, Fault, fact
from data_utils.locations import DEFAULT_OUTPUTS
from data_utils.mvtec import OFFICIAL_CATEGORIES
from data_utils.transform import MAX_SIDE, MIN_SIDE, PAPER_CROP, choose_transform
from detectors.backbones.engines import FLOAT32, TORCH, Engine, why_unusable
from detectors.backbones.names import AUTOMATIC, DEFAULT_BACKBONE, channels_of
from detectors.registry import METHODS, Options
from evaluation.store.settings import Settings

MAX_SEED = 2**32 - 1
MAX_WORKERS = 256
ALL_PICTURES, TRAIN_COUNT = "all", re.compile("all|[2-9]|[1-9][0-9]+")
SCHEDULER_VARIABLE = "MVTEC_SCHEDULER"
SCHEDULER = re.compile(r"(tcp|tls)://([\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}")


class RequestError(Fault):
    """A request that cannot be carried out."""


@dataclass(frozen=True)
class Request:
    """One run, as a user asks for it: each field is an option of ``evaluate.py`` of that name.

    Attributes
    ----------
    data : str
        The data folder, or ``"demo"``.
    categories, methods : tuple of str
        Empty for all.
    backbones, engines, precisions, coreset_ratios, seeds : tuple
        Evaluated in every combination, but PyTorch in float32 alone if that is among the
        precisions; the first of each are the main settings.
    weights : str or None
        File, ``"random"``, or None for the default ones.
    image_size, crop, no_crop, full_size_masks, padim_channels
        As in ``Settings``.
    force : bool
        Repeat finished cells.
    threads : int or None
        Processor threads of each worker; None for all cores.
    workers : int
        Processes on this machine.
    scheduler : str
        Address of a Dask cluster that makes the cells, "" for this machine.
    leave_out : str or None
        File that names training pictures which are not used; see ``store.leave_out``.
    training_pictures : bool
        Instead of an evaluation, rate every training picture by a model without it.
    train_counts : tuple of str
        Instead of an evaluation, fit on so many training pictures each, numbers or ``"all"``, drawn
        anew for each of the `seeds`; of other settings the first of each.
    """

    data: str
    categories: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    backbones: tuple[str, ...] = (AUTOMATIC,)
    weights: str | None = None
    engines: tuple[str, ...] = (TORCH,)
    precisions: tuple[str, ...] = (FLOAT32,)
    image_size: int | None = None
    crop: int | None = None
    no_crop: bool = False
    full_size_masks: bool = False
    coreset_ratios: tuple[float, ...] = (Options().coreset_ratio,)
    padim_channels: int | str | None = None
    seeds: tuple[int, ...] = (Options().seed,)
    force: bool = False
    threads: int | None = None
    workers: int = 1
    scheduler: str = ""
    leave_out: str | None = None
    training_pictures: bool = False
    train_counts: tuple[str, ...] = ()

    def settings(self) -> tuple[Settings, ...]:
        """Return every combination once, in order."""
        computed = [Engine(*pair) for pair in product(self.engines, self.precisions)]
        if FLOAT32 in self.precisions:
            computed = [one for one in computed if one.library != TORCH or one.precision == FLOAT32]
        combined = [
            Settings(
                backbone=DEFAULT_BACKBONE if backbone == AUTOMATIC else backbone,
                options=Options(seed, ratio, self.padim_channels),
                image_size=self.image_size,
                crop=self.crop,
                whole_picture=self.no_crop,
                full_size_masks=self.full_size_masks,
                automatic=self.backbones == (AUTOMATIC,),
                engine=engine,
            )
            for backbone, engine, ratio, seed in product(
                self.backbones, computed, self.coreset_ratios, self.seeds
            )
        ]
        return tuple(dict.fromkeys(combined))

    def arguments(self) -> list[str]:
        """Return the arguments of ``evaluate.py``, without those that are defaults."""
        arguments = []
        for option in fields(self):
            value = getattr(self, option.name)
            if value == option.default or (option.name == "methods" and set(value) == set(METHODS)):
                continue
            arguments.append("--" + option.name.replace("_", "-"))
            if not isinstance(value, bool):
                arguments += map(str, value if isinstance(value, tuple) else [value])
        return arguments


def named_scheduler() -> str:
    """Return the cluster that the app may use: what ``MVTEC_SCHEDULER`` names, "" for none."""
    given = os.environ.get(SCHEDULER_VARIABLE, "").strip()
    return given if is_scheduler(given) else ""


def is_scheduler(address: str) -> bool:
    """Tell whether it is the address of a Dask scheduler: ``tcp://host:port`` or ``tls://...``."""
    return SCHEDULER.fullmatch(address) is not None


def study_refusal(request: Request) -> Fact | None:
    """Return why a study of the training pictures cannot be carried out as it is asked for."""
    studies = request.training_pictures + bool(request.train_counts)
    if studies > 1 or (studies and (request.workers > 1 or request.scheduler)):
        return fact("study_alone")
    if studies and not any(METHODS[one].reads_backbone for one in request.methods or METHODS):
        return fact("study_without_methods")
    return None


def command_line(arguments: Sequence[str], outputs: Path, show: Callable[[Path], str] = str) -> str:
    """Return the command that does the same in a shell, in the project's folder.

    Parameters
    ----------
    arguments : sequence of str
    outputs : Path
        Named only where it is not the default one.
    show : callable
        How it is named.
    """
    words = ["python", "evaluate.py", *arguments]
    if outputs.resolve() != DEFAULT_OUTPUTS.resolve():
        words += ["--out", show(outputs)]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def image_size_bounds(categories: Iterable[str]) -> tuple[int, int]:
    """Return the smallest and largest ``--image-size`` in px that suits all `categories`.

    MVTec AD's own categories are cropped after the resize, so there the crop must fit.
    """
    official = any(name in OFFICIAL_CATEGORIES for name in categories)
    return (PAPER_CROP if official else MIN_SIDE), MAX_SIDE


def check_settings(settings: Settings, categories: Iterable[str], methods: Iterable[str]) -> None:
    """Refuse settings with which no cell can be made.

    Raises
    ------
    RequestError
    ValueError
        If a crop does not fit.
    """
    size = settings.image_size
    if size is not None and not MIN_SIDE <= size <= MAX_SIDE:
        raise RequestError("size_outside", size=size, low=MIN_SIDE, high=MAX_SIDE)
    for official in {name in OFFICIAL_CATEGORIES for name in categories}:
        choose_transform([], official, size, settings.crop, settings.whole_picture)
    reading = any(METHODS[method].reads_backbone for method in methods)
    if reading and (problem := why_unusable(settings.engine, settings.backbone)):
        raise RequestError(problem)
    channels = settings.options.padim_channels
    available = sum(channels_of(settings.backbone).values())
    if "padim" in methods and isinstance(channels, int) and channels > available:
        raise RequestError(
            "too_many_channels",
            channels=channels,
            backbone=settings.backbone,
            available=available,
        )
