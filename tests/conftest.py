"""Every test gets folders of its own and no weights, whatever the machine has.

pytest-xdist divides the tests among a few processes of one thread each: two processes that both
use all cores wait for each other most of the time.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from data_utils.locations import pool_threads

REAL_DATA = os.environ.get("MVTEC_ROOT", "")
REAL_WEIGHTS = os.environ.get("BACKBONE_WEIGHTS", "")
MOST_PROCESSES = 4
PROCESS_BYTES = 1_500_000_000  # one that runs tests, and an evaluation that a test starts
TIMED = ("browser", "soak")

if "PYTEST_XDIST_WORKER" in os.environ:  # read by PyTorch when it is loaded, after this
    os.environ["OMP_NUM_THREADS"] = "1"


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many processes share the tests; 0 if this one runs them by itself.

    It does where one file or test is named, which is through before others have started, where
    tests wait for what is shown in a browser, and where ``OMP_NUM_THREADS`` leaves one core.
    """
    few = all("::" in name or name.endswith(".py") for name in config.args)
    if few or config.option.markexpr in TIMED:
        return 0
    room = psutil.virtual_memory().available // PROCESS_BYTES
    processes = min(MOST_PROCESSES, pool_threads(), room)
    return processes if processes > 1 else 0


@pytest.fixture(autouse=True)
def own_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what Streamlit's ``AppTest`` does: its page becomes the program's main module.

    Processes that are started later would load that page, and draw it.
    """
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point data, outputs, demo data, caches and weights away from the user's."""
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "no-data"))
    monkeypatch.setenv("MVTEC_OUTPUTS", str(tmp_path / "outputs"))
    monkeypatch.setenv("MVTEC_DEMO", str(tmp_path / "demo"))
    monkeypatch.setenv("MVTEC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nothing is downloaded
    monkeypatch.delenv("BACKBONE_WEIGHTS", raising=False)
    if weights := sys.modules.get("detectors.backbones.weights"):
        weights.failed_downloads.clear()


@pytest.fixture(scope="session", autouse=True)
def small_padim() -> Iterator[None]:
    """Keep ten channels by default instead of a hundred: models of 1 MB instead of 31 MB."""
    from detectors.backbones.names import FILTER_BANK, LITE0
    from detectors.registry import PADIM_CHANNELS_BY_BACKBONE

    with pytest.MonkeyPatch.context() as patch:
        for backbone in ("resnet18", FILTER_BANK, LITE0):
            patch.setitem(PADIM_CHANNELS_BY_BACKBONE, backbone, 10)
        yield


@pytest.fixture(scope="session")
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the demo data with half of its training pictures."""
    from data_utils import demo

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "TRAIN_GOOD", 30)
        return demo.ensure_demo(tmp_path_factory.mktemp("demo") / "demo")


@pytest.fixture
def served_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve a ResNet-18 file, under a name that ends in its hash, as torchvision's; return it."""
    import torch

    from detectors.backbones.weights import random_weights

    folder = tmp_path / "served"
    folder.mkdir()
    plain = folder / "plain.pth"
    torch.save(random_weights("resnet18", seed=5).state, plain)
    digest = hashlib.sha256(plain.read_bytes()).hexdigest()[:8]
    file = plain.rename(folder / f"resnet18-{digest}.pth")
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        url = f"http://127.0.0.1:{http.server_address[1]}/{file.name}"
        monkeypatch.setattr("detectors.backbones.weights.imagenet_url", lambda _: url)
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield file
        http.shutdown()
        thread.join()
