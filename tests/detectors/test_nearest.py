"""Nearest neighbours against SciPy's cdist."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial.distance import cdist

from detectors.nearest import QUERY_BLOCK, nearest_neighbours


def test_neighbours_equal_those_of_cdist() -> None:
    generator = torch.Generator().manual_seed(0)
    queries = torch.randn(QUERY_BLOCK + 300, 20, generator=generator)
    bank = torch.randn(70, 20, generator=generator)
    distances, indices = nearest_neighbours(queries, bank)
    reference = cdist(queries.numpy(), bank.numpy())
    np.testing.assert_array_equal(indices.numpy(), reference.argmin(axis=1))
    np.testing.assert_allclose(distances.numpy(), reference.min(axis=1), rtol=1e-5)


def test_a_stored_patch_is_at_distance_zero_even_far_from_the_origin() -> None:
    bank = torch.randn(30, 16, generator=torch.Generator().manual_seed(0)) + 1000
    distances, indices = nearest_neighbours(bank, bank)
    assert indices.tolist() == list(range(30))
    assert float(distances.max()) == 0.0


def test_excluded_rows_are_never_chosen() -> None:
    bank = torch.randn(30, 16, generator=torch.Generator().manual_seed(0))
    excluded = torch.arange(30) < 10
    distances, indices = nearest_neighbours(bank[:10], bank, excluded)
    reference = cdist(bank[:10].numpy(), bank[10:].numpy())
    np.testing.assert_array_equal(indices.numpy() - 10, reference.argmin(axis=1))
    np.testing.assert_allclose(distances.numpy(), reference.min(axis=1), rtol=1e-5)


def test_excluding_every_row_leaves_an_infinite_distance() -> None:
    bank = torch.randn(3, 4)
    distances, _ = nearest_neighbours(bank, bank, torch.ones(3, dtype=torch.bool))
    assert torch.isinf(distances).all()
