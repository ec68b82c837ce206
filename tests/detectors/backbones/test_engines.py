"""Which engines there are on this machine, told without loading them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from detectors.backbones import engines
from detectors.backbones.engines import LIBRARIES, PRECISIONS, Engine, engine_in, why_unusable
from detectors.backbones.names import FILTER_BANK, LITE0
from detectors.backbones.networks import load_backbone
from detectors.backbones.weights import WeightsError
from tests.engines import (
    INSTALL,
    OPENVINO_BFLOAT16,
    OPENVINO_FLOAT32,
    OPENVINO_INT8,
    needs_openvino,
    without_packages,
)

PROJECT = Path(__file__).resolve().parents[3]
ALL = [Engine(library, precision) for library in LIBRARIES for precision in PRECISIONS]
LOADS = """
import socket, sys

def refused(*_):
    raise AssertionError("a connection was tried")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refused
import evaluate
import numpy as np, torch
from detectors.backbones.engines import Engine, why_unusable
from detectors.backbones.networks import load_backbone
images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
before = load_backbone("resnet18", "random").extract(images)
print(sorted(sys.modules.keys() & {"openvino", "nncf", "openvino_telemetry"}))
why_unusable(Engine("openvino", "bfloat16"), "resnet18")
from detectors.backbones import openvino_network
openvino_network.PREPARED_ON = 1
load_backbone("resnet18", "random", engine=Engine("openvino", "int8")).extract(images)
print(sorted(sys.modules.keys() & {"openvino", "nncf"}), sys.modules["openvino_telemetry"])
after = load_backbone("resnet18", "random").extract(images)
print(all(torch.equal(before[layer], after[layer]) for layer in before))
"""


@pytest.mark.parametrize("engine", ALL, ids=str)
def test_what_a_cell_notes_of_its_engine_gives_that_engine_again(engine: Engine) -> None:
    noted = engine.noted()

    assert engine_in({"seed": 3, **noted}) == engine
    assert (noted == {}) == (engine == Engine())


@pytest.mark.parametrize(
    ("engine", "backbone", "missing", "words"),
    [
        (Engine("torch", "int8"), LITE0, (), "in float32, not in int8; add float32 to --precision"),
        (OPENVINO_FLOAT32, FILTER_BANK, (), "filterbank backbone runs in PyTorch only"),
        (OPENVINO_FLOAT32, LITE0, ("openvino",), f"openvino float32 needs .* {INSTALL}"),
        (OPENVINO_INT8, LITE0, ("nncf",), f"openvino int8 needs .* {INSTALL}"),
        (OPENVINO_BFLOAT16, LITE0, ("openvino",), f"openvino bfloat16 needs .* {INSTALL}"),
    ],
    ids=str,
)
def test_an_engine_that_cannot_be_used_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    engine: Engine,
    backbone: str,
    missing: tuple[str, ...],
    words: str,
) -> None:
    without_packages(monkeypatch, *missing)
    with pytest.raises(WeightsError, match=words):
        load_backbone(backbone, engine=engine)


@needs_openvino
def test_an_engine_that_can_be_used_has_no_such_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    usable = [engine for engine in ALL if not why_unusable(engine, LITE0)]
    without_packages(monkeypatch, "nncf")

    assert {Engine(), OPENVINO_FLOAT32, OPENVINO_INT8} <= set(usable)
    assert why_unusable(OPENVINO_FLOAT32, LITE0) is None  # NNCF is for int8


@needs_openvino
@pytest.mark.parametrize(("offered", "usable"), [(["FP32", "INT8"], False), (["BF16"], True)])
def test_bfloat16_needs_a_processor_that_has_it(
    monkeypatch: pytest.MonkeyPatch, offered: list[str], usable: bool
) -> None:
    core = SimpleNamespace(get_property=lambda *_: offered)
    monkeypatch.setattr(engines, "openvino", lambda: SimpleNamespace(Core=lambda: core))
    said = str(why_unusable(OPENVINO_BFLOAT16, LITE0) or "")

    assert (said == "") == usable
    assert usable or "openvino bfloat16 cannot be used; choose --precision float32 or int8" in said
    assert why_unusable(OPENVINO_INT8, LITE0) is None


@needs_openvino
def test_an_engine_is_loaded_only_when_asked_for_tells_nobody_and_leaves_pytorch_alone() -> None:
    command = [sys.executable, "-c", LOADS]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)

    assert ended.stdout.splitlines() == ["[]", "['nncf', 'openvino'] None", "True"]
