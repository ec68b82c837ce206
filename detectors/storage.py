"""Models on disk: one safetensors file with the tensors and a JSON text about them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from detectors.base import ModelFileError

WRONG_PARTS = (LookupError, TypeError, ValueError, RuntimeError, AttributeError, OverflowError)


def write_model(path: Path, tensors: dict[str, torch.Tensor], about: dict[str, Any]) -> None:
    """Write `tensors` and the JSON-serialisable `about` to `path`; raises OSError if it cannot."""
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    try:
        save_file(contiguous, path, metadata={"about": json.dumps(about, sort_keys=True)})
    except SafetensorError as error:
        raise OSError(f"{path.name}: {error}") from error


def read_model(path: Path, method: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read what ``write_model`` wrote for this method, or raise ModelFileError."""
    try:
        with safe_open(path, framework="pt") as stored:
            about = json.loads((stored.metadata() or {})["about"])
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ModelFileError("model_damaged", path=path) from error
    if about.get("method") != method:
        raise ModelFileError("model_other_method", path=path, method=method)
    return tensors, about


@contextmanager
def refused_unless_it_fits(path: Path) -> Iterator[None]:
    """Raise ModelFileError where a model's parts turn out to be missing or not to fit together."""
    try:
        yield
    except ModelFileError:
        raise
    except WRONG_PARTS as error:
        raise ModelFileError("model_other_version", path=path) from error
