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

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from detectors.base import Progress, unwatched

FRONT = 8192
FRONTS = 64  # a larger front than `FRONT` for many points, so that it is rarely drawn
CONTENDERS = 64
SAMPLING_STEP = 17  # no divisor of a grid's side, or all samples would be of the same places
ROW_BLOCK = 1024
CENTRE_BLOCK = 1024
NEIGHBOURS = 64  # among which the nearest of the others is found in 999 of 1,000 cases
PROJECTED_CHANNELS = 128


@dataclass(frozen=True)
class Coreset:
    """Chosen rows, and which of them covers each row.

    Attributes
    ----------
    chosen : int64 [K]
        The chosen rows, in the order of choice.
    cover : int64 [M]
        For every row the place in `chosen` of one that is not farther than `radius`; not always
        the nearest.
    radius : float
        Squared distance within which every row has a chosen one.
    """

    chosen: torch.Tensor
    cover: torch.Tensor
    radius: float


def greedy_coreset(
    points: torch.Tensor, size: int, first: int = 0, progress: Progress = unwatched
) -> Coreset:
    """Choose `size` rows that cover all rows.

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
    cover = torch.zeros(len(points), dtype=torch.int64)
    count = 1
    while count < size:
        front, cut = _front(bounds, max(FRONT, len(points) // FRONTS))
        front_points, front_norms = points.index_select(0, front), norms[front]
        distances, covers = bounds[front], cover[front]
        _refresh(
            front_points, front_norms, distances, covers, current[front], points[chosen[:count]]
        )
        while count < size:
            taken = _farthest(front_points, front_norms, distances, cut, size - count)
            if not len(taken):
                break
            chosen[count : count + len(taken)] = front[taken]
            to_new = _squared_distances(front_points, front_norms, front_points[taken])
            _lower(distances, covers, to_new, count)
            distances[taken] = -1.0
            covers[taken] = torch.arange(count, count + len(taken))
            count += len(taken)
        bounds[front], cover[front] = distances, covers
        current[front] = count
        progress(count, size)
    return Coreset(chosen, cover, float(bounds.max().clamp_min(0)))


def replacements(
    points: torch.Tensor, coreset: Coreset, parts: Sequence[slice]
) -> list[torch.Tensor]:
    """Return for each part what the choice takes instead if its rows are left out, int64 ``[F]``.

    Only what the chosen rows of a part covered may be farther than the radius from all other
    chosen rows. Of it the farthest is chosen, and again, until as many have been as were chosen
    before and nothing is farther than the radius. Distances are those to chosen rows that are
    near a part's own ones.

    Parameters
    ----------
    points : float32 or float64 [M, C]
        As ``greedy_coreset`` has left them.
    parts : sequence of slice
        Rows from start to stop.
    """
    bank = points[coreset.chosen]
    return [_replacements(points, coreset, part, bank) for part in parts]


def _replacements(
    points: torch.Tensor, coreset: Coreset, left_out: slice, bank: torch.Tensor
) -> torch.Tensor:
    gone = (coreset.chosen >= left_out.start) & (coreset.chosen < left_out.stop)
    uncovered = np.flatnonzero(gone.numpy()[coreset.cover.numpy()])
    inside = (uncovered >= left_out.start) & (uncovered < left_out.stop)
    rows = torch.from_numpy(uncovered[~inside])
    if not len(rows) or gone.all():
        return rows[:0]
    left, others = bank[gone], torch.zeros_like(gone)
    to_bank = _squared_distances(left, left.square().sum(dim=1), bank)
    near = to_bank.topk(min(NEIGHBOURS, len(bank)), largest=False, sorted=False).indices
    others[near.flatten()] = True
    others &= ~gone
    if not others.any():
        others = ~gone
    own = points.index_select(0, rows)
    norms = own.square().sum(dim=1)
    distances = _squared_distances(own, norms, bank[others]).amin(dim=1)
    found: list[int] = []
    most = min(int(gone.sum()), len(rows))
    while len(found) < most or float(distances.max()) > coreset.radius:
        found.append(int(distances.argmax()))
        to_new = _squared_distances(own, norms, own[found[-1:]]).squeeze(1)
        torch.minimum(distances, to_new, out=distances)
        distances[found[-1]] = -1.0
    return rows[found]


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


def _refresh(
    points: torch.Tensor,
    norms: torch.Tensor,
    bounds: torch.Tensor,
    cover: torch.Tensor,
    current: torch.Tensor,
    centres: torch.Tensor,
) -> None:
    """Bring `bounds` and `cover`, exact for the first ``current`` centres, up to all `centres`.

    Points that missed about as many centres are refreshed together.
    """
    for rows in torch.split(current.argsort(), ROW_BLOCK):
        since = int(current[rows[0]])
        if since == len(centres):
            continue
        own, own_norms = points.index_select(0, rows), norms[rows]
        own_bounds, own_cover = bounds[rows], cover[rows]
        for new in torch.split(centres[since:], CENTRE_BLOCK):
            _lower(own_bounds, own_cover, _squared_distances(own, own_norms, new), since)
            since += len(new)
        bounds[rows], cover[rows] = own_bounds, own_cover


def _lower(bounds: torch.Tensor, cover: torch.Tensor, distances: torch.Tensor, first: int) -> None:
    """Take over what is nearer of `distances`, ``[n, k]``, to the centres from `first` on."""
    nearest = torch.from_numpy(distances.numpy().argmin(axis=1))
    least = distances.gather(1, nearest[:, None]).squeeze(1)
    nearer = least < bounds
    torch.minimum(bounds, least, out=bounds)
    torch.where(nearer, nearest + first, cover, out=cover)


def _squared_distances(
    points: torch.Tensor, norms: torch.Tensor, centres: torch.Tensor
) -> torch.Tensor:
    """Return squared Euclidean distances, ``[n, k]``, never negative."""
    squared = torch.addmm(norms[:, None], points, centres.T, alpha=-2)
    squared += centres.square().sum(dim=1)
    return squared.clamp_min_(0)
