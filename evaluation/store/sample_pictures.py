"""The four PNG files of every test picture."""

from __future__ import annotations

import hashlib
import os
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from isal import isal_zlib
from numpy.typing import NDArray

from data_utils.locations import pool_threads
from evaluation.store.heatmap import Scale, gray, overlay
from evaluation.store.places import CellError

KINDS = ("img", "gt", "map", "overlay")
NO_MASK_GRAY = 128
LONGEST_NAME = 255  # bytes; what file systems take
WRITE_THREADS = pool_threads()


def picture_name(defect: str, stem: str, kind: str) -> str:
    """Return the file name of one picture of a test sample.

    A sample whose name is too long for a file system is cut and told apart by a hash.
    """
    sample = f"{defect}_{stem}"
    room = LONGEST_NAME - len(f"_{max(KINDS, key=len)}.png")
    if len(sample.encode()) > room:
        digest = hashlib.blake2b(sample.encode(), digest_size=8).hexdigest()
        kept = sample.encode()[: room - len(digest) - 1].decode(errors="ignore")
        sample = f"{kept}~{digest}"
    return f"{sample}_{kind}.png"


def check_names(records: pd.DataFrame) -> None:
    """Raise CellError if two samples share files (``a`` / ``b_c`` and ``a_b`` / ``c``)."""
    names = (records["defect"] + "_" + records["stem"]).map(os.path.normcase)
    for name in names[names.duplicated()]:
        raise CellError("same_file_twice", name=name)


@dataclass(frozen=True)
class SampleFiles:
    """The PNG files that are the same for every method, one per test picture.

    Attributes
    ----------
    images, truths : list of bytes
    seconds : float
        What encoding them took.
    """

    images: list[bytes]
    truths: list[bytes]
    seconds: float


def encode_samples(
    records: pd.DataFrame, images: NDArray[np.uint8], masks: NDArray[np.bool_]
) -> SampleFiles:
    """Encode every test picture and its ground truth.

    The ground truth is white where there is a defect; a defective picture without a usable
    mask gets a plain gray one, because black would say "no defect".
    """
    started = time.perf_counter()

    def truth(position: int) -> bytes:
        if not records["has_mask"].iat[position]:
            return png(np.full(masks.shape[1:], NO_MASK_GRAY, np.uint8))
        return png(np.where(masks[position], np.uint8(255), np.uint8(0)))

    with ThreadPoolExecutor(WRITE_THREADS) as pool:
        encoded = list(pool.map(png, images))
        truths = list(pool.map(truth, range(len(records))))
    return SampleFiles(encoded, truths, time.perf_counter() - started)


def write_pictures(
    folder: Path,
    records: pd.DataFrame,
    samples: SampleFiles,
    images: NDArray[np.uint8],
    maps: NDArray[np.float32],
    scale: Scale,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write picture, ground truth, map and overlay of every test sample."""

    def write(position: int) -> None:
        row = records.iloc[position]
        files = {
            "img": samples.images[position],
            "gt": samples.truths[position],
            "map": png(gray(maps[position], scale)),
            "overlay": png(overlay(images[position], maps[position], scale)),
        }
        for kind, file in files.items():
            (folder / picture_name(row["defect"], row["stem"], kind)).write_bytes(file)

    with ThreadPoolExecutor(WRITE_THREADS) as pool:
        for done, _ in enumerate(pool.map(write, range(len(records))), start=1):
            if progress is not None:
                progress(done, len(records))


SIGNATURE = b"\x89PNG\r\n\x1a\n"
UP = 2
BIT_DEPTH = 8
COLOUR_TYPES = {1: 0, 3: 2, 4: 6}  # by channels: gray, RGB, RGBA
COMPRESSION = 1  # the quickest


def png(panel: NDArray[np.uint8]) -> bytes:
    """Return a picture as the content of a PNG file.

    Parameters
    ----------
    panel : uint8 [H, W], [H, W, 3] or, with opacity, [H, W, 4]
    """
    height, width = panel.shape[:2]
    rows = panel.reshape(height, -1)
    filtered = np.empty((height, 1 + rows.shape[1]), np.uint8)
    filtered[:, 0] = UP
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    colour_type = COLOUR_TYPES[rows.shape[1] // width]
    header = struct.pack(">2I5B", width, height, BIT_DEPTH, colour_type, 0, 0, 0)
    return b"".join(
        (
            SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", isal_zlib.compress(filtered.data, COMPRESSION)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = isal_zlib.crc32(content, isal_zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(content)), kind, content, struct.pack(">I", checksum)))
