"""Exact nearest neighbours, most rows ruled out in a few coordinates.

Along the bank's principal axes (Pearson 1901) the first few coordinates hold most of a distance.
The distance in those coordinates, with the length of what they leave over as one more coordinate,
is never longer than the whole one (Cauchy-Schwarz). So one narrow matrix product bounds every
distance from below; the whole distance to the best of them bounds the nearest from above; and
only rows between the two are measured in full. The result is that of measuring all of them.

NumPy's argmax and flatnonzero are several times faster than PyTorch's on a CPU.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

AXES = 96
QUERY_BLOCK = 1024
SMALLEST_BLOCK = 128
BLOCK_ELEMENTS = 1024 * 2560  # bounds at a time: fewer queries against a larger bank
PAIR_BLOCK = 512
GROUP = 64  # rows compared by their best first
ROUNDING = 1e-5


class NearestIndex:
    """Finds the nearest row of a bank.

    Parameters
    ----------
    bank : float32 tensor [K, C]
    """

    def __init__(self, bank: torch.Tensor) -> None:
        self._mean = bank.mean(dim=0)
        self._bank = bank - self._mean
        axes = torch.linalg.eigh(self._bank.T @ self._bank).eigenvectors
        main = axes[:, -min(AXES, bank.shape[1]) :]
        self._axes = torch.cat([main, main.new_zeros(len(main), 2)], dim=1)
        coordinates, squares = self._project(self._bank)
        # With one coordinate more, a product is q . b - |b|^2 / 2: greatest where b is nearest.
        coordinates[:, -1] = -squares / 2
        self._compared = bank.new_zeros(coordinates.shape[1], -(-len(bank) // GROUP) * GROUP)
        self._compared[-1] = -torch.inf  # rows that are not there
        self._compared[:, : len(bank)] = coordinates.T
        self._largest_square = float(squares.max())
        self._block = queries_at_once(len(bank))
        # Kept, because new memory is slow; a list, because threads may search at the same time.
        self._memory = [self._new_memory()]

    def nearest(
        self, queries: torch.Tensor, excluded: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Find the nearest row for every query.

        Parameters
        ----------
        queries : float32 tensor [Q, C]
        excluded : bool tensor [K], optional
            Rows that no query may choose.

        Returns
        -------
        distances : float32 tensor [Q]
            Euclidean; infinite where every row is excluded.
        indices : int64 tensor [Q]
            Of equally near rows the lowest.

        Raises
        ------
        ValueError
            If a query is not finite.
        """
        distances = torch.full((len(queries),), torch.inf)
        indices = torch.zeros(len(queries), dtype=torch.int64)
        if excluded is not None and bool(excluded.all()):
            return distances, indices
        left_out = None if excluded is None else np.flatnonzero(excluded.numpy())
        try:
            memory = self._memory.pop()
        except IndexError:
            memory = self._new_memory()
        for start in range(0, len(queries), self._block):
            part = slice(start, start + self._block)
            distances[part], indices[part] = self._nearest(queries[part], left_out, memory)
        if not self._memory:
            self._memory.append(memory)
        return distances, indices

    def _nearest(
        self, queries: torch.Tensor, left_out: NDArray[np.int64] | None, memory: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        queries = queries - self._mean
        coordinates, squares = self._project(queries)
        if not bool(torch.isfinite(squares).all()):
            raise ValueError(
                "A picture's features are not finite numbers, so it has no nearest neighbour; the "
                "backbone's weights do not suit these pictures."
            )
        products = torch.mm(coordinates, self._compared, out=memory[: len(queries)])
        if left_out is not None:
            products.numpy()[:, left_out] = -np.inf
        groups = products.view(len(queries), -1, GROUP)
        greatest = groups.amax(dim=2)
        nearest = self._upper_bounds(queries, groups, greatest)
        slack = ROUNDING * (squares + self._largest_square)
        least = ((squares - nearest - slack) / 2).numpy()
        near_groups = np.flatnonzero(greatest.numpy() >= least[:, None])
        members = groups.flatten(0, 1).index_select(0, torch.from_numpy(near_groups)).numpy()
        near = np.flatnonzero(members >= least[near_groups // greatest.shape[1], None])
        pairs = near_groups[near // GROUP] * GROUP + near % GROUP
        query, row = np.divmod(pairs, products.shape[1])
        return self._best(queries, query, row)

    def _upper_bounds(
        self, queries: torch.Tensor, groups: torch.Tensor, greatest: torch.Tensor
    ) -> torch.Tensor:
        """Return the squared distance of each query to the row that seems nearest, ``[n]``."""
        group = torch.from_numpy(greatest.numpy().argmax(axis=1))
        inside = groups[torch.arange(len(group)), group].numpy().argmax(axis=1)
        rows = self._bank.index_select(0, group * GROUP + torch.from_numpy(inside))
        return _lengths(queries - rows).square_()

    def _new_memory(self) -> torch.Tensor:
        return torch.empty(self._block, self._compared.shape[1])

    def _best(
        self, queries: torch.Tensor, query: NDArray[np.int64], row: NDArray[np.int64]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Measure pairs of query and row in full; return the best row of each query.

        Parameters
        ----------
        query, row : int64 [n]
            Ascending; every query stands in at least one pair.
        """
        distances = torch.cat(
            [
                _lengths(queries.index_select(0, some_queries) - self._bank.index_select(0, some))
                for some_queries, some in zip(
                    torch.split(torch.from_numpy(query), PAIR_BLOCK),
                    torch.split(torch.from_numpy(row), PAIR_BLOCK),
                    strict=True,
                )
            ]
        ).numpy()
        starts = np.searchsorted(query, np.arange(len(queries)))
        nearest = np.minimum.reduceat(distances, starts)
        winners = np.flatnonzero(distances == nearest[query])
        lowest = winners[np.searchsorted(query[winners], np.arange(len(queries)))]
        return torch.from_numpy(nearest), torch.from_numpy(row[lowest])

    def _project(self, centred: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the coordinates of points ``[n, k + 2]`` and their squared lengths ``[n]``.

        The last but one is the length of what the axes leave over, the last one is 1.

        Parameters
        ----------
        centred : float32 tensor [n, C]
            Points less the bank's mean.
        """
        squares = _lengths(centred).square_()
        coordinates = centred @ self._axes
        # Rounding may make it too short; a little too long keeps the bounds valid.
        upper = squares * (1 + ROUNDING)
        left_over = (upper - _lengths(coordinates).square_()).clamp_min_(0).sqrt_()
        coordinates[:, -2] = left_over
        coordinates[:, -1] = 1
        return coordinates, squares


def queries_at_once(rows: int) -> int:
    """Return how many queries are compared at a time with a bank of so many rows."""
    return min(QUERY_BLOCK, max(SMALLEST_BLOCK, BLOCK_ELEMENTS // rows))


def _lengths(rows: torch.Tensor) -> torch.Tensor:
    """Return the Euclidean length of each row; quicker than squaring and summing."""
    return torch.linalg.vector_norm(rows, dim=1)
