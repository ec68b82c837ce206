"""Cells while they are made: what each has so far, and what those of one category share."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from data_utils.mvtec import Category
from data_utils.pictures import Pictures
from detectors.backbones.features import Backbone
from detectors.base import Calibration, Detector
from detectors.registry import METHODS
from evaluation.brightness import mean_brightness
from evaluation.cells import CellPlace
from evaluation.errors import sentence
from evaluation.latency import Latency
from evaluation.machine import Clock
from evaluation.metrics import mask_regions
from evaluation.pictures import SampleFiles, encode_samples
from evaluation.progress import RunProgress
from evaluation.settings import Settings


@dataclass
class CategoryWork:
    """What the cells of one category share while they are made.

    Attributes
    ----------
    decode_s : float
        Seconds spent on reading the pictures.
    """

    category: Category
    pictures: Pictures
    decode_s: float
    progress: RunProgress

    @cached_property
    def sample_files(self) -> SampleFiles:
        """The test pictures and their ground truth as PNG files."""
        pictures = self.pictures
        return encode_samples(pictures.test_records, pictures.test, pictures.masks)

    @cached_property
    def regions(self) -> NDArray[np.uint32]:
        """The numbered defects of the test pictures, ``[T, H, W]``."""
        return mask_regions(self.pictures.masks)

    @cached_property
    def brightness(self) -> NDArray[np.float64]:
        """The mean brightness of every picture."""
        return mean_brightness(self.pictures.images)


@dataclass
class CellWork:
    """One cell while it is made.

    Attributes
    ----------
    settings : Settings
        What its numbers depend on besides the data.
    backbone : Backbone or None
        What the detector reads; None if it reads the pictures themselves.
    maps : float32 [T, H, W]
        Raw maps of the test pictures, once scored.
    calibration : Calibration
        Scores of held-out good pictures, once fitted.
    clock : Clock
        Seconds by phase: ``backbone_fit, fit, calibrate, backbone_score, score, ...``
    latency : Latency
        Time of one picture, once scored.
    failure : str
        Why the cell cannot be finished; empty while all is well.
    larger : CellWork or None
        A cell of PatchCore whose memory bank begins with this one's.
    chosen_after : list of (patches, seconds)
        When how many patches of the memory bank had been chosen, in seconds of fitting.
    """

    place: CellPlace
    detector: Detector
    settings: Settings
    backbone: Backbone | None = None
    clock: Clock = field(default_factory=Clock)
    maps: NDArray[np.float32] | None = None
    calibration: Calibration | None = None
    failure: str = ""
    latency: Latency | None = None
    peak_memory_mb: float = 0.0
    larger: CellWork | None = None
    chosen_after: list[tuple[int, float]] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The method's name for people."""
        return METHODS[self.place.method].title

    @contextmanager
    def step(self, phase: str) -> Iterator[None]:
        """Time a step; an error in it ends this cell, not the others."""
        with self.guarded(), self.clock.phase(phase):
            yield

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn any error inside into this cell's failure; log the trace of unexpected ones."""
        try:
            yield
        except Exception as error:
            if not isinstance(error, (ValueError, OSError)):
                traceback.print_exc()
            self.failure = sentence(error)
