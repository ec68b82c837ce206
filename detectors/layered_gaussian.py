"""Gaussians over the channels of several layers, each layer given the deeper ones.

The plain algorithm, at every position of layer 1, with x the channels of all layers that lie over
each other there::

    C = sum (x - mu) (x - mu)^T / (N - 1) + ridge I,    d^2 = (x - mu)^T C^-1 (x - mu)

PaDiM lays layers 2 and 3 under layer 1 by repeating their values, so all positions of layer 1
that lie in one cell of layer 3 share its channels, and with them their mean and covariance. By
the chain rule p(deep, fine) = p(deep) p(fine | deep), so d^2 is that of the deep channels, found
once for a cell, plus that of the fine ones given the deep ones. For ResNet-18 at 224 px and 100
channels this is a fifth of the numbers and of the work, and the same distance.

With the deepest channels first, C = L L^T and W = L^-1 lower triangular, d^2 = |W (x - mu)|^2: a
sum over the rows of W, whose first ones depend on the deep channels alone. What is kept of each
layer are the rows of its own channels, in two parts: what they read of the deeper channels
(`given`), and of their own (`rows`). Positions over one cell lie side by side, so that one matrix
product serves all of them for the first part, and deep values are never repeated.

Layer 3 lies under layer 1 by way of layer 2, each position in the cell that its coordinates,
scaled and rounded down, name. Where the sides do not divide (25, 13 and 7) that is in places
another cell of layer 3 than layer 1's own coordinates would name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from detectors.backbones.features import Features
from detectors.base import Progress, batches, unwatched

BLOCK_ELEMENTS = 64 * 100**2  # of covariances that are made at once, a few MB
AT_ONCE = 64


@dataclass(frozen=True)
class Family:
    """Cells of the deeper level that have the same number of positions over them."""

    cells: torch.Tensor  # int64 [m], rows of the deeper level
    first: int  # the level's first row over the first cell; the others follow, cell by cell
    children: int  # rows over each cell

    def rows(self, cells: slice) -> slice:
        """Return the level's rows over some of the cells."""
        start, stop = cells.start * self.children, cells.stop * self.children
        return slice(self.first + start, self.first + stop)

    @property
    def all_rows(self) -> slice:
        """The level's rows over all cells."""
        return self.rows(slice(0, len(self.cells)))

    def by_cell(self, values: torch.Tensor) -> torch.Tensor:
        """Return what the level's rows hold, ``[P, k, x]``, by cell, ``[m, children k, x]``."""
        count = self.children * values.shape[1]
        return values[self.all_rows].reshape(len(self.cells), count, values.shape[2])


@dataclass(frozen=True)
class Level:
    """Which values of a layer take part, and how they lie over the next deeper level.

    Its rows are the layer's positions in another order: those over one cell of the deeper level
    are side by side.
    """

    layer: str
    channels: torch.Tensor  # int64 [k], those of the layer that are read
    order: torch.Tensor  # int64 [P], the layer's position in each row
    below: torch.Tensor  # int64 [P], the deeper level's row below each; 0 in the deepest level
    families: tuple[Family, ...]  # one where the sides of the grids divide
    context: int  # channels of all deeper levels together

    @property
    def width(self) -> int:
        """Channels of this and all deeper levels."""
        return self.context + len(self.channels)

    def values(self, features: Features) -> torch.Tensor:
        """Return the level's channels at its rows, float32 ``[P, N, k]``."""
        maps = features[self.layer].permute(2, 3, 0, 1).flatten(0, 1)
        if len(self.channels) < maps.shape[2]:
            maps = maps.index_select(2, self.channels)
        return maps.index_select(0, self.order)

    def stacked(self, own: torch.Tensor, below: torch.Tensor | None) -> torch.Tensor:
        """Lay the deeper levels' values under the level's own, ``[P, N, width]``."""
        return own if below is None else torch.cat([below.index_select(0, self.below), own], 2)


