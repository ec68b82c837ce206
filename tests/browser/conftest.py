"""A running app and a Chromium to look at it with."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from playwright.sync_api import Browser, Page, expect, sync_playwright

from data_utils.locations import PROJECT
from detectors.backbones.weights import random_weights
from evaluation.run.job import cancel
from tests.browser.steps import keep
from tests.make_data import SIDE, good_picture, save, write_category

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_TRIES = 120
WAIT_MS = 60_000
FAINT_LEVELS = (1, 2, 3, 4, 5, 6, 8, 12, 20, 40)


@dataclass(frozen=True)
class ServedResults:
    """A running app on results of PaDiM and PatchCore for the categories ``part`` and ``bare``."""

    address: str
    data: Path
    outputs: Path
    server: psutil.Process


@dataclass(frozen=True)
class RunningApp:
    """A server of the app."""

    address: str
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium; skip where there is none, unless ``REQUIRE_BROWSER`` is set."""
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None and not os.environ.get("REQUIRE_BROWSER"):
        pytest.skip("needs Chromium on the PATH")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        expect.set_options(timeout=WAIT_MS)
        yield started
        started.close()


@pytest.fixture
def served_app(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Start the app without data, weights and network; return its address and outputs."""
    outputs = tmp_path / "outputs"
    with running_app({}, tmp_path / "app.log", outputs) as app:
        yield app.address, outputs


@pytest.fixture(scope="session")
def served_results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedResults]:
    """Start the app once on finished results of two small categories, made by ``evaluate.py``."""
    base = tmp_path_factory.mktemp("served")
    data, outputs, weights = base / "data", base / "outputs", base / "weights.pth"
    _write_faint_defects(write_category(data, "part"))
    write_category(data, "bare", masks=False)
    torch.save(random_weights("resnet18").state, weights)
    variables = {
        "MVTEC_ROOT": str(data),
        "MVTEC_OUTPUTS": str(outputs),
        "MVTEC_DEMO": str(base / "demo"),
        "MVTEC_CACHE": str(base / "cache"),
        "BACKBONE_WEIGHTS": str(weights),
    }
    command = [sys.executable, "evaluate.py", "--methods", "padim", "patchcore"]
    subprocess.run(command, cwd=PROJECT, env={**os.environ, **variables}, check=True)
    with running_app(variables, base / "app.log", outputs) as app:
        yield ServedResults(app.address, data, outputs, psutil.Process(app.process.pid))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open a tab of 1280 x 900 px; a screenshot of its end is kept as an artefact."""
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.set_default_timeout(WAIT_MS)
    yield tab
    keep(tab, "last")
    tab.close()


def _write_faint_defects(category: Path) -> None:
    """Add a defect type ``faint``: blots from hardly to plainly brighter than the good picture."""
    rng = np.random.default_rng(11)
    blot = (slice(20, 34), slice(24, 38))
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[blot] = 255
    for i, level in enumerate(FAINT_LEVELS):
        picture = good_picture(rng).astype(np.int16)
        picture[blot] += level
        painted = np.clip(picture, 0, 255).astype(np.uint8)
        save(painted, category / "test" / "faint" / f"{i:03}.png")
        save(mask, category / "ground_truth" / "faint" / f"{i:03}_mask.png")


@contextmanager
def running_app(variables: Mapping[str, str], log: Path, outputs: Path) -> Iterator[RunningApp]:
    """Run the app with these environment variables; in the end its evaluation ends too."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    command += ["--server.headless", "true"]
    environment = {**os.environ, **variables}
    with log.open("w") as written:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdout=written, stderr=written
        )
        try:
            _wait_until_healthy(port, process, log)
            yield RunningApp(f"http://localhost:{port}", process)
        finally:
            cancel(outputs)
            process.terminate()
            process.wait()


def _wait_until_healthy(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(START_TRIES):
        try:
            urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=2)
            return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None:
                break
            time.sleep(0.5)
    pytest.fail(f"The app did not start: {log.read_text()}")
