"""What every detector is: fit on good pictures, score any picture.

Scores are raw and higher means more anomalous, everywhere in this project.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from data_utils.facts import Fault

if TYPE_CHECKING:
    import torch

    from detectors.backbones.features import Backbone
    from detectors.registry import Options

MAX_CALIBRATION_IMAGES = 100
BATCH_SIZE = 16

Progress = Callable[[int, int], None]


def unwatched(done: int, total: int) -> None:
    """Pass over progress (done, total); the default."""


class NotFittedError(RuntimeError):
    """A detector was asked to score, calibrate or save before it was fitted."""


class TooFewPicturesError(ValueError):
    """No picture can be left out of the model."""


class ModelFileError(Fault):
    """A stored model that cannot be used."""


@dataclass(frozen=True)
class AnomalyResult:
    """Scores of N pictures."""

    scores: NDArray[np.float32]  # [N], one per picture: the maximum of its map
    maps: NDArray[np.float32]  # [N, H, W], one per pixel, at the size of the pictures


@dataclass(frozen=True)
class Calibration:
    """Scores of good training pictures that the detector is made not to have seen.

    They are comparable with those of new pictures. There are none where the detector has too few
    training pictures to leave any out.
    """

    positions: NDArray[np.int64]  # [K], which of the training pictures
    result: AnomalyResult


class Detector(ABC):
    """A method: ``fit`` learns from good pictures, ``score`` rates pictures.

    Attributes learned by ``fit`` end in an underscore; what needs them before raises
    NotFittedError. Pictures are uint8 ``[N, H, W, 3]``; each detector normalises for itself.
    """

    method: ClassVar[str]

    @classmethod
    @abstractmethod
    def from_options(cls, options: Options, backbone: Backbone | None) -> Self:
        """Return a detector with what a user has set; `backbone` only for one that reads it."""

    @abstractmethod
    def fit(self, images: NDArray[np.uint8], progress: Progress = unwatched) -> Self:
        """Learn from good pictures."""

    @abstractmethod
    def score(self, images: NDArray[np.uint8], progress: Progress = unwatched) -> AnomalyResult:
        """Rate pictures."""

    @abstractmethod
    def calibrate(self, images: NDArray[np.uint8]) -> Calibration:
        """Rate at most 100 of the training pictures as if they had not been trained on.

        `images` must be the very pictures given to ``fit``.
        """

    def plain_map(self, *inputs: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:  # noqa: ARG002
        """Return the map of one picture of `size` (H, W), float32 ``[1, H, W]``, for export.

        It takes what the detector reads: the picture, uint8 ``[1, H, W, 3]``, or the three layers
        of its backbone, float32 ``[1, h, w, C]``. All operations are such as any runtime has. A
        method without it cannot be exported.
        """
        raise Fault("export_not_offered", method=self.method)

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write the fitted model to a safetensors file; see ``detectors.storage``."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path, backbone: Backbone | None = None) -> Self:
        """Read a model written by ``save``; raises ModelFileError if it does not fit."""


def no_calibration(size: tuple[int, ...]) -> Calibration:
    """Return the calibration of a detector that cannot leave a picture of `size` (H, W) out."""
    empty = np.empty((0, *size), np.float32)
    return Calibration(np.empty(0, np.int64), AnomalyResult(np.empty(0, np.float32), empty))


def calibration_positions(count: int) -> NDArray[np.int64]:
    """Return at most 100 evenly spaced positions out of `count`, int64 ``[K]``, ascending."""
    if count <= MAX_CALIBRATION_IMAGES:
        return np.arange(count, dtype=np.int64)
    return np.linspace(0, count - 1, MAX_CALIBRATION_IMAGES).round().astype(np.int64)


def check_images(images: NDArray[Any]) -> None:
    """Raise ValueError unless `images` is uint8 ``[N >= 1, H, W, 3]``."""
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or not len(images):
        raise ValueError(
            f"Pictures must be uint8 [N, H, W, 3] with N >= 1, got {images.dtype} "
            f"{list(images.shape)}."
        )


def batches(count: int, size: int = BATCH_SIZE) -> Iterator[slice]:
    """Cut ``range(count)`` into slices of at most `size`."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
