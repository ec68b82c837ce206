"""Colours: values become colours by a few stops; much is grey, as in factories."""

from __future__ import annotations

import numpy as np

from tools.offline_backbone.drawings.canvas import Floats, Random


def colour(rng: Random) -> Floats:
    """Draw a colour, float32 ``[3]``, 0 to 1; every other one is nearly grey."""
    brightness = rng.uniform(0.03, 0.97)
    spread = rng.uniform(0, 0.06) if rng.random() < 0.55 else rng.uniform(0.1, 0.6)
    return np.clip(brightness + spread * rng.uniform(-1, 1, 3), 0, 1).astype(np.float32)


def palette(rng: Random, contrast: float) -> Floats:
    """Draw two to five stops, float32 ``[K, 3]``, spread by `contrast` around one colour."""
    middle = colour(rng)
    stops = np.stack([colour(rng) for _ in range(int(rng.integers(2, 6)))])
    if rng.random() < 0.5:
        stops = stops[np.argsort(stops.sum(1))]
    return middle + np.float32(contrast) * (stops - middle)


def coloured(rng: Random, value: Floats, contrast: float = 1.0) -> Floats:
    """Turn values 0 to 1 ``[H, W]`` into colours ``[H, W, 3]``."""
    stops = palette(rng, contrast)
    table_at = np.linspace(0, 1, 256)
    table = np.stack(
        [np.interp(table_at, np.linspace(0, 1, len(stops)), stops[:, c]) for c in range(3)], 1
    ).astype(np.float32)
    return table[(np.clip(value, 0, 1) * 255).astype(np.uint8)]