def levels_of(channels: dict[str, torch.Tensor], grids: dict[str, tuple[int, int]]) -> list[Level]:
    """Return one level per layer, the deepest first.

    `channels` are those that are read of each layer, int64, the finest layer first; `grids` are
    the layers' (h, w).
    """
    levels: list[Level] = []
    width, grid_below, row_below = 0, (1, 1), torch.zeros(1, dtype=torch.int64)
    for layer in reversed(channels):
        rows, columns = grids[layer]
        down = torch.arange(rows) * grid_below[0] // rows
        across = torch.arange(columns) * grid_below[1] // columns
        cells = (down[:, None] * grid_below[1] + across).flatten()
        counts = cells.bincount(minlength=len(row_below))
        order = (counts[cells] * len(counts) + cells).argsort(stable=True)
        families, first = [], 0
        for children in sorted(set(counts.tolist()) - {0}):
            alike = (counts == children).nonzero().flatten()
            families.append(Family(row_below[alike], first, children))
            first = families[-1].all_rows.stop
        level = Level(
            layer, channels[layer], order, row_below[cells[order]], tuple(families), width
        )
        levels.append(level)
        width, grid_below, row_below = level.width, (rows, columns), order.argsort()
    return levels


@dataclass
class LayeredGaussian:
    """One Gaussian per position of the finest level; see above. Tensors are float32."""

    levels: Sequence[Level]  # the deepest first
    means: list[torch.Tensor]  # of each level's own channels, [P, k]
    given: list[torch.Tensor]  # what their rows of W read of the deeper channels, [P, k, context]
    rows: list[torch.Tensor]  # what these read of the own channels, [P, k, k]

    def squared_distances(self, features: Features) -> torch.Tensor:
        """Return squared Mahalanobis distances, float32 ``[P, N]``, at the finest positions."""
        total, below = torch.zeros(1, 1), None
        parts = zip(self.levels, self.means, self.given, self.rows, strict=True)
        for level, mean, given, rows in parts:
            own = level.values(features).sub_(mean[:, None])
            whitened = torch.bmm(own, rows.mT)
            if below is not None:
                for family in level.families:
                    read = family.by_cell(given) @ below[family.cells].mT  # [m, c k, N]
                    part = whitened[family.all_rows]
                    part += read.view(part.mT.shape).mT
            total = whitened.square_().sum(dim=2).add_(total.index_select(0, level.below))
            if level is not self.levels[-1]:
                below = level.stacked(own, below)
        return total.index_select(0, self.levels[-1].order.argsort())


