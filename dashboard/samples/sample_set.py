"""The test samples of one cell, from disk or from this session, behind one interface."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from dashboard.fitting import Scored
from dashboard.samples.thumbnails import session_thumbnails, stored_thumbnails
from data_utils.locations import leads_out
from data_utils.mvtec import GOOD
from evaluation.cells import MAPS_FILE, CellError
from evaluation.heatmap import Scale, heat, overlay
from evaluation.pictures import picture_name

ORDERS = ("name", "score", "mistakes")
MODES = {"img": "RGB", "gt": "L"}


@dataclass(frozen=True)
class Panels:
    """What is shown of one sample; None where the file is missing or damaged.

    Attributes
    ----------
    image, heatmap, overlay : uint8 [H, W, 3]
    truth : uint8 [H, W], white where there is a defect, or None without a mask
    anomaly_map : float32 [H, W]
        Raw scores.
    """

    image: NDArray[np.uint8] | None
    truth: NDArray[np.uint8] | None
    heatmap: NDArray[np.uint8] | None
    overlay: NDArray[np.uint8] | None
    anomaly_map: NDArray[np.float32]


class SampleSet(Protocol):
    """Test samples with their scores.

    Attributes
    ----------
    table : DataFrame
        One row per test picture: ``defect, stem, label, score, has_mask``, index 0..T-1.
    calibration_scores : float64 [K]
        Scores of held-out good pictures.
    scale : Scale
        The fixed colour scale.
    size : (int, int)
        Height and width of every picture.
    """

    table: pd.DataFrame
    calibration_scores: NDArray[np.float64]
    scale: Scale
    size: tuple[int, int]

    def panels(self, position: int) -> Panels:
        """Return the pictures of the sample at `position` of the table."""
        ...

    def thumbnails(self, positions: Sequence[int]) -> list[str]:
        """Return small pictures as data URLs, "" where a file is missing or damaged."""
        ...


class StoredSamples:
    """Samples of a finished cell.

    Raises
    ------
    CellError
        If the maps are missing or damaged, or do not fit the scores.
    """

    def __init__(self, folder: Path, cell: dict[str, Any], scores: pd.DataFrame) -> None:
        self._folder = folder
        self.table = scores[scores["split"] == "test"].reset_index(drop=True)
        held_out = scores[scores["split"] == "calibration"]
        self.calibration_scores = held_out["score"].to_numpy(np.float64)
        try:
            self.scale = Scale(float(cell["scale"]["low"]), float(cell["scale"]["high"]))
            noted = cell["geometry"]
            self.size = (int(noted["height"]), int(noted["width"]))
            path = folder / MAPS_FILE
            inside = path.is_file() and not leads_out(path, folder)
            whole = inside and _are_numbers(str(path), path.stat().st_mtime_ns)
            if whole:
                self._maps = np.load(path, mmap_mode="r")
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise CellError(
                f"The maps in {folder} are missing or damaged; evaluate this cell again."
            ) from error
        if not whole:
            raise CellError(
                f"The maps in {folder} are missing or damaged; evaluate this cell again."
            )
        if self._maps.shape != (len(self.table), *self.size):
            raise CellError(f"The maps in {folder} do not fit its scores; evaluate it again.")

    def panels(self, position: int) -> Panels:
        """Return the pictures of the sample at `position` of the table."""
        row = self.table.iloc[position]
        image = self._picture(row["defect"], row["stem"], "img")
        truth = self._picture(row["defect"], row["stem"], "gt") if row["has_mask"] else None
        anomaly_map = np.asarray(self._maps[position], np.float32)
        return Panels(
            image=image,
            truth=truth,
            heatmap=heat(anomaly_map, self.scale),
            overlay=overlay(image, anomaly_map, self.scale) if image is not None else None,
            anomaly_map=anomaly_map,
        )

    def thumbnails(self, positions: Sequence[int]) -> list[str]:
        """Return small pictures as data URLs, "" where a file is missing or damaged."""
        return stored_thumbnails(self._folder, positions, self._image_file)

    def _image_file(self, position: int) -> Path:
        row = self.table.iloc[position]
        return self._folder / picture_name(row["defect"], row["stem"], "img")

    def _picture(self, defect: str, stem: str, kind: str) -> NDArray[np.uint8] | None:
        path = self._folder / picture_name(defect, stem, kind)
        if not path.is_file() or leads_out(path, self._folder):
            return None
        try:
            with Image.open(path) as picture:
                height, width = self.size
                if picture.size != (width, height) or picture.mode != MODES[kind]:
                    return None
                return np.asarray(picture)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return None


@st.cache_data(show_spinner=False, max_entries=64)
def _are_numbers(path: str, modified: int) -> bool:  # noqa: ARG001
    """Tell whether a file of maps holds finite numbers only."""
    maps = np.load(path, mmap_mode="r")
    return maps.dtype.kind == "f" and all(np.isfinite(one).all() for one in maps)


class SessionSamples:
    """Samples scored in this session."""

    def __init__(self, scored: Scored) -> None:
        self._scored = scored
        columns = ["defect", "stem", "label", "has_mask"]
        self.table = scored.records[columns].assign(score=scored.result.scores)
        self.calibration_scores = scored.calibration.result.scores.astype(np.float64)
        self.scale = scored.scale
        self.size = (int(scored.images.shape[1]), int(scored.images.shape[2]))

    def panels(self, position: int) -> Panels:
        """Return the pictures of the sample at `position` of the table."""
        image = self._scored.images[position]
        anomaly_map = self._scored.result.maps[position]
        mask = np.where(self._scored.masks[position], np.uint8(255), np.uint8(0))
        return Panels(
            image=image,
            truth=mask if self.table.iloc[position]["has_mask"] else None,
            heatmap=heat(anomaly_map, self.scale),
            overlay=overlay(image, anomaly_map, self.scale),
            anomaly_map=anomaly_map,
        )

    def thumbnails(self, positions: Sequence[int]) -> list[str]:
        """Return small pictures as data URLs."""
        return session_thumbnails(self._scored.images, positions)


def ordered(table: pd.DataFrame, defect: str, order: str, threshold: float) -> list[int]:
    """Return the positions to show, in order.

    Parameters
    ----------
    table : DataFrame
        The test pictures, index 0..T-1.
    defect : str
        Only this defect type; "" for all.
    order : str
        ``name``: good first, then by defect and name; ``score``: highest score first;
        ``mistakes``: what is farthest on the wrong side of the threshold first.
    threshold : float
        For ``mistakes``; may be NaN (see ``wrongness``).
    """
    if order == "score":
        table = table.sort_values("score", ascending=False, kind="stable")
    elif order == "mistakes":
        table = table.assign(
            wrong=is_wrong(table, threshold), by=wrongness(table, threshold)
        ).sort_values(["wrong", "by"], ascending=False, kind="stable")
    chosen = table[table["defect"] == defect] if defect else table
    return [int(position) for position in chosen.index]


def is_wrong(table: pd.DataFrame, threshold: float) -> NDArray[np.bool_]:
    """Tell which pictures are missed defects or false alarms; none without a threshold."""
    if math.isnan(threshold):
        return np.zeros(len(table), bool)
    reported = table["score"].to_numpy(np.float64) > threshold
    return reported != (table["label"].to_numpy() > 0)


def wrongness(table: pd.DataFrame, threshold: float) -> NDArray[np.float64]:
    """Return how far each picture is on the wrong side of the threshold, float64 ``[T]``.

    Negative on the right side. In units of the score; where there is no threshold, in ranks
    beyond the place where the ranking would part the good pictures from the defective ones.
    """
    scores = table["score"].to_numpy(np.float64)
    good = table["label"].to_numpy() == 0
    if math.isnan(threshold):
        distance = table["score"].rank().to_numpy(np.float64) - (good.sum() + 0.5)
    else:
        distance = scores - threshold
    return np.where(good, distance, -distance)


def sample_name(table: pd.DataFrame, position: int) -> str:
    """Return the name of a sample as it stands in the URL: ``<defect>/<stem>``."""
    row = table.iloc[position]
    return f"{row['defect']}/{row['stem']}"


def sample_names(table: pd.DataFrame) -> list[str]:
    """Return the names of all samples (see ``sample_name``)."""
    return [f"{row.defect}/{row.stem}" for row in table[["defect", "stem"]].itertuples()]


def defect_names(table: pd.DataFrame) -> list[str]:
    """Return the defect types in the table, good first."""
    names = sorted(set(table["defect"]), key=lambda name: (name != GOOD, name))
    return [str(name) for name in names]
