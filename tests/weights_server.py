"""A server on this machine in place of the one that torchvision's weights come from."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from detectors import weights
from detectors.weights import random_weights


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without a log."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served_weights(folder: Path) -> Iterator[str]:
    """Serve a new folder over HTTP; yield its address."""
    folder.mkdir()
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join()


def published(folder: Path, monkeypatch: pytest.MonkeyPatch, damage: bool = False) -> Path:
    """Put a ResNet-18 file on the server under a name that ends in its hash."""
    plain = folder / "plain.pth"
    torch.save(random_weights("resnet18", seed=5).state, plain)
    digest = hashlib.sha256(plain.read_bytes()).hexdigest()[:8]
    served = plain.rename(folder / f"resnet18-{digest}.pth")
    if damage:
        served.write_bytes(served.read_bytes()[:-1])
    monkeypatch.setitem(weights.TORCHVISION_FILES, "resnet18", served.name)
    return served
