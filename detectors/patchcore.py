"""PatchCore: distance to the nearest of a well-chosen few patches of good pictures.

Roth et al., "Towards Total Recall in Industrial Anomaly Detection", arXiv 2106.08265.
Section 3.1: layers 2 and 3, each averaged over 3 x 3 neighbours, layer 3 enlarged to the grid of
layer 2. Section 3.2: a greedy coreset of all patches, chosen under a random projection, stored
unprojected. Section 3.3: the distance to the nearest stored patch; the picture's score is the
maximum of its smoothed map (the paper's re-weighting of that maximum is left out).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray

from detectors.backbones.features import Backbone, Features
from detectors.base import NotFittedError, Progress, TooFewPicturesError
from detectors.coreset import greedy_coreset, random_projection
from detectors.feature_detector import FeatureDetector
from detectors.nearest import NearestIndex
from detectors.storage import read_model, refused_unless_it_fits, write_model


@dataclass(frozen=True)
class PatchcoreSettings:
    """Settings of PatchCore.

    Attributes
    ----------
    coreset_ratio : float
        Share of all training patches that is kept, above 0 and at most 1 (the paper: 0.01,
        0.1 and 0.25).
    seed : int
        Draws the projection and the first patch.
    """

    coreset_ratio: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.coreset_ratio <= 1:
            raise ValueError(
                f"A coreset ratio of {self.coreset_ratio} is outside 0 to 1; give a share such "
                "as 0.01."
            )


@dataclass(frozen=True)
class NearestGood:
    """The patch of a picture that is farthest from all good ones, and the good one nearest to it.

    Attributes
    ----------
    distance : float
        Between the two, before the map is enlarged and smoothed.
    grid : tuple (h, w)
        The grid that the patches lie on.
    position : tuple (row, column)
        The patch of the picture.
    train_image : int
        The training picture of the stored patch, in the order of fitting.
    train_position : tuple (row, column)
        Where the stored patch lies in it.
    """

    distance: float
    grid: tuple[int, int]
    position: tuple[int, int]
    train_image: int
    train_position: tuple[int, int]


class Patchcore(FeatureDetector):
    """PatchCore.

    Attributes
    ----------
    memory_bank_ : float32 tensor [K, C]
        The stored patches.
    bank_image_ : int64 tensor [K]
        Which training picture each stored patch is from.
    bank_position_ : int64 tensor [K]
        Where in that picture's grid, row by row.
    grid_ : tuple (h, w)
        The grid of layer 2 at fit time.
    count_ : int
        Pictures fitted on.
    """

    method: ClassVar[str] = "patchcore"
    layers: ClassVar[tuple[str, ...]] = ("layer2", "layer3")

    def __init__(
        self, backbone: Backbone | None = None, settings: PatchcoreSettings | None = None
    ) -> None:
        super().__init__(backbone)
        self.settings = settings or PatchcoreSettings()
        self._seen: list[Features] = []
        self._index: NearestIndex | None = None

    def partial_fit(self, features: Features) -> Self:
        """Keep layers 2 and 3 of some good pictures until ``finish_fit`` chooses among them.

        The layers take half the memory of the patches made of them.
        """
        if not self._seen:
            self.grid_ = (features["layer2"].shape[2], features["layer2"].shape[3])
            self.count_ = 0
        self._seen.append({layer: features[layer] for layer in self.layers})
        self.count_ += features["layer2"].shape[0]
        return self

    def finish_fit(self, progress: Progress | None = None) -> Self:
        """Choose the memory bank."""
        if not self._seen:
            raise NotFittedError("PatchCore has seen no picture yet; call partial_fit first.")
        generator = torch.Generator().manual_seed(self.settings.seed)
        channels = sum(maps.shape[1] for maps in self._seen[0].values())
        projection = random_projection(channels, generator)
        per_picture = self.grid_[0] * self.grid_[1]
        projected = torch.empty(self.count_ * per_picture, projection.shape[1])
        first = 0
        for features in self._seen:
            patches = projected_patches(features, projection)
            projected[first : first + len(patches)] = patches
            first += len(patches)
        size = bank_size(len(projected), self.settings.coreset_ratio)
        start = int(torch.randint(len(projected), (1,), generator=generator))
        chosen = greedy_coreset(projected, size, start, progress)
        self.bank_image_ = chosen // per_picture
        self.bank_position_ = chosen % per_picture
        self.memory_bank_ = _patches_at(self._seen, self.bank_image_, self.bank_position_)
        self._seen = []
        self._index = None
        return self

    def reduced(self, coreset_ratio: float) -> Patchcore:
        """Return the detector that a fit with a smaller ratio would have given.

        The greedy choice does not depend on how many are chosen, so it is the first part of this
        memory bank.

        Raises
        ------
        ValueError
            If the ratio is larger than this detector's.
        """
        self._check_fitted()
        if coreset_ratio > self.settings.coreset_ratio:
            raise ValueError(
                f"A memory bank of {self.settings.coreset_ratio} cannot be reduced to "
                f"{coreset_ratio}."
            )
        smaller = Patchcore(self.backbone, replace(self.settings, coreset_ratio=coreset_ratio))
        size = bank_size(self.count_ * self.grid_[0] * self.grid_[1], coreset_ratio)
        smaller.memory_bank_ = self.memory_bank_[:size].clone()
        smaller.bank_image_ = self.bank_image_[:size].clone()
        smaller.bank_position_ = self.bank_position_[:size].clone()
        smaller.grid_, smaller.count_ = self.grid_, self.count_
        return smaller

    def distances(self, features: Features) -> torch.Tensor:
        """Return the distance of every patch to the memory bank, float32 ``[N, h, w]``."""
        self._check_fitted()
        number, _, height, width = features["layer2"].shape
        distances, _ = self._nearest(patch_features(features))
        return distances.reshape(number, height, width)

    def nearest_good(self, image: NDArray[np.uint8]) -> NearestGood:
        """Explain a picture's score: its strangest patch and the nearest stored good patch.

        Parameters
        ----------
        image : uint8 [H, W, 3]
        """
        return self.nearest_good_features(self._backbone().extract(image[None]))

    def nearest_good_features(self, features: Features) -> NearestGood:
        """Explain one picture by its feature maps, N = 1; see ``nearest_good``."""
        self._check_fitted()
        grid = (features["layer2"].shape[2], features["layer2"].shape[3])
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

    def left_out_distances(self, features: Features, positions: NDArray[np.int64]) -> torch.Tensor:
        """Return the distances to the stored patches of other pictures, float32 ``[K, h, w]``.

        Raises
        ------
        TooFewPicturesError
            If all stored patches come from one picture.
        """
        self._check_fitted()
        if int(self.bank_image_.min()) == int(self.bank_image_.max()):
            raise TooFewPicturesError(
                "All stored patches come from one picture, so none can be left out."
            )
        number, _, height, width = features["layer2"].shape
        patches = patch_features(features).reshape(number, height * width, -1)
        left_out = torch.stack(
            [
                self._nearest(own, self.bank_image_ == int(position))[0]
                for own, position in zip(patches, positions, strict=True)
            ]
        )
        return left_out.reshape(number, height, width)

    def save(self, path: Path) -> None:
        """Write the memory bank and where its patches come from."""
        self._check_fitted()
        write_model(
            path,
            {
                "memory_bank": self.memory_bank_,
                "bank_image": self.bank_image_,
                "bank_position": self.bank_position_,
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
        with refused_unless_it_fits(path):
            detector = cls(backbone, PatchcoreSettings(**about["settings"]))
            detector._check_backbone(about)
            detector.memory_bank_ = tensors["memory_bank"]
            detector.bank_image_ = tensors["bank_image"]
            detector.bank_position_ = tensors["bank_position"]
            detector.grid_ = (int(about["grid"][0]), int(about["grid"][1]))
            detector.count_ = int(about["count"])
        return detector

    def _nearest(
        self, patches: torch.Tensor, excluded: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if self._index is None:
            self._index = NearestIndex(self.memory_bank_)
        return self._index.nearest(patches, excluded)

    def _check_fitted(self) -> None:
        if not hasattr(self, "memory_bank_"):
            raise NotFittedError("This PatchCore detector is not fitted yet; call fit first.")


def bank_size(patches: int, coreset_ratio: float) -> int:
    """Return how many of all good patches are kept, at least one."""
    return max(1, round(patches * coreset_ratio))


def patch_features(features: Features) -> torch.Tensor:
    """Return locally averaged layers 2 and 3 side by side, float32 ``[N h w, C]``.

    Patches run through the pictures one after the other, row by row on the grid of layer 2.
    """
    return torch.cat(_rows_of_layers(features), dim=1)


def projected_patches(features: Features, projection: torch.Tensor) -> torch.Tensor:
    """Return ``patch_features(features) @ projection``, float32 ``[N h w, K]``.

    Mixing channels and enlarging commute, so the mixing is done first, on the coarse grid.
    """
    middle, deep = _averaged(features)
    of_middle, of_deep = torch.split(
        projection.T[:, :, None, None], [middle.shape[1], deep.shape[1]], 1
    )
    mixed = torch.nn.functional.conv2d(middle, of_middle)
    mixed += _enlarged(torch.nn.functional.conv2d(deep, of_deep), middle)
    return _as_rows(mixed)


def _rows_of_layers(features: Features) -> list[torch.Tensor]:
    """Return locally averaged layer 2, and layer 3 on its grid, each float32 ``[N h w, C]``."""
    middle, deep = _averaged(features)
    return [_as_rows(middle), _as_rows(_enlarged(deep, middle))]


def _averaged(features: Features) -> list[torch.Tensor]:
    return [
        torch.nn.functional.avg_pool2d(features[layer], 3, stride=1, padding=1)
        for layer in Patchcore.layers
    ]


def _enlarged(maps: torch.Tensor, to: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.interpolate(
        maps, size=to.shape[2:], mode="bilinear", align_corners=False
    )


def _as_rows(maps: torch.Tensor) -> torch.Tensor:
    return maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])


def _patches_at(seen: list[Features], image: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
    """Make patches again, each named by its picture in all of `seen` and its position in that."""
    made: list[torch.Tensor] = []
    where: list[torch.Tensor] = []
    first = 0
    for features in seen:
        number, _, height, width = features["layer2"].shape
        inside = ((image >= first) & (image < first + number)).nonzero().squeeze(1)
        if len(inside):
            needed, place = torch.unique(image[inside] - first, return_inverse=True)
            layers = _rows_of_layers({layer: maps[needed] for layer, maps in features.items()})
            chosen = place * height * width + position[inside]
            made.append(torch.cat([rows.index_select(0, chosen) for rows in layers], dim=1))
            where.append(inside)
        first += number
    return torch.cat(made)[torch.cat(where).argsort()]
