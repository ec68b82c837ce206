"""What every detector is: fit on good pictures, score any picture.

Scores are raw and higher means more anomalous, everywhere in this project.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from detectors.backbones.features import Backbone

MAX_CALIBRATION_IMAGES = 100

Progress = Callable[[int, int], None]


class NotFittedError(RuntimeError):
    """A detector was asked to score, calibrate or save before it was fitted."""


class TooFewPicturesError(ValueError):
    """No picture can be left out of the model; the message is a full sentence."""


class ModelFileError(ValueError):
    """A stored model that cannot be used; the message is a full sentence."""


@dataclass(frozen=True)
class AnomalyResult:
    """Scores of N pictures.

    Attributes
    ----------
    scores : float32 [N]
        One score per picture: the maximum of its map.
    maps : float32 [N, H, W]
        One score per pixel, at the size of the pictures.
    """

    scores: NDArray[np.float32]
    maps: NDArray[np.float32]


@dataclass(frozen=True)
class Calibration:
    """Scores of good training pictures that the detector is made not to have seen.

    Attributes
    ----------
    positions : int64 [K]
        Which of the training pictures; none where the detector has too few to leave any out.
    result : AnomalyResult
        Their scores and maps, comparable with those of new pictures.
    """

    positions: NDArray[np.int64]
    result: AnomalyResult


class Detector(ABC):
    """A method: ``fit`` learns from good pictures, ``score`` rates pictures.

    Attributes learned by ``fit`` end in an underscore. Pictures are uint8 ``[N, H, W, 3]``; each
    detector normalises for itself.
    """

    method: ClassVar[str]

    @abstractmethod
    def fit(self, images: NDArray[np.uint8], progress: Progress | None = None) -> Self:
        """Learn from good pictures, uint8 ``[N, H, W, 3]``; return self."""

    @abstractmethod
    def score(self, images: NDArray[np.uint8], progress: Progress | None = None) -> AnomalyResult:
        """Rate pictures, uint8 ``[N, H, W, 3]``; raises NotFittedError before ``fit``."""

    @abstractmethod
    def calibrate(self, images: NDArray[np.uint8]) -> Calibration:
        """Rate at most 100 of the training pictures as if they had not been trained on.

        `images` must be the very pictures given to ``fit``.
        """

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write the fitted model to a safetensors file."""

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
