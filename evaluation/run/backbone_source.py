"""Which backbone a run works with: the one asked for, or what there is without network."""

from __future__ import annotations

import os
from dataclasses import replace

from data_utils.facts import fact
from detectors.backbones.engines import Engine
from detectors.backbones.features import Backbone
from detectors.backbones.names import DEFAULT_BACKBONE, RANDOM, STAND_IN, WEIGHTS_VARIABLE
from detectors.backbones.networks import load_backbone
from detectors.backbones.weights import WeightsError, WeightsUnavailableError
from evaluation.run.progress import RunProgress
from evaluation.store.settings import Settings


class BackboneSource:
    """Loads the backbone when it is first needed, once; a failure is remembered.

    Where the program chooses the backbone, no file was named, and ImageNet weights are neither on
    this machine nor can be downloaded, it is ``STAND_IN``.

    Parameters
    ----------
    settings : Settings
    weights : str or None
        File, ``"random"``, or None for torchvision's ImageNet weights.
    """

    def __init__(self, settings: Settings, weights: str | None) -> None:
        self._settings, self._weights = settings, weights
        self._backbone: Backbone | None = None
        self._error: WeightsError | None = None

    def get(self, progress: RunProgress | None = None) -> Backbone:
        """Return the backbone; raises WeightsError if there are no weights for it."""
        if self._error is not None:
            raise self._error
        if self._backbone is None:
            name, seed = self._settings.backbone, self._settings.options.seed
            engine = self._settings.engine
            if progress:
                progress.phase("loading_weights")
            try:
                self._backbone = load_backbone(name, self._weights, seed, engine)
            except WeightsError as error:
                replaceable = self._settings.automatic and name == DEFAULT_BACKBONE
                unavailable = isinstance(error, WeightsUnavailableError)
                if not (replaceable and unavailable) or named_weights(self._weights):
                    self._error = error
                    raise
                self._backbone = load_backbone(STAND_IN, engine=engine)
                if progress:
                    progress.say(f"{error} This run goes on with {self._backbone.weights_label}.")
            if progress and (seconds := getattr(self._backbone, "prepared_s", 0.0)):
                progress.say(fact("network_prepared", engine=engine, seconds=f"{seconds:.1f}"))
        return self._backbone

    @property
    def stands_in(self) -> bool:
        """Whether ``STAND_IN`` was taken in place of the default one."""
        taken = self._backbone is not None and self._backbone.name == STAND_IN
        return self._settings.automatic and taken

    def settled(self, progress: RunProgress | None = None) -> Settings:
        """Return the settings with the backbone that there is; unchanged if there is none."""
        try:
            return replace(self._settings, backbone=self.get(progress).name)
        except WeightsError:
            return self._settings


class BackboneSources:
    """One source for every backbone that the settings of a run ask for.

    Parameters
    ----------
    weights : str or None
        As for ``BackboneSource``.
    """

    def __init__(self, weights: str | None) -> None:
        self._weights = weights
        self._sources: dict[tuple[str, bool, Engine, int], BackboneSource] = {}

    def of(self, settings: Settings) -> BackboneSource:
        """Return the source for these settings, as asked for or settled."""
        key = self.key(settings)
        if key not in self._sources:
            self._sources[key] = BackboneSource(settings, self._weights)
        return self._sources[key]

    def settled(self, settings: Settings, progress: RunProgress | None = None) -> Settings:
        """Return the settings with the backbone that there is; unchanged if there is none."""
        source = self.of(settings)
        settled = replace(settings, backbone=source.settled(progress).backbone)
        self._sources[self.key(settled)] = source
        return settled

    def key(self, settings: Settings) -> tuple[str, bool, Engine, int]:
        """Return what a source depends on: the seed only where it draws the weights."""
        random = named_weights(self._weights) == RANDOM
        seed = settings.options.seed if random else 0
        return settings.backbone, settings.automatic, settings.engine, seed


def named_weights(weights: str | None) -> str | None:
    """Return the weights that a run or, if it names none, the environment asks for."""
    return weights or os.environ.get(WEIGHTS_VARIABLE, "").strip() or None
