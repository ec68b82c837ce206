"""What of the settings a cell's place and fingerprint depend on."""

from __future__ import annotations

import pytest

from detectors.backbones.engines import Engine
from detectors.registry import METHODS, Options
from evaluation.store.settings import Settings
from tests.engines import OPENVINO_INT8

WIDE = Settings("wide_resnet50_2", Options(3, 0.1), 320, 256, automatic=False)
WIDE_ID = "backbone-wide_resnet50_2{ratio}_crop-256_image_size-320_seed-3"
BY_PYTORCH = [  # as they were before there were engines
    (Settings(), "ae", "", "d85fdecee57136e8ee0a833b"),
    (Settings(), "patchcore", "", "5a3f6b23ec56ae31c50d33bc"),
    (WIDE, "ae", "crop-256_image_size-320_seed-3", "a7fd77a02946216d36dfb8a7"),
    (WIDE, "padim", WIDE_ID.format(ratio=""), "cdf3c3e4792ac3b493087d10"),
    (WIDE, "patchcore", WIDE_ID.format(ratio="_coreset_ratio-0.1"), "848f7ff8fec3ec15eb13f093"),
]


@pytest.mark.parametrize(("settings", "method", "identifier", "fingerprint"), BY_PYTORCH)
def test_cells_made_by_pytorch_stay_where_they_are_and_up_to_date(
    settings: Settings, method: str, identifier: str, fingerprint: str
) -> None:
    assert settings.identifier(method) == identifier
    assert settings.fingerprint(method, "data") == fingerprint
    assert not {"engine", "precision"} & settings.for_method(method).keys()


@pytest.mark.parametrize("method", METHODS)
def test_the_engine_is_a_setting_of_the_methods_that_read_a_backbone(method: str) -> None:
    engines = [Engine(), *(Engine("openvino", one) for one in ("float32", "bfloat16", "int8"))]
    found = [Settings(engine=engine) for engine in engines]
    kinds = len(engines) if METHODS[method].reads_backbone else 1

    assert len({one.fingerprint(method, "data") for one in found}) == kinds
    assert len({one.identifier(method) for one in found}) == kinds
    asked = Settings(options=Options(seed=1), engine=OPENVINO_INT8)
    if METHODS[method].reads_backbone:
        assert asked.identifier(method) == "engine-openvino_precision-int8_seed-1"
        noted = asked.for_method(method)
        assert (noted["engine"], noted["precision"]) == ("openvino", "int8")
    else:
        assert asked.identifier(method) == "seed-1"
