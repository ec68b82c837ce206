"""The methods there are. A new method is one file in this folder and one line at the end of this.

The file holds a ``Detector`` (``detectors.base``), which is imported when one is made or loaded, so
that listing the methods (in the app, in ``--help``) does not load PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
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
    """One entry of the registry."""

    key: str  # name in folders and on the command line
    title: str  # name for people
    version: int  # raised when its numbers change: finished cells of an older one are stale
    detector: str  # module:class
    settings: Callable[[Options, str], dict[str, object]]  # what its numbers depend on
    reads_backbone: bool = False  # is a FeatureDetector, which works on the shared feature maps
    long_fit: bool = False  # takes minutes, so the app fits it in a process of its own

    def make(self, options: Options, backbone: Backbone | None) -> Detector:
        """Return a detector that is not fitted yet."""
        return self._class().from_options(options, backbone)

    def load(self, path: Path, backbone: Backbone | None) -> Detector:
        """Read a stored model; raises ModelFileError if it does not fit."""
        return self._class().load(path, backbone)

    def _class(self) -> type[Detector]:
        module, name = self.detector.split(":")
        return getattr(import_module(module), name)


def _seed(options: Options, _: str) -> dict[str, object]:
    return {"seed": options.seed}


def _padim(options: Options, backbone: str) -> dict[str, object]:
    channels = options.channels_for(backbone)
    settings: dict[str, object] = {"backbone": backbone, "padim_channels": channels}
    drawn = channels < sum(CHANNELS[backbone])  # where all are read, the seed does not matter
    return settings | _seed(options, backbone) if drawn else settings


def _patchcore(options: Options, backbone: str) -> dict[str, object]:
    return {"seed": options.seed, "backbone": backbone, "coreset_ratio": options.coreset_ratio}


_ENTRIES = (
    Method("ae", "AE", 6, "detectors.autoencoder:Autoencoder", _seed, long_fit=True),
    Method("padim", "PaDiM", 2, "detectors.padim:Padim", _padim, reads_backbone=True),
    Method("patchcore", "PatchCore", 3, "detectors.patchcore:Patchcore", _patchcore, True),
)
METHODS: dict[str, Method] = {method.key: method for method in _ENTRIES}


def position(method: str) -> int:
    """Return a method's place in every table and chart; one that is not known comes last."""
    known = list(METHODS)
    return known.index(method) if method in known else len(known)
