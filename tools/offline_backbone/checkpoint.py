"""Training that survives being stopped: all tensors in one safetensors file, counters in JSON.

The JSON file names the tensor file and is put in place last, by renaming, so the two always
belong together.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from tools.offline_backbone.episodes import Settings
from tools.offline_backbone.network import TrainedTrunk
from tools.offline_backbone.objective import Heads

COUNTERS = "checkpoint.json"
AVERAGE = "average."


@dataclass
class Counters:
    """How far training is.

    Attributes
    ----------
    seen : int
        Views passed through the network.
    seconds : float
        Spent on training steps, measures left out.
    best : float
        The highest value of the watched figure.
    best_seen : int
        Where it was reached.
    """

    step: int = 0
    seen: int = 0
    seconds: float = 0.0
    best: float = 0.0
    best_seen: int = 0


@dataclass
class Training:
    """Everything that a step changes."""

    trunk: TrainedTrunk
    average: TrainedTrunk
    heads: Heads
    optimizer: torch.optim.AdamW
    counters: Counters

    def modules(self) -> dict[str, nn.Module]:
        """Return the parts with weights by their prefix in the file."""
        return {"trunk.": self.trunk, AVERAGE: self.average, "heads.": self.heads}


def save(folder: Path, training: Training, settings: Settings) -> None:
    """Write a checkpoint and remove the one before."""
    tensors = {
        prefix + key: value.contiguous()
        for prefix, module in training.modules().items()
        for key, value in module.state_dict().items()
    }
    for number, moments in training.optimizer.state_dict()["state"].items():
        for key, value in moments.items():
            tensors[f"optimizer.{number}.{key}"] = torch.as_tensor(value).contiguous()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{training.counters.step:07d}.safetensors"
    unfinished = path.with_suffix(".part")
    save_file(tensors, unfinished)
    unfinished.replace(path)
    text = {"tensors": path.name, "counters": asdict(training.counters), "settings": settings}
    counters = folder / f"{COUNTERS}.part"
    counters.write_text(json.dumps(text, indent=2) + "\n", encoding="utf-8")
    counters.replace(folder / COUNTERS)
    for old in folder.glob("step-*.safetensors"):
        if old != path:
            old.unlink()


def restore(folder: Path, training: Training, settings: Settings) -> bool:
    """Fill `training` from the checkpoint; tell whether there was one.

    Raises
    ------
    ValueError
        If it was made with other settings.
    """
    path = folder / COUNTERS
    if not path.is_file():
        return False
    text = json.loads(path.read_text(encoding="utf-8"))
    if text["settings"] != settings:
        raise ValueError(f"{folder} was trained with {text['settings']}, not with {settings}.")
    tensors = load_file(folder / text["tensors"])
    for prefix, module in training.modules().items():
        module.load_state_dict(_part(tensors, prefix))
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in _part(tensors, "optimizer.").items():
        number, name = key.split(".")
        moments.setdefault(int(number), {})[name] = value
    state = training.optimizer.state_dict()
    training.optimizer.load_state_dict({**state, "state": moments})
    training.counters = Counters(**text["counters"])
    return True


def stored_trunk(path: Path) -> dict[str, torch.Tensor]:
    """Read the trunk of an exported file, or the averaged one of a checkpoint folder or file."""
    if path.is_dir():
        path = path / json.loads((path / COUNTERS).read_text(encoding="utf-8"))["tensors"]
    tensors = load_file(path)
    return _part(tensors, AVERAGE) or tensors


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)}
