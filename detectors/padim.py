"""PaDiM: one multivariate Gaussian per image position over pretrained features.

Defard et al., "PaDiM: a Patch Distribution Modeling Framework for Anomaly Detection and
Localization", arXiv 2011.08785. With x_ij the d channels drawn of layers 1 to 3, which lie side by
side at position (i, j) of layer 1's grid (section 3.1), over N good pictures::

    mu_ij = mean of x_ij,  Sigma_ij = sum (x_ij - mu_ij) (x_ij - mu_ij)^T / (N - 1) + 0.01 I   (1)
    M(x_ij) = sqrt((x_ij - mu_ij)^T Sigma_ij^-1 (x_ij - mu_ij))                                (2)

The layers' grids are nested, so many positions share deep channels; ``layered_gaussian`` gives the
same distances from what they share once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray

from detectors.backbones.features import Backbone, Features
from detectors.backbones.names import LAYERS
from detectors.base import NotFittedError, Progress, TooFewPicturesError, unwatched
from detectors.feature_detector import FeatureDetector
from detectors.layered_gaussian import LayeredGaussian, LayeredMoments, Level, levels_of

if TYPE_CHECKING:
    from detectors.registry import Options

RIDGE = 0.01
PARTS = ("mean", "given", "rows")


@dataclass(frozen=True)
class PadimSettings:
    """Settings of PaDiM."""

    channels: int = 100  # d, drawn at random (paper: 100 of ResNet-18, 550 of Wide ResNet-50-2)
    seed: int = 0  # draws them


class Padim(FeatureDetector):
    """PaDiM.

    Attributes
    ----------
    channel_index_ : int64 tensor [d]
        Which of the channels of layers 1 to 3, concatenated, are read; ascending.
    gaussian_ : LayeredGaussian
        The Gaussians of all positions, row by row.
    """

    method: ClassVar[str] = "padim"
    settings_class = PadimSettings
    settings: PadimSettings
    layers: ClassVar[tuple[str, ...]] = LAYERS

    def __init__(
        self, backbone: Backbone | None = None, settings: PadimSettings | None = None
    ) -> None:
        super().__init__(backbone, settings)
        self._moments: LayeredMoments | None = None
        self._available: dict[str, int] = {}
        self._grids: dict[str, tuple[int, int]] = {}

    @classmethod
    def from_options(cls, options: Options, backbone: Backbone | None) -> Self:
        channels = options.channels_for(backbone.name if backbone else "")
        return cls(backbone, PadimSettings(channels, options.seed))

    def partial_fit(self, features: Features) -> Self:
        """Add the feature maps of some good pictures to the running moments.

        Raises ValueError if more channels are to be kept than there are.
        """
        if self._moments is None:
            self._available = {layer: features[layer].shape[1] for layer in LAYERS}
            self._grids = {layer: _grid(features, layer) for layer in LAYERS}
            self.channel_index_ = self._draw_channels()
            self._moments = LayeredMoments(self._levels())
        self._moments.add(features)
        return self

    def finish_fit(self, progress: Progress = unwatched) -> Self:
        """Turn the moments into Gaussians."""
        if self._moments is None:
            raise NotFittedError("PaDiM has seen no picture yet; call partial_fit first.")
        moments, self._moments = self._moments, None
        self.gaussian_ = moments.gaussian(RIDGE, progress)
        self.count_ = moments.count
        return self

    def distances(self, features: Features) -> torch.Tensor:
        """Return the Mahalanobis distance of every grid position, float32 ``[N, h, w]``."""
        return self._squared_distances(features).sqrt_()

    def left_out_distances(
        self,
        features: Features,
        positions: NDArray[np.int64],  # noqa: ARG002  leaving out needs no name of the picture
    ) -> torch.Tensor:
        """Return the distances to the model fitted without each picture, in closed form.

        Leaving picture i out of n moves the mean by delta / (n - 1) and takes
        n / (n - 1) delta delta^T from the scatter, delta = x_i - mu. With the ridge scaled like
        the covariance, by (n - 1) / (n - 2), the Sherman-Morrison formula turns the squared
        distance q into (n / (n - 1))^2 (n - 2) / (n - 1) q / (1 - n q / (n - 1)^2).

        Raises TooFewPicturesError if the model was fitted on fewer than three pictures.
        """
        squared = self._squared_distances(features).double()
        n = float(self.count_)
        if n < 3:
            raise TooFewPicturesError(
                "Leaving one picture out needs at least three training pictures."
            )
        remaining = (1 - n / (n - 1) ** 2 * squared).clamp_min_(1e-9)
        scale = (n / (n - 1)) ** 2 * (n - 2) / (n - 1)
        return (scale * squared / remaining).sqrt_().float()

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Return the channels and Gaussians."""
        tensors = {"channel_index": self.channel_index_}
        gaussian = self.gaussian_
        for name, parts in zip(PARTS, (gaussian.means, gaussian.given, gaussian.rows), strict=True):
            for level, part in zip(gaussian.levels, parts, strict=True):
                tensors[f"{level.layer}.{name}"] = part
        return tensors, {"available": self._available, "grids": self._grids}

    def restore(self, tensors: dict[str, torch.Tensor], about: dict[str, Any]) -> None:
        """Take over channels and Gaussians that fit together."""
        self.channel_index_ = tensors["channel_index"]
        self._available = {layer: int(about["available"][layer]) for layer in LAYERS}
        for layer in LAYERS:
            height, width = map(int, about["grids"][layer])
            self._grids[layer] = (height, width)
        levels = self._levels()
        means, given, rows = (
            [tensors[f"{level.layer}.{part}"] for level in levels] for part in PARTS
        )
        self.gaussian_ = LayeredGaussian(levels, means, given, rows)
        fits = self.channel_index_.dtype == torch.int64
        fits &= levels[-1].width == len(self.channel_index_)
        for level, *parts in zip(levels, means, given, rows, strict=True):
            shape = (len(level.order), len(level.channels))
            wanted = [shape, (*shape, level.context), (*shape, shape[1])]
            fits &= [part.shape for part in parts] == wanted
            fits &= all(part.dtype == torch.float32 and part.isfinite().all() for part in parts)
        if not fits:
            raise ValueError("parts that do not fit together")

    def _squared_distances(self, features: Features) -> torch.Tensor:
        self._check_fitted()
        grid, fitted = _grid(features, LAYERS[0]), self._grids[LAYERS[0]]
        if grid != fitted:
            raise ValueError(
                f"PaDiM was fitted on a grid of {fitted[0]} x {fitted[1]} positions and "
                f"cannot score {grid[0]} x {grid[1]}; give pictures of the size it was fitted on."
            )
        return self.gaussian_.squared_distances(features).T.reshape(-1, *grid)

    def _levels(self) -> list[Level]:
        """Divide the drawn channels among the layers and lay these over each other."""
        channels = {}
        first = 0
        for layer, count in self._available.items():
            inside = (self.channel_index_ >= first) & (self.channel_index_ < first + count)
            channels[layer] = self.channel_index_[inside] - first
            first += count
        return levels_of(channels, self._grids)

    def _draw_channels(self) -> torch.Tensor:
        available = sum(self._available.values())
        if not 1 <= self.settings.channels <= available:
            raise ValueError(f"PaDiM cannot keep {self.settings.channels} of {available} channels.")
        generator = torch.Generator().manual_seed(self.settings.seed)
        order = torch.randperm(available, generator=generator)
        return order[: self.settings.channels].sort().values


def _grid(features: Features, layer: str) -> tuple[int, int]:
    return features[layer].shape[2], features[layer].shape[3]
