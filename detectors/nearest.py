"""Exact nearest neighbours: one matrix product per block, then one exact distance per query."""

from __future__ import annotations

import torch

QUERY_BLOCK = 4096


def nearest_neighbours(
    queries: torch.Tensor, bank: torch.Tensor, excluded: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the nearest row of `bank` for every query.

    |q - b|^2 = |q|^2 + |b|^2 - 2 q b ranks the rows; its rounding error is that of |q|^2, so the
    distance to the winner is computed again from the difference.

    Parameters
    ----------
    queries : float32 tensor [Q, C]
    bank : float32 tensor [K, C]
    excluded : bool tensor [K], optional
        Rows of the bank that no query may choose.

    Returns
    -------
    distances : float32 tensor [Q]
        Euclidean; infinite where every row is excluded.
    indices : int64 tensor [Q]
    """
    half_norms = bank.square().sum(dim=1) / 2
    if excluded is not None:
        half_norms = half_norms.masked_fill(excluded, torch.inf)
    distances = torch.empty(len(queries))
    indices = torch.empty(len(queries), dtype=torch.int64)
    for start in range(0, len(queries), QUERY_BLOCK):
        part = slice(start, start + QUERY_BLOCK)
        ranked = torch.addmm(half_norms, queries[part], bank.T, alpha=-1)
        best, winner = ranked.min(dim=1)
        difference = queries[part] - bank[winner]
        distances[part] = difference.norm(dim=1).masked_fill(best.isinf(), torch.inf)
        indices[part] = winner
    return distances, indices
