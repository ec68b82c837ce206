"""No page loads PyTorch to show itself, and no import of the dashboard PyTorch or SciPy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dashboard import frame
from data_utils.locations import PROJECT

DRAWN = """
import sys
from streamlit.testing.v1 import AppTest

app = AppTest.from_file("app.py", default_timeout=60)
app.query_params["category"] = "part"
app.query_params["method"] = sys.argv[1]
app.run()
for page in sys.argv[2:]:
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, app.exception
    assert app.title[0].value
    print(page, any(name in sys.modules for name in ("torch", "sklearn")))
"""
FIRST_PAGE = """
import sys
from streamlit.testing.v1 import AppTest

app = AppTest.from_file("app.py", default_timeout=60)
app.query_params["lang"] = "ko"
app.run()
assert app.radio(key="lang").options == ["English", "한국어"]
assert app.radio(key="lang").value == "ko"
assert len(app.radio(key="report_scope").options) == 2
print("streamlit.emojis" in sys.modules)
app.switch_page("pages/roc.py").run()
print("streamlit.emojis" in sys.modules)
"""
IMPORTED = """
import importlib, sys
for name in sys.argv[2:]:
    importlib.import_module(name)
    if sys.argv[1] in sys.modules:
        print(name)
        break
"""


def printed(script: str, *arguments: str) -> str:
    """Run a script with arguments in a process of its own; return what it prints."""
    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def dashboard_modules() -> list[str]:
    """Return the names of all modules of the dashboard."""
    files = sorted((PROJECT / "dashboard").rglob("*.py"))
    return [".".join(path.relative_to(PROJECT).with_suffix("").parts) for path in files]


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize("method", ["padim", "ae"])
def test_pages_draw_finished_results_and_the_offer_to_fit_without_torch(method: str) -> None:
    """The AE has no results here, so Samples offers to fit it; Inspect has no picture yet."""
    drawn = printed(DRAWN, method, *frame.PAGES).splitlines()

    assert drawn == [f"{page} False" for page in frame.PAGES]


def test_pages_without_any_result_are_drawn_without_torch(
    evaluated: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MVTEC_ROOT", str(evaluated[0]))
    drawn = printed(DRAWN, "padim", *frame.PAGES).splitlines()

    assert drawn == [f"{page} False" for page in frame.PAGES]


@pytest.mark.usefixtures("results")
def test_the_first_page_does_not_wait_for_the_table_of_emojis() -> None:
    """A segmented control with a label in Korean needs it, as on the ROC page."""
    assert printed(FIRST_PAGE).split() == ["False", "True"]


@pytest.mark.parametrize("package", ["torch", "scipy"])
def test_no_module_of_the_dashboard_loads_a_heavy_package_when_it_is_imported(package: str) -> None:
    names = dashboard_modules()

    assert len(names) > len(frame.PAGES)
    assert printed(IMPORTED, package, *names) == ""


@pytest.mark.parametrize(
    ("package", "module"), [("torch", "detectors.maps"), ("scipy", "data_utils.demo_scenes")]
)
def test_a_module_that_loads_a_heavy_package_would_be_found(package: str, module: str) -> None:
    assert printed(IMPORTED, package, "dashboard.texts", module) == f"{module}\n"
