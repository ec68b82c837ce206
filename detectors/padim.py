"""PaDiM: one multivariate Gaussian per image position over pretrained features.

Defard et al., "PaDiM: a Patch Distribution Modeling Framework for Anomaly Detection and
Localization", arXiv 2011.08785. Section 3.1: layers 1 to 3 side by side on the grid of layer 1,
a random subset of d channels. Section 3.2: mean and covariance of every position over the good
pictures, plus 0.01 I. Section 3.3: the Mahalanobis distance sqrt((x - mu)^T C^-1 (x - mu)).

With the Cholesky factor C = L L^T and W = L^-1 that distance is |W (x - mu)|: one matrix product
per position, no inverse of C, never the root of a negative number. W is triangular; the model
file holds its lower half only.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray

from detectors.architectures import LAYERS
from detectors.backbone import Backbone, Features
from detectors.base import ModelFileError, NotFittedError, Progress, TooFewPicturesError
from detectors.feature_detector import FeatureDetector
from detectors.storage import read_model, write_model

RIDGE = 0.01
BLOCK_ELEMENTS = 64 * 100**2


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
    mean_ : float32 tensor [P, d]
        Mean of every grid position (row by row).
    whitening_ : float32 tensor [P, d, d]
        W = L^-1 of every grid position, lower triangular.
    grid_ : tuple (h, w)
        The grid of layer 1; P = h w.
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
        self._moments: _Moments | None = None

    def partial_fit(self, features: Features) -> Self:
        """Add the feature maps of some good pictures to the running moments.

        Raises
        ------
        ValueError
            If more channels are to be kept than there are.
        """
        if self._moments is None:
            self.channel_index_ = self._draw_channels(features)
            self.grid_ = (features["layer1"].shape[2], features["layer1"].shape[3])
            self._moments = _Moments()
        self._moments.add(self._embed(features))
        return self

    def finish_fit(self, progress: Progress | None = None) -> Self:
        """Factor the covariance of every position."""
        if self._moments is None:
            raise NotFittedError("PaDiM has seen no picture yet; call partial_fit first.")
        moments, self._moments = self._moments, None
        self.count_ = moments.count
        self.mean_ = moments.mean().float()
        self.whitening_ = moments.products
        identity = torch.eye(self.mean_.shape[1], dtype=torch.float64)
        for block in _position_blocks(*self.mean_.shape):
            factor = torch.linalg.cholesky(moments.covariance(block) + RIDGE * identity)
            self.whitening_[block] = torch.linalg.solve_triangular(
                factor, identity, upper=False
            ).float()
            if progress is not None:
                progress(block.stop, len(self.mean_))
        return self

    def distances(self, features: Features) -> torch.Tensor:
        """Return the Mahalanobis distance of every grid position, float32 ``[N, h, w]``."""
        self._check_fitted()
        if tuple(features["layer1"].shape[2:]) != self.grid_:
            raise ValueError(
                f"PaDiM was fitted on a grid of {self.grid_[0]} x {self.grid_[1]} positions and "
                f"cannot score {features['layer1'].shape[2]} x {features['layer1'].shape[3]}; "
                "give pictures of the size it was fitted on."
            )
        embedded = self._embed(features)
        embedded -= self.mean_[:, None]
        distances = torch.bmm(embedded, self.whitening_.mT).norm(dim=2)
        return distances.T.reshape(-1, *self.grid_)

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
        squared = self.distances(features).double().square_()
        n = float(self.count_)
        if n < 3:
            raise TooFewPicturesError(
                "Leaving one picture out needs at least three training pictures."
            )
        remaining = (1 - n / (n - 1) ** 2 * squared).clamp_min_(1e-9)
        scale = (n / (n - 1)) ** 2 * (n - 2) / (n - 1)
        return (scale * squared / remaining).sqrt_().float()

    def save(self, path: Path) -> None:
        """Write the fitted model; W as its packed lower triangle."""
        self._check_fitted()
        triangle = _triangle(len(self.channel_index_))
        write_model(
            path,
            {
                "channel_index": self.channel_index_,
                "mean": self.mean_,
                "whitening_triangle": self.whitening_.flatten(1).index_select(1, triangle),
            },
            {
                "method": self.method,
                "settings": asdict(self.settings),
                "grid": self.grid_,
                "count": self.count_,
                "backbone": self._backbone().identity,
            },
        )

    @classmethod
    def load(cls, path: Path, backbone: Backbone | None = None) -> Self:
        """Read a model; it refuses a backbone other than the one it was fitted on."""
        tensors, about = read_model(path, cls.method)
        try:
            detector = cls(backbone, PadimSettings(**about["settings"]))
            detector._check_backbone(about)
            detector.channel_index_ = tensors["channel_index"]
            detector.mean_ = tensors["mean"]
            positions, channels = detector.mean_.shape
            if tensors["whitening_triangle"].shape != (positions, channels * (channels + 1) // 2):
                raise IndexError("the whitening does not fit the mean")
            whitening = torch.zeros(positions, channels**2)
            whitening[:, _triangle(channels)] = tensors["whitening_triangle"]
            detector.whitening_ = whitening.reshape(positions, channels, channels)
            detector.grid_ = (int(about["grid"][0]), int(about["grid"][1]))
            detector.count_ = int(about["count"])
        except (KeyError, TypeError, IndexError, RuntimeError, AttributeError) as error:
            raise ModelFileError(
                f"The model {path} was written by another version; evaluate this cell again."
            ) from error
        return detector

    def _draw_channels(self, features: Features) -> torch.Tensor:
        available = sum(features[layer].shape[1] for layer in LAYERS)
        if not 1 <= self.settings.channels <= available:
            raise ValueError(f"PaDiM cannot keep {self.settings.channels} of {available} channels.")
        generator = torch.Generator().manual_seed(self.settings.seed)
        order = torch.randperm(available, generator=generator)
        return order[: self.settings.channels].sort().values

    def _embed(self, features: Features) -> torch.Tensor:
        """Return the kept channels on the grid of layer 1, float32 ``[P, N, d]``."""
        rows, columns = self.grid_
        number = features[LAYERS[0]].shape[0]
        embedded = torch.empty(rows * columns, number, len(self.channel_index_))
        first = filled = 0
        for layer in LAYERS:
            _, channels, height, width = features[layer].shape
            inside = (self.channel_index_ >= first) & (self.channel_index_ < first + channels)
            kept = self.channel_index_[inside] - first
            if len(kept):
                at = features[layer].permute(2, 3, 0, 1).flatten(0, 1)[:, :, kept]
                if (height, width) != self.grid_:
                    down = torch.arange(rows) * height // rows
                    across = torch.arange(columns) * width // columns
                    at = at[(down[:, None] * width + across).flatten()]
                embedded[:, :, filled : filled + len(kept)] = at
                filled += len(kept)
            first += channels
        return embedded

    def _check_fitted(self) -> None:
        if not hasattr(self, "whitening_"):
            raise NotFittedError("This PaDiM detector is not fitted yet; call fit first.")


class _Moments:
    """Running sums of x and x x^T per position, shifted by the first batch's mean.

    The shift leaves nothing to cancel, so float32 is enough for the products; the whitening
    matrices then take over their memory.
    """

    def __init__(self) -> None:
        self.count = 0

    def add(self, embedded: torch.Tensor) -> None:
        """Take in float32 ``[P, n, d]``; the tensor is overwritten."""
        positions, number, channels = embedded.shape
        if self.count == 0:
            self.shift = embedded.mean(dim=1)
            self.sums = torch.zeros(positions, channels, dtype=torch.float64)
            self.products = torch.zeros(positions, channels, channels)
        embedded -= self.shift[:, None]
        self.count += number
        self.sums += embedded.sum(dim=1, dtype=torch.float64)
        self.products.baddbmm_(embedded.mT, embedded)

    def mean(self) -> torch.Tensor:
        """Return the mean, float64 ``[P, d]``."""
        return self.shift.double() + self.sums / self.count

    def covariance(self, block: slice) -> torch.Tensor:
        """Return the covariance over N - 1 of the positions in `block`, float64 ``[b, d, d]``."""
        sums = self.sums[block]
        scatter = self.products[block].double() - sums[:, :, None] * sums[:, None, :] / self.count
        return scatter / max(self.count - 1, 1)


def _triangle(channels: int) -> torch.Tensor:
    """Return where the lower triangle stands in a flattened square matrix, row by row."""
    rows, columns = torch.tril_indices(channels, channels)
    return rows * channels + columns


def _position_blocks(positions: int, channels: int) -> list[slice]:
    """Cut the positions into blocks whose covariances take a few MB."""
    size = max(1, BLOCK_ELEMENTS // channels**2)
    return [slice(start, min(start + size, positions)) for start in range(0, positions, size)]
