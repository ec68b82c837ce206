"""Imports run one way, and what the app needs to show itself does not load PyTorch."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
LAYERS = ("data_utils", "detectors", "evaluation", "evaluate", "dashboard", "pages", "app")
FIRST_WITH_STREAMLIT = LAYERS.index("dashboard")
LIGHT_MODULES = (
    "dashboard.texts",
    "data_utils.demo",
    "data_utils.pictures",
    "detectors.backbones.names",
    "detectors.registry",
    "evaluation.brightness",
    "evaluation.cells",
    "evaluation.choice",
    "evaluation.curves",
    "evaluation.heatmap",
    "evaluation.job",
    "evaluation.matrix",
    "evaluation.metrics",
    "evaluation.request",
    "evaluation.scores",
    "evaluation.settings",
    "evaluation.summary",
    "evaluation.thresholds",
)
LOADS = """
import importlib, sys
for name in sys.argv[2:]:
    importlib.import_module(name)
    if sys.argv[1] in sys.modules:
        print(name)
        break
"""


def imported_names(source: str) -> Iterator[str]:
    """Yield what a module imports, wherever in it; relative imports stay in their layer."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield module


def violations(layer: str, source: str) -> list[str]:
    """Return the imports that a module of `layer` must not have."""
    rank = LAYERS.index(layer)
    forbidden = set(LAYERS[rank + 1 :])
    if rank < FIRST_WITH_STREAMLIT:
        forbidden.add("streamlit")
    return [name for name in imported_names(source) if name.split(".")[0] in forbidden]


def modules(layer: str) -> list[Path]:
    """Return the files of a layer: one module or a folder."""
    single = PROJECT / f"{layer}.py"
    return [single] if single.is_file() else sorted((PROJECT / layer).rglob("*.py"))


def first_that_loads(package: str, names: tuple[str, ...]) -> str:
    """Import modules in a process of their own; return the first that loads `package`, or ""."""
    ended = subprocess.run(
        [sys.executable, "-c", LOADS, package, *names],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.strip()


@pytest.mark.parametrize("layer", LAYERS)
def test_no_module_imports_from_a_layer_above_its_own(layer: str) -> None:
    found = {
        str(path.relative_to(PROJECT)): wrong
        for path in modules(layer)
        if (wrong := violations(layer, path.read_text(encoding="utf-8")))
    }

    assert modules(layer)
    assert found == {}


@pytest.mark.parametrize(
    ("layer", "source", "wrong"),
    [
        ("data_utils", "import detectors.base", ["detectors.base"]),
        ("data_utils", "from evaluation import cells", ["evaluation"]),
        ("detectors", "def f():\n    from evaluation.cells import repair", ["evaluation.cells"]),
        ("detectors", "if TYPE_CHECKING:\n    import evaluation", ["evaluation"]),
        ("detectors", "import numpy, evaluation.cells as c", ["evaluation.cells"]),
        ("evaluation", "import streamlit as st", ["streamlit"]),
        ("evaluation", "from streamlit.testing import v1", ["streamlit.testing"]),
        ("evaluation", "import evaluate", ["evaluate"]),
        ("evaluate", "from dashboard.texts import TEXTS", ["dashboard.texts"]),
        ("dashboard", "importlib.import_module('pages.overview')", ["pages.overview"]),
        ("dashboard", "try:\n    import_module('app')\nexcept ImportError:\n    pass", ["app"]),
        ("pages", "class C:\n    import app", ["app"]),
        ("evaluation", "import detectors.base\nfrom data_utils import mvtec", []),
        ("evaluation", "from evaluation.cells import repair\nfrom . import job", []),
        ("dashboard", "import streamlit\nfrom evaluation import job", []),
        ("app", "import pages, dashboard, evaluation, streamlit", []),
        ("evaluation", "from applications import x\nimport pages_of_paper", []),
        ("evaluation", "text = 'import streamlit'", []),
    ],
)
def test_a_planted_violation_is_found(layer: str, source: str, wrong: list[str]) -> None:
    assert violations(layer, source) == wrong


@pytest.mark.parametrize("package", ["torch", "torchvision", "sklearn"])
def test_what_the_app_shows_first_does_not_load_a_heavy_package(package: str) -> None:
    assert first_that_loads(package, LIGHT_MODULES) == ""


def test_a_module_that_loads_torch_is_found() -> None:
    assert first_that_loads("torch", ("detectors.base", "detectors.maps")) == "detectors.maps"


def test_every_shared_cache_of_the_app_has_a_limit() -> None:
    caches = [
        (path.name, node.lineno, {word.arg for word in node.keywords})
        for folder in ("dashboard", "pages")
        for path in (PROJECT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("cache_data", "cache_resource")
    ]
    uses = sum(
        path.read_text(encoding="utf-8").count("st.cache_")
        for folder in ("dashboard", "pages")
        for path in (PROJECT / folder).rglob("*.py")
    )

    assert len(caches) == uses > 10
    assert [cache for cache in caches if "max_entries" not in cache[2]] == []


def test_the_server_is_for_this_machine_only_and_tells_nobody() -> None:
    settings = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text())
    server, client = settings["server"], settings["client"]

    assert server["address"] == "localhost"
    assert server["enableXsrfProtection"] is True
    assert server["enableCORS"] is True
    assert 0 < server["maxUploadSize"] <= 100
    assert settings["browser"]["gatherUsageStats"] is False
    assert client["showErrorDetails"] == "none"
