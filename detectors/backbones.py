"""The backbones there are, made by name."""

from __future__ import annotations

from detectors.architectures import FILTER_BANK
from detectors.backbone import Backbone, ResnetBackbone
from detectors.filter_bank import FilterBank
from detectors.weights import Progress, WeightsError, load_weights


def load_backbone(
    name: str, source: str | None = None, seed: int = 0, progress: Progress | None = None
) -> Backbone:
    """Make one of ``BACKBONES``; for the others see ``detectors.weights.load_weights``.

    Raises
    ------
    WeightsError
        If its weights cannot be had, or weights are named for a backbone that takes none.
    """
    if name != FILTER_BANK:
        return ResnetBackbone(name, load_weights(name, source, seed, progress))
    if source is not None:
        raise WeightsError(
            f"The {FILTER_BANK} backbone has no weights; leave --weights away, or choose another "
            "--backbone."
        )
    return FilterBank()
