"""Damaged pictures and masks: each is decoded or named, and none ends the reading of others."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_utils.mvtec import scan_category
from data_utils.pictures import load_pictures
from evaluation.settings import Settings
from tests.make_data import defective_picture, good_picture, save

PER_CATEGORY = 50
SIDE = 64
SPLITS = ("train/good", "test/good", "test/blot", "ground_truth/blot")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow complains too

Damage = Callable[[bytes, np.random.Generator], bytes]


def encoded(picture: Image.Image, suffix: str, **options: object) -> tuple[str, bytes]:
    """Return a picture's file as suffix and content."""
    file = io.BytesIO()
    kind = {".jpg": "JPEG", ".tif": "TIFF"}.get(suffix, suffix[1:].upper())
    picture.save(file, kind, **options)
    return suffix, file.getvalue()


def originals() -> list[tuple[str, bytes]]:
    """Return files of all kinds that the program reads."""
    picture = Image.fromarray(good_picture(np.random.default_rng(1), SIDE))
    deep = Image.fromarray(np.arange(SIDE * SIDE, dtype=np.uint16).reshape(SIDE, SIDE) * 16)
    exif = Image.Exif()
    exif[0x0112] = 6
    return [
        encoded(picture, ".png"),
        encoded(picture, ".png", exif=exif),
        encoded(picture.convert("P"), ".png"),
        encoded(picture.convert("LA"), ".png"),
        encoded(picture.convert("1"), ".png"),
        encoded(deep, ".png"),
        encoded(picture, ".jpg", exif=exif),
        encoded(picture, ".jpg", progressive=True),
        encoded(picture.convert("CMYK"), ".jpg"),
        encoded(picture, ".bmp"),
        encoded(picture.convert("P"), ".bmp"),
        encoded(picture, ".tif"),
        encoded(picture, ".tif", compression="tiff_lzw"),
        encoded(deep, ".tif"),
    ]


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: rng.integers(0, len(content))]


def spoiled(content: bytes, rng: np.random.Generator) -> bytes:
    values = np.frombuffer(content, np.uint8).copy()
    places = rng.integers(0, len(values), rng.integers(1, 30))
    values[places] = rng.integers(0, 256, len(places))
    return values.tobytes()


def spoiled_at_the_start(content: bytes, rng: np.random.Generator) -> bytes:
    return spoiled(content[:100], rng) + content[100:]


def shortened(content: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(0, len(content)))
    return content[:start] + content[start + int(rng.integers(1, 40)) :]


def lengthened(content: bytes, rng: np.random.Generator) -> bytes:
    at = int(rng.integers(0, len(content)))
    return content[:at] + rng.bytes(int(rng.integers(1, 400))) + content[at:]


def zeros_at_the_end(content: bytes, rng: np.random.Generator) -> bytes:
    at = int(rng.integers(0, len(content)))
    return content[:at] + bytes(len(content) - at)


def noise(content: bytes, rng: np.random.Generator) -> bytes:
    return rng.bytes(len(content))


DAMAGES: tuple[Damage, ...] = (
    cut,
    spoiled,
    spoiled_at_the_start,
    shortened,
    lengthened,
    zeros_at_the_end,
    noise,
)


def write_damaged(folder: Path, count: int, rng: np.random.Generator) -> list[Path]:
    """Write a usable category and `count` damaged files; return the damaged ones."""
    known, damaged = originals(), []
    save(good_picture(rng, SIDE), folder / "train" / "good" / "whole.png")
    save(good_picture(rng, SIDE), folder / "test" / "good" / "whole.png")
    bad, mask = defective_picture(rng, SIDE)
    save(bad, folder / "test" / "blot" / "whole.png")
    save(mask, folder / "ground_truth" / "blot" / "whole_mask.png")
    for number in range(count):
        suffix, content = known[rng.integers(len(known))]
        split = SPLITS[rng.integers(len(SPLITS))]
        if rng.random() < 0.1:
            suffix = known[rng.integers(len(known))][0]
        stem = f"{number:03}"
        if split.startswith("ground_truth"):
            save(bad, folder / "test" / "blot" / f"{stem}.png")
            stem += "_mask"
        path = folder / split / f"{stem}{suffix}"
        path.write_bytes(DAMAGES[rng.integers(len(DAMAGES))](content, rng))
        damaged.append(path)
    return damaged


def read_damaged(files: int, seed: int, base: Path) -> None:
    """Scan and load categories with `files` damaged files in all."""
    rng = np.random.default_rng(seed)
    named = decoded = 0
    for number in range(-(-files // PER_CATEGORY)):
        folder = base / f"category{number}"
        damaged = write_damaged(folder, min(PER_CATEGORY, files - number * PER_CATEGORY), rng)
        category = scan_category(base, folder.name)
        pictures = load_pictures(category, Settings().transform_for(category))
        found = {finding.path for finding in (*category.findings, *pictures.findings)}
        used = {str(path) for path in pictures.records["image_path"]}
        used |= {
            str(row.mask_path)
            for row in pictures.records.itertuples()
            if row.mask_path is not None and row.has_mask
        }

        assert pictures.images.dtype == np.uint8
        assert len(pictures.images) == len(pictures.records)
        assert {str(folder / split / "whole.png") for split in SPLITS[:3]} <= used
        for path in damaged:
            is_named, is_used = path.relative_to(base).as_posix() in found, str(path) in used
            assert is_named or is_used, path
            named, decoded = named + is_named, decoded + (is_used and not is_named)
    print(f"{files} damaged files: {named} named, {decoded} decoded all the same")
    assert named > files // 3


def test_three_hundred_damaged_files_are_named_or_decoded(tmp_path: Path) -> None:
    read_damaged(300, 0, tmp_path)


@pytest.mark.soak
def test_ten_thousand_damaged_files_are_named_or_decoded(tmp_path: Path) -> None:
    read_damaged(10_000, 1, tmp_path)
