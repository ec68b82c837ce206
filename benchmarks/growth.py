"""How the seconds of PaDiM's and PatchCore's fit grow with the number of training pictures.

The features are those of real pictures, shown again and again, each time with fresh noise, so
that none comes twice; making them is not timed, and neither is the network. PatchCore's memory
bank stays the same size, one percent of the patches of a hundred pictures, so that only the
pictures grow. A slope of 1 in the log-log plot is linear growth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.common import arguments, category_pictures, loaded_backbone, use_threads
from data_utils.demo_scenes import draw_picture
from detectors.backbones.features import Backbone, Features, batches
from detectors.feature_detector import FeatureDetector
from detectors.padim import Padim
from detectors.patchcore import Patchcore, PatchcoreSettings
from evaluation.machine import Clock, PeakMemory

COUNTS = (100, 200, 400, 800, 1600, 3200)
BANK_PICTURES, BANK_SHARE = 100, 0.01
DRAWN_PICTURES = 100
NOISE = 0.1
CROP = slice(16, 240)
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 420, 70, 130, 40, 60
LABEL_GAP = 16.0
COLOURS = {"PaDiM": "#1f77b4", "PatchCore": "#d62728"}


def main() -> None:
    """Print seconds and slopes; draw them."""
    parser = arguments(__doc__.splitlines()[0], data_required=False)
    parser.set_defaults(repeats=1)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, metavar="N")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to draw the plot, an SVG")
    given = parser.parse_args()
    use_threads(given.threads)
    if given.data is None:
        images, source = drawn_pictures(), "generated gears"
    else:
        images, source = category_pictures(given.data, given.category)[2].train, given.category
    base = feature_maps(loaded_backbone(given.weights), images)
    print(f"Features of {len(images)} pictures ({source}), {given.threads} threads.")
    seconds: dict[str, list[float]] = {name: [] for name in COLOURS}
    with PeakMemory() as memory:
        for count in given.counts:
            for name, values in seconds.items():
                taken = [fit_seconds(name, base, count) for _ in range(given.repeats)]
                values.append(float(np.median(taken)))
                print(
                    f"{name:<10}{count:>6} pictures {values[-1]:8.2f} s "
                    f"{values[-1] / count * 1000:8.2f} ms per picture",
                    flush=True,
                )
    print(f"peak memory {memory.peak_mb / 1000:.2f} GB, the features of all pictures included")
    for name, values in seconds.items():
        whole, last = slope(given.counts, values), slope(given.counts[-2:], values[-2:])
        print(f"{name:<10}log-log slope {whole:.2f} over all, {last:.2f} at the end")
    if given.out:
        given.out.write_text(drawing(given.counts, seconds), encoding="utf-8")
        print(f"Drawn to {given.out}")


def drawn_pictures() -> NDArray[np.uint8]:
    """Return good pictures of the demo's gear, cropped like MVTec AD's, uint8 ``[N, H, W, 3]``."""
    return np.stack(
        [
            draw_picture("demo_gear", None, 0, (number,))[0][CROP, CROP]
            for number in range(DRAWN_PICTURES)
        ]
    )


def feature_maps(backbone: Backbone, images: NDArray[np.uint8]) -> Features:
    """Pass all pictures through the network."""
    parts = [backbone.extract(images[part]) for part in batches(len(images))]
    return {layer: torch.cat([part[layer] for part in parts]) for layer in parts[0]}


def repeated_features(base: Features, layers: Sequence[str], count: int) -> Iterator[Features]:
    """Yield the feature maps of `count` pictures in parts, noise added to each.

    The noise has a tenth of the layer's standard deviation.
    """
    generator = torch.Generator().manual_seed(0)
    spread = {layer: NOISE * float(base[layer].std()) for layer in layers}
    available = len(base[layers[0]])
    for part in batches(count):
        rows = torch.arange(part.start, part.stop) % available
        features = {}
        for layer in layers:
            maps = base[layer][rows]
            features[layer] = maps + spread[layer] * torch.randn(maps.shape, generator=generator)
        yield features


def fit_seconds(name: str, base: Features, count: int) -> float:
    """Fit one detector on `count` pictures; return its seconds."""
    detector: FeatureDetector
    if name == "PaDiM":
        detector = Padim()
    else:
        detector = Patchcore(None, PatchcoreSettings(BANK_SHARE * BANK_PICTURES / count))
    clock = Clock()
    for features in repeated_features(base, detector.layers, count):
        with clock.phase("fit"):
            detector.partial_fit(features)
    with clock.phase("fit"):
        detector.finish_fit()
    return clock["fit"]


def slope(counts: Sequence[int], seconds: Sequence[float]) -> float:
    """Return the exponent of the power of the count that the seconds follow (least squares)."""
    return float(np.polyfit(np.log(counts), np.log(seconds), 1)[0])


def drawing(counts: Sequence[int], seconds: dict[str, list[float]]) -> str:
    """Return a log-log plot as SVG: one line per method, a dashed one for linear growth."""
    every = [value for values in seconds.values() for value in values]
    low, high = np.floor(np.log10(min(every))), np.ceil(np.log10(max(every)))
    first, last = np.log10(counts[0]), np.log10(counts[-1])

    def x(count: float) -> float:
        return LEFT + (np.log10(count) - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (np.log10(value) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def text(at_x: float, at_y: float, words: str, more: str = "") -> str:
        return f'<text x="{at_x:.1f}" y="{at_y:.1f}" {more}>{escape(words)}</text>'

    def line(values: Sequence[float], style: str) -> str:
        points = " ".join(f"{x(n):.1f},{y(v):.1f}" for n, v in zip(counts, values, strict=True))
        return f'<polyline points="{points}" fill="none" {style}/>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
        text(LEFT, 22, "Seconds of the fit, without the network", 'font-weight="bold"'),
        text(LEFT, HEIGHT - 14, "training pictures (memory bank of one size)"),
    ]
    for exponent in range(int(low), int(high) + 1):
        level = y(10.0**exponent)
        parts.append(f'<path d="M{LEFT} {level:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(text(LEFT - 8, level + 4, f"{10.0**exponent:g} s", 'text-anchor="end"'))
    for count in counts:
        parts.append(f'<path d="M{x(count):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eee"/>')
        parts.append(text(x(count), HEIGHT - BOTTOM + 18, f"{count:,}", 'text-anchor="middle"'))
    labels = apart({name: y(values[-1]) + 4 for name, values in seconds.items()})
    for name, values in seconds.items():
        linear = [values[-1] * count / counts[-1] for count in counts]
        if min(linear) >= 10.0**low:
            parts.append(line(linear, 'stroke="#999" stroke-dasharray="4 4"'))
        parts.append(line(values, f'stroke="{COLOURS[name]}" stroke-width="2"'))
        label = f"{name} ({slope(counts, values):.2f})"
        parts.append(text(WIDTH - RIGHT + 8, labels[name], label, f'fill="{COLOURS[name]}"'))
    parts.append(text(WIDTH - RIGHT + 8, HEIGHT - BOTTOM, "dashed: slope 1", 'fill="#777"'))
    return "\n".join([*parts, "</svg>"]) + "\n"


def apart(heights: dict[str, float]) -> dict[str, float]:
    """Move labels down until none covers another."""
    placed: dict[str, float] = {}
    lowest = -LABEL_GAP
    for name, height in sorted(heights.items(), key=lambda item: item[1]):
        lowest = placed[name] = max(height, lowest + LABEL_GAP)
    return placed


if __name__ == "__main__":
    main()
