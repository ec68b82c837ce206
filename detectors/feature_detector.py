"""What PaDiM and PatchCore share: both read the backbone's feature maps.

Pictures go in through ``fit`` and ``score``; feature maps through ``partial_fit``,
``finish_fit`` and ``score_features``, so that one pass of the backbone can serve both methods.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray

from detectors.backbones.features import Backbone, Features
from detectors.backbones.names import LAYERS
from detectors.base import (
    AnomalyResult,
    Calibration,
    Detector,
    ModelFileError,
    NotFittedError,
    Progress,
    TooFewPicturesError,
    batches,
    calibration_positions,
    check_images,
    no_calibration,
    unwatched,
)
from detectors.maps import anomaly_map, image_scores, smooth_map
from detectors.storage import read_model, refused_unless_it_fits, write_model


class FeatureDetector(Detector):
    """A detector over feature maps; `backbone` is only needed to start from pictures."""

    layers: ClassVar[tuple[str, ...]]  # that it reads
    settings_class: ClassVar[type]  # a dataclass
    settings: Any
    count_: int  # pictures fitted on
    leaves_out_any: bool = False  # of the pictures, not only those of ``calibration_positions``

    def __init__(self, backbone: Backbone | None, settings: Any = None) -> None:
        self.backbone = backbone
        self.settings = settings or self.settings_class()

    @abstractmethod
    def partial_fit(self, features: Features) -> Self:
        """Take in the feature maps of some more good pictures."""

    @abstractmethod
    def finish_fit(self, progress: Progress = unwatched) -> Self:
        """Turn what was taken in into the fitted model."""

    @abstractmethod
    def distances(self, features: Features) -> torch.Tensor:
        """Return the anomaly distance of every grid position, float32 ``[N, h, w]``."""

    @abstractmethod
    def left_out_distances(self, features: Features, positions: NDArray[np.int64]) -> torch.Tensor:
        """Return the distances of K training pictures to a model without each of them.

        `positions`, int64 ``[K]``, tells which these are, in the order in which they were taken
        in. Raises TooFewPicturesError if none can be left out.
        """

    @abstractmethod
    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Return the fitted model as tensors and what JSON holds, for ``restore``."""

    @abstractmethod
    def restore(self, tensors: dict[str, torch.Tensor], about: dict[str, Any]) -> None:
        """Take over a stored model; raises any error if its parts do not fit together."""

    def fit(self, images: NDArray[np.uint8], progress: Progress = unwatched) -> Self:
        for part, features in self._extracted(images):
            self.partial_fit(features)
            progress(part.stop, len(images))
        return self.finish_fit()

    def score(self, images: NDArray[np.uint8], progress: Progress = unwatched) -> AnomalyResult:
        maps = np.empty(images.shape[:3], np.float32)
        for part, features in self._extracted(images):
            maps[part] = self.score_features(features, images.shape[1:3]).maps
            progress(part.stop, len(images))
        return AnomalyResult(image_scores(maps), maps)

    def score_features(self, features: Features, size: tuple[int, ...]) -> AnomalyResult:
        """Rate pictures of `size` (H, W) by their feature maps."""
        maps = anomaly_map(self.distances(features), (size[0], size[1]))
        return AnomalyResult(image_scores(maps), maps)

    def plain_map(self, *inputs: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        maps = [one.permute(0, 3, 1, 2) for one in inputs]
        return smooth_map(self.plain_distances(dict(zip(LAYERS, maps, strict=True))), size)

    def plain_distances(self, features: Features) -> torch.Tensor:
        """Return what ``distances`` does, by operations such as any runtime has."""
        return self.distances(features)

    def raw_distances(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what the maps are made of, before they are enlarged, float32 ``[N, h, w]``."""
        grids = [self.distances(features) for _, features in self._extracted(images)]
        return torch.cat(grids).numpy()

    def calibrate(self, images: NDArray[np.uint8]) -> Calibration:
        size, count = images.shape[1:3], len(images)
        positions = np.arange(count) if self.leaves_out_any else calibration_positions(count)
        maps = np.empty((len(positions), *size), np.float32)
        try:
            for part, features in self._extracted(images[positions]):
                maps[part] = self.calibrate_features(features, positions[part], size).maps
        except TooFewPicturesError:
            return no_calibration(size)
        return Calibration(positions, AnomalyResult(image_scores(maps), maps))

    def calibrate_features(
        self, features: Features, positions: NDArray[np.int64], size: tuple[int, ...]
    ) -> AnomalyResult:
        """Rate training pictures of `size` (H, W), each left out; see ``left_out_distances``."""
        maps = anomaly_map(self.left_out_distances(features, positions), (size[0], size[1]))
        return AnomalyResult(image_scores(maps), maps)

    def save(self, path: Path) -> None:
        """Write the fitted model."""
        self._check_fitted()
        tensors, about = self.state()
        about |= {"method": self.method, "settings": asdict(self.settings)}
        about |= {"count": self.count_, "backbone": self._backbone().identity}
        write_model(path, tensors, about)

    @classmethod
    def load(cls, path: Path, backbone: Backbone | None = None) -> Self:
        """Read a model; it refuses a backbone other than the one it was fitted on."""
        tensors, about = read_model(path, cls.method)
        with refused_unless_it_fits(path):
            detector = cls(backbone, cls.settings_class(**about["settings"]))
            if backbone is not None and about["backbone"] != backbone.identity:
                fitted_on, given = about["backbone"], backbone.identity
                raise ModelFileError(
                    "model_other_backbone", method=cls.method, fitted=fitted_on, given=given
                )
            detector.count_ = int(about["count"])
            detector.restore(tensors, about)
        return detector

    def _extracted(self, images: NDArray[np.uint8]) -> Iterator[tuple[slice, Features]]:
        check_images(images)
        for part in batches(len(images)):
            yield part, self._backbone().extract(images[part])

    def _backbone(self) -> Backbone:
        if self.backbone is None:
            raise ValueError(f"This {self.method} detector was made without a backbone.")
        return self.backbone

    def _check_fitted(self) -> None:
        if not hasattr(self, "count_"):
            raise NotFittedError(f"This {self.method} detector is not fitted yet; call fit first.")
