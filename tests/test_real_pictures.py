"""The numbers of the papers, on real pictures; runs where ``MVTEC_ROOT`` and
``BACKBONE_WEIGHTS`` name MVTec AD and ResNet-18's ImageNet weights.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from detectors.registry import PADIM_CHANNELS_BY_BACKBONE
from evaluation.run.plan import Run
from evaluation.store.summary import stored_summary
from tests.conftest import REAL_DATA, REAL_WEIGHTS
from tests.runs import states

AT_LEAST = {
    ("bottle", "padim"): (0.99, 0.975),
    ("screw", "padim"): (0.73, 0.96),
    ("bottle", "patchcore"): (0.995, 0.975),
    ("screw", "patchcore"): (0.945, 0.98),
    ("bottle", "ae"): (0.95, 0.90),
    ("screw", "ae"): (0.70, 0.95),
}
PEAK_MEMORY_MB = 3000


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Return what an evaluation of bottle and screw with all methods gives, or skip."""
    data, names = Path(REAL_DATA), ["bottle", "screw"]
    if not REAL_DATA or not all((data / name).is_dir() for name in names):
        pytest.skip("needs the categories bottle and screw of MVTec AD: set MVTEC_ROOT")
    if not Path(REAL_WEIGHTS).is_file():
        pytest.skip("needs real ImageNet weights: set BACKBONE_WEIGHTS")
    base = tmp_path_factory.mktemp("real")
    run = Run(data, base / "outputs", names, ["ae", "padim", "patchcore"], weights=REAL_WEIGHTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MVTEC_CACHE", str(base / "cache"))
        patch.delitem(PADIM_CHANNELS_BY_BACKBONE, "resnet18")
        assert set(states(run)) == {"done"}
    return stored_summary(run.outputs)


@pytest.mark.parametrize(("category", "method"), AT_LEAST)
def test_auroc_reaches_what_is_published_or_known_to_be_reachable(
    measured: pd.DataFrame, category: str, method: str
) -> None:
    image, pixel = AT_LEAST[category, method]
    cell = measured[(measured["category"] == category) & (measured["method"] == method)]
    assert cell["image_auroc"].item() >= image
    assert cell["pixel_auroc"].item() >= pixel


def test_memory_stays_below_three_gigabytes(measured: pd.DataFrame) -> None:
    assert measured["peak_memory_mb"].max() < PEAK_MEMORY_MB
