"""How much memory a category's cells need at most, before any of it is taken.

With N training and T test pictures of P pixels, a cell holds at its peak, in bytes: 3 (N + T) P of
pictures, about 40 T P of masks, maps and sorted scores, the kept features of at most 100 pictures,
one pass of the backbone, and what its method adds: PaDiM its d channels and a part of their
covariance per 16 pixels, PatchCore two layers and a projection of every training picture. Constants
are rounded up from measured peaks (``tests/evaluation/run/test_memory_budget.py``); phases that
follow each other are counted as if they met, so an estimate is never below the peak and at most
three times as large.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from data_utils.decoding import decode_bytes
from data_utils.facts import Fact, fact
from data_utils.mvtec import Category
from data_utils.transform import Transform
from detectors.backbones.names import channels_of
from detectors.base import MAX_CALIBRATION_IMAGES
from detectors.layered_gaussian import AT_ONCE
from detectors.nearest import QUERY_BLOCK, queries_at_once
from detectors.registry import METHODS
from evaluation.store.settings import Settings

T = TypeVar("T")
FLOAT = 4
STRIDES = {"layer1": 4, "layer2": 8, "layer3": 16}
PASSING = 8  # pictures in one pass of the backbone
BATCH = 16
PASS_VALUES = 38  # per pixel while a picture passes a backbone, besides its features
TEST_BYTES = 37  # per pixel of a test picture: mask, map, regions, sorted scores, PNG files
FULL_SIZE_BYTES = 90  # per pixel of a test picture's file, for metrics at the masks' own size
PROJECTED = 128
SEEN_SIDE = 192  # of a picture as the finer of the autoencoder's networks sees it
BANK_COPIES = 3  # with what stands in for pictures that are left out
MODEL_COPIES = 2  # layers 2 and 3 are in float64 for a while, and channels are drawn unevenly
AXES_COPIES = 10  # of a width x width matrix while the bank's axes are found, in float64
NETWORK_BYTES = 200_000_000  # training the autoencoder
OVERHEAD_BYTES = 40_000_000


@dataclass(frozen=True)
class CategorySize:
    """What the memory depends on.

    Attributes
    ----------
    train, test : int
        Pictures.
    pixels : int
        Of one picture after the transform.
    file_pixels : int
        Of all test pictures before it.
    decode_bytes : int
        For the files that are decoded at the same time.
    """

    train: int
    test: int
    pixels: int
    file_pixels: int
    decode_bytes: int

    @property
    def calibration(self) -> int:
        """Number of training pictures whose features are kept."""
        return min(self.train, MAX_CALIBRATION_IMAGES)


def size_of(category: Category, transform: Transform) -> CategorySize:
    """Return the size of a category under a transform."""
    return CategorySize(
        train=len(category.train),
        test=len(category.test),
        pixels=transform.height * transform.width,
        file_pixels=int((category.test["height"] * category.test["width"]).sum()),
        decode_bytes=decode_bytes(category.records),
    )


def reading_bytes(size: CategorySize) -> int:
    """Return what reading the pictures of a category takes, when they are not in the cache."""
    return (3 * (size.train + size.test) + 2 * size.test) * size.pixels + size.decode_bytes


def cells_bytes(size: CategorySize, cells: Sequence[tuple[str, Settings]]) -> int:
    """Return what cells take that are made together.

    Parameters
    ----------
    size : CategorySize
    cells : sequence of (method, Settings)
        All with the same backbone.
    """
    pictures = 3 * (size.train + size.test) * size.pixels
    scored = TEST_BYTES * size.test * size.pixels
    scored += (len(cells) - 1) * FLOAT * size.test * size.pixels
    if any(settings.full_size_masks for _, settings in cells):
        scored += FULL_SIZE_BYTES * size.file_pixels
    held_out = len(cells) * FLOAT * size.calibration * size.pixels
    features = 0
    if any(METHODS[method].reads_backbone for method, _ in cells):
        features = _backbone_bytes(size, cells[0][1].backbone)
    own = sum(_own_bytes(size, method, settings) for method, settings in cells)
    if any(method == "patchcore" for method, _ in cells):
        own += _seen_bytes(size, cells[0][1].backbone)
    return OVERHEAD_BYTES + pictures + scored + held_out + features + own


def learning_curve_bytes(size: CategorySize, cells: Sequence[tuple[str, Settings]]) -> int:
    """Return what it takes to fit on parts of a category: all features, twice while joined."""
    kept = sum(_layer_bytes(size, cells[0][1].backbone, layer) for layer in STRIDES)
    return cells_bytes(size, cells) + 2 * (size.train + size.test) * kept


def parts_that_fit(
    cells: Sequence[T], size: CategorySize, free: int, asked: Callable[[T], tuple[str, Settings]]
) -> list[list[T]]:
    """Divide cells that share a backbone into parts that take at most `free` bytes.

    One part as a rule, made in one pass of the backbone; `asked` gives method and settings.
    """
    parts: list[list[T]] = []
    for cell in cells:
        if parts and cells_bytes(size, [asked(one) for one in (*parts[-1], cell)]) <= free:
            parts[-1].append(cell)
        else:
            parts.append([cell])
    return parts


def refusal(needed: int, free: int) -> Fact | None:
    """Return why what does not fit is not made."""
    if needed <= free:
        return None
    return fact("memory_short", needed=_amount(needed), free=_amount(free))


def _backbone_bytes(size: CategorySize, backbone: str) -> int:
    per_picture = sum(_layer_bytes(size, backbone, layer) for layer in STRIDES)
    passing = min(PASSING, max(size.train, size.test))
    return passing * (PASS_VALUES * FLOAT * size.pixels + per_picture) + (
        size.calibration * per_picture
    )


def _own_bytes(size: CategorySize, method: str, settings: Settings) -> int:
    """Return what a cell's model takes while it is made."""
    if method == "padim":
        positions = size.pixels // STRIDES["layer1"] ** 2
        channels = settings.options.channels_for(settings.backbone)
        model, seen = _gaussian_values(settings.backbone, channels)
        at_once = min(AT_ONCE + BATCH, max(size.train, size.test))
        waiting = (2 * seen + channels / 2) * at_once
        return int(FLOAT * positions * (model * MODEL_COPIES + waiting))
    if method == "patchcore":
        width = _patch_width(settings.backbone)
        bank = size.train * _patches(size) * settings.options.coreset_ratio
        compared = queries_at_once(max(1, int(bank))) * bank
        searched = 3 * QUERY_BLOCK * width + AXES_COPIES * width**2 + compared
        return int(FLOAT * (bank * BANK_COPIES * (width + PROJECTED) + searched))
    return NETWORK_BYTES + 2 * 3 * SEEN_SIDE**2 * size.train


