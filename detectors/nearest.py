"""Exact nearest neighbours, most rows ruled out in a few coordinates.

The plain algorithm, for a query q and the rows b of a bank::

    distance(q) = min_b |q - b|,    index(q) = argmin_b |q - b|, of equals the lowest

Along the bank's principal axes (Pearson 1901) the first few coordinates hold most of a distance.
The distance in those coordinates, with the length of what they leave over as one more coordinate,
is never longer than the whole one (Cauchy-Schwarz), so no row whose bound is above the distance to
another row can be the nearest. One narrow matrix product bounds every distance from below; the row
with the least bound is measured in full; and of the others only those whose bound is not above its
distance. Rows near each other stand together in groups (a k-d tree; Bentley 1975), so that most
are ruled out a group at a time.

Rows are compared by q . b - |b|^2 / 2, their nearness: it is (|q|^2 - d^2) / 2, the greater the
nearer, and a sampled matrix product gives it for chosen pairs without copying a row. Rounding may
change its last digits, so all rows that are nearest but for rounding are measured by their
difference, which loses none.

NumPy's argmax and flatnonzero are several times faster than PyTorch's on a CPU.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import torch
from numpy.typing import NDArray

from detectors.base import batches

AXES = 46
QUERY_BLOCK = 1024
SMALLEST_BLOCK = 128
BLOCK_ELEMENTS = 1024 * 2560  # bounds at a time: fewer queries against a larger bank
PAIR_BLOCK = 1024
GROUP = 64  # rows compared by their best first
ROUNDING = 1e-5  # of |q|^2 + |b|^2; several times what bounds and nearness were seen to be off

# The pairs are named by the one sparse format that the product takes.
warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")


class NearestIndex:
    """Finds the nearest row of a bank, float32 ``[K, C]``."""

    def __init__(self, bank: torch.Tensor) -> None:
        self._mean = bank.mean(dim=0)
        main = _main_axes(bank - self._mean)
        self._axes = torch.cat([main, main.new_zeros(len(main), 2)], dim=1)
        self._order = _neighbours_together(bank @ main)
        self._bank = bank.index_select(0, self._order).sub_(self._mean)
        coordinates, squares = self._project(self._bank)
        self._minus_half_squares = -squares / 2
        coordinates[:, -1] = self._minus_half_squares  # so that a product bounds a nearness
        self._compared = bank.new_zeros(coordinates.shape[1], -(-len(bank) // GROUP) * GROUP)
        self._compared[-1] = -torch.inf  # rows that are not there
        self._compared[:, : len(bank)] = coordinates.T
        self._largest_square = float(squares.max())
        self._block = queries_at_once(len(bank))
        self._memory: list[torch.Tensor] = []  # kept, as new memory is slow; each thread takes one

    @torch.inference_mode()
    def nearest(
        self, queries: torch.Tensor, excluded: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Find the nearest row for every query, float32 ``[Q, C]``.

        Returns distances, float32 ``[Q]``, and indices, int64 ``[Q]``. No row of `excluded`, bool
        ``[K]``, is chosen; where it is every row, distances are infinite. Raises ValueError if a
        query is not finite.
        """
        distances = torch.full((len(queries),), torch.inf)
        indices = torch.zeros(len(queries), dtype=torch.int64)
        if excluded is not None and bool(excluded.all()):
            return distances, indices
        left_out = None if excluded is None else np.flatnonzero(excluded[self._order].numpy())
        try:
            memory = self._memory.pop()
        except IndexError:
            memory = torch.empty(self._block, self._compared.shape[1])
        for part in batches(len(queries), self._block):
            distances[part], indices[part] = self._nearest(queries[part], left_out, memory)
        if not self._memory:
            self._memory.append(memory)
        return distances, indices

    def _nearest(
        self, queries: torch.Tensor, left_out: NDArray[np.int64] | None, memory: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Find them for one block of queries; `memory` is where their bounds are written."""
        queries = queries - self._mean
        coordinates, squares = self._project(queries)
        if not math.isfinite(float(2 * (squares.max() + self._largest_square))):
            raise ValueError(
                "A picture's features are not finite numbers, so it has no nearest neighbour; the "
                "backbone's weights do not suit these pictures."
            )
        slack = ROUNDING * (squares + self._largest_square)
        bounds = _product(coordinates, self._compared, memory[: len(queries)])
        if left_out is not None:
            bounds.numpy()[:, left_out] = -np.inf
        groups = bounds.view(len(queries), -1, GROUP)
        greatest = groups.amax(dim=2)

        # The row with the best bound is measured in full.
        group = greatest.numpy().argmax(axis=1)
        inside = groups.numpy()[np.arange(len(group)), group].argmax(axis=1)
        first = group * GROUP + inside
        distances = _lengths(self._bank.index_select(0, torch.from_numpy(first)).sub_(queries))
        bounds.numpy()[np.arange(len(first)), first] = -np.inf

        # So is what may be as near, by its bound and then by its nearness.
        needed = (squares - distances.square()).div_(2).sub_(slack).numpy()
        query, row = _pairs_above(groups, greatest, needed)
        rivals = np.flatnonzero(self._nearness(queries, query, row) >= needed[query])
        query, row = query[rivals], row[rivals]
        measured = np.empty(len(row), np.float32)
        for part in batches(len(row), PAIR_BLOCK):
            rows = self._bank.index_select(0, torch.from_numpy(row[part]))
            own = queries.index_select(0, torch.from_numpy(query[part]))
            measured[part] = _lengths(rows.sub_(own)).numpy()

        # The least distance wins, and of equally near rows the lowest.
        least = distances.numpy().copy()
        np.minimum.at(least, query, measured)
        order = self._order.numpy()
        nearest = np.where(distances.numpy() == least, order[first], len(order))
        tied = measured == least[query]
        np.minimum.at(nearest, query[tied], order[row[tied]])
        return torch.from_numpy(least), torch.from_numpy(nearest)

    def _nearness(
        self, queries: torch.Tensor, query: NDArray[np.int64], row: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return q . b - |b|^2 / 2 of pairs of query (ascending) and row, float32 ``[n]``."""
        rows = torch.from_numpy(row)
        pairs = torch.sparse_csr_tensor(
            torch.from_numpy(np.searchsorted(query, np.arange(len(queries) + 1))),
            rows,
            self._minus_half_squares.index_select(0, rows),
            (len(queries), len(self._bank)),
            check_invariants=False,
        )
        return torch.sparse.sampled_addmm(pairs, queries, self._bank.T).values().numpy()

    def _project(self, centred: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return coordinates ``[n, k + 2]`` and squared lengths ``[n]`` of points less the mean.

        The last coordinate but one is the length of what the axes leave over, the last one is 1.
        """
        squares = _lengths(centred).square_()
        shape = (len(centred), self._axes.shape[1])
        coordinates = _product(centred, self._axes, centred.new_empty(shape))
        upper = squares * (1 + ROUNDING)  # too short a length would make the bounds invalid
        coordinates[:, -2] = (upper - _lengths(coordinates).square_()).clamp_min_(0).sqrt_()
        coordinates[:, -1] = 1
        return coordinates, squares


def queries_at_once(rows: int) -> int:
    """Return how many queries are compared at a time with a bank of so many rows."""
    return min(QUERY_BLOCK, max(SMALLEST_BLOCK, BLOCK_ELEMENTS // rows))


def _main_axes(centred: torch.Tensor) -> torch.Tensor:
    """Return the principal axes of points around 0, float32 ``[C, k]``.

    In float64, because in float32 the decomposition fails where many columns are constant.
    """
    axes = torch.linalg.eigh((centred.T @ centred).double()).eigenvectors
    return axes[:, -min(AXES, len(axes)) :].float()


def _neighbours_together(coordinates: torch.Tensor) -> torch.Tensor:
    """Return an order of points in which every `GROUP` in turn lie near each other, int64 ``[K]``.

    They are halved where they spread most, and the halves again.
    """
    parts, whole = [], [torch.arange(len(coordinates))]
    while whole:
        part = whole.pop()
        if len(part) <= GROUP:
            parts.append(part)
            continue
        own = coordinates[part]
        along = own[:, int(own.var(dim=0).argmax())]
        middle = -(-len(part) // (2 * GROUP)) * GROUP
        first, second = torch.split(part[along.argsort(stable=True)], [middle, len(part) - middle])
        whole += [second, first]
    return torch.cat(parts)


def _product(left: torch.Tensor, right: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Return ``left @ right``, written to `out`.

    Where they can be divided, every thread makes rows of its own, the same ones that it reads in
    the next operations: what one core has just written is slow to read for another.
    """
    threads = torch.get_num_threads()
    if len(left) % threads:
        return torch.mm(left, right, out=out)
    parts = left.view(threads, -1, left.shape[1])
    torch.bmm(parts, right.expand(threads, *right.shape), out=out.view(threads, -1, out.shape[1]))
    return out


def _pairs_above(
    groups: torch.Tensor, greatest: torch.Tensor, least: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of query and row, ascending, whose bound reaches the query's `least`.

    `groups` are all bounds, ``[Q, groups, GROUP]``, `greatest` the greatest of each group.
    """
    chosen = np.flatnonzero(greatest.numpy() >= least[:, None])
    query, group = np.divmod(chosen, greatest.shape[1])
    members = groups.flatten(0, 1).index_select(0, torch.from_numpy(chosen)).numpy()
    near = np.flatnonzero(members >= least[query, None])
    at = near // GROUP
    return query[at], group[at] * GROUP + (near - at * GROUP)  # quicker than a remainder


def _lengths(rows: torch.Tensor) -> torch.Tensor:
    """Return the Euclidean length of each row; quicker than squaring and summing."""
    return torch.linalg.vector_norm(rows, dim=1)
