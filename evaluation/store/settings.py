"""The settings of a run, and what of them the numbers of one cell depend on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace

from data_utils.mvtec import Category
from data_utils.transform import Transform, choose_transform
from detectors.backbones.engines import TORCH_FLOAT32, Engine
from detectors.backbones.names import DEFAULT_BACKBONE, STAND_IN
from detectors.registry import METHODS, Options


@dataclass(frozen=True)
class Settings:
    """Everything that a cell's numbers depend on besides the data and the weights.

    Attributes
    ----------
    backbone : str
        Name of the shared network.
    options : Options
        Seed and the methods' options.
    image_size, crop : int or None
        See ``data_utils.transform.choose_transform``; None for the category's default.
    whole_picture : bool
        No crop, also for the official categories.
    full_size_masks : bool
        Pixel metrics at the masks' own size, to which the maps are enlarged, instead of at the size
        of the maps.
    automatic : bool
        Whether ``STAND_IN`` may take the place of the default backbone where there are no weights
        for that; its cells are then put where those of the default one would be.
    engine : Engine
        What the network is computed with.
    leave_out : tuple of str
        Training pictures of the category that are not used, by their paths below the data folder.
    """

    backbone: str = DEFAULT_BACKBONE
    options: Options = field(default_factory=Options)
    image_size: int | None = None
    crop: int | None = None
    whole_picture: bool = False
    full_size_masks: bool = False
    automatic: bool = True
    engine: Engine = TORCH_FLOAT32
    leave_out: tuple[str, ...] = ()

    def transform_for(self, category: Category) -> Transform:
        """Return the transform of this category; raises ValueError if a crop does not fit."""
        return choose_transform(
            category.train_sizes,
            category.official,
            self.image_size,
            self.crop,
            self.whole_picture,
        )

    def for_method(self, method: str) -> dict[str, object]:
        """Return the settings that the numbers of `method` depend on, by name."""
        return {
            **METHODS[method].settings(self.options, self.backbone),
            **(self.engine.noted() if METHODS[method].reads_backbone else {}),
            **({"leave_out": self._left_out()} if self.leave_out else {}),
            "image_size": self.image_size,
            "crop": self.crop,
            "whole_picture": self.whole_picture,
            "full_size_masks": self.full_size_masks,
        }

    def _left_out(self) -> str:
        """Return how many pictures are left out, and what tells them from others."""
        names = json.dumps(sorted(self.leave_out)).encode()
        return f"{len(self.leave_out)}.{hashlib.blake2b(names, digest_size=4).hexdigest()}"

    def identifier(self, method: str) -> str:
        """Return a readable folder name of what differs from the defaults, or "".

        It is known before the backbone is: with ``STAND_IN`` it is that of the default one.
        """
        stands_in = self.automatic and self.backbone == STAND_IN
        asked = replace(self, backbone=DEFAULT_BACKBONE) if stands_in else self
        default = Settings().for_method(method)
        default["padim_channels"] = Options().channels_for(asked.backbone)
        return "_".join(
            f"{name}-{value}"
            for name, value in sorted(asked.for_method(method).items())
            if value != default.get(name)
        )

    def fingerprint(self, method: str, data_fingerprint: str) -> str:
        """Return a hash of the data, the settings and the method's version."""
        content = [method, METHODS[method].version, self.for_method(method), data_fingerprint]
        text = json.dumps(content, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
