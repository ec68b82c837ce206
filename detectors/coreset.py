"""Greedy k-centre coreset, exact and lazy.

The plain algorithm (Sener & Savarese, arXiv 1708.00489, algorithm 1), for points x and centres s::

    s_1 given,    s_k+1 = argmax_x min_{j <= k} |x - s_j|, of equals the lowest

Updating every point's distance at every step reads the whole matrix once per centre. But a
distance computed earlier is an upper bound of today's, because more centres can only bring a point
closer: the farthest point is certainly among those whose bound is large. So only a front of the
points with the largest bounds is kept exact, many of them refreshed at a time by one matrix
product, and the rest wait. Within the front the few farthest points decide the next choices among
themselves, until one that is not of them could be farther; only then is the front told of all
these choices, again by one matrix product.
"""

from __future__ import annotations

import numpy as np
import torch

from detectors.base import Progress, unwatched

FRONT = 8192
FRONTS = 64  # a larger front than `FRONT` for many points, so that it is rarely drawn
CONTENDERS = 64
SAMPLING_STEP = 17  # no divisor of a grid's side, or all samples would be of the same places
ROW_BLOCK = 1024
CENTRE_BLOCK = 1024
PROJECTED_CHANNELS = 128


def greedy_coreset(
    points: torch.Tensor, size: int, first: int = 0, progress: Progress = unwatched
) -> torch.Tensor:
    """Choose `size` rows that cover all rows; int64 ``[size]``, in the order of choice.

    `points`, float32 or float64 ``[M, C]``, are overwritten: moved to their mean. `first` is the
    row chosen first. Raises ValueError if `size` is not in 1..M.
    """
    if not 1 <= size <= len(points):
        raise ValueError(f"Cannot choose {size} of {len(points)} patches.")
    points -= points.mean(dim=0)
    norms = torch.linalg.vector_norm(points, dim=1).square_()
    chosen = torch.empty(size, dtype=torch.int64)
    chosen[0] = first
    bounds = _squared_distances(points, norms, points[first : first + 1]).squeeze(1)
    bounds[first] = -1.0
    current = torch.ones(len(points), dtype=torch.int64)
    count = 1
    while count < size:
        front, cut = _front(bounds, max(FRONT, len(points) // FRONTS))
        front_points, front_norms = points.index_select(0, front), norms[front]
        distances = _refreshed(
            front_points, front_norms, bounds[front], current[front], points[chosen[:count]]
        )
        while count < size:
            taken = _farthest(front_points, front_norms, distances, cut, size - count)
            if not len(taken):
                break
            chosen[count : count + len(taken)] = front[taken]
            count += len(taken)
            to_new = _squared_distances(front_points, front_norms, front_points[taken]).amin(dim=1)
            torch.minimum(distances, to_new, out=distances)
            distances[taken] = -1.0
        bounds[front] = distances
        current[front] = count
        progress(count, size)
    return chosen


def random_projection(channels: int, generator: torch.Generator) -> torch.Tensor:
    """Return a Gaussian projection, ``[channels, 128]``, that keeps distances in expectation."""
    return torch.randn(channels, PROJECTED_CHANNELS, generator=generator) / PROJECTED_CHANNELS**0.5


def _front(bounds: torch.Tensor, size: int) -> tuple[torch.Tensor, float]:
    """Return the rows with the largest bounds, about `size`, ascending, and the smallest of these.

    All others are smaller. The cut is estimated from a sample, which is enough: any is correct.
    """
    if len(bounds) <= size:
        return torch.arange(len(bounds)), -1.0
    sample = bounds[::SAMPLING_STEP]
    cut = float(sample.topk(max(1, size // SAMPLING_STEP), sorted=False).values.min())
    return torch.from_numpy(np.flatnonzero(bounds.numpy() >= cut)), cut


def _farthest(
    points: torch.Tensor, norms: torch.Tensor, distances: torch.Tensor, cut: float, most: int
) -> torch.Tensor:
    """Return the next choices in the front, at most `most`, that only the contenders can be.

    `distances` are exact, and no point outside the front is as far as `cut`. Returns none if the
    farthest point may be outside.
    """
    farthest = int(distances.argmax())
    if distances[farthest] < cut:
        return torch.empty(0, dtype=torch.int64)
    others = float(distances.topk(min(CONTENDERS, len(distances)), sorted=False).values.min())
    contenders = torch.from_numpy(np.flatnonzero(distances.numpy() > others))
    limit = max(others, cut)
    own, own_norms = points[contenders], norms[contenders]
    between = _squared_distances(own, own_norms, own).numpy()
    left = distances[contenders].numpy()
    taken: list[int] = []
    while len(taken) < min(most, len(left)):
        best = int(left.argmax())
        if left[best] <= limit:
            break
        taken.append(best)
        np.minimum(left, between[best], out=left)
        left[best] = -1.0
    return contenders[taken] if taken else torch.tensor([farthest])


def _refreshed(
    points: torch.Tensor,
    norms: torch.Tensor,
    bounds: torch.Tensor,
    current: torch.Tensor,
    centres: torch.Tensor,
) -> torch.Tensor:
    """Bring `bounds`, exact for the first ``current`` centres, up to all of `centres`.

    Points that missed about as many centres are refreshed together.
    """
    refreshed = bounds.clone()
    for rows in torch.split(current.argsort(), ROW_BLOCK):
        since = int(current[rows[0]])
        if since == len(centres):
            continue
        own, own_norms = points.index_select(0, rows), norms[rows]
        for new in torch.split(centres[since:], CENTRE_BLOCK):
            nearest = _squared_distances(own, own_norms, new).amin(dim=1)
            refreshed[rows] = torch.minimum(refreshed[rows], nearest)
    return refreshed


def _squared_distances(
    points: torch.Tensor, norms: torch.Tensor, centres: torch.Tensor
) -> torch.Tensor:
    """Return squared Euclidean distances, ``[n, k]``, never negative."""
    squared = torch.addmm(norms[:, None], points, centres.T, alpha=-2)
    squared += centres.square().sum(dim=1)
    return squared.clamp_min_(0)
