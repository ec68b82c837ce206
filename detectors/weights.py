"""Where the backbone's weights come from. Never random in silence.

In order: a file that the user names (``--weights FILE`` or ``BACKBONE_WEIGHTS``), torchvision's
own cache, torchvision's own download. Random weights only on request. The ImageNet files are
those of ``torchvision.models`` (IMAGENET1K_V1), kept where torchvision itself would keep them.
"""

from __future__ import annotations

import hashlib
import http.client
import math
import os
import queue
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from data_utils.locations import readable
from detectors.architectures import ARCHITECTURES, LAYERS, RANDOM, WEIGHTS_VARIABLE
from detectors.base import Progress
from detectors.resnet import expected_shapes

DOWNLOAD_URL_VARIABLE = "BACKBONE_WEIGHTS_URL"
DOWNLOAD_URL = "https://download.pytorch.org/models/"
ANSWER_TIMEOUT_S = 8.0
READ_TIMEOUT_S = 5.0
RETRY_AFTER_S = 600.0
TORCHVISION_FILES = {
    "resnet18": "resnet18-f37072fd.pth",
    "resnet34": "resnet34-b627a593.pth",
    "resnet50": "resnet50-0676ba61.pth",
    "wide_resnet50_2": "wide_resnet50_2-95faca4d.pth",
}
TRUNK_PREFIXES = ("conv1.", "bn1.", *(f"{layer}." for layer in LAYERS))

failed_downloads: dict[str, tuple[float, str]] = {}  # by URL: when, and the sentence


class WeightsError(RuntimeError):
    """Weights that cannot be had or do not fit; the message is a full sentence."""


class WeightsUnavailableError(WeightsError):
    """Weights that are neither on this machine nor to be downloaded."""


@dataclass(frozen=True)
class Weights:
    """A state dict with torchvision's names, and a label that says where it came from."""

    state: dict[str, torch.Tensor]
    label: str


def load_weights(
    name: str, source: str | None = None, seed: int = 0, progress: Progress | None = None
) -> Weights:
    """Get the weights of backbone `name`.

    Parameters
    ----------
    name : str
        One of ``TORCHVISION_FILES``.
    source : str, optional
        A file (torchvision state dict ``.pth`` or safetensors; ``layer4`` and ``fc`` may be
        missing), or ``"random"``. By default the file that ``BACKBONE_WEIGHTS`` names, else
        torchvision's cached or downloaded ImageNet weights.
    seed : int
        For random weights.
    progress : callable (done, total), optional
        Bytes downloaded.

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
        state = read_state(path)
        check_state(name, state, path)
        return Weights(state, f"file {readable(path.name)} ({_short_hash(path)})")
    path = cached_file(name)
    if not path.is_file():
        download(name, path, progress)
    state = read_state(path)
    check_state(name, state, path)
    return Weights(state, "ImageNet (torchvision IMAGENET1K_V1)")


def random_weights(name: str, seed: int = 0) -> Weights:
    """Return He-initialised weights of backbone `name`, the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for key, shape in expected_shapes(ARCHITECTURES[name]).items():
        if len(shape) == 4:
            fan_out = shape[0] * shape[2] * shape[3]
            state[key] = torch.randn(shape, generator=generator) * (2.0 / fan_out) ** 0.5
        elif key.endswith((".weight", ".running_var")):
            state[key] = torch.ones(shape)
        else:
            state[key] = torch.zeros(shape)
    return Weights(state, f"random (seed {seed})")


def cached_file(name: str) -> Path:
    """Return where torchvision keeps the ImageNet weights of backbone `name`."""
    return Path(torch.hub.get_dir()) / "checkpoints" / TORCHVISION_FILES[name]


def download(name: str, path: Path, progress: Progress | None = None) -> None:
    """Fetch torchvision's ImageNet weights to `path`, checked and moved into place whole.

    What has failed is not tried again by the same process for ``RETRY_AFTER_S``.

    Raises
    ------
    WeightsUnavailableError
        If there is no network, the server answers wrongly, or what it sends is damaged.
    """
    url = os.environ.get(DOWNLOAD_URL_VARIABLE, DOWNLOAD_URL).rstrip("/") + "/" + path.name
    failed_at, reason = failed_downloads.get(url, (-math.inf, ""))
    if time.monotonic() - failed_at < RETRY_AFTER_S:
        raise WeightsUnavailableError(reason)
    try:
        _download(url, name, path, progress)
    except WeightsUnavailableError as error:
        failed_downloads[url] = time.monotonic(), str(error)
        raise


