"""One convolutional autoencoder, which redraws pictures undamaged: its shape and its training.

The bottleneck has 32 numbers for each field of 16 x 16 pixels, so the network redraws what such
fields and their neighbours look like in good pictures. It is trained to draw the picture from one
in which something has been planted (``corruption``), with the mean absolute difference as its loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from detectors.base import batches
from detectors.corruption import damaged

REDUCTION = 16
CHANNELS = (48, 96, 128)
BOTTLENECK = 32
CHUNK = 16


@dataclass(frozen=True)
class AutoencoderSettings:
    """How the networks are built and trained, and how pictures are scored.

    An epoch passes a picture about four times at most, so small training sets take less time.
    """

    sides: tuple[int, ...] = (192, 96)  # each network sees about side^2 pixels; multiples of 16
    epochs: int = 12
    pictures_per_epoch: int = 432
    fewest_per_epoch: int = 160  # of small sets, whose pictures may be passed more often
    batch_size: int = 4
    learning_rate: float = 3e-3  # peak of the one-cycle schedule
    damage: bool = True  # whether something is planted into the training pictures
    structural: bool = True  # whether scores see the structural error
    mildness: float = 0.5  # how mild the relation to the usual error is, k
    seed: int = 0  # of initialisation, shuffling and damage


Epoch = tuple[float, float]  # training error, validation error (NaN without held-out pictures)


def trained_network(
    pictures: torch.Tensor,
    validation: torch.Tensor,
    settings: AutoencoderSettings,
    peak_rate: float,
    watch: Callable[[int], None],
) -> tuple[nn.Sequential, list[Epoch]] | None:
    """Train a network and return it as it was after its best epoch, with the errors of all epochs.

    Parameters
    ----------
    pictures, validation : uint8 [N, 3, h, w]
        To learn from, and to choose the best epoch by; none of the latter means the last epoch.
    peak_rate : float
        Highest learning rate.
    watch : callable (epoch)
        Called after each.

    Returns
    -------
    (network, log) or None
        None where an error was not finite.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    network = build_network(settings.seed)
    steps = steps_per_epoch(len(pictures), settings)
    weights = network.parameters()
    optimizer = torch.optim.AdamW(weights, lr=peak_rate, weight_decay=1e-4, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, peak_rate, total_steps=steps * settings.epochs, pct_start=0.15
    )
    order = endless_order(len(pictures), generator)
    log: list[Epoch] = []
    best, best_weights = math.inf, network.state_dict()
    for epoch in range(1, settings.epochs + 1):
        network.train()
        total = 0.0
        for _ in range(steps):
            whole = unit_range(pictures[list(islice(order, settings.batch_size))])
            seen = damaged(whole, generator) if settings.damage else whole
            error = functional.l1_loss(network(seen), whole)
            optimizer.zero_grad(set_to_none=True)
            error.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += error.item()
        held_out = mean_error(network.eval(), validation)
        log.append((total / steps, held_out))
        watched = held_out if len(validation) else -epoch
        if not math.isfinite(total + watched):
            return None
        if watched < best:
            best = watched
            best_weights = {name: t.clone() for name, t in network.state_dict().items()}
        watch(epoch)
    network.load_state_dict(best_weights)
    return network.eval(), log


def steps_per_epoch(count: int, settings: AutoencoderSettings) -> int:
    """Return how many batches an epoch has for `count` training pictures."""
    wanted = max(settings.fewest_per_epoch, 4 * count)
    pictures = min(settings.pictures_per_epoch, wanted)
    return math.ceil(pictures / settings.batch_size)


def mean_error(network: nn.Module, pictures: torch.Tensor) -> float:
    """Return the mean absolute error over undamaged pictures, NaN if there is none."""
    errors = []
    with torch.inference_mode():
        for part in batches(len(pictures), CHUNK):
            seen = unit_range(pictures[part])
            errors.append((seen - network(seen)).abs().mean(dim=(1, 2, 3)))
    return float(torch.cat(errors).mean()) if errors else math.nan


def build_network(seed: int) -> nn.Sequential:
    """Return the untrained network; the caller's random numbers are left as they are.

    The first and the last convolution step by 4 px, which keeps the costly resolutions out.
    """
    first, second, third = CHANNELS
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(
            *_block(nn.Conv2d(3, first, 6, stride=4, padding=1, bias=False)),
            *_block(nn.Conv2d(first, second, 4, stride=2, padding=1, bias=False)),
            *_block(nn.Conv2d(second, third, 4, stride=2, padding=1, bias=False)),
            nn.Conv2d(third, BOTTLENECK, 1),
            *_block(nn.Conv2d(BOTTLENECK, third, 3, padding=1, bias=False)),
            *_block(nn.ConvTranspose2d(third, second, 4, stride=2, padding=1, bias=False)),
            *_block(nn.ConvTranspose2d(second, first, 4, stride=2, padding=1, bias=False)),
            nn.ConvTranspose2d(first, 3, 6, stride=4, padding=1),
            nn.Sigmoid(),
        )
    return network.to(memory_format=torch.channels_last)


def network_size(height: int, width: int, side: int) -> tuple[int, int]:
    """Return (h, w), multiples of 16 of about ``side ** 2`` pixels and the picture's aspect."""
    aspect = math.sqrt(width / height)
    rows, columns = (max(1, round(n / REDUCTION)) for n in (side / aspect, side * aspect))
    return REDUCTION * rows, REDUCTION * columns


def resized(images: NDArray[np.uint8], size: tuple[int, int]) -> torch.Tensor:
    """Resize pictures, antialiased bilinear; uint8 tensor ``[N, 3, h, w]``."""
    parts = []
    for part in batches(len(images), CHUNK):
        pixels = torch.from_numpy(images[part].copy()).permute(0, 3, 1, 2)
        parts.append(functional.interpolate(pixels, size=size, mode="bilinear", antialias=True))
    return torch.cat(parts)


@lru_cache(maxsize=32)
def reducing_matrix(high: int, low: int) -> torch.Tensor:
    """Return the matrix by which ``resized`` brings `high` values to `low`, ``[low, high]``.

    Its weights are rounded as PyTorch's for uint8, to 16 bits; after it comes ``floor(x + 0.5)``,
    columns first.
    """
    identity = torch.eye(high, dtype=torch.float64)[None, None]
    exact = functional.interpolate(identity, size=(low, high), mode="bilinear", antialias=True)
    bits = 0
    while int(0.5 + float(exact.max()) * 2 ** (bits + 1)) < 2**15:
        bits += 1
    return ((exact[0, 0] * 2**bits + 0.5).floor() / 2**bits).float()


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
