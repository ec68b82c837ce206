"""The numbers of the papers, on real pictures; runs where ``MVTEC_ROOT`` and
``BACKBONE_WEIGHTS`` name MVTec AD and ResNet-18's ImageNet weights.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from data_utils.mvtec import category_names
from detectors.registry import PADIM_CHANNELS_BY_BACKBONE
from evaluation.progress import RunProgress
from evaluation.runner import Run, evaluate
from evaluation.summary import summary_table

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
def measured() -> dict[Path, pd.DataFrame]:
    """Return a place for the results of the one evaluation that these tests share."""
    return {}


def evaluated(
    measured: dict[Path, pd.DataFrame], data: Path, weights: str, outputs: Path
) -> pd.DataFrame:
    """Evaluate bottle and screw with all methods, once."""
    if data not in measured:
        names = ["bottle", "screw"]
        if not set(names) <= set(category_names(data)):
            pytest.skip("needs the categories bottle and screw in MVTEC_ROOT")
        methods = ["ae", "padim", "patchcore"]
        run = Run(data, outputs, names, methods, weights=weights)
        with pytest.MonkeyPatch.context() as patch:
            patch.delitem(PADIM_CHANNELS_BY_BACKBONE, "resnet18")
            evaluate(run, RunProgress(outputs, [], show_bars=False))
        measured[data] = summary_table(outputs)[0]
    return measured[data]


@pytest.mark.parametrize(("category", "method"), AT_LEAST)
def test_auroc_reaches_what_is_published_or_known_to_be_reachable(
    measured: dict[Path, pd.DataFrame],
    real_data: Path,
    real_weights: str,
    tmp_path: Path,
    category: str,
    method: str,
) -> None:
    table = evaluated(measured, real_data, real_weights, tmp_path / "outputs")
    image, pixel = AT_LEAST[category, method]
    cell = table[(table["category"] == category) & (table["method"] == method)]
    assert cell["image_auroc"].item() >= image
    assert cell["pixel_auroc"].item() >= pixel


def test_memory_stays_below_three_gigabytes(
    measured: dict[Path, pd.DataFrame], real_data: Path, real_weights: str, tmp_path: Path
) -> None:
    table = evaluated(measured, real_data, real_weights, tmp_path / "outputs")
    assert table["peak_memory_mb"].max() < PEAK_MEMORY_MB
