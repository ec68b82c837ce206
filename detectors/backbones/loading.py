"""The backbones there are, made by name."""

from __future__ import annotations

from detectors.backbones.efficientnet_lite import lite0_backbone
from detectors.backbones.features import Backbone
from detectors.backbones.filter_bank import FilterBank
from detectors.backbones.names import ALWAYS_THERE, FILTER_BANK
from detectors.backbones.resnet import resnet_backbone
from detectors.backbones.weights import WeightsError, lite0_weights, resnet_weights


def load_backbone(name: str, source: str | None = None, seed: int = 0) -> Backbone:
    """Make one of ``BACKBONES``; for the parameters see ``resnet_weights``.

    Raises
    ------
    WeightsError
        If its weights cannot be had, or a file is named for one of ``ALWAYS_THERE``.
    """
    if name not in ALWAYS_THERE:
        weights = resnet_weights(name, source, seed)
        return resnet_backbone(name, weights.state, weights.label)
    if source is not None:
        raise WeightsError(
            f"The {name} backbone takes no other weights; leave --weights away, or choose another "
            "--backbone."
        )
    if name == FILTER_BANK:
        return FilterBank()
    weights = lite0_weights()
    return lite0_backbone(weights.state, weights.label)