class LayeredMoments:
    """Running sums of x and x x^T, from which the Gaussians are made.

    The values are shifted by the first pictures' mean, which leaves nothing to cancel, so float32
    is enough for the products. Pictures wait until there are ``AT_ONCE``, because each addition
    passes over all products, and these are far larger than a few pictures' values.
    """

    def __init__(self, levels: Sequence[Level]) -> None:
        self._levels = levels
        self._waiting: list[list[torch.Tensor]] = []
        self._exact: list[tuple[torch.Tensor, torch.Tensor]] = []  # given and rows, float64
        self._added = 0
        self.count = 0

    def add(self, features: Features) -> None:
        """Take in the feature maps of some pictures."""
        self._waiting.append([level.values(features) for level in self._levels])
        self.count += self._waiting[-1][0].shape[1]
        if self.count - self._added >= AT_ONCE:
            self._add_waiting()

    def _add_waiting(self) -> None:
        values = [torch.cat(parts, dim=1) for parts in zip(*self._waiting, strict=True)]
        self._waiting = []
        if self._added == 0:
            self._shifts = [own.mean(dim=1) for own in values]
            self._sums = [torch.zeros(shift.shape, dtype=torch.float64) for shift in self._shifts]
            self._given = [
                torch.zeros(*shift.shape, level.context)
                for shift, level in zip(self._shifts, self._levels, strict=True)
            ]
            self._products = [torch.zeros(*shift.shape, shift.shape[1]) for shift in self._shifts]
        below = None
        for at, (level, own) in enumerate(zip(self._levels, values, strict=True)):
            own -= self._shifts[at][:, None]
            self._sums[at] += own.sum(dim=1)
            self._products[at].baddbmm_(own.mT, own)
            if below is not None:
                for family in level.families:
                    over = family.by_cell(own.mT)  # [m, c k, N]
                    family.by_cell(self._given[at]).baddbmm_(over, below[family.cells])
            if level is not self._levels[-1]:
                below = level.stacked(own, below)
        self._added = self.count

    def gaussian(self, ridge: float, progress: Progress = unwatched) -> LayeredGaussian:
        """Return the Gaussians with covariance over N - 1 plus `ridge` I.

        The sums are given up; the rows of W take over their memory.
        """
        if self._waiting:
            self._add_waiting()
        means = []
        positions = sum(len(level.order) for level in self._levels)
        done = 0
        for at, level in enumerate(self._levels):
            given, rows = self._given[at], self._products[at]
            if level is not self._levels[-1]:
                given, rows = given.double(), rows.double()
            for family in level.families:
                elements = family.children * max(level.width, 1) ** 2
                for cells in batches(len(family.cells), max(1, BLOCK_ELEMENTS // elements)):
                    part = family.rows(cells)
                    given[part], rows[part] = self._rows(at, family, cells, ridge)
                    done += part.stop - part.start
                    progress(done, positions)
            self._exact.append((given, rows))
            means.append((self._shifts[at].double() + self._sums[at] / self.count).float())
            self._given[at], self._products[at] = given.float(), rows.float()
        return LayeredGaussian(self._levels, means, self._given, self._products)

    def _rows(
        self, at: int, family: Family, cells: slice, ridge: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return both parts of the rows of W over some cells of a family, float64.

        With A and B the covariances of the own channels with themselves and with the deeper ones,
        and V the deeper ones' W: E = B V^T, A - E E^T = L L^T, and the rows are
        ``[-L^-1 E V, L^-1]``.
        """
        level, part, below = self._levels[at], family.rows(cells), family.cells[cells]
        sums = self._sums[at][part]
        own = self._products[at][part].double()
        own -= sums[:, :, None] * sums[:, None] / self.count
        own = own.div_(max(self.count - 1, 1)) + ridge * torch.eye(len(level.channels))
        sums_below = self._stacked_sums(at - 1, below).repeat_interleave(family.children, 0)
        covariance = self._given[at][part].double()
        covariance -= sums[:, :, None] * sums_below[:, None] / self.count
        covariance /= max(self.count - 1, 1)
        side_by_side = len(below), family.children * len(level.channels), level.context
        whole = self._whole(at - 1, below)
        by_cell = covariance.view(side_by_side) @ whole.mT
        explained = by_cell.view(covariance.shape)
        own -= explained @ explained.mT
        factor = torch.linalg.cholesky(own)
        identity = torch.eye(len(level.channels), dtype=torch.float64)
        rows = torch.linalg.solve_triangular(factor, identity, upper=False)
        return -rows @ (by_cell @ whole).view(explained.shape), rows

    def _stacked_sums(self, at: int, rows: torch.Tensor) -> torch.Tensor:
        """Return the sums of a level and all deeper ones at some of its rows; -1 is no level."""
        if at < 0:
            return torch.zeros(len(rows), 0, dtype=torch.float64)
        below = self._stacked_sums(at - 1, self._levels[at].below[rows])
        return torch.cat([below, self._sums[at][rows]], dim=1)

    def _whole(self, at: int, rows: torch.Tensor) -> torch.Tensor:
        """Return W of a level and all deeper ones at some of its rows; -1 is no level."""
        if at < 0:
            return torch.zeros(len(rows), 0, 0, dtype=torch.float64)
        level, (given, own) = self._levels[at], self._exact[at]
        if not level.context:
            return own[rows]
        whole = torch.zeros(len(rows), level.width, level.width, dtype=torch.float64)
        whole[:, : level.context, : level.context] = self._whole(at - 1, level.below[rows])
        whole[:, level.context :, : level.context] = given[rows]
        whole[:, level.context :, level.context :] = own[rows]
        return whole
