"""The methods there are. A new method is one file in this folder and one entry here.

The detectors are imported when one is made or loaded, so that listing the methods (in the app,
in ``--help``) does not load PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from detectors.backbones.names import CHANNELS, LITE0

if TYPE_CHECKING:
    from detectors.backbones.features import Backbone
    from detectors.base import Detector

ALL_CHANNELS = "all"
PADIM_CHANNELS = 100
PADIM_CHANNELS_BY_BACKBONE = {"wide_resnet50_2": 550, LITE0: 176}


@dataclass(frozen=True)
class Options:
    """What a user can set, over all methods.

    Attributes
    ----------
    seed : int
        Random channels, coreset, projection, and the autoencoder's training.
    coreset_ratio : float
        PatchCore's share of patches kept, above 0 and at most 1.
    padim_channels : int, "all" or None
        PaDiM's random channels; None takes the paper's number for the backbone, and all of
        EfficientNet-Lite0's.
    """

    seed: int = 0
    coreset_ratio: float = 0.01
    padim_channels: int | str | None = None

    def channels_for(self, backbone: str) -> int:
        """Return the number of channels PaDiM keeps on this backbone."""
        if self.padim_channels == ALL_CHANNELS:
            return sum(CHANNELS[backbone])
        usual = PADIM_CHANNELS_BY_BACKBONE.get(backbone, PADIM_CHANNELS)
        return int(self.padim_channels or usual)


@dataclass(frozen=True)
class Method:
    """One entry of the registry.

    Attributes
    ----------
    key, title : str
        Name in folders and on the command line, and name for people.
    version : int
        Raised when the method's numbers change; finished cells of an older version are stale.
    reads_backbone : bool
        Whether it works on the shared feature maps.
    long_fit : bool
        Whether fitting takes minutes, so that the app starts it as a process of its own.
    make : callable (Options, Backbone or None) -> Detector
    load : callable (Path, Backbone or None) -> Detector
        Reads a stored model; raises ModelFileError if it does not fit.
    settings : callable (Options, backbone name) -> dict
        The settings that the numbers of this method depend on.
    """

    key: str
    title: str
    version: int
    reads_backbone: bool
    long_fit: bool
    make: Callable[[Options, Backbone | None], Detector]
    load: Callable[[Path, Backbone | None], Detector]
    settings: Callable[[Options, str], dict[str, object]]


def _make_autoencoder(options: Options, _: Backbone | None) -> Detector:
    from detectors.autoencoder import Autoencoder, AutoencoderSettings

    return Autoencoder(AutoencoderSettings(seed=options.seed))


def _load_autoencoder(path: Path, _: Backbone | None) -> Detector:
    from detectors.autoencoder import Autoencoder

    return Autoencoder.load(path)


def _make_padim(options: Options, backbone: Backbone | None) -> Detector:
    from detectors.padim import Padim, PadimSettings

    channels = options.channels_for(backbone.name if backbone else "")
    return Padim(backbone, PadimSettings(channels, options.seed))


def _load_padim(path: Path, backbone: Backbone | None) -> Detector:
    from detectors.padim import Padim

    return Padim.load(path, backbone)


def _padim_settings(options: Options, backbone: str) -> dict[str, object]:
    channels = options.channels_for(backbone)
    settings: dict[str, object] = {"backbone": backbone, "padim_channels": channels}
    if channels < sum(CHANNELS[backbone]):
        settings["seed"] = options.seed  # where all channels are read, nothing is drawn
    return settings


def _make_patchcore(options: Options, backbone: Backbone | None) -> Detector:
    from detectors.patchcore import Patchcore, PatchcoreSettings

    return Patchcore(backbone, PatchcoreSettings(options.coreset_ratio, options.seed))


def _load_patchcore(path: Path, backbone: Backbone | None) -> Detector:
    from detectors.patchcore import Patchcore

    return Patchcore.load(path, backbone)


METHODS: dict[str, Method] = {
    method.key: method
    for method in (
        Method(
            key="ae",
            title="AE",
            version=4,
            reads_backbone=False,
            long_fit=True,
            make=_make_autoencoder,
            load=_load_autoencoder,
            settings=lambda options, _: {"seed": options.seed},
        ),
        Method(
            key="padim",
            title="PaDiM",
            version=2,
            reads_backbone=True,
            long_fit=False,
            make=_make_padim,
            load=_load_padim,
            settings=_padim_settings,
        ),
        Method(
            key="patchcore",
            title="PatchCore",
            version=2,
            reads_backbone=True,
            long_fit=False,
            make=_make_patchcore,
            load=_load_patchcore,
            settings=lambda options, backbone: {
                "seed": options.seed,
                "backbone": backbone,
                "coreset_ratio": options.coreset_ratio,
            },
        ),
    )
}
