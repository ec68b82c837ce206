"""Autoencoder: what it cannot redraw was not in the good pictures.

A network squeezes each picture through a narrow bottleneck and draws it again (``denoising``).
Trained on good pictures only, and to remove what has been planted into them (``corruption``), it
redraws good parts well and defects badly. The anomaly map shows the error in relation to what is
usual at each position (``usual_error``).

Two networks of the same shape do so, each by itself: one sees fine detail; the other one, which
sees pictures of half the resolution, does not copy large defects piece by piece. The map is the
mean of both.

The networks see pictures as they are, in [0, 1]. A difference in overall brightness is taken out of
the error, but edges of brighter pictures still have larger errors: where good and defective test
pictures differ in exposure, scores can follow it, and the evaluation says by how much.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from detectors.base import (
    AnomalyResult,
    Calibration,
    Detector,
    NotFittedError,
    Progress,
    batches,
    calibration_positions,
    check_images,
    no_calibration,
    unwatched,
)
from detectors.denoising import (
    CHUNK,
    AutoencoderSettings,
    Epoch,
    build_network,
    network_size,
    reducing_matrix,
    resized,
    trained_network,
    unit_range,
)
from detectors.maps import anomaly_map, image_scores, smooth_map
from detectors.storage import read_model, refused_unless_it_fits, write_model
from detectors.usual_error import reconstruction_error, relative_error, usual_error

if TYPE_CHECKING:
    from detectors.backbones.features import Backbone
    from detectors.registry import Options

HELD_OUT_PART = 0.1
CALIBRATION_PICTURES = 20
MIN_IMAGES_TO_HOLD_OUT = 5
USUAL = "usual"  # name of the usual error in model files


@dataclass
class Scale:
    """A trained network and the pictures that it sees."""

    size: tuple[int, int]  # (h, w) of the pictures in pixels
    network: nn.Module
    usual: torch.Tensor  # float32 [h, w], the usual error of good pictures
    log: list[Epoch]


class Autoencoder(Detector):
    """Reconstruction error of convolutional autoencoders.

    Attributes
    ----------
    scales_ : list of Scale
        One per side in the settings.
    positions_ : int64 [K]
        Training pictures kept for ``calibrate``: neither trained on, nor used to choose an epoch,
        nor counted in what error is usual.
    """

    method: ClassVar[str] = "ae"

    def __init__(self, settings: AutoencoderSettings | None = None) -> None:
        self.settings = settings or AutoencoderSettings()

    @classmethod
    def from_options(cls, options: Options, backbone: Backbone | None) -> Self:  # noqa: ARG003
        return cls(AutoencoderSettings(seed=options.seed))

    def fit(self, images: NDArray[np.uint8], progress: Progress = unwatched) -> Self:
        """Train on good pictures; `progress` counts the epochs of all networks.

        Some pictures are held out (see ``split_positions``), to choose the best epoch, and for
        ``calibrate``. Raises RuntimeError if the training diverges, also at a lower learning rate.
        """
        check_images(images)
        trained, stopping, self.positions_ = split_positions(len(images))
        seen = np.concatenate([trained, stopping])
        sides, epochs = self.settings.sides, self.settings.epochs
        scales = []
        for number, side in enumerate(sides):

            def watch(epoch: int, before: int = number * epochs) -> None:
                progress(before + epoch, len(sides) * epochs)

            size = network_size(images.shape[1], images.shape[2], side)
            pictures = resized(images, size)
            network, log = self._train(pictures[trained], pictures[stopping], watch)
            scales.append(Scale(size, network, self._usual(network, pictures[seen]), log))
        self.scales_ = scales
        return self

    def score(self, images: NDArray[np.uint8], progress: Progress = unwatched) -> AnomalyResult:
        """Rate pictures, of any size, by how badly they are redrawn."""
        check_images(images)
        self._check_fitted()
        maps = np.zeros(images.shape[:3], np.float32)
        size = (images.shape[1], images.shape[2])
        for position in range(len(images)):
            for scale in self.scales_:
                picture = resized(images[position : position + 1], scale.size)
                error = self._error(scale.network, picture)
                relative = relative_error(error, scale.usual, self.settings.mildness)
                maps[position] += anomaly_map(relative, size)[0] / len(self.scales_)
            progress(position + 1, len(images))
        return AnomalyResult(scores=image_scores(maps), maps=maps)

    def plain_map(self, *inputs: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        pixels, total = inputs[0].permute(0, 3, 1, 2).float(), torch.zeros(1, *size)
        for scale in self.scales_:
            rows, columns = map(reducing_matrix, size, scale.size)
            levels = (rows @ (pixels @ columns.T + 0.5).floor() + 0.5).floor()
            seen = levels / 255
            error = reconstruction_error(seen, scale.network(seen), self.settings.structural)
            relative = relative_error(error, scale.usual, self.settings.mildness)
            total = total + smooth_map(relative, size) / len(self.scales_)
        return total

    def calibrate(self, images: NDArray[np.uint8]) -> Calibration:
        """Rate the training pictures that nothing was learned from."""
        self._check_fitted()
        if len(self.positions_):
            return Calibration(self.positions_, self.score(images[self.positions_]))
        return no_calibration(images.shape[1:3])

    def reconstruct(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Redraw pictures as the first network does, at its size, uint8 ``[N, h, w, 3]``."""
        check_images(images)
        self._check_fitted()
        scale = self.scales_[0]
        pictures = resized(images, scale.size)
        drawn = [redrawn(scale.network, pictures[part])[1] for part in batches(len(pictures), 1)]
        levels = (torch.cat(drawn) * 255).round().clamp(0, 255).to(torch.uint8)
        return levels.permute(0, 2, 3, 1).contiguous().numpy()

    def save(self, path: Path) -> None:
        """Write weights, usual errors, settings, held-out positions and training logs."""
        self._check_fitted()
        about = {
            "method": self.method,
            "settings": asdict(self.settings),
            "sizes": [list(scale.size) for scale in self.scales_],
            "logs": [[list(epoch) for epoch in scale.log] for scale in self.scales_],
        }
        tensors = {"positions": torch.from_numpy(self.positions_)}
        for number, scale in enumerate(self.scales_):
            state = scale.network.state_dict() | {USUAL: scale.usual}
            tensors |= {f"{number}.{name}": tensor for name, tensor in state.items()}
        write_model(path, tensors, about)

    @classmethod
    def load(cls, path: Path, backbone: Backbone | None = None) -> Self:  # noqa: ARG003
        tensors, about = read_model(path, cls.method)
        with refused_unless_it_fits(path):
            settings = about["settings"] | {"sides": tuple(about["settings"]["sides"])}
            detector = cls(AutoencoderSettings(**settings))
            detector.positions_ = tensors.pop("positions").numpy()
            detector.scales_ = []
            for number, (size, log) in enumerate(zip(about["sizes"], about["logs"], strict=True)):
                start = f"{number}."
                own = {name: t for name, t in tensors.items() if name.startswith(start)}
                state = {name.removeprefix(start): t for name, t in own.items()}
                height, width = map(int, size)
                usual = state.pop(USUAL).reshape(height, width)
                network = build_network(detector.settings.seed)
                network.load_state_dict(state)
                epochs = [(float(train), float(held)) for train, held in log]
                detector.scales_.append(Scale((height, width), network.eval(), usual, epochs))
        return detector

    def _check_fitted(self) -> None:
        if not hasattr(self, "scales_"):
            raise NotFittedError("The autoencoder has not been fitted; call fit first.")

    def _train(
        self, pictures: torch.Tensor, validation: torch.Tensor, watch: Callable[[int], None]
    ) -> tuple[nn.Module, list[Epoch]]:
        """Return a trained network and its log, at a lower learning rate if need be."""
        rates = (self.settings.learning_rate, self.settings.learning_rate / 10)
        for rate in rates:
            if found := trained_network(pictures, validation, self.settings, rate, watch):
                return found
        raise RuntimeError(
            f"The autoencoder's training diverged at the learning rates {rates[0]:g} and "
            f"{rates[1]:g}; choose a lower one or look for broken training pictures."
        )

    def _usual(self, network: nn.Module, pictures: torch.Tensor) -> torch.Tensor:
        """Return the usual error over good pictures, ``[h, w]`` from uint8 ``[N, 3, h, w]``."""
        parts = batches(len(pictures), CHUNK)
        usual = [usual_error(self._error(network, pictures[part])) for part in parts]
        return torch.stack(usual).amax(dim=0)

    def _error(self, network: nn.Module, pictures: torch.Tensor) -> torch.Tensor:
        """Return the error of pictures, ``[N, h, w]`` from uint8 ``[N, 3, h, w]``."""
        return reconstruction_error(*redrawn(network, pictures), self.settings.structural)


