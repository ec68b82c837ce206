"""Nearest neighbours against SciPy's cdist."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from detectors import nearest
from detectors.nearest import AXES, BLOCK_ELEMENTS, QUERY_BLOCK, NearestIndex


def test_neighbours_equal_those_of_cdist() -> None:
    generator = torch.Generator().manual_seed(0)
    queries = torch.randn(QUERY_BLOCK + 300, 20, generator=generator)
    bank = torch.randn(70, 20, generator=generator)
    distances, indices = NearestIndex(bank).nearest(queries)
    reference = cdist(queries.numpy(), bank.numpy())
    np.testing.assert_array_equal(indices.numpy(), reference.argmin(axis=1))
    np.testing.assert_allclose(distances.numpy(), reference.min(axis=1), rtol=1e-5)


def test_a_stored_patch_is_at_distance_zero_even_far_from_the_origin() -> None:
    bank = torch.randn(30, 16, generator=torch.Generator().manual_seed(0)) + 1000
    distances, indices = NearestIndex(bank).nearest(bank)
    assert indices.tolist() == list(range(30))
    assert float(distances.max()) == 0.0


def test_excluded_rows_are_never_chosen() -> None:
    bank = torch.randn(30, 16, generator=torch.Generator().manual_seed(0))
    excluded = torch.arange(30) < 10
    distances, indices = NearestIndex(bank).nearest(bank[:10], excluded)
    reference = cdist(bank[:10].numpy(), bank[10:].numpy())
    np.testing.assert_array_equal(indices.numpy() - 10, reference.argmin(axis=1))
    np.testing.assert_allclose(distances.numpy(), reference.min(axis=1), rtol=1e-5)


def test_excluding_every_row_leaves_an_infinite_distance() -> None:
    bank = torch.randn(3, 4)
    distances, _ = NearestIndex(bank).nearest(bank, torch.ones(3, dtype=torch.bool))
    assert torch.isinf(distances).all()


@pytest.mark.parametrize("axes", [1, 4, 64])
def test_few_coordinates_give_the_same_neighbours(
    axes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearest, "AXES", axes)
    monkeypatch.setattr(nearest, "PAIR_BLOCK", 50)
    generator = torch.Generator().manual_seed(0)
    stretched = torch.arange(1, 41) ** -1.0
    queries, bank = (torch.randn(n, 40, generator=generator) * stretched for n in (500, 90))
    excluded = torch.arange(90) % 3 == 0
    distances, indices = NearestIndex(bank).nearest(queries, excluded)
    reference = cdist(queries.double().numpy(), bank.double().numpy())
    reference[:, excluded.numpy()] = np.inf
    np.testing.assert_array_equal(indices.numpy(), reference.argmin(axis=1))
    np.testing.assert_allclose(distances.numpy(), reference.min(axis=1), rtol=1e-5)


def test_of_equally_near_rows_the_lowest_is_named() -> None:
    bank = torch.eye(6).repeat(3, 1)
    _, indices = NearestIndex(bank).nearest(torch.eye(6))
    assert indices.tolist() == list(range(6))


def test_of_equally_near_rows_in_many_groups_the_lowest_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All unit vectors are as far from 0 as the first, and stand in any order in their groups."""
    monkeypatch.setattr(nearest, "PAIR_BLOCK", 7)
    distances, indices = NearestIndex(torch.eye(200)).nearest(torch.zeros(3, 200))
    assert indices.tolist() == [0, 0, 0]
    assert distances.tolist() == [1.0, 1.0, 1.0]


def test_neighbours_told_apart_by_rounding_only_are_measured() -> None:
    """Nine rows around each query differ by less than a product of long vectors can tell."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(40, 16, generator=generator) * 100
    bank = centres.repeat(9, 1) + 1e-3 * torch.randn(360, 16, generator=generator)
    queries = centres + 1e-3 * torch.randn(40, 16, generator=generator)
    _, indices = NearestIndex(bank).nearest(queries)
    centred = bank - bank.mean(dim=0)
    whole = torch.linalg.vector_norm(
        (queries - bank.mean(dim=0))[:, None] - centred[None, :], dim=2
    )
    assert indices.tolist() == whole.argmin(dim=1).tolist()


@pytest.mark.parametrize("chosen", [slice(0, 100), slice(30, 450, 2)])
def test_excluded_rows_of_many_groups_are_never_chosen(chosen: slice) -> None:
    bank = torch.randn(500, 16, generator=torch.Generator().manual_seed(0))
    excluded = torch.zeros(500, dtype=torch.bool)
    excluded[chosen] = True
    distances, indices = NearestIndex(bank).nearest(bank[chosen], excluded)
    reference = cdist(bank[chosen].double().numpy(), bank.double().numpy())
    reference[:, excluded.numpy()] = np.inf
    np.testing.assert_array_equal(indices.numpy(), reference.argmin(axis=1))
    np.testing.assert_allclose(distances.numpy(), reference.min(axis=1), rtol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_columns_that_are_constant_do_no_harm(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    bank = torch.randn(200, 384, generator=generator).relu()
    bank[:, torch.randperm(384, generator=generator)[:256]] = 0
    _, indices = NearestIndex(bank).nearest(bank)
    assert indices.tolist() == list(range(200))


def test_a_bank_of_equal_rows_names_the_first() -> None:
    row = torch.randn(1, 384, generator=torch.Generator().manual_seed(0))
    distances, indices = NearestIndex(row.repeat(5, 1)).nearest(row)
    assert float(distances) == pytest.approx(0, abs=1e-5)
    assert int(indices) == 0


def test_a_large_bank_is_compared_with_fewer_queries_at_a_time() -> None:
    generator = torch.Generator().manual_seed(0)
    bank = torch.randn(BLOCK_ELEMENTS // QUERY_BLOCK + 500, 12, generator=generator)
    queries = torch.randn(QUERY_BLOCK, 12, generator=generator)
    distances, indices = NearestIndex(bank).nearest(queries)
    reference = cdist(queries.numpy(), bank.numpy())
    np.testing.assert_array_equal(indices.numpy(), reference.argmin(axis=1))
    np.testing.assert_allclose(distances.numpy(), reference.min(axis=1), rtol=1e-5)


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
    bank = torch.randn(70, 20, generator=torch.Generator().manual_seed(0))
    queries = bank[:5].clone()
    queries[1, 3] = value
    with pytest.raises(ValueError, match="not finite"):
        NearestIndex(bank).nearest(queries)


def test_threads_that_search_at_the_same_time_find_what_one_finds() -> None:
    generator = torch.Generator().manual_seed(0)
    index = NearestIndex(torch.randn(300, 20, generator=generator))
    parts = [torch.randn(400, 20, generator=generator) for _ in range(8)]
    alone = [index.nearest(part)[1] for part in parts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda part: index.nearest(part)[1], parts))
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one, other)
