"""Convolutional autoencoder: what it cannot redraw was not in the good pictures.

A network squeezes each picture x through a narrow bottleneck and draws it again as r. Trained on
good pictures only, it redraws good parts well and defects badly. Training minimises, and the
anomaly map shows, an error at every pixel::

    error = w |x - r| + (1 - SSIM(x, r)),    w = 2 in training, 8 in the map

The structural term is the idea of Bergmann et al., "Improving unsupervised defect segmentation by
applying structural similarity to autoencoders" (arXiv 1807.02011), who use it alone and cut
textures into patches. Here it compares whole gray pictures, in Gaussian windows that are wider and
with a larger constant than usual, so that fine grain which no narrow bottleneck can redraw counts
less. The absolute term, the mean over the colour channels, sees what such windows are blind to:
colour.

The network sees pictures as they are, in [0, 1]: also their exposure is learned, and where good
and defective test pictures differ in it, scores can follow it; the evaluation says by how much.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

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
from detectors.maps import anomaly_map, enlarge_and_smooth_matrix, image_scores
from detectors.storage import read_model, refused_unless_it_fits, write_model

if TYPE_CHECKING:
    from detectors.backbones.features import Backbone
    from detectors.registry import Options

REDUCTION = 32
HELD_OUT_PART = 0.1
CALIBRATION_PICTURES = 20
MIN_IMAGES_TO_HOLD_OUT = 5
LOSS_WEIGHT, MAP_WEIGHT = 2.0, 8.0  # of the absolute error
SSIM_SIGMA = 5.0
SSIM_C1 = 0.01**2
SSIM_C2 = 0.004
ENCODER_CHANNELS = (32, 64, 128, 128, 256)
CHUNK = 16


@dataclass(frozen=True)
class AutoencoderSettings:
    """How the network is built and trained.

    Small training sets are repeated within an epoch, large ones continued in the next, so that
    training takes about the same time for each.
    """

    side: int = 128  # the network sees about side^2 pixels; both sides are multiples of 32
    bottleneck: int = 128  # channels, at 1/32 of the resolution
    max_epochs: int = 24
    pictures_per_epoch: int = 256
    patience: int = 10  # epochs without a better validation error after which training stops
    batch_size: int = 8
    learning_rate: float = 4e-3  # peak of the one-cycle schedule
    seed: int = 0  # of initialisation and shuffling


class Autoencoder(Detector):
    """Reconstruction error of a convolutional autoencoder.

    Attributes
    ----------
    network_ : torch module
    input_size_ : (h, w) in pixels that the network works at
    positions_ : int64 [K]
        Training pictures kept for ``calibrate``, seen neither by training nor by its stopping.
    log_ : list of (training error, validation error)
        One entry per epoch; the validation error is NaN without held-out pictures.
    """

    method: ClassVar[str] = "ae"

    def __init__(self, settings: AutoencoderSettings = AutoencoderSettings()) -> None:
        self.settings = settings

    @classmethod
    def from_options(cls, options: Options, backbone: Backbone | None) -> Self:  # noqa: ARG003
        return cls(AutoencoderSettings(seed=options.seed))

    def fit(self, images: NDArray[np.uint8], progress: Progress = unwatched) -> Self:
        """Train on good pictures; `progress` counts epochs.

        Some pictures are held out (see ``split_positions``), to choose the best epoch and to stop
        early, and for ``calibrate``. Raises RuntimeError if the training diverges, also at a lower
        learning rate.
        """
        check_images(images)
        trained, stopping, self.positions_ = split_positions(len(images))
        self.input_size_ = network_size(images.shape[1], images.shape[2], self.settings.side)
        pictures = resized(images, self.input_size_)
        rates = (self.settings.learning_rate, self.settings.learning_rate / 10)
        for rate in rates:
            if self._train(pictures[trained], pictures[stopping], rate, progress):
                return self
        raise RuntimeError(
            f"The autoencoder's training diverged at the learning rates {rates[0]:g} and "
            f"{rates[1]:g}; choose a lower one or look for broken training pictures."
        )

    def score(self, images: NDArray[np.uint8], progress: Progress = unwatched) -> AnomalyResult:
        """Rate pictures, of any size, by how badly they are redrawn."""
        maps = np.empty(images.shape[:3], np.float32)
        size = (images.shape[1], images.shape[2])
        for position, (seen, drawn) in enumerate(self._redrawn(images)):
            maps[position] = anomaly_map(reconstruction_error(seen, drawn), size)[0]
            progress(position + 1, len(images))
        return AnomalyResult(scores=image_scores(maps), maps=maps)

    def calibrate(self, images: NDArray[np.uint8]) -> Calibration:
        """Rate the held-out training pictures that early stopping did not use."""
        self._check_fitted()
        if len(self.positions_):
            return Calibration(self.positions_, self.score(images[self.positions_]))
        return no_calibration(images.shape[1:3])

    def reconstruct(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Redraw pictures at the network's size, uint8 ``[N, h, w, 3]``."""
        pictures = [drawn for _, drawn in self._redrawn(images)]
        levels = (torch.cat(pictures) * 255).round().clamp(0, 255).to(torch.uint8)
        return levels.permute(0, 2, 3, 1).contiguous().numpy()

    def save(self, path: Path) -> None:
        """Write weights, settings, held-out positions and training log."""
        self._check_fitted()
        about = {
            "method": self.method,
            "settings": asdict(self.settings),
            "input_size": list(self.input_size_),
            "log": [list(epoch) for epoch in self.log_],
        }
        tensors = {f"network.{name}": t for name, t in self.network_.state_dict().items()}
        write_model(path, tensors | {"positions": torch.from_numpy(self.positions_)}, about)

    @classmethod
    def load(cls, path: Path, backbone: Backbone | None = None) -> Self:  # noqa: ARG003
        tensors, about = read_model(path, cls.method)
        with refused_unless_it_fits(path):
            detector = cls(AutoencoderSettings(**about["settings"]))
            height, width = about["input_size"]
            detector.input_size_ = (int(height), int(width))
            detector.log_ = [(float(train), float(held)) for train, held in about["log"]]
            detector.positions_ = tensors.pop("positions").numpy()
            state = {name.removeprefix("network."): t for name, t in tensors.items()}
            with torch.device("meta"):  # needs no memory, whatever the settings claim
                build_network(detector.settings).load_state_dict(state, assign=True)
            detector.network_ = build_network(detector.settings).eval()
            detector.network_.load_state_dict(state)
        return detector

    def _check_fitted(self) -> None:
        if not hasattr(self, "network_"):
            raise NotFittedError("The autoencoder has not been fitted; call fit first.")

    def _redrawn(self, images: NDArray[np.uint8]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield picture and reconstruction [1, 3, h, w], one by one.

        In larger batches a convolution may add in another order, and scores would depend on it.
        """
        check_images(images)
        self._check_fitted()
        for position in range(len(images)):
            seen = unit_range(resized(images[position : position + 1], self.input_size_))
            with torch.inference_mode():
                drawn = self.network_(seen)
            yield seen, drawn

    def _train(
        self, pictures: torch.Tensor, validation: torch.Tensor, peak_rate: float, progress: Progress
    ) -> bool:
        """Train a fresh network; return whether every error stayed finite."""
        settings = self.settings
        generator = torch.Generator().manual_seed(settings.seed)
        network = build_network(settings)
        batch = min(settings.batch_size, settings.pictures_per_epoch)
        steps = math.ceil(settings.pictures_per_epoch / batch)
        optimizer = torch.optim.AdamW(network.parameters(), lr=peak_rate, weight_decay=1e-4)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, peak_rate, total_steps=steps * settings.max_epochs, pct_start=0.15
        )
        order = endless_order(len(pictures), generator)
        log: list[tuple[float, float]] = []
        best, best_epoch, best_weights = math.inf, 0, network.state_dict()
        for epoch in range(1, settings.max_epochs + 1):
            network.train()
            total = 0.0
            for _ in range(steps):
                chosen = unit_range(pictures[list(islice(order, batch))])
                error = reconstruction_error(chosen, network(chosen), LOSS_WEIGHT).mean()
                optimizer.zero_grad(set_to_none=True)
                error.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
                total += error.item()
            held_out = self._mean_error(network.eval(), validation)
            log.append((total / steps, held_out))
            watched = held_out if len(validation) else -epoch
            if not math.isfinite(total + watched):
                return False
            if watched < best:
                best, best_epoch = watched, epoch
                best_weights = {name: t.clone() for name, t in network.state_dict().items()}
            progress(epoch, settings.max_epochs)
            if epoch - best_epoch >= settings.patience:
                break
        network.load_state_dict(best_weights)
        self.network_, self.log_ = network.eval(), log
        if len(log) < settings.max_epochs:
            progress(settings.max_epochs, settings.max_epochs)
        return True

    def _mean_error(self, network: nn.Module, pictures: torch.Tensor) -> float:
        """Return the mean error over held-out pictures, NaN if there is none."""
        errors = []
        with torch.inference_mode():
            for part in batches(len(pictures), CHUNK):
                seen = unit_range(pictures[part])
                error = reconstruction_error(seen, network(seen), LOSS_WEIGHT)
                errors.append(error.mean(dim=(1, 2)))
        return float(torch.cat(errors).mean()) if errors else math.nan


def split_positions(count: int) -> tuple[NDArray[np.int64], ...]:
    """Divide the positions of `count` training pictures, evenly spaced and ascending.

    Returns
    -------
    trained, stopping, calibration : int64 [T], [V], [K]
        `stopping` is about a tenth. `calibration` is a tenth too, but at least 20 pictures, enough
        for a threshold at 5 % false alarms, or a third where there are few, and at most 100. Both
        are empty below five pictures.
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


def network_size(height: int, width: int, side: int) -> tuple[int, int]:
    """Return (h, w), multiples of 32 of about ``side ** 2`` pixels and the picture's aspect."""
    aspect = math.sqrt(width / height)
    rows, columns = (max(1, round(n / REDUCTION)) for n in (side / aspect, side * aspect))
    return REDUCTION * rows, REDUCTION * columns


def structural_error(pictures: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
    """Return 1 - SSIM of the gray pictures, ``[N, h, w]`` in [0, 2] from ``[N, 3, h, w]``.

    In Gaussian windows of sigma 5 px (Wang et al., 2004, section III-B: 1.5 px and 0.03^2).
    """
    x, y = pictures.mean(dim=1), drawn.mean(dim=1)
    rows, columns = (enlarge_and_smooth_matrix(n, n, SSIM_SIGMA) for n in x.shape[1:])
    mean_x, square_x = rows @ torch.stack((x, x * x)) @ columns.T
    mean_y, square_y, product = rows @ torch.stack((y, y * y, x * y)) @ columns.T
    mean_product, mean_squares = mean_x * mean_y, mean_x**2 + mean_y**2
    covariance = product - mean_product
    variances = square_x + square_y - mean_squares
    luminance = (2 * mean_product + SSIM_C1) / (mean_squares + SSIM_C1)
    structure = (2 * covariance + SSIM_C2) / (variances + SSIM_C2)
    return 1 - luminance * structure


def reconstruction_error(
    pictures: torch.Tensor, drawn: torch.Tensor, weight: float = MAP_WEIGHT
) -> torch.Tensor:
    """Return weighted absolute plus structural error, ``[N, h, w]`` from ``[N, 3, h, w]``."""
    return weight * (pictures - drawn).abs().mean(dim=1) + structural_error(pictures, drawn)


def build_network(settings: AutoencoderSettings) -> nn.Sequential:
    """Return the untrained network; the caller's random numbers are left as they are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        layers: list[nn.Module] = []
        for read, made in pairwise((3, *ENCODER_CHANNELS)):
            layers += _block(nn.Conv2d(read, made, 4, stride=2, padding=1, bias=False))
        deepest = ENCODER_CHANNELS[-1]
        layers.append(nn.Conv2d(deepest, settings.bottleneck, 1))
        layers += _block(nn.Conv2d(settings.bottleneck, deepest, 3, padding=1, bias=False))
        for read, made in pairwise(ENCODER_CHANNELS[::-1]):
            layers += _block(nn.ConvTranspose2d(read, made, 4, stride=2, padding=1, bias=False))
        layers += [nn.ConvTranspose2d(ENCODER_CHANNELS[0], 3, 4, stride=2, padding=1), nn.Sigmoid()]
        network = nn.Sequential(*layers)
    return network.to(memory_format=torch.channels_last)


def resized(images: NDArray[np.uint8], size: tuple[int, int]) -> torch.Tensor:
    """Resize pictures, antialiased bilinear; uint8 tensor ``[N, 3, h, w]``."""
    parts = []
    for part in batches(len(images), CHUNK):
        pixels = torch.from_numpy(images[part].copy()).permute(0, 3, 1, 2)
        parts.append(functional.interpolate(pixels, size=size, mode="bilinear", antialias=True))
    return torch.cat(parts)


def unit_range(pictures: torch.Tensor) -> torch.Tensor:
    """Return uint8 pictures ``[N, 3, h, w]`` as float32 in [0, 1]."""
    return (pictures.float() / 255).contiguous(memory_format=torch.channels_last)


def endless_order(count: int, generator: torch.Generator) -> Iterator[int]:
    """Yield positions below `count` forever, each once per round, shuffled anew every round."""
    while True:
        yield from torch.randperm(count, generator=generator).tolist()


def _block(convolution: nn.Conv2d | nn.ConvTranspose2d) -> tuple[nn.Module, ...]:
    """Return a convolution with its normalisation and activation."""
    normalisation = nn.BatchNorm2d(convolution.out_channels)
    return convolution, normalisation, nn.LeakyReLU(0.2, inplace=True)
