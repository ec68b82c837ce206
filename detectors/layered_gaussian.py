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
is kept of each layer are the rows of its own channels, in two parts: what they read of the deeper
channels, and of their own. Positions over one cell lie side by side, so that one matrix product
serves all of them for the first part, and deep values are never repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from detectors.backbones.features import Features, batches
from detectors.base import Progress

BLOCK_ELEMENTS = 64 * 100**2
AT_ONCE = 64


@dataclass(frozen=True)
class Family:
    """Cells of the deeper level that have the same number of positions over them.

    Attributes
    ----------
    cells : int64 tensor [m]
        Rows of the deeper level.
    first, children : int
        The positions over the first cell are rows ``first`` to ``first + children - 1`` of the
        level; those over the next cells follow.
    """

    cells: torch.Tensor
    first: int
    children: int

    def rows(self, cells: slice) -> slice:
        """Return the level's rows over some of the cells."""
        return slice(
            self.first + cells.start * self.children, self.first + cells.stop * self.children
        )

    @property
    def all_rows(self) -> slice:
        """The level's rows over all cells."""
        return self.rows(slice(0, len(self.cells)))


@dataclass(frozen=True)
class Level:
    """Which values of a layer take part, and how they lie over the next deeper level.

    Attributes
    ----------
    layer : str
    channels : int64 tensor [k]
        Channels of the layer.
    order : int64 tensor [P]
        The layer's position in each row of the level, so that positions over one cell of the
        deeper level are side by side.
    below : int64 tensor [P]
        For each row the deeper level's row below it; all 0 in the deepest level.
    families : tuple of Family
        The deeper level's cells by how many positions are over them; one family where the sides
        of the grids divide.
    context : int
        Channels of all deeper levels together.
    """

    layer: str
    channels: torch.Tensor
    order: torch.Tensor
    below: torch.Tensor
    families: tuple[Family, ...]
    context: int

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

    Parameters
    ----------
    channels : dict of int64 tensors
        Channels kept of each layer, the finest layer first.
    grids : dict of (h, w)
        Grid of each layer.
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
        for children in sorted(set(counts.tolist())):
            if children:
                alike = (counts == children).nonzero().flatten()
                families.append(Family(row_below[alike], first, children))
                first = families[-1].all_rows.stop
        level = Level(
            layer, channels[layer], order, row_below[cells[order]], tuple(families), width
        )
        levels.append(level)
        width, grid_below, row_below = level.width, (rows, columns), order.argsort()
    return levels