def _download(url: str, name: str, path: Path, progress: Progress | None) -> None:
    instead = (
        f"Download {url} on another machine and give the file with --weights FILE "
        f"(or in {WEIGHTS_VARIABLE})."
    )
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            _answer(url) as response,
            tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file,
        ):
            temporary = Path(file.name)
            total = int(response.headers.get("Content-Length") or 0)
            digest = hashlib.sha256()
            done = 0
            while chunk := response.read(1 << 18):
                file.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(done, max(total, done))
        if not digest.hexdigest().startswith(path.stem.rsplit("-", 1)[1]):
            raise WeightsUnavailableError(
                f"The weights downloaded from {url} are damaged. {instead}"
            )
        temporary.replace(path)
    except (http.client.HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise WeightsUnavailableError(
            f"The ImageNet weights of {name} are not on this machine and could not be "
            f"downloaded ({reason}). {instead}"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _answer(url: str) -> http.client.HTTPResponse:
    """Open `url`; raises TimeoutError if nobody has answered within ``ANSWER_TIMEOUT_S``.

    The timeout of ``urlopen`` counts for each of a server's addresses anew, and not for finding
    them, so behind a firewall that drops everything it would be minutes.
    """
    answers: queue.SimpleQueue[http.client.HTTPResponse | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(urllib.request.urlopen(url, timeout=READ_TIMEOUT_S))
        except Exception as error:  # handed to the thread that asked
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=ANSWER_TIMEOUT_S)
    except queue.Empty:
        raise TimeoutError(f"no answer within {ANSWER_TIMEOUT_S:g} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict without executing anything in the file.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or holds more than tensors.
    """
    if not path.is_file():
        raise WeightsError(f"There is no weights file {path}; check --weights.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        if _unpacked_bytes(path) > path.stat().st_size:
            raise WeightsError(
                f"The weights file {path} is refused: it is packed, and unpacks to more than its "
                "own size; give a file as torch.save writes it."
            )
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
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in state.items()
    ):
        raise WeightsError(
            f"The weights file {path} holds no state dict (parameter names and tensors); "
            "give a torchvision state dict."
        )
    return state


def _unpacked_bytes(path: Path) -> int:
    """Return what a zip file says that its parts unpack to; 0 for what is no whole zip file."""
    try:
        with ZipFile(path) as packed:
            return sum(part.file_size for part in packed.infolist())
    except (BadZipFile, ValueError, NotImplementedError):
        return 0


def check_state(name: str, state: dict[str, torch.Tensor], path: Path) -> None:
    """Raise WeightsError unless `state` holds exactly the trunk of backbone `name`."""
    problem = _first_misfit(name, state)
    if problem is None:
        return
    fitting = [other for other in ARCHITECTURES if _first_misfit(other, state) is None]
    hint = f"it fits {' and '.join(fitting)}; choose that backbone" if fitting else problem
    raise WeightsError(f"The weights file {path} does not fit {name}: {hint}.")


def _first_misfit(name: str, state: dict[str, torch.Tensor]) -> str | None:
    expected = expected_shapes(ARCHITECTURES[name])
    for key, shape in expected.items():
        if key not in state:
            return f"{key} is missing"
        if tuple(state[key].shape) != shape:
            return f"{key} is {list(state[key].shape)} and should be {list(shape)}"
        if not torch.isfinite(state[key]).all():
            return f"{key} holds values that are not finite"
    for key in state:
        known = key in expected or key.endswith(".num_batches_tracked")
        if key.startswith(TRUNK_PREFIXES) and not known:
            return f"{key} does not belong to it"
    return None


def _short_hash(path: Path) -> str:
    with path.open("rb") as file:
        return "sha256 " + hashlib.file_digest(file, "sha256").hexdigest()[:8]
