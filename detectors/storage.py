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
    """Read what ``write_model`` wrote.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, or holds a model of another method.
    """
    try:
        with safe_open(path, framework="pt") as stored:
            about = json.loads((stored.metadata() or {})["about"])
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ModelFileError(
            f"The model {path} is missing or damaged; evaluate this cell again."
        ) from error
    if about.get("method") != method:
        raise ModelFileError(
            f"The model {path} is a {about.get('method')} model, not {method}; "
            "evaluate this cell again."
        )
    return tensors, about


@contextmanager
def refused_unless_it_fits(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a model is built from its parts into one sentence.

    Raises
    ------
    ModelFileError
        As it is, or for parts that are missing or do not fit together.
    """
    try:
        yield
    except ModelFileError:
        raise
    except WRONG_PARTS as error:
        raise ModelFileError(
            f"The model {path} was written by another version; evaluate this cell again."
        ) from error