def redrawn(network: nn.Module, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return uint8 pictures ``[N, 3, h, w]`` in [0, 1], and as the network draws them.

    Scores are made one by one: in larger batches a convolution may add in another order.
    """
    seen = unit_range(pictures)
    with torch.inference_mode():
        return seen, network(seen)


def split_positions(count: int) -> tuple[NDArray[np.int64], ...]:
    """Divide the positions of `count` training pictures, evenly spaced and ascending.

    Returns
    -------
    trained, stopping, calibration : int64 [T], [V], [K]
        `stopping`, by which the best epoch is chosen, is about a tenth. `calibration` is a tenth
        too, but at least 20 pictures, enough for a threshold at 5 % false alarms, or a third where
        there are few, and at most 100. Both are empty below five pictures.
    """
    everything = np.arange(count, dtype=np.int64)
    if count < MIN_IMAGES_TO_HOLD_OUT:
        return everything, everything[:0], everything[:0]
    tenth = max(1, round(HELD_OUT_PART * count))
    held_out = tenth + max(tenth, min(CALIBRATION_PICTURES, count // 3))
    positions = ((np.arange(held_out) + 0.5) * count / held_out).astype(np.int64)
    stopping = positions[np.arange(tenth) * held_out // tenth]
    calibration = np.setdiff1d(positions, stopping)
    calibration = calibration[calibration_positions(len(calibration))]
    return np.setdiff1d(everything, positions), stopping, calibration
