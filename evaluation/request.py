"""What a user asks to be evaluated, as the arguments of ``evaluate.py`` and back."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from data_utils.locations import DEFAULT_OUTPUTS
from data_utils.mvtec import OFFICIAL_CATEGORIES
from data_utils.transform import MAX_SIDE, MIN_SIDE, PAPER_CROP, choose_transform
from detectors.backbones.names import channels_of
from detectors.registry import METHODS
from evaluation.cell_fields import LARGEST_SEED
from evaluation.job import DONE, JobStatus
from evaluation.settings import Settings

MAX_SEED = LARGEST_SEED
MAX_WORKERS = 256
SCHEDULER_VARIABLE = "MVTEC_SCHEDULER"
SCHEDULER = re.compile(r"(tcp|tls)://([\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}")
SWEPT = ("--backbones", "--coreset-ratios", "--seeds")


@dataclass(frozen=True)
class Sweep:
    """Values to evaluate besides those of the first settings, in every combination.

    Attributes
    ----------
    backbones : tuple of str
    coreset_ratios : tuple of float
    seeds : tuple of int
    """

    backbones: tuple[str, ...] = ()
    coreset_ratios: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()

    def variants(self, first: Settings) -> tuple[Settings, ...]:
        """Return the combinations with `first`, without `first` itself."""
        backbones = (first.backbone, *self.backbones)
        ratios = (first.options.coreset_ratio, *self.coreset_ratios)
        seeds = (first.options.seed, *self.seeds)
        combined = [
            replace(
                first,
                backbone=backbone,
                options=replace(first.options, coreset_ratio=ratio, seed=seed),
            )
            for backbone in backbones
            for ratio in ratios
            for seed in seeds
        ]
        return tuple(dict.fromkeys(combined))[1:]


@dataclass(frozen=True)
class Request:
    """One run, as a user asks for it.

    Attributes
    ----------
    data : str
        The data folder, or ``"demo"``.
    categories, methods : tuple of str
        Empty for all.
    settings : Settings
        The first ones.
    weights : str or None
        File, ``"random"``, or None for the default ones.
    force : bool
        Repeat finished cells.
    sweep : Sweep
        What else is to be evaluated, in every combination.
    threads : int or None
        Processor threads of each worker; None for all cores.
    workers : int
        Processes on this machine.
    scheduler : str
        Address of a Dask cluster that makes the cells, "" for this machine.
    """

    data: str
    categories: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    settings: Settings = field(default_factory=Settings)
    weights: str | None = None
    force: bool = False
    threads: int | None = None
    sweep: Sweep = field(default_factory=Sweep)
    workers: int = 1
    scheduler: str = ""

    def arguments(self) -> list[str]:
        """Return the arguments of ``evaluate.py``, without those that are defaults."""
        default, asked, sweep = Settings(), self.settings, self.sweep
        usual = asked.backbone == default.backbone and not sweep.backbones
        ratios = (asked.options.coreset_ratio, *sweep.coreset_ratios)
        seeds = (asked.options.seed, *sweep.seeds)
        given: dict[str, tuple[object, ...]] = {
            "--backbones": () if asked.automatic and usual else (asked.backbone, *sweep.backbones),
            "--weights": _if_given(self.weights),
            "--image-size": _if_given(asked.image_size),
            "--crop": _if_given(asked.crop),
            "--coreset-ratios": () if ratios == (default.options.coreset_ratio,) else ratios,
            "--padim-channels": _if_given(asked.options.padim_channels),
            "--seeds": () if seeds == (default.options.seed,) else seeds,
            "--threads": _if_given(self.threads),
            "--workers": () if self.workers == 1 else (self.workers,),
            "--scheduler": _if_given(self.scheduler or None),
        }
        arguments = ["--data", self.data]
        if self.categories:
            arguments += ["--categories", *self.categories]
        if self.methods and set(self.methods) != set(METHODS):
            arguments += ["--methods", *self.methods]
        for name, values in given.items():
            written = name.removesuffix("s") if len(values) == 1 and name in SWEPT else name
            arguments += [written, *map(str, values)] if values else []
        arguments += ["--no-crop"] * asked.whole_picture
        arguments += ["--force"] * self.force
        return arguments


def named_scheduler() -> str:
    """Return the cluster that the app may use: what ``MVTEC_SCHEDULER`` names, "" for none."""
    given = os.environ.get(SCHEDULER_VARIABLE, "").strip()
    return given if is_scheduler(given) else ""


def is_scheduler(address: str) -> bool:
    """Tell whether it is the address of a Dask scheduler: ``tcp://host:port`` or ``tls://...``."""
    return SCHEDULER.fullmatch(address) is not None


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


def resume_arguments(status: JobStatus) -> list[str]:
    """Return the arguments that go on with a job that was cancelled or failed.

    They are the same, as finished cells are skipped. A job that repeats finished cells goes on
    with the categories that it had not completed.
    """
    if "--force" not in status.arguments:
        return status.arguments
    unfinished = dict.fromkeys(cell.category for cell in status.cells if cell.state != DONE)
    return [*status.arguments, *(["--categories", *unfinished] if unfinished else [])]


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
    ValueError
        With a sentence for the user.
    """
    size = settings.image_size
    if size is not None and not MIN_SIDE <= size <= MAX_SIDE:
        raise ValueError(
            f"An image size of {size} px is outside {MIN_SIDE} to {MAX_SIDE} px; choose another "
            "--image-size."
        )
    for official in {name in OFFICIAL_CATEGORIES for name in categories}:
        choose_transform([], official, size, settings.crop, settings.whole_picture)
    channels = settings.options.padim_channels
    available = sum(channels_of(settings.backbone).values())
    if "padim" in methods and isinstance(channels, int) and channels > available:
        raise ValueError(
            f"PaDiM cannot keep {channels} channels: {settings.backbone} has {available}; choose "
            "fewer with --padim-channels."
        )


def _if_given(value: object) -> tuple[object, ...]:
    return () if value is None else (value,)
