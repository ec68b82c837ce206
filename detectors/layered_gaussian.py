"""Gaussians over the channels of several layers, each layer given the deeper ones.

PaDiM lays layers 2 and 3 under layer 1 by repeating their values, so all positions of layer 1
that lie in one cell of layer 3 share its channels, and with them their mean and covariance. By
the chain rule a Gaussian over deep and fine channels is p(deep) p(fine | deep), and its squared
Mahalanobis distance is that of the deep channels plus that of the fine ones given the deep ones.
The first summand is the same everywhere in a cell and is found once for it. For ResNet-18 at
224 px and 100 channels this is a fifth of the numbers and of the work, and the same distance.

Layer 3 lies under layer 1 by way of layer 2, each position in the cell that its coordinates,
scaled and rounded down, name. Where the sides do not divide (25, 13 and 7) that is in places
another cell of layer 3 than layer 1's own coordinates would name.

With the deepest channels first, C = L L^T and W = L^-1 lower triangular, the squared distance is
|W (x - mu)|^2: a sum over the rows of W, whose first ones depend on the deep channels alone. What
is kept of each layer are the rows of its own channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from detectors.backbones.features import Features, batches
from detectors.base import Progress

BLOCK_ELEMENTS = 64 * 100**2


@dataclass(frozen=True)
class Level:
    """Which values of a layer take part, and how they lie over the next deeper level.

    Attributes
    ----------
    layer : str
    channels : int64 tensor [k]
        Channels of the layer.
    cells : int64 tensor [P]
        For each of the level's positions, row by row, the deeper level's position below it; all 0
        in the deepest level.
    context : int
        Channels of all deeper levels together.
    """

    layer: str
    channels: torch.Tensor
    cells: torch.Tensor
    context: int

    @property
    def width(self) -> int:
        """Channels of this and all deeper levels."""
        return self.context + len(self.channels)


def levels_of(channels: dict[str, torch.Tensor], grids: dict[str, tuple[int, int]]) -> list[Level]:
    """Return one level per layer, the deepest first.

    Parameters
    ----------
    channels : dict of int64 tensors
        Channels kept of each layer, the finest layer first.
    grids : dict of (h, w)
        Grid of each layer.
    """
    levels: list[Level] = []
    width, below = 0, (1, 1)
    for layer in reversed(channels):
        rows, columns = grids[layer]
        down = torch.arange(rows) * below[0] // rows
        across = torch.arange(columns) * below[1] // columns
        cells = (down[:, None] * below[1] + across).flatten()
        levels.append(Level(layer, channels[layer], cells, width))
        width, below = levels[-1].width, (rows, columns)
    return levels


class LayeredGaussian:
    """One Gaussian per position of the finest level.

    Parameters
    ----------
    levels : list of Level
        The deepest first.
    means : list of float32 tensors [P, k]
        Mean of each level's own channels.
    rows : list of float32 tensors [P, k, c]
        The rows of W for each level's own channels; c is the level's width.
    """

    def __init__(
        self, levels: Sequence[Level], means: list[torch.Tensor], rows: list[torch.Tensor]
    ) -> None:
        self.levels, self.means, self.rows = levels, means, rows

    def squared_distances(self, features: Features) -> torch.Tensor:
        """Return squared Mahalanobis distances, float32 ``[P, N]``, at the finest positions."""
        total = torch.zeros(1, 1)
        for level, rows, values in zip(
            self.levels, self.rows, _stacked(self.levels, self.means, features), strict=True
        ):
            own = torch.bmm(values, rows.mT).square_().sum(dim=2)
            total = own.add_(total.index_select(0, level.cells))
        return total


class LayeredMoments:
    """Running sums of x and x x^T, from which the Gaussians are made.

    The values are shifted by the first batch's mean, which leaves nothing to cancel, so float32 is
    enough for the products.
    """

    def __init__(self, levels: Sequence[Level]) -> None:
        self._levels = levels
        self.count = 0

    def add(self, features: Features) -> None:
        """Take in the feature maps of some pictures."""
        if self.count == 0:
            self._shifts = [_own_values(level, features).mean(dim=1) for level in self._levels]
            shapes = [(len(level.cells), len(level.channels)) for level in self._levels]
            self._sums = [torch.zeros(shape, dtype=torch.float64) for shape in shapes]
            self._products = [
                torch.zeros(*shape, level.width)
                for shape, level in zip(shapes, self._levels, strict=True)
            ]
        for level, sums, products, values in zip(
            self._levels,
            self._sums,
            self._products,
            _stacked(self._levels, self._shifts, features),
            strict=True,
        ):
            own = values[:, :, level.context :]
            sums += own.sum(dim=1)
            products.baddbmm_(own.mT, values)
        self.count += values.shape[1]

    def gaussian(self, ridge: float, progress: Progress | None = None) -> LayeredGaussian:
        """Return the Gaussians with covariance over N - 1 plus `ridge` I.

        The sums are given up; the rows of W take over their memory.
        """
        means = [
            (shift.double() + sums / self.count).float()
            for shift, sums in zip(self._shifts, self._sums, strict=True)
        ]
        positions = sum(len(level.cells) for level in self._levels)
        done = 0
        exact: list[torch.Tensor] = []  # rows of the levels done, which the next one needs
        for at, level in enumerate(self._levels):
            finest = at == len(self._levels) - 1
            rows = self._products[at] if finest else self._products[at].double()
            for block in _blocks(len(level.cells), level.width):
                rows[block] = self._rows(at, block, ridge, exact)
                done += block.stop - block.start
                if progress is not None:
                    progress(done, positions)
            exact.append(rows)
            self._products[at] = rows.float()
        return LayeredGaussian(self._levels, means, self._products)

    def _rows(
        self, at: int, block: slice, ridge: float, deeper: list[torch.Tensor]
    ) -> torch.Tensor:
        """Return the rows of W of a level's own channels for a block of positions, float64."""
        level = self._levels[at]
        sums = self._stacked_sums(at, torch.arange(block.start, block.stop))
        scatter = self._products[at][block].double()
        scatter -= sums[:, level.context :, None] * sums[:, None, :] / self.count
        covariance = scatter / max(self.count - 1, 1)
        own = covariance[:, :, level.context :] + ridge * torch.eye(len(level.channels))
        if level.context:
            below = self._whole(at - 1, level.cells[block], deeper)
            explained = covariance[:, :, : level.context] @ below.mT
            own -= explained @ explained.mT
        factor = torch.linalg.cholesky(own)
        inverse = torch.linalg.solve_triangular(
            factor, torch.eye(len(level.channels), dtype=torch.float64), upper=False
        )
        if not level.context:
            return inverse
        return torch.cat([-inverse @ (explained @ below), inverse], dim=2)

    def _stacked_sums(self, at: int, positions: torch.Tensor) -> torch.Tensor:
        own = self._sums[at][positions]
        if at == 0:
            return own
        below = self._stacked_sums(at - 1, self._levels[at].cells[positions])
        return torch.cat([below, own], dim=1)

    def _whole(self, at: int, positions: torch.Tensor, rows: list[torch.Tensor]) -> torch.Tensor:
        """Return W of a level and all deeper ones at some of its positions, float64."""
        level, own = self._levels[at], rows[at][positions]
        if at == 0:
            return own
        whole = torch.zeros(len(positions), level.width, level.width, dtype=torch.float64)
        deeper = self._whole(at - 1, level.cells[positions], rows)
        whole[:, : level.context, : level.context] = deeper
        whole[:, level.context :] = own
        return whole


def _stacked(
    levels: Sequence[Level], centres: Sequence[torch.Tensor], features: Features
) -> Iterator[torch.Tensor]:
    """Yield for each level the values of all deeper levels and its own, less their centres.

    Yields
    ------
    float32 tensor [P, N, c]
    """
    below: torch.Tensor | None = None
    for level, centre in zip(levels, centres, strict=True):
        own = _own_values(level, features)
        own -= centre[:, None]
        below = own if below is None else torch.cat([below.index_select(0, level.cells), own], 2)
        yield below


def _own_values(level: Level, features: Features) -> torch.Tensor:
    """Return the level's channels, float32 ``[P, N, k]``."""
    return features[level.layer].permute(2, 3, 0, 1).flatten(0, 1)[:, :, level.channels]


def _blocks(positions: int, width: int) -> Iterator[slice]:
    """Cut the positions into blocks whose covariances take a few MB."""
    return batches(positions, max(1, BLOCK_ELEMENTS // max(width, 1) ** 2))
