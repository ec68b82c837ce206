"""Imports run one way, and what the app needs to show itself does not load PyTorch."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
LAYERS = ("data_utils", "detectors", "evaluation", "evaluate", "dashboard", "pages", "app")
FIRST_WITH_STREAMLIT = LAYERS.index("dashboard")
LOADS = """
import importlib, sys
heavy = ["torch", "torchvision", "sklearn", "scipy"]
for name in sys.argv[1:]:
    importlib.import_module(name)
    for package in [package for package in heavy if package in sys.modules]:
        heavy.remove(package)
        print(package, name)
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
    single = PROJECT / f"{layer}.py"
    return [single] if single.is_file() else sorted((PROJECT / layer).rglob("*.py"))


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
        (
            "detectors",
            "def f():\n    from evaluation.store.cells import repair",
            ["evaluation.store.cells"],
        ),
        ("detectors", "import numpy, evaluation.store.cells as c", ["evaluation.store.cells"]),
        ("evaluation", "import streamlit as st", ["streamlit"]),
        ("dashboard", "try:\n    import_module('app')\nexcept ImportError:\n    pass", ["app"]),
        ("evaluation", "import detectors.base\nfrom data_utils import mvtec", []),
        ("evaluation", "from evaluation.store.cells import repair\nfrom . import job", []),
        ("evaluation", "from applications import x\nimport pages_of_paper", []),
        ("evaluation", "text = 'import streamlit'", []),
    ],
)
def test_a_planted_violation_is_found(layer: str, source: str, wrong: list[str]) -> None:
    assert violations(layer, source) == wrong


ROOMS = ("measure", "store", "run", "cluster")
MAY_READ = {
    "new_pictures": {"measure", "store", "new_pictures"},
    "training_set": {"measure", "store", "run", "training_set"},
} | {room: set(ROOMS[: at + 1]) for at, room in enumerate(ROOMS)}
SIDE_BY_SIDE, LONGEST_LINES, LEVELS = 14, 350, 6


def imports_inside(package: str) -> dict[str, set[str]]:
    """Return which modules of a package each of them imports, by name within the package."""
    folder = PROJECT / package
    names = {
        ".".join(path.relative_to(folder).with_suffix("").parts): path
        for path in folder.rglob("*.py")
        if path.name != "__init__.py"
    }
    found: dict[str, set[str]] = {}
    for name, path in names.items():
        imported = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                within = node.module.removeprefix(package).lstrip(".")
                imported |= {within, *(f"{within}.{alias.name}" for alias in node.names)}
        found[name] = imported & names.keys() - {name}
    return found


def level(module: str, imports: dict[str, set[str]]) -> int:
    """Return how many modules the longest chain of imports from this one has."""
    return 1 + max((level(other, imports) for other in imports[module]), default=0)


def test_the_rooms_of_the_evaluation_are_entered_in_one_direction() -> None:
    imports = imports_inside("evaluation")
    wrong = [
        (module, other)
        for module, others in imports.items()
        for other in others
        if other.partition(".")[0] not in MAY_READ[module.partition(".")[0]]
    ]

    assert {module.partition(".")[0] for module in imports} == MAY_READ.keys()
    assert wrong == []
    assert max(level(module, imports) for module in imports) <= LEVELS


def test_no_folder_is_crowded_no_module_long_and_no_name_used_twice() -> None:
    layers = (*LAYERS, "benchmarks")
    paths = [path for layer in layers for path in modules(layer) if path.name != "__init__.py"]
    folders = Counter(path.parent for path in paths)
    names = Counter(
        path.name for path in paths if path.parent.name not in ("pages", "texts", "benchmarks")
    )

    assert [folder for folder, count in folders.items() if count > SIDE_BY_SIDE] == []
    assert [str(path) for path in paths if _lines(path) > LONGEST_LINES] == []
    assert [name for name, count in names.items() if count > 1] == []


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_neither_the_dashboard_nor_what_it_shows_first_loads_a_heavy_package() -> None:
    """What loads SciPy, and at last PyTorch, is imported as well, to see that it is found."""
    dashboard = [
        ".".join(path.relative_to(PROJECT).with_suffix("").parts) for path in modules("dashboard")
    ]
    names = [*dashboard, "data_utils.demo_scenes", "detectors.maps"]
    command = [sys.executable, "-c", LOADS, *names]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)

    assert ended.stdout.splitlines() == ["scipy data_utils.demo_scenes", "torch detectors.maps"]


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
