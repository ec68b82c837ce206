"""The lazy greedy coreset against a naive one, index by index."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from detectors import coreset
from detectors.coreset import greedy_coreset, random_projection, replacements


def naive_coreset(points: NDArray[np.float64], size: int, first: int) -> list[int]:
    """Update every distance at every step; take the farthest, of equals the lowest."""
    chosen = [first]
    nearest = cdist(points, points[[first]]).ravel()
    while len(chosen) < size:
        nearest[chosen] = -1
        chosen.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, cdist(points, points[[chosen[-1]]]).ravel())
    return chosen


def clustered(count: int, channels: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(12, channels, generator=generator) * 5
    member = torch.randint(12, (count,), generator=generator)
    spread = torch.rand(count, 1, generator=generator)
    return centres[member] + spread * torch.randn(count, channels, generator=generator)


@pytest.mark.parametrize(
    ("count", "size", "front"),
    [(300, 300, 4096), (300, 60, 7), (3000, 200, 64), (3000, 200, 4096), (6000, 100, 500)],
)
def test_choice_equals_the_naive_greedy_index_by_index(
    count: int, size: int, front: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coreset, "FRONT", front)
    points = clustered(count, 16, seed=count)
    chosen = greedy_coreset(points, size, first=5).chosen
    assert chosen.tolist() == naive_coreset(points.double().numpy(), size, first=5)


def test_choice_stays_exact_far_from_the_origin() -> None:
    moved = clustered(2000, 8, seed=1) + 1e4
    expected = naive_coreset(moved.double().numpy(), 50, first=0)
    assert greedy_coreset(moved, 50, first=0).chosen.tolist() == expected


def test_duplicates_are_taken_last_and_never_twice() -> None:
    distinct = clustered(30, 8, seed=2)
    chosen = greedy_coreset(distinct.repeat(4, 1), 120, first=0).chosen
    assert sorted(chosen.tolist()) == list(range(120))
    assert sorted((chosen[:30] % 30).tolist()) == list(range(30))
    assert len(set(greedy_coreset(torch.ones(50, 3), 20, first=7).chosen.tolist())) == 20


@pytest.mark.parametrize("size", [0, 11])
def test_impossible_sizes_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"Cannot choose {size} of 10"):
        greedy_coreset(torch.randn(10, 2), size)


def test_progress_ends_at_the_size() -> None:
    calls: list[tuple[int, int]] = []
    greedy_coreset(clustered(500, 4, seed=0), 40, progress=lambda *call: calls.append(call))
    assert calls[-1] == (40, 40)
    assert calls == sorted(calls)


def test_projection_keeps_distances_roughly_and_depends_on_its_generator_only() -> None:
    projection = random_projection(384, torch.Generator().manual_seed(0))
    torch.testing.assert_close(projection, random_projection(384, torch.Generator().manual_seed(0)))
    points = torch.randn(50, 384, generator=torch.Generator().manual_seed(1))
    before = torch.pdist(points)
    after = torch.pdist(points @ projection)
    assert float((after / before).mean()) == pytest.approx(1.0, abs=0.05)
    assert float((after / before).std()) < 0.1


def test_every_row_is_covered_by_its_chosen_one_and_no_row_is_farther_than_the_radius() -> None:
    points = clustered(3000, 16, seed=4)
    made = greedy_coreset(points, 200)
    distances = cdist(points, points[made.chosen], "sqeuclidean")

    own = distances[np.arange(len(points)), made.cover]
    assert own.max() <= made.radius * (1 + 1e-4)
    assert made.radius == pytest.approx(distances.min(axis=1).max(), rel=1e-4)


@pytest.mark.parametrize("left_out", [slice(0, 30), slice(300, 600), slice(2990, 3000)])
def test_holes_are_filled_by_the_farthest_of_what_the_left_out_rows_covered(
    left_out: slice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coreset, "NEIGHBOURS", 200)
    points = clustered(3000, 16, seed=4)
    made = greedy_coreset(points, 200)
    filled = replacements(points, made, [left_out])[0].tolist()

    chosen = made.chosen.numpy()
    gone = (chosen >= left_out.start) & (chosen < left_out.stop)
    outside = np.ones(3000, bool)
    outside[left_out] = False
    rows = np.flatnonzero(outside & gone[made.cover.numpy()])
    nearest = cdist(points[rows], points[chosen[~gone]], "sqeuclidean").min(axis=1)
    expected: list[int] = []
    while rows.size and (len(expected) < gone.sum() or nearest.max() > made.radius):
        expected.append(int(rows[nearest.argmax()]))
        to_new = cdist(points[rows], points[expected[-1:]], "sqeuclidean").ravel()
        nearest = np.minimum(nearest, to_new)
    assert filled == expected
    everywhere = cdist(points[outside], points[[*chosen[~gone], *filled]], "sqeuclidean")
    assert everywhere.min(axis=1).max() <= made.radius * (1 + 1e-4)


def test_where_nothing_else_was_chosen_nothing_is_filled() -> None:
    points = clustered(40, 8, seed=5)
    made = greedy_coreset(points, 5)
    assert not len(replacements(points, made, [slice(0, 40)])[0])
