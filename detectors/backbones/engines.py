"""What a network is computed with: PyTorch, or OpenVINO in one of three precisions.

Without PyTorch, and without OpenVINO until bfloat16 is asked for, so that the app can list them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from types import ModuleType
from typing import Any, NamedTuple

from data_utils.facts import Fact, fact
from detectors.backbones.names import FILTER_BANK

TORCH, OPENVINO = "torch", "openvino"
FLOAT32, BFLOAT16, INT8 = "float32", "bfloat16", "int8"
LIBRARIES = (TORCH, OPENVINO)
PRECISIONS = (FLOAT32, BFLOAT16, INT8)
REQUIREMENTS = "requirements-openvino.txt"


class Engine(NamedTuple):
    """A library and the precision in which it computes a network; PyTorch has float32 only."""

    library: str = TORCH
    precision: str = FLOAT32

    def __str__(self) -> str:
        return f"{self.library} {self.precision}"

    def noted(self) -> dict[str, object]:
        """Return what a cell notes of it: nothing of PyTorch, the reference."""
        return (
            {} if self == TORCH_FLOAT32 else {"engine": self.library, "precision": self.precision}
        )


TORCH_FLOAT32 = Engine()


def engine_in(settings: Mapping[str, Any]) -> Engine:
    """Return the engine that a cell's settings name."""
    return Engine(str(settings.get("engine", TORCH)), str(settings.get("precision", FLOAT32)))


def why_unusable(engine: Engine, backbone: str) -> Fact | None:
    """Return why a backbone cannot be computed so on this machine, None if it can."""
    if engine.library == TORCH:
        wrong = engine.precision != FLOAT32
        return fact("engine_torch_precision", precision=engine.precision) if wrong else None
    if backbone == FILTER_BANK:
        return fact("engine_only_torch", backbone=backbone)
    needed = [OPENVINO] + ["nncf"] * (engine.precision == INT8)
    if not all(map(find_spec, needed)):
        return fact("engine_missing", engine=engine, file=REQUIREMENTS)
    if engine.precision == BFLOAT16:
        try:
            offered = openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        except (ImportError, RuntimeError) as error:
            return failed(engine, error)
        return None if "BF16" in offered else fact("engine_no_bfloat16", engine=engine)
    return None


def failed(engine: Engine, error: Exception) -> Fact:
    """Return that an engine which is installed does not work."""
    return fact("engine_failed", engine=engine, error=str(error)[:200], file=REQUIREMENTS)


def openvino() -> ModuleType:
    """Import OpenVINO without the package by which it would report its use to its makers."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino as imported

    return imported
