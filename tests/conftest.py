"""Every test gets folders of its own and no weights, whatever the machine has."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from detectors.architectures import FILTER_BANK
from detectors.registry import PADIM_CHANNELS_BY_BACKBONE

REAL_DATA = os.environ.get("MVTEC_ROOT", "")
REAL_WEIGHTS = os.environ.get("BACKBONE_WEIGHTS", "")


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point data, outputs, demo data, caches and weights away from the user's."""
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "no-data"))
    monkeypatch.setenv("MVTEC_OUTPUTS", str(tmp_path / "outputs"))
    monkeypatch.setenv("MVTEC_DEMO", str(tmp_path / "demo"))
    monkeypatch.setenv("MVTEC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("BACKBONE_WEIGHTS_URL", "http://127.0.0.1:9/")
    monkeypatch.delenv("BACKBONE_WEIGHTS", raising=False)
    if weights := sys.modules.get("detectors.weights"):
        weights.failed_downloads.clear()


@pytest.fixture(scope="session", autouse=True)
def small_padim() -> Iterator[None]:
    """Keep ten channels by default instead of a hundred: models of 1 MB instead of 64 MB."""
    with pytest.MonkeyPatch.context() as patch:
        for backbone in ("resnet18", FILTER_BANK):
            patch.setitem(PADIM_CHANNELS_BY_BACKBONE, backbone, 10)
        yield


@pytest.fixture
def real_data() -> Path:
    """Return the real MVTec AD folder that ``MVTEC_ROOT`` names, or skip."""
    if not REAL_DATA or not Path(REAL_DATA).is_dir():
        pytest.skip("needs real MVTec AD pictures: set MVTEC_ROOT")
    return Path(REAL_DATA)


@pytest.fixture
def real_weights() -> str:
    """Return the real ImageNet weights that ``BACKBONE_WEIGHTS`` names, or skip."""
    if not REAL_WEIGHTS or not Path(REAL_WEIGHTS).is_file():
        pytest.skip("needs real ImageNet weights: set BACKBONE_WEIGHTS")
    return REAL_WEIGHTS
