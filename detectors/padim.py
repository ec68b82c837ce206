"""PaDiM: one multivariate Gaussian per image position over pretrained features.

Defard et al., "PaDiM: a Patch Distribution Modeling Framework for Anomaly Detection and
Localization", arXiv 2011.08785. Section 3.1: layers 1 to 3 side by side on the grid of layer 1,
a random subset of d channels. Section 3.2: mean and covariance of every position over the good
pictures, plus 0.01 I. Section 3.3: the Mahalanobis distance sqrt((x - mu)^T C^-1 (x - mu)).

The layers' grids are nested, which saves most of the work: see ``layered_gaussian``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray

from detectors.backbones.features import Backbone, Features
from detectors.backbones.names import LAYERS
from detectors.base import NotFittedError, Progress, TooFewPicturesError
from detectors.feature_detector import FeatureDetector
from detectors.layered_gaussian import LayeredGaussian, LayeredMoments, Level, levels_of
from detectors.storage import read_model, refused_unless_it_fits, write_model

RIDGE = 0.01
PARTS = ("mean", "given", "rows")


@dataclass(frozen=True)
class PadimSettings:
    """Settings of PaDiM.

    Attributes
    ----------
    channels : int
        Random channels kept, d (the paper: 100 for ResNet-18, 550 for Wide ResNet-50-2).
    seed : int
        Draws the channels.
    """

    channels: int = 100
    seed: int = 0


class Padim(FeatureDetector):
    """PaDiM.

    Attributes
    ----------
    channel_index_ : int64 tensor [d]
        Which of the channels of layers 1 to 3, concatenated, are read; ascending.
    gaussian_ : LayeredGaussian
        The Gaussians of all positions, row by row.
    count_ : int
        Pictures fitted on.
    """

    method: ClassVar[str] = "padim"
    layers: ClassVar[tuple[str, ...]] = LAYERS

    def __init__(
        self, backbone: Backbone | None = None, settings: PadimSettings | None = None
    ) -> None:
        super().__init__(backbone)
        self.settings = settings or PadimSettings()
        self._moments: LayeredMoments | None = None
        self._available: dict[str, int] = {}
        self._grids: dict[str, tuple[int, int]] = {}

    @property
    def grid_(self) -> tuple[int, int]:
        """The grid of layer 1, once a picture has been seen."""
        return self._grids[LAYERS[0]]

    def partial_fit(self, features: Features) -> Self:
        """Add the feature maps of some good pictures to the running moments.

        Raises
        ------
        ValueError
            If more channels are to be kept than there are.
        """
        if self._moments is None:
            self._available = {layer: features[layer].shape[1] for layer in LAYERS}
            self._grids = {layer: _grid(features, layer) for layer in LAYERS}
            self.channel_index_ = self._draw_channels()
            self._moments = LayeredMoments(self._levels())
        self._moments.add(features)
        return self

    def finish_fit(self, progress: Progress | None = None) -> Self:
        """Turn the moments into Gaussians."""
        if self._moments is None:
            raise NotFittedError("PaDiM has seen no picture yet; call partial_fit first.")
        moments, self._moments = self._moments, None
        self.count_ = moments.count
        self.gaussian_ = moments.gaussian(RIDGE, progress)
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

        Raises
        ------
        TooFewPicturesError
            If the model was fitted on fewer than three pictures.
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

    def save(self, path: Path) -> None:
        """Write the fitted model."""
        self._check_fitted()
        gaussian = self.gaussian_
        tensors = {"channel_index": self.channel_index_}
        for at, level in enumerate(gaussian.levels):
            parts = gaussian.means[at], gaussian.given[at], gaussian.rows[at]
            for name, part in zip(PARTS, parts, strict=True):
                tensors[f"{level.layer}.{name}"] = part
        write_model(
            path,
            tensors,
            {
                "method": self.method,
                "settings": asdict(self.settings),
                "available": self._available,
                "grids": self._grids,
                "count": self.count_,
                "backbone": self._backbone().identity,
            },
        )

    @classmethod
    def load(cls, path: Path, backbone: Backbone | None = None) -> Self:
        """Read a model; it refuses a backbone other than the one it was fitted on."""
        tensors, about = read_model(path, cls.method)
        with refused_unless_it_fits(path):
            detector = cls(backbone, PadimSettings(**about["settings"]))
            detector._check_backbone(about)
            detector.channel_index_ = tensors["channel_index"]
            detector._available = {layer: int(about["available"][layer]) for layer in LAYERS}
            for layer in LAYERS:
                rows, columns = map(int, about["grids"][layer])
                detector._grids[layer] = (rows, columns)
            levels = detector._levels()
            if levels[-1].width != len(detector.channel_index_):
                raise IndexError("a channel that no layer has")
            if detector.channel_index_.dtype != torch.int64:
                raise TypeError("channels that are no numbers of channels")
            read = [[tensors[f"{level.layer}.{part}"] for part in PARTS] for level in levels]
            for level, parts in zip(levels, read, strict=True):
                shape = (len(level.order), len(level.channels))
                fitting = [shape, (*shape, level.context), (*shape, shape[1])]
                if [part.shape for part in parts] != fitting:
                    raise IndexError("rows that do not fit the channels")
                if not all(part.dtype == torch.float32 and part.isfinite().all() for part in parts):
                    raise TypeError("rows that are no numbers")
            means, given, own = (list(parts) for parts in zip(*read, strict=True))
            detector.gaussian_ = LayeredGaussian(levels, means, given, own)
            detector.count_ = int(about["count"])
        return detector

    def _squared_distances(self, features: Features) -> torch.Tensor:
        self._check_fitted()
        grid = _grid(features, LAYERS[0])
        if grid != self.grid_:
            raise ValueError(
                f"PaDiM was fitted on a grid of {self.grid_[0]} x {self.grid_[1]} positions and "
                f"cannot score {grid[0]} x {grid[1]}; give pictures of the size it was fitted on."
            )
        return self.gaussian_.squared_distances(features).T.reshape(-1, *grid)

    def _levels(self) -> list[Level]:
        return levels_of(_by_layer(self.channel_index_, self._available), self._grids)

    def _draw_channels(self) -> torch.Tensor:
        available = sum(self._available.values())
        if not 1 <= self.settings.channels <= available:
            raise ValueError(f"PaDiM cannot keep {self.settings.channels} of {available} channels.")
        generator = torch.Generator().manual_seed(self.settings.seed)
        order = torch.randperm(available, generator=generator)
        return order[: self.settings.channels].sort().values

    def _check_fitted(self) -> None:
        if not hasattr(self, "gaussian_"):
            raise NotFittedError("This PaDiM detector is not fitted yet; call fit first.")


def _grid(features: Features, layer: str) -> tuple[int, int]:
    return features[layer].shape[2], features[layer].shape[3]


def _by_layer(channel_index: torch.Tensor, available: dict[str, int]) -> dict[str, torch.Tensor]:
    """Divide channels of all layers side by side into channels of each."""
    divided = {}
    first = 0
    for layer, count in available.items():
        inside = (channel_index >= first) & (channel_index < first + count)
        divided[layer] = channel_index[inside] - first
        first += count
    return divided
