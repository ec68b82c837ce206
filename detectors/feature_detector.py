"""What PaDiM and PatchCore share: both read the backbone's feature maps.

Pictures go in through ``fit`` and ``score``; feature maps through ``partial_fit``,
``finish_fit`` and ``score_features``, so that one pass of the backbone can serve both methods.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray

from detectors.backbones.features import Backbone, Features, batches
from detectors.base import (
    AnomalyResult,
    Calibration,
    Detector,
    ModelFileError,
    Progress,
    TooFewPicturesError,
    calibration_positions,
    check_images,
    no_calibration,
)
from detectors.maps import anomaly_map, image_scores


class FeatureDetector(Detector):
    """A detector over feature maps; `backbone` is only needed to start from pictures.

    Attributes
    ----------
    layers : tuple of str
        The layers that it reads.
    """

    layers: ClassVar[tuple[str, ...]]

    def __init__(self, backbone: Backbone | None) -> None:
        self.backbone = backbone

    @abstractmethod
    def partial_fit(self, features: Features) -> Self:
        """Take in the feature maps of some more good pictures."""

    @abstractmethod
    def finish_fit(self, progress: Progress | None = None) -> Self:
        """Turn what was taken in into the fitted model."""

    @abstractmethod
    def distances(self, features: Features) -> torch.Tensor:
        """Return the anomaly distance of every grid position, float32 ``[N, h, w]``."""

    @abstractmethod
    def left_out_distances(self, features: Features, positions: NDArray[np.int64]) -> torch.Tensor:
        """Return the distances of training pictures to a model without each of them.

        Parameters
        ----------
        features : feature maps of K training pictures
        positions : int64 [K]
            Their positions in the order in which they were taken in.
        """

    def fit(self, images: NDArray[np.uint8], progress: Progress | None = None) -> Self:
        """Learn from good pictures, uint8 ``[N, H, W, 3]``; return self."""
        check_images(images)
        for part in batches(len(images)):
            self.partial_fit(self._backbone().extract(images[part]))
            if progress is not None:
                progress(part.stop, len(images))
        return self.finish_fit()

    def score(self, images: NDArray[np.uint8], progress: Progress | None = None) -> AnomalyResult:
        """Rate pictures, uint8 ``[N, H, W, 3]``."""
        check_images(images)
        scores = np.empty(len(images), np.float32)
        maps = np.empty(images.shape[:3], np.float32)
        for part in batches(len(images)):
            features = self._backbone().extract(images[part])
            result = self.score_features(features, images.shape[1:3])
            scores[part], maps[part] = result.scores, result.maps
            if progress is not None:
                progress(part.stop, len(images))
        return AnomalyResult(scores, maps)

    def raw_distances(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the distances that the maps are made of, before enlarging and smoothing.

        Parameters
        ----------
        images : uint8 [N, H, W, 3]

        Returns
        -------
        float32 [N, h, w]
            One distance per grid position.
        """
        check_images(images)
        grids = [
            self.distances(self._backbone().extract(images[part])) for part in batches(len(images))
        ]
        distances: NDArray[np.float32] = torch.cat(grids).numpy()
        return distances

    def score_features(self, features: Features, size: tuple[int, ...]) -> AnomalyResult:
        """Rate pictures of `size` (H, W) by their feature maps."""
        maps = anomaly_map(self.distances(features), (size[0], size[1]))
        return AnomalyResult(image_scores(maps), maps)

    def calibrate(self, images: NDArray[np.uint8]) -> Calibration:
        """Rate at most 100 of the training pictures as if they had not been trained on."""
        check_images(images)
        positions = calibration_positions(len(images))
        maps = np.empty((len(positions), *images.shape[1:3]), np.float32)
        for part in batches(len(positions)):
            features = self._backbone().extract(images[positions[part]])
            try:
                calibrated = self.calibrate_features(features, positions[part], images.shape[1:3])
            except TooFewPicturesError:
                return no_calibration(images.shape[1:3])
            maps[part] = calibrated.maps
        return Calibration(positions, AnomalyResult(image_scores(maps), maps))

    def calibrate_features(
        self, features: Features, positions: NDArray[np.int64], size: tuple[int, ...]
    ) -> AnomalyResult:
        """Rate training pictures by their feature maps, each left out of the model.

        Raises
        ------
        TooFewPicturesError
            If none can be left out.
        """
        maps = anomaly_map(self.left_out_distances(features, positions), (size[0], size[1]))
        return AnomalyResult(image_scores(maps), maps)

    def _backbone(self) -> Backbone:
        if self.backbone is None:
            raise ValueError(f"This {self.method} detector was made without a backbone.")
        return self.backbone

    def _check_backbone(self, about: dict[str, Any]) -> None:
        if self.backbone is not None and about["backbone"] != self.backbone.identity:
            raise ModelFileError(
                f"The stored {self.method} model was fitted on {about['backbone']}, not on "
                f"{self.backbone.identity}; evaluate this cell again."
            )
