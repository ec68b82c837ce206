"""Exact nearest neighbours, most rows ruled out in a few coordinates.

Along the bank's principal axes (Pearson 1901) the first few coordinates hold most of a distance.
The distance in those coordinates, with the length of what they leave over as one more coordinate,
is never longer than the whole one (Cauchy-Schwarz). So one narrow matrix product bounds every
distance from below; the row with the least bound is compared in full; and of the others only those
whose bound is not above its distance. Rows near each other stand together in groups (a k-d tree;
Bentley 1975), so what is near a query lies in few groups, and the others are ruled out as a whole.

Rows b are compared for a query q by q . b - |b|^2 / 2, their nearness: it is (|q|^2 - d^2) / 2, the
greater the nearer, and a sampled matrix product gives it for chosen pairs without copying a row.
Rounding may change its last digits, so all rows that are nearest but for rounding are measured by
their difference, which loses none. The result is that of measuring every row.

NumPy's argmax and flatnonzero are several times faster than PyTorch's on a CPU.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import torch
from numpy.typing import NDArray

from detectors.backbones.features import batches

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
    """Finds the nearest row of a bank.

    Parameters
    ----------
    bank : float32 tensor [K, C]
    """

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
        # Kept, because new memory is slow; a list, because threads may search at the same time.
        self._memory = [self._new_memory()]

    @torch.inference_mode()
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
        left_out = None if excluded is None else np.flatnonzero(excluded[self._order].numpy())
        try:
            memory = self._memory.pop()
        except IndexError:
            memory = self._new_memory()
        for part in batches(len(queries), self._block):
            distances[part], indices[part] = self._nearest(queries[part], left_out, memory)
        if not self._memory:
            self._memory.append(memory)
        return distances, indices

    def _nearest(
        self, queries: torch.Tensor, left_out: NDArray[np.int64] | None, memory: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
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
        first = _greatest_rows(groups, greatest)
        distances = _lengths(self._bank.index_select(0, torch.from_numpy(first)).sub_(queries))
        needed = (squares - distances.square()).div_(2).sub_(slack).numpy()
        bounds.numpy()[np.arange(len(first)), first] = -np.inf
        query, row = _pairs_above(groups, greatest, needed)
        rivals = np.flatnonzero(self._nearness(queries, query, row) >= needed[query])
        return self._least(queries, distances.numpy(), first, query[rivals], row[rivals])

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
        nearness: NDArray[np.float32]
        nearness = torch.sparse.sampled_addmm(pairs, queries, self._bank.T).values().numpy()
        return nearness

    def _least(
        self,
        queries: torch.Tensor,
        distances: NDArray[np.float32],
        first: NDArray[np.int64],
        query: NDArray[np.int64],
        row: NDArray[np.int64],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Measure rivals in full; return each query's least distance and the row at it.

        Parameters
        ----------
        distances : float32 [Q]
            To the rows of `first`, int64 ``[Q]``.
        query, row : int64 [n]
            The rivals; a query may have none or several.
        """
        measured = np.empty(len(row), np.float32)
        for part in batches(len(row), PAIR_BLOCK):
            rivals = self._bank.index_select(0, torch.from_numpy(row[part]))
            own = queries.index_select(0, torch.from_numpy(query[part]))
            measured[part] = _lengths(rivals.sub_(own)).numpy()
        least = distances.copy()
        np.minimum.at(least, query, measured)
        order = self._order.numpy()
        nearest = np.where(distances == least, order[first], len(order))
        tied = measured == least[query]
        np.minimum.at(nearest, query[tied], order[row[tied]])
        return torch.from_numpy(least), torch.from_numpy(nearest)

    def _new_memory(self) -> torch.Tensor:
        return torch.empty(self._block, self._compared.shape[1])

    def _project(self, centred: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the coordinates of points ``[n, k + 2]`` and their squared lengths ``[n]``.

        The last but one is the length of what the axes leave over, the last one is 1.

        Parameters
        ----------
        centred : float32 tensor [n, C]
            Points less the bank's mean.
        """
        squares = _lengths(centred).square_()
        shape = (len(centred), self._axes.shape[1])
        coordinates = _product(centred, self._axes, centred.new_empty(shape))
        # Rounding may make it too short; a little too long keeps the bounds valid.
        upper = squares * (1 + ROUNDING)
        left_over = (upper - _lengths(coordinates).square_()).clamp_min_(0).sqrt_()
        coordinates[:, -2] = left_over
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


def _greatest_rows(groups: torch.Tensor, greatest: torch.Tensor) -> NDArray[np.int64]:
    """Return the row of each query's greatest bound, int64 ``[Q]``.

    Parameters
    ----------
    groups : float32 tensor [Q, groups, GROUP]
    greatest : float32 tensor [Q, groups]
        The greatest of each group.
    """
    group = greatest.numpy().argmax(axis=1)
    inside = groups.numpy()[np.arange(len(group)), group].argmax(axis=1)
    rows: NDArray[np.int64] = group * GROUP + inside
    return rows


def _pairs_above(
    groups: torch.Tensor, greatest: torch.Tensor, least: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of query and row whose bound reaches the query's `least`.

    Parameters
    ----------
    groups, greatest : as in ``_greatest_rows``
    least : float32 [Q]

    Returns
    -------
    query, row : int64 [n]
        Ascending.
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
