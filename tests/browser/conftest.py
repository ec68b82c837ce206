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
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from data_utils.locations import PROJECT
from evaluation.job import cancel

ARTEFACTS = PROJECT / "tests" / "artefacts"
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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium; skip where there is none, unless ``REQUIRE_BROWSER`` is set."""
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None and not os.environ.get("REQUIRE_BROWSER"):
        pytest.skip("needs Chromium on the PATH")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield started
        started.close()


@pytest.fixture
def served_app(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Start the app without data, weights and network; return its address and outputs."""
    outputs = tmp_path / "outputs"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    command += ["--server.headless", "true", "--server.fileWatcherType", "none"]
    log = (tmp_path / "app.log").open("w")
    process = subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log)
    try:
        _wait_until_healthy(port, process, tmp_path / "app.log")
        yield f"http://localhost:{port}", outputs
    finally:
        cancel(outputs)
        process.terminate()
        process.wait()
        log.close()


@pytest.fixture
def page(browser: Browser, served_app: tuple[str, Path]) -> Iterator[Page]:
    """Open a tab of 1280 x 900 px; a screenshot of its end is kept as an artefact."""
    assert served_app
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    yield tab
    ARTEFACTS.mkdir(exist_ok=True)
    tab.screenshot(path=ARTEFACTS / "last.png")
    tab.close()


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
