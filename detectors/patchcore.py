"""PatchCore: distance to the nearest of a well-chosen few patches of good pictures.

Roth et al., "Towards Total Recall in Industrial Anomaly Detection", arXiv 2106.08265. With P the
patches of all good pictures, each layers 2 and 3 averaged over 3 x 3 neighbours, layer 3 enlarged
to the grid of layer 2 (section 3.1), and psi a random projection::

    M <- M + {m},  m = argmax_{p in P} min_{n in M} |psi(p) - psi(n)|,  until M is large   (3.2)
    s(p) = min_{m in M} |p - m|                          for every patch p of a picture    (3.3)

The picture's score is the maximum of its smoothed map; the paper's re-weighting of that maximum is
left out. ``coreset`` makes the same choices and ``nearest`` finds the same minima without
computing every distance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import avg_pool2d, conv2d, interpolate

from detectors.backbones.features import Backbone, Features
from detectors.base import (
    NotFittedError,
    Progress,
    TooFewPicturesError,
    calibration_positions,
    unwatched,
)
from detectors.coreset import Coreset, greedy_coreset, random_projection, replacements
from detectors.feature_detector import FeatureDetector
from detectors.nearest import NearestIndex

if TYPE_CHECKING:
    from detectors.registry import Options


@dataclass(frozen=True)
class PatchcoreSettings:
    """Settings of PatchCore."""

    coreset_ratio: float = 0.01  # share of all good patches that is kept (paper: 0.01, 0.1, 0.25)
    seed: int = 0  # draws the projection and the first patch

    def __post_init__(self) -> None:
        if not 0 < self.coreset_ratio <= 1:
            raise ValueError(
                f"A coreset ratio of {self.coreset_ratio} is outside 0 to 1; give a share such "
                "as 0.01."
            )


@dataclass(frozen=True)
class NearestGood:
    """The patch of a picture that is farthest from all good ones, and the nearest of these."""

    distance: float  # between the two, before the map is enlarged and smoothed
    grid: tuple[int, int]  # (h, w) of the patches
    position: tuple[int, int]  # (row, column) of the picture's patch
    train_image: int  # that the good patch is from, in the order of fitting
    train_position: tuple[int, int]  # (row, column) of the good patch


class Patchcore(FeatureDetector):
    """PatchCore.

    Attributes
    ----------
    memory_bank_ : float32 tensor [K, C]
        The stored patches, M, in the order in which they were chosen.
    bank_image_ : int64 tensor [K]
        Which training picture each stored patch is from.
    bank_position_ : int64 tensor [K]
        Where in that picture's grid, row by row.
    grid_ : tuple (h, w)
        The grid of layer 2 at fit time.
    """

    method: ClassVar[str] = "patchcore"
    settings_class = PatchcoreSettings
    settings: PatchcoreSettings
    layers: ClassVar[tuple[str, ...]] = ("layer2", "layer3")

    def __init__(
        self, backbone: Backbone | None = None, settings: PatchcoreSettings | None = None
    ) -> None:
        super().__init__(backbone, settings)
        self._seen: list[Features] = []
        self._index: NearestIndex | None = None
        self._chosen: tuple[list[Features], torch.Tensor, Coreset] | None = None
        self._instead: dict[int, torch.Tensor] = {}

    @classmethod
    def from_options(cls, options: Options, backbone: Backbone | None) -> Self:
        return cls(backbone, PatchcoreSettings(options.coreset_ratio, options.seed))

    def partial_fit(self, features: Features) -> Self:
        """Keep layers 2 and 3 of some good pictures: half the memory of the patches they make."""
        self._seen.append({layer: features[layer] for layer in self.layers})
        return self

    def finish_fit(self, progress: Progress = unwatched) -> Self:
        """Choose the memory bank."""
        if not self._seen:
            raise NotFittedError("PatchCore has seen no picture yet; call partial_fit first.")
        seen, self._seen, self._index, self._instead = self._seen, [], None, {}
        self.grid_ = _grid(seen[0])
        count = sum(len(features["layer2"]) for features in seen)
        per_picture = math.prod(self.grid_)
        generator = torch.Generator().manual_seed(self.settings.seed)
        projection = random_projection(sum(maps.shape[1] for maps in seen[0].values()), generator)
        projected = torch.empty(count * per_picture, projection.shape[1])
        first = 0
        for features in seen:
            patches = projected_patches(features, projection)
            projected[first : first + len(patches)] = patches
            first += len(patches)
        size = bank_size(len(projected), self.settings.coreset_ratio)
        start = int(torch.randint(len(projected), (1,), generator=generator))
        coreset = greedy_coreset(projected, size, start, progress)
        self.bank_image_ = coreset.chosen // per_picture
        self.bank_position_ = coreset.chosen % per_picture
        self.memory_bank_ = _patches_at(seen, self.bank_image_, self.bank_position_)
        self.count_ = count
        self._chosen = seen, projected, coreset
        return self

    def distances(self, features: Features) -> torch.Tensor:
        """Return the distance of every patch to the memory bank, float32 ``[N, h, w]``."""
        return self._nearest(patch_features(features))[0].reshape(-1, *_grid(features))

    def plain_distances(self, features: Features) -> torch.Tensor:
        """Compute every distance, about the bank's mean, which leaves the least to cancel."""
        centre = self.memory_bank_.mean(dim=0)
        bank, patches = self.memory_bank_ - centre, patch_features(features) - centre
        nearest = (bank.square().sum(dim=1) - 2 * (patches @ bank.T)).amin(dim=1)
        squared = (patches.square().sum(dim=1) + nearest).clamp(min=0)
        return squared.sqrt().reshape(-1, *_grid(features))

    def left_out_distances(self, features: Features, positions: NDArray[np.int64]) -> torch.Tensor:
        """Return the distances to the stored patches of other pictures, float32 ``[K, h, w]``.

        Only after fitting, and of ``calibration_positions`` unless ``leaves_out_any``. Raises
        TooFewPicturesError if all stored patches come from one picture.
        """
        self._check_fitted()
        if int(self.bank_image_.min()) == int(self.bank_image_.max()):
            raise TooFewPicturesError(
                "All stored patches come from one picture, so none can be left out."
            )
        if self._chosen is not None:
            self._instead, self._chosen = self._replacements(*self._chosen), None
        if not self._instead:
            raise NotFittedError("A stored PatchCore cannot leave pictures out; fit it again.")
        patches = patch_features(features).chunk(len(positions))
        left_out = []
        for own, position in zip(patches, positions.tolist(), strict=True):
            distances = self._nearest(own, self.bank_image_ == position)[0]
            if len(instead := self._instead[position]):
                distances = torch.minimum(distances, torch.cdist(own, instead).amin(dim=1))
            left_out.append(distances)
        return torch.stack(left_out).reshape(-1, *_grid(features))

    def _replacements(
        self, seen: list[Features], projected: torch.Tensor, coreset: Coreset
    ) -> dict[int, torch.Tensor]:
        """Return the patches that are stored instead of a picture's, by its position."""
        per_picture = math.prod(self.grid_)
        some = np.arange(self.count_) if self.leaves_out_any else calibration_positions(self.count_)
        positions = some.tolist()
        parts = [slice(at * per_picture, (at + 1) * per_picture) for at in positions]
        rows = replacements(projected, coreset, parts)
        every = torch.cat(rows)
        patches = _patches_at(seen, every // per_picture, every % per_picture)
        each = torch.split(patches, [len(own) for own in rows])
        return dict(zip(positions, each, strict=True))

    def nearest_good(self, image: NDArray[np.uint8]) -> NearestGood:
        """Explain the score of a picture, uint8 ``[H, W, 3]``."""
        features = self._backbone().extract(image[None])
        grid = _grid(features)
        distances, rows = self._nearest(patch_features(features))
        hottest = int(distances.argmax())
        stored = int(rows[hottest])
        return NearestGood(
            distance=float(distances[hottest]),
            grid=grid,
            position=divmod(hottest, grid[1]),
            train_image=int(self.bank_image_[stored]),
            train_position=divmod(int(self.bank_position_[stored]), self.grid_[1]),
        )

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Return the memory bank and where its patches come from."""
        tensors = {
            "memory_bank": self.memory_bank_,
            "bank_image": self.bank_image_,
            "bank_position": self.bank_position_,
        }
        return tensors, {"grid": self.grid_}

    def restore(self, tensors: dict[str, torch.Tensor], about: dict[str, Any]) -> None:
        """Take over a memory bank."""
        self.memory_bank_ = tensors["memory_bank"]
        self.bank_image_ = tensors["bank_image"]
        self.bank_position_ = tensors["bank_position"]
        self.grid_ = (int(about["grid"][0]), int(about["grid"][1]))

    def _nearest(
        self, patches: torch.Tensor, excluded: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        self._check_fitted()
        if self._index is None:
            self._index = NearestIndex(self.memory_bank_)
        return self._index.nearest(patches, excluded)


def bank_size(patches: int, coreset_ratio: float) -> int:
    """Return how many of all good patches are kept, at least one."""
    return max(1, round(patches * coreset_ratio))


def patch_features(features: Features) -> torch.Tensor:
    """Return locally averaged layers 2 and 3 side by side, float32 ``[N h w, C]``.

    Patches run through the pictures one after the other, row by row on the grid of layer 2.
    """
    middle, deep = _averaged(features)
    return torch.cat([_as_rows(middle), _as_rows(_enlarged(deep, middle))], dim=1)


def projected_patches(features: Features, projection: torch.Tensor) -> torch.Tensor:
    """Return ``patch_features(features) @ projection``, float32 ``[N h w, K]``.

    Mixing channels and enlarging commute, so the mixing is done first, on the coarse grid.
    """
    middle, deep = _averaged(features)
    of_middle, of_deep = torch.split(
        projection.T[:, :, None, None], [middle.shape[1], deep.shape[1]], 1
    )
    return _as_rows(conv2d(middle, of_middle).add_(_enlarged(conv2d(deep, of_deep), middle)))


def _grid(features: Features) -> tuple[int, int]:
    return features["layer2"].shape[2], features["layer2"].shape[3]


def _averaged(features: Features) -> list[torch.Tensor]:
    return [avg_pool2d(features[layer], 3, stride=1, padding=1) for layer in Patchcore.layers]


def _enlarged(maps: torch.Tensor, to: torch.Tensor) -> torch.Tensor:
    return interpolate(maps, size=to.shape[2:], mode="bilinear", align_corners=False)


def _as_rows(maps: torch.Tensor) -> torch.Tensor:
    return maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])


def _patches_at(seen: list[Features], image: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
    """Make patches again, each named by its picture in all of `seen` and its position in that."""
    bank = torch.empty(len(image), sum(maps.shape[1] for maps in seen[0].values()))
    first = 0
    for features in seen:
        number, width = len(features["layer2"]), _grid(features)[1]
        inside = ((image >= first) & (image < first + number)).nonzero().squeeze(1)
        if len(inside):
            needed, place = torch.unique(image[inside] - first, return_inverse=True)
            middle, deep = _averaged({layer: maps[needed] for layer, maps in features.items()})
            row, column = position[inside] // width, position[inside] % width
            layers = [maps[place, :, row, column] for maps in (middle, _enlarged(deep, middle))]
            bank[inside] = torch.cat(layers, dim=1)
        first += number
    return bank