class LayeredGaussian:
    """One Gaussian per position of the finest level.

    Parameters
    ----------
    levels : list of Level
        The deepest first.
    means : list of float32 tensors [P, k]
        Mean of each level's own channels.
    given : list of float32 tensors [P, k, context]
        What the rows of W for each level's own channels read of the deeper channels.
    rows : list of float32 tensors [P, k, k]
        What they read of the own channels.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        means: list[torch.Tensor],
        given: list[torch.Tensor],
        rows: list[torch.Tensor],
    ) -> None:
        self.levels, self.means, self.given, self.rows = levels, means, given, rows

    def squared_distances(self, features: Features) -> torch.Tensor:
        """Return squared Mahalanobis distances, float32 ``[P, N]``, at the finest positions."""
        total, below = torch.zeros(1, 1), None
        for level, mean, given, rows in zip(
            self.levels, self.means, self.given, self.rows, strict=True
        ):
            own = level.values(features).sub_(mean[:, None])
            whitened = torch.bmm(own, rows.mT)
            if below is not None:
                for family in level.families:
                    read = _by_cell(given, family) @ below[family.cells].mT  # [m, c k, N]
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
            shapes = [(len(level.order), len(level.channels)) for level in self._levels]
            self._sums = [torch.zeros(shape, dtype=torch.float64) for shape in shapes]
            self._given = [
                torch.zeros(*shape, level.context)
                for shape, level in zip(shapes, self._levels, strict=True)
            ]
            self._products = [torch.zeros(*shape, shape[1]) for shape in shapes]
        below = None
        for at, (level, own) in enumerate(zip(self._levels, values, strict=True)):
            own -= self._shifts[at][:, None]
            self._sums[at] += own.sum(dim=1)
            self._products[at].baddbmm_(own.mT, own)
            if below is not None:
                for family in level.families:
                    over = _by_cell(own.mT, family)  # [m, c k, N]
                    _by_cell(self._given[at], family).baddbmm_(over, below[family.cells])
            if level is not self._levels[-1]:
                below = level.stacked(own, below)
        self._added = self.count

    def gaussian(self, ridge: float, progress: Progress | None = None) -> LayeredGaussian:
        """Return the Gaussians with covariance over N - 1 plus `ridge` I.

        The sums are given up; the rows of W take over their memory.
        """
        if self._waiting:
            self._add_waiting()
        means = [
            (shift.double() + sums / self.count).float()
            for shift, sums in zip(self._shifts, self._sums, strict=True)
        ]
        positions = sum(len(level.order) for level in self._levels)
        done = 0
        exact: list[tuple[torch.Tensor, torch.Tensor]] = []  # of the levels done, for the next
        for at, level in enumerate(self._levels):
            given, rows = self._given[at], self._products[at]
            if level is not self._levels[-1]:
                given, rows = given.double(), rows.double()
            for family in level.families:
                for cells in _blocks(family, level.width):
                    part = family.rows(cells)
                    given[part], rows[part] = self._rows(at, family, cells, ridge, exact)
                    done += part.stop - part.start
                    if progress is not None:
                        progress(done, positions)
            exact.append((given, rows))
            self._given[at], self._products[at] = given.float(), rows.float()
        return LayeredGaussian(self._levels, means, self._given, self._products)

    def _rows(
        self,
        at: int,
        family: Family,
        cells: slice,
        ridge: float,
        deeper: list[tuple[torch.Tensor, torch.Tensor]],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return both parts of the rows of W over some cells of a family, float64."""
        level, part, below = self._levels[at], family.rows(cells), family.cells[cells]
        sums = self._sums[at][part]
        own = self._products[at][part].double()
        own -= sums[:, :, None] * sums[:, None] / self.count
        own = own.div_(max(self.count - 1, 1)) + ridge * torch.eye(len(level.channels))
        explained = torch.zeros(len(own), len(level.channels), 0, dtype=torch.float64)
        if level.context:
            whole = self._whole(at - 1, below, deeper)
            sums_below = self._stacked_sums(at - 1, below).repeat_interleave(family.children, 0)
            covariance = self._given[at][part].double()
            covariance -= sums[:, :, None] * sums_below[:, None] / self.count
            covariance /= max(self.count - 1, 1)
            side_by_side = len(below), family.children * len(level.channels), level.context
            by_cell = covariance.view(side_by_side) @ whole.mT
            explained = by_cell.view(covariance.shape)
            own -= explained @ explained.mT
        factor = torch.linalg.cholesky(own)
        identity = torch.eye(len(level.channels), dtype=torch.float64)
        rows = torch.linalg.solve_triangular(factor, identity, upper=False)
        if not level.context:
            return explained, rows
        return -rows @ (by_cell @ whole).view(explained.shape), rows

    def _stacked_sums(self, at: int, rows: torch.Tensor) -> torch.Tensor:
        own = self._sums[at][rows]
        if at == 0:
            return own
        below = self._stacked_sums(at - 1, self._levels[at].below[rows])
        return torch.cat([below, own], dim=1)

    def _whole(
        self, at: int, rows: torch.Tensor, exact: list[tuple[torch.Tensor, torch.Tensor]]
    ) -> torch.Tensor:
        """Return W of a level and all deeper ones at some of its rows, float64."""
        level, (given, own) = self._levels[at], exact[at]
        if at == 0:
            return own[rows]
        whole = torch.zeros(len(rows), level.width, level.width, dtype=torch.float64)
        deeper = self._whole(at - 1, level.below[rows], exact)
        whole[:, : level.context, : level.context] = deeper
        whole[:, level.context :, : level.context] = given[rows]
        whole[:, level.context :, level.context :] = own[rows]
        return whole


def _by_cell(values: torch.Tensor, family: Family) -> torch.Tensor:
    """Return rows ``[P, k, x]`` over the cells of a family as ``[m, c k, x]``."""
    count = family.children * values.shape[1]
    return values[family.all_rows].reshape(len(family.cells), count, values.shape[2])


def _blocks(family: Family, width: int) -> Iterator[slice]:
    """Cut the cells of a family into blocks whose covariances take a few MB."""
    elements = family.children * max(width, 1) ** 2
    return batches(len(family.cells), max(1, BLOCK_ELEMENTS // elements))
