"""Pictures for the detectors' tests."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.make_data import good_picture


@pytest.fixture(scope="session")
def tiny_images() -> NDArray[np.uint8]:
    """Return eight good pictures of 64 px, uint8 ``[8, 64, 64, 3]``."""
    rng = np.random.default_rng(0)
    return np.stack([good_picture(rng) for _ in range(8)])
