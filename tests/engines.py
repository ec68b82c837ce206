"""What tests of the engines share.

OpenVINO is not imported to see whether it is there: that would load the package by which it reports
its use, see ``detectors.backbones.engines.openvino``.
"""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from detectors.backbones import engines
from detectors.backbones.engines import Engine

OPENVINO_FLOAT32 = Engine("openvino", "float32")
OPENVINO_BFLOAT16 = Engine("openvino", "bfloat16")
OPENVINO_INT8 = Engine("openvino", "int8")
INSTALL = "pip install -r requirements-openvino.txt"
needs_openvino = pytest.mark.skipif(
    not (find_spec("openvino") and find_spec("nncf")), reason=f"needs {INSTALL}"
)


def without_packages(patch: pytest.MonkeyPatch, *missing: str) -> None:
    """Let packages be not installed, as far as the engines can tell."""
    patch.setattr(engines, "find_spec", lambda name: None if name in missing else find_spec(name))
