"""Whether pictures look like the held-out good ones that a threshold is from.

A threshold holds for pictures that are exchangeable with those. New pictures hold defects as well,
so what is compared must be what a local defect hardly moves: the lowest tenth of the anomaly map
instead of its maximum, and brightness and sharpness of the whole picture. Each is tested by Mann
and Whitney (Annals of Mathematical Statistics 18, 1947, p. 50), all of them after Holm
(Scandinavian Journal of Statistics 6, 1979, p. 65). The effect is the AUROC between the two sets; a
share d of defective pictures, whatever they look like, moves it by at most d / 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import reduce

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_utils.facts import Fact, fact

BACKGROUND = "background"
QUANTITIES = {  # and how pictures with less or more of it are called
    BACKGROUND: ("background_lower", "background_higher"),
    "brightness": ("darker", "brighter"),
    "sharpness": ("less_sharp", "sharper"),
}
FEWEST = 10  # new pictures; fewer tell of parts rather than of the camera
FEWEST_HELD_OUT = 20  # with fewer a model without one of them differs from the whole one
LEAST_EFFECT = 0.75  # more than half defective pictures can reach without another cause
LEVEL = 0.05
SMALLEST_P = 0.001
SUSPICIOUS_BRIGHTNESS_AUROC = 0.9  # test pictures of one kind were exposed differently
TILE_PX = 16
LOWEST = 0.1


def mean_brightness(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the mean of each picture in [0, 255], ``[N]`` from uint8 ``[N, H, W, 3]``."""
    return np.array([picture.mean() for picture in images], np.float64)


def sharpness(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return how much fine detail each picture has, ``[N]`` from uint8 ``[N, H, W, 3]``.

    The mean over tiles of log(1 + variance of the Laplacian of the gray values in the tile), so
    that no single edge, a scratch for example, weighs much.
    """
    return np.array([_detail(picture.mean(axis=2, dtype=np.float32)) for picture in images])


def _detail(gray: NDArray[np.float32]) -> float:
    inner = gray[1:-1, 1:-1]
    edges = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:] - 4 * inner
    rows, columns = (max(side // TILE_PX, 1) for side in edges.shape)
    height, width = (min(side, TILE_PX) for side in edges.shape)
    tiles = edges[: rows * height, : columns * width].reshape(rows, height, columns, width)
    return float(np.log1p(tiles.var(axis=(1, 3))).mean())


def appearance(images: NDArray[np.uint8]) -> pd.DataFrame:
    """Return ``brightness`` and ``sharpness`` of pictures, one row each."""
    return pd.DataFrame({"brightness": mean_brightness(images), "sharpness": sharpness(images)})


def background(maps: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what a tenth of each raw map is below, ``[N]`` from ``[N, H, W]``.

    Where the map is low a defect elsewhere raises it least: of the lowest tenth, quarter and half,
    this one tells a blurred lens as well and defective pictures from good ones least.
    """
    return np.array([np.quantile(one, LOWEST) for one in maps], np.float64)


def differences(held_out: pd.DataFrame, pictures: pd.DataFrame, method: str) -> list[Fact]:
    """Return in what pictures differ from held-out good ones, nothing where that cannot be told.

    Parameters
    ----------
    held_out, pictures : DataFrame
        ``background, brightness, sharpness`` (see ``appearance``) and ``size``, one row per
        picture. A column that either lacks is not compared.
    method : str
        The title of the method whose maps the column ``background`` is from.
    """
    if len(held_out) < FEWEST_HELD_OUT or len(pictures) < FEWEST:
        return []
    tested = sorted(
        (*_compared(held_out[quantity], pictures[quantity]), quantity)
        for quantity in QUANTITIES
        if quantity in held_out and quantity in pictures
    )
    found, p = list[Fact](), 0.0
    for rank, (alone, area, quantity) in enumerate(tested):
        p = max(p, (len(tested) - rank) * alone)
        effect = max(area, 1 - area)
        if p < LEVEL and effect >= LEAST_EFFECT:
            told = {"p": f"p < {SMALLEST_P}" if p < SMALLEST_P else f"p = {p:.2g}"}
            told |= {"method": method} if quantity == BACKGROUND else {}
            found.append(fact(QUANTITIES[quantity][area > 0.5], effect=f"{effect:.2f}", **told))
    return found + _other_sizes(held_out, pictures)


def _compared(held_out: pd.Series, pictures: pd.Series) -> tuple[float, float]:
    """Return the p-value and the AUROC between both, above 0.5 where `pictures` are higher.

    The normal approximation with ties and continuity, good from about ten on either side;
    ``scipy.stats`` has the same, and takes a second to load.
    """
    held_out, pictures = held_out.dropna(), pictures.dropna()
    n, m = len(pictures), len(held_out)
    both = pd.concat([pictures, held_out])
    ties = both.value_counts().to_numpy(float)
    total = n + m
    if not n * m or len(ties) < 2:
        return 1.0, 0.5
    wins = float(both.rank().iloc[:n].sum()) - n * (n + 1) / 2
    spread = math.sqrt(n * m / 12 * (total + 1 - (ties**3 - ties).sum() / (total * (total - 1))))
    away = max(abs(wins - n * m / 2) - 0.5, 0.0) / spread
    return math.erfc(away / math.sqrt(2)), wins / (n * m)


def _other_sizes(held_out: pd.DataFrame, pictures: pd.DataFrame) -> list[Fact]:
    """Return how many pictures have a size that no held-out one has, if most of them have.

    Nothing where some size is there only once: then others are to be expected.
    """
    if "size" not in held_out or "size" not in pictures:
        return []
    known = held_out["size"].value_counts()
    others = pictures.loc[~pictures["size"].isin(known.index), "size"]
    if (known == 1).any() or len(others) <= len(pictures) / 2:
        return []
    return [fact("other_size", count=len(others), size=others.mode()[0])]


def joined(differences: Iterable[Fact]) -> Fact | None:
    """Return the differences by several methods as one fact.

    Where methods find the same in the pictures themselves it is told once, as by the first.
    """
    found: dict[tuple[str, object], Fact] = {}
    for one in differences:
        found.setdefault((one.code, one.values.get("method")), one)
    if not found:
        return None
    return reduce(lambda told, one: fact("two_remarks", first=told, second=one), found.values())


def brightness_tells(category: str, auroc: float | None) -> list[Fact]:
    """Return that brightness alone tells good from defective test pictures, if it does.

    Parameters
    ----------
    auroc : float or None
        See ``brightness_auroc``; NaN or None where it is not known.
    """
    if auroc is None or not auroc >= SUSPICIOUS_BRIGHTNESS_AUROC:
        return []
    return [fact("brightness_tells", category=category, value=float(auroc))]
