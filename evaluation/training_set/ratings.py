"""What every training picture of a category was rated, on disk and for people.

A folder ``training_pictures`` beside the category's cells holds a table of scores, each method's
maps, and what they were made from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from data_utils.facts import Fault
from data_utils.locations import leads_out
from detectors.registry import METHODS
from evaluation.measure.standing_out import robust_z
from evaluation.store.cells import new_cell
from evaluation.store.checksums import CHECKSUM, content_checksum
from evaluation.store.files import is_short_file
from evaluation.store.heatmap import Scale
from evaluation.store.places import CellPlace

FORMAT = 1
FOLDER = "training_pictures"
ABOUT_FILE, TABLE_FILE, MAPS_FILE = "about.json", "scores.csv", "maps_{}.npy"
NAMES = ["stem", "file"]
SIDE = 64
SAME_PART = 0.05  # of the contrast: what two photographs of one part differ by at most, at 64 px
FAR_BELOW_USUAL = 0.25  # of how far apart a picture and the one most like it usually are


class RatingsError(Fault):
    """Ratings of training pictures that cannot be read."""


@dataclass(frozen=True)
class Ratings:
    """Ratings of the N training pictures of a category.

    Attributes
    ----------
    about : mapping
        As a ``cell.json`` has it: ``category, data_root, data_fingerprint, geometry, left_out``,
        ``weights``; and ``scales`` by method, ``equal`` (see ``nearly_equal``), ``seconds``,
        and as ``made`` what they depend on.
    table : DataFrame
        ``stem, file`` and, by method, the raw score by a model without the picture; index 0..N-1.
    maps : mapping of method to float [N, H, W]
        Raw scores of the pixels.
    """

    about: Mapping[str, Any]
    table: pd.DataFrame
    maps: Mapping[str, NDArray[np.floating]]

    @property
    def methods(self) -> list[str]:
        """The methods that rated them."""
        return list(self.maps)

    @property
    def deviations(self) -> pd.DataFrame:
        """How many standard deviations a score lies above the median one, by method."""
        return pd.DataFrame({method: robust_z(self.table[method]) for method in self.methods})

    @property
    def standing_out(self) -> NDArray[np.float64]:
        """The mean of these over the methods, float64 ``[N]``; NaN where there is none."""
        return self.deviations.mean(axis=1).to_numpy()

    def scale(self, method: str) -> Scale:
        """Return the colour scale of a method's maps."""
        return Scale(**self.about["scales"][method])


def write_ratings(outputs: Path, ratings: Ratings) -> None:
    """Keep ratings below `outputs`, whole or not at all; raises CellError if that cannot be."""
    with new_cell(_place(outputs, ratings.about["category"])) as folder:
        ratings.table.to_csv(folder / TABLE_FILE, index=False, float_format="%.9g")
        for method, maps in ratings.maps.items():
            np.save(folder / MAPS_FILE.format(method), maps.astype(np.float16))
        finished = datetime.now(UTC).isoformat(timespec="seconds")
        content: dict[str, Any] = {"format": FORMAT, "finished": finished, **ratings.about}
        content[CHECKSUM] = content_checksum(content)
        text = json.dumps(content, ensure_ascii=False, indent=1)
        (folder / ABOUT_FILE).write_text(text, encoding="utf-8")


def about_file(outputs: Path, category: str) -> Path:
    """Return the file whose time of modification tells one set of ratings from another."""
    return _place(outputs, category).folder / ABOUT_FILE


def read_ratings(outputs: Path, category: str) -> Ratings | None:
    """Return what ``write_ratings`` kept, None if there is nothing.

    Raises
    ------
    RatingsError
        If it is damaged or of another version.
    """
    folder = about_file(outputs, category).parent
    if not folder.exists():
        return None
    try:
        if not is_short_file(folder / ABOUT_FILE) or not is_short_file(folder / TABLE_FILE):
            raise ValueError
        about = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
        if about["format"] != FORMAT or about[CHECKSUM] != content_checksum(about):
            raise ValueError
        methods = [method for method in METHODS if method in about["scales"]]
        files = [folder / MAPS_FILE.format(method) for method in methods]
        if any(leads_out(file, outputs) for file in (folder, folder / TABLE_FILE, *files)):
            raise ValueError
        table = pd.read_csv(folder / TABLE_FILE, dtype=dict.fromkeys(NAMES, str))
        maps = dict(zip(methods, (np.load(file, mmap_mode="r") for file in files), strict=True))
        size = (len(table), about["geometry"]["height"], about["geometry"]["width"])
        whole = list(table) == [*NAMES, *methods]
        whole &= bool(np.isfinite(table[methods]).all(axis=None))
        whole &= normalize("NFC", about["category"]) == normalize("NFC", category)
        whole &= all(isinstance(about[name], str) for name in ("data_root", "weights"))
        whole &= all(0 <= place < len(table) for pair in about["equal"] for place in pair[:2])
        if not whole or any(one.shape != size or one.dtype != np.float16 for one in maps.values()):
            raise ValueError
        ratings = Ratings(about, table, maps)
        for method in methods:
            ratings.scale(method)
        float(about["seconds"])
    except (OSError, EOFError, ValueError, TypeError, LookupError, RecursionError) as error:
        raise RatingsError("ratings_unreadable", folder=folder) from error
    return ratings


def nearly_equal(images: NDArray[np.uint8]) -> list[tuple[int, int, float]]:
    """Return pairs of pictures that are nearly the same, uint8 ``[N, H, W, 3]``.

    Each picture with the one most like it, if they differ by little beside their contrast, or by
    far less than is usual.

    Returns
    -------
    list of (position, position, difference)
        The difference is the root mean square over 64 x 64 px of gray, at equal brightness and
        contrast, as a share of the contrast (the standard deviation of the gray values); ascending.
    """
    if len(images) < 2:
        return []
    small = [
        Image.fromarray(one).convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
        for one in images
    ]
    pixels = np.stack([np.asarray(one, np.float32).ravel() for one in small])
    pixels -= pixels.mean(axis=1, keepdims=True)
    pixels /= np.maximum(np.sqrt(np.square(pixels).sum(axis=1, keepdims=True)), 1.0)
    alike = pixels @ pixels.T  # the correlations of all pairs
    np.fill_diagonal(alike, -1)
    nearest, apart = alike.argmax(axis=1), np.sqrt(np.maximum(2 - 2 * alike.max(axis=1), 0))
    limit = max(SAME_PART, FAR_BELOW_USUAL * float(np.median(apart)))
    pairs: dict[tuple[int, int], float] = {}
    for one in np.flatnonzero(apart < limit).tolist():
        other = int(nearest[one])
        pairs[min(one, other), max(one, other)] = round(float(apart[one]), 4)
    return sorted(((*pair, far) for pair, far in pairs.items()), key=lambda pair: pair[::-1])


def _place(outputs: Path, category: str) -> CellPlace:
    """Return its place, that of a cell, so that it is written and tidied up as one."""
    return CellPlace(outputs, category, FOLDER)
