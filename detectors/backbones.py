"""The backbones there are, made by name."""

from __future__ import annotations

from pathlib import Path

from detectors.architectures import FILTER_BANK, LEARNED, OFFLINE, OWN_BACKBONES
from detectors.backbone import Backbone, ResnetBackbone
from detectors.base import Progress
from detectors.filter_bank import FilterBank
from detectors.weights import (
    Weights,
    WeightsError,
    check_state,
    load_weights,
    read_state,
)

LEARNED_WEIGHTS = Path(__file__).with_name("offline_resnet18.safetensors")


def load_backbone(
    name: str, source: str | None = None, seed: int = 0, progress: Progress | None = None
) -> Backbone:
    """Make one of ``BACKBONES``; for the parameters see ``detectors.weights.load_weights``.

    Raises
    ------
    WeightsError
        If its weights cannot be had, or weights are named for one of ``OWN_BACKBONES``.
    """
    if name not in OWN_BACKBONES:
        return ResnetBackbone(name, load_weights(name, source, seed, progress))
    if source is not None:
        raise WeightsError(
            f"The {name} backbone takes no other weights; leave --weights away, or choose another "
            "--backbone."
        )
    return FilterBank() if name == FILTER_BANK else ResnetBackbone(name, learned_weights())


def learned_weights() -> Weights:
    """Read the weights that ``tools/offline_backbone`` made; they are part of the project."""
    state = read_state(LEARNED_WEIGHTS)
    check_state(LEARNED, state, LEARNED_WEIGHTS)
    return Weights(state, f"{OFFLINE} backbone learned from drawn pictures")
