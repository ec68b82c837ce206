"""The test samples of one finished cell, with their pictures."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from dashboard.components.assets import data_url
from data_utils.layouts import GOOD
from data_utils.locations import leads_out, pool_threads
from evaluation.store.heatmap import Scale, heat, overlay
from evaluation.store.places import CELL_FILE, MAPS_FILE, CellError
from evaluation.store.sample_pictures import picture_name

MODES = {"img": "RGB", "gt": "L"}
THUMBNAIL_PX, THUMBNAIL_QUALITY = 96, 65
KEPT_CELLS = 8


@dataclass(frozen=True)
class Panels:
    """What is shown of one sample; None where a file is missing or damaged."""

    image: NDArray[np.uint8] | None  # [H, W, 3]
    truth: NDArray[np.uint8] | None  # [H, W], white where there is a defect; None without a mask
    anomaly_map: NDArray[np.float32]  # [H, W], raw scores
    scale: Scale

    @property
    def heatmap(self) -> NDArray[np.uint8]:
        """The map in colours, uint8 ``[H, W, 3]``."""
        return heat(self.anomaly_map, self.scale)

    @property
    def overlay(self) -> NDArray[np.uint8] | None:
        """The map laid over the picture, uint8 ``[H, W, 3]``; None without the picture."""
        return None if self.image is None else overlay(self.image, self.anomaly_map, self.scale)


@dataclass(frozen=True)
class SampleSet:
    """Test samples with their scores.

    Attributes
    ----------
    table : DataFrame
        One row per test picture: ``defect, stem, label, score, has_mask``, index 0..T-1.
    calibration_scores : float64 [K]
        Scores of held-out good pictures.
    scale : Scale
        The fixed colour scale.
    maps : float [T, H, W]
        Raw scores of the pixels.
    picture : callable (position, ``"img"`` or ``"gt"``) -> Image or None
        Opens a file; None if it is missing or damaged.
    stamp : object
        Differs from one set of pictures to another.
    """

    table: pd.DataFrame
    calibration_scores: NDArray[np.float64]
    scale: Scale
    maps: NDArray[np.floating]
    picture: Callable[[int, str], Image.Image | None]
    stamp: object

    def panels(self, position: int) -> Panels:
        """Return the pictures of the sample at `position` of the table."""
        image = self.picture(position, "img")
        truth = self.picture(position, "gt") if self.table["has_mask"].iat[position] else None
        return Panels(
            None if image is None else np.asarray(image),
            None if truth is None else np.asarray(truth),
            np.asarray(self.maps[position], np.float32),
            self.scale,
        )

    def thumbnails(self, positions: Sequence[int]) -> list[str]:
        """Return small pictures as data URLs, "" where a file is missing or damaged.

        They are made when first asked for, and kept for the last few cells.
        """
        kept = _thumbnails_of(self.stamp)
        missing = [position for position in positions if position not in kept]
        with ThreadPoolExecutor(pool_threads()) as pool:
            made = pool.map(lambda position: _data_url(self.picture(position, "img")), missing)
            kept.update(zip(missing, made, strict=True))
        return [kept[position] for position in positions]


def stored_samples(
    folder: Path,
    about: dict[str, Any],
    test: pd.DataFrame,
    calibration_scores: NDArray[np.float64],
) -> SampleSet:
    """Return the samples of a finished cell; the last three as in ``FinishedCell``.

    Raises
    ------
    CellError
        If the maps are missing or damaged, or do not fit the scores.
    """
    path = folder / MAPS_FILE
    try:
        scale = Scale(float(about["scale"]["low"]), float(about["scale"]["high"]))
        size = (int(about["geometry"]["height"]), int(about["geometry"]["width"]))
        if not path.is_file() or leads_out(path, folder) or not _are_numbers(*_version(path)):
            raise ValueError
        maps = np.load(path, mmap_mode="r")
        if maps.shape != (len(test), *size):
            raise ValueError
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise CellError("cell_unreadable", path=path) from error

    def picture(position: int, kind: str) -> Image.Image | None:
        row = test.iloc[position]
        path = folder / picture_name(row["defect"], row["stem"], kind)
        if not path.is_file() or leads_out(path, folder):
            return None
        try:
            with Image.open(path) as file:
                whole = file.size == size[::-1] and file.mode == MODES[kind]
                return file.copy() if whole else None
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return None

    return SampleSet(test, calibration_scores, scale, maps, picture, _version(folder / CELL_FILE))


@st.cache_data(show_spinner=False, max_entries=64)
def _are_numbers(path: str, modified: int) -> bool:  # noqa: ARG001
    """Tell whether a file of maps holds finite numbers only."""
    maps = np.load(path, mmap_mode="r")
    return maps.dtype.kind == "f" and all(np.isfinite(one).all() for one in maps)


def _version(path: Path) -> tuple[str, int]:
    """Return what changes whenever the file does."""
    return str(path), path.stat().st_mtime_ns if path.exists() else 0


@st.cache_resource(show_spinner=False, max_entries=KEPT_CELLS)
def _thumbnails_of(stamp: object) -> dict[int, str]:  # noqa: ARG001
    return {}


def _data_url(picture: Image.Image | None) -> str:
    if picture is None:
        return ""
    picture.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=THUMBNAIL_QUALITY, optimize=True)
    return data_url(content.getvalue(), "jpeg")


def sample_names(table: pd.DataFrame) -> list[str]:
    """Return the samples' names as they stand in the URL: ``<defect>/<stem>``."""
    return [f"{defect}/{stem}" for defect, stem in zip(table["defect"], table["stem"], strict=True)]


def defect_names(table: pd.DataFrame) -> list[str]:
    """Return the defect types in the table, good first."""
    return sorted(set(table["defect"]), key=lambda name: (name != GOOD, name))