def _gaussian_values(backbone: str, channels: int) -> tuple[float, float]:
    """Return how many numbers PaDiM keeps, and reads of a picture, per position of layer 1.

    See ``layered_gaussian``.
    """
    of_layers = channels_of(backbone)
    values, seen, width = 0.0, 0.0, 0.0
    for layer in reversed(STRIDES):
        own = channels * of_layers[layer] / sum(of_layers.values())
        share = (STRIDES["layer1"] / STRIDES[layer]) ** 2
        width += own
        values += own * width * share
        seen += own * share
    return values, seen


def _seen_bytes(size: CategorySize, backbone: str) -> int:
    """Return what all PatchCores together keep of the training pictures, and work with."""
    layers = sum(_layer_bytes(size, backbone, layer) for layer in ("layer2", "layer3"))
    kept = size.train * (layers + 2 * FLOAT * PROJECTED * _patches(size))
    at_once = min(BATCH, max(size.train, size.test))
    return kept + 2 * at_once * _patches(size) * FLOAT * _patch_width(backbone)


def _patches(size: CategorySize) -> int:
    return size.pixels // STRIDES["layer2"] ** 2


def _patch_width(backbone: str) -> int:
    read = channels_of(backbone)
    return read["layer2"] + read["layer3"]


def _layer_bytes(size: CategorySize, backbone: str, layer: str) -> int:
    return FLOAT * channels_of(backbone)[layer] * size.pixels // STRIDES[layer] ** 2


def _amount(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
