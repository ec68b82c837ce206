"""Nearest neighbours against the plain way, SciPy's cdist."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from detectors import nearest
from detectors.nearest import AXES, BLOCK_ELEMENTS, QUERY_BLOCK, NearestIndex


def random_rows(count: int, channels: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, channels, generator=torch.Generator().manual_seed(seed))


def check(bank: torch.Tensor, queries: torch.Tensor, excluded: torch.Tensor | None = None) -> None:
    """Compare what is found with the least of all distances."""
    distances, indices = NearestIndex(bank).nearest(queries, excluded)
    table = cdist(queries.double().numpy(), bank.double().numpy())
    if excluded is not None:
        table[:, excluded.numpy()] = np.inf
    np.testing.assert_array_equal(indices.numpy(), table.argmin(axis=1))
    np.testing.assert_allclose(distances.numpy(), table.min(axis=1), rtol=1e-5)


@pytest.mark.parametrize(
    ("rows", "queries"), [(70, QUERY_BLOCK + 300), (BLOCK_ELEMENTS // QUERY_BLOCK + 500, 900)]
)
def test_neighbours_equal_those_of_cdist_also_in_several_blocks(rows: int, queries: int) -> None:
    check(random_rows(rows, 12), random_rows(queries, 12, seed=1))


@pytest.mark.parametrize("axes", [1, 4, 64])
def test_few_coordinates_give_the_same_neighbours(
    axes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearest, "AXES", axes)
    monkeypatch.setattr(nearest, "PAIR_BLOCK", 50)
    stretched = torch.arange(1, 41) ** -1.0
    bank, queries = random_rows(90, 40) * stretched, random_rows(500, 40, seed=1) * stretched
    check(bank, queries, torch.arange(90) % 3 == 0)


@pytest.mark.parametrize("chosen", [slice(0, 10), slice(0, 100), slice(30, 450, 2)])
def test_excluded_rows_are_never_chosen(chosen: slice) -> None:
    bank = random_rows(500, 16)
    excluded = torch.zeros(500, dtype=torch.bool)
    excluded[chosen] = True
    check(bank, bank[chosen], excluded)
    distances, _ = NearestIndex(bank).nearest(bank, torch.ones(500, dtype=torch.bool))
    assert torch.isinf(distances).all()


def test_a_stored_patch_is_at_distance_zero_even_far_from_the_origin() -> None:
    bank = random_rows(30, 16) + 1000
    distances, indices = NearestIndex(bank).nearest(bank)
    assert indices.tolist() == list(range(30))
    assert float(distances.max()) == 0.0


def test_of_equally_near_rows_the_lowest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """All unit vectors are as far from 0 as the first, and stand in any order in their groups."""
    monkeypatch.setattr(nearest, "PAIR_BLOCK", 7)
    _, indices = NearestIndex(torch.eye(6).repeat(3, 1)).nearest(torch.eye(6))
    assert indices.tolist() == list(range(6))
    distances, indices = NearestIndex(torch.eye(200)).nearest(torch.zeros(3, 200))
    assert indices.tolist() == [0, 0, 0]
    assert distances.tolist() == [1.0, 1.0, 1.0]
    row = random_rows(1, 384)
    distances, indices = NearestIndex(row.repeat(5, 1)).nearest(row)
    assert float(distances) == pytest.approx(0, abs=1e-5)
    assert int(indices) == 0


def test_neighbours_told_apart_by_rounding_only_are_measured() -> None:
    """Nine rows around each query differ by less than a product of long vectors can tell."""
    centres = random_rows(40, 16) * 100
    bank = centres.repeat(9, 1) + 1e-3 * random_rows(360, 16, seed=1)
    queries = centres + 1e-3 * random_rows(40, 16, seed=2)
    _, indices = NearestIndex(bank).nearest(queries)
    mean = bank.mean(dim=0)
    whole = torch.linalg.vector_norm((queries - mean)[:, None] - (bank - mean)[None], dim=2)
    assert indices.tolist() == whole.argmin(dim=1).tolist()


@pytest.mark.parametrize("seed", range(2))
def test_columns_that_are_constant_do_no_harm(seed: int) -> None:
    bank = random_rows(200, 384, seed).relu()
    bank[:, torch.randperm(384, generator=torch.Generator().manual_seed(seed))[:256]] = 0
    _, indices = NearestIndex(bank).nearest(bank)
    assert indices.tolist() == list(range(200))


def test_a_query_of_which_the_axes_leave_less_than_rounding_does_finds_its_neighbour() -> None:
    """Beside each query lie one row outside the axes and one within them, a little farther."""
    generator = torch.Generator().manual_seed(0)
    basis = torch.linalg.qr(torch.randn(384, 384, generator=generator, dtype=torch.float64)).Q
    rows = torch.zeros(1000, 384, dtype=torch.float64)
    rows[:, :AXES] = 10 * torch.randn(1000, AXES, generator=generator, dtype=torch.float64)
    queries, outside, within = (rows[:100].clone() for _ in range(3))
    sides = torch.tensor([1.0, -1.0]).repeat(50)
    queries[:, AXES] += 0.02 * sides
    outside[:, AXES] += 10 * sides
    within[:, 0] += 99.7**0.5
    bank = (torch.cat([outside, within, rows[100:]]) @ basis).float()
    distances, indices = NearestIndex(bank).nearest((queries @ basis).float())
    assert indices.tolist() == list(range(100))
    np.testing.assert_allclose(distances.numpy(), 9.98, rtol=1e-4)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2e19])
def test_a_query_that_is_not_finite_is_refused(value: float) -> None:
    bank = random_rows(70, 20)
    queries = bank[:5].clone()
    queries[1, 3] = value
    with pytest.raises(ValueError, match="not finite"):
        NearestIndex(bank).nearest(queries)


def test_threads_that_search_at_the_same_time_find_what_one_finds() -> None:
    index = NearestIndex(random_rows(300, 20))
    parts = [random_rows(400, 20, seed) for seed in range(1, 9)]
    alone = [index.nearest(part)[1] for part in parts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda part: index.nearest(part)[1], parts))
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one, other)
