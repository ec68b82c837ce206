"""The backbones there are, by name; without PyTorch, so that the app can list them."""

from __future__ import annotations

from dataclasses import dataclass

WEIGHTS_VARIABLE = "BACKBONE_WEIGHTS"
RANDOM, OFFLINE, TRAINED = "random", "offline", "trained"
AUTOMATIC, FILTER_BANK, LEARNED = "auto", "filterbank", "offline"
LAYERS = ("layer1", "layer2", "layer3")


@dataclass(frozen=True)
class Architecture:
    """Numbers that tell one ResNet from another; `planes` are the channels of its stem."""

    depths: tuple[int, int, int]
    bottleneck: bool
    base_width: int = 64
    planes: int = 64

    @property
    def expansion(self) -> int:
        """Output channels of a block per plane."""
        return 4 if self.bottleneck else 1

    @property
    def channels(self) -> dict[str, int]:
        """Channels of each layer's output."""
        return {name: self.planes * 2**i * self.expansion for i, name in enumerate(LAYERS)}


ARCHITECTURES: dict[str, Architecture] = {
    "resnet18": Architecture((2, 2, 2), bottleneck=False),
    "resnet34": Architecture((3, 4, 6), bottleneck=False),
    "resnet50": Architecture((3, 4, 6), bottleneck=True),
    "wide_resnet50_2": Architecture((3, 4, 6), bottleneck=True, base_width=128),
    LEARNED: Architecture((2, 2, 2), bottleneck=False, planes=32),
}
FILTER_BANK_CHANNELS = {"layer1": 102, "layer2": 183, "layer3": 48}
BACKBONES = (*ARCHITECTURES, FILTER_BANK)
OWN_BACKBONES = (FILTER_BANK, LEARNED)  # made by this project, without natural pictures
OFFLINE_BACKBONE = FILTER_BANK


def channels_of(backbone: str) -> dict[str, int]:
    """Return the channels of each layer of one of ``BACKBONES``."""
    if backbone == FILTER_BANK:
        return FILTER_BANK_CHANNELS
    return ARCHITECTURES[backbone].channels


def weights_kind(label: str) -> str:
    """Tell from a backbone's ``weights_label`` what its numbers compare with.

    Returns
    -------
    str
        ``RANDOM``, ``OFFLINE`` (made by this project, without natural pictures) or ``TRAINED``.
    """
    return next((kind for kind in (RANDOM, OFFLINE) if label.startswith(kind)), TRAINED)
