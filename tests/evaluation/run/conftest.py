"""What tests of runs share."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.backbones.features import Features, NetworkBackbone


@pytest.fixture
def extracted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list of batch sizes that pass the backbone from now on."""
    sizes: list[int] = []
    extract = NetworkBackbone.extract

    def counted(self: NetworkBackbone, images: NDArray[np.uint8]) -> Features:
        sizes.append(len(images))
        return extract(self, images)

    monkeypatch.setattr(NetworkBackbone, "extract", counted)
    return sizes
