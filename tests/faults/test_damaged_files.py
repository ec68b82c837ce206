"""Damaged pictures and masks: each is decoded or named, and none ends the reading of others."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_utils.mvtec import scan_category
from data_utils.pictures import load_pictures
from evaluation.store.settings import Settings
from tests.make_data import defective_picture, good_picture, save

PER_CATEGORY = 50
SIDE = 64
SPLITS = ("train/good", "test/good", "test/blot", "ground_truth/blot")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow complains too


def encoded(picture: Image.Image, suffix: str, **options: object) -> tuple[str, bytes]:
    file = io.BytesIO()
    kind = {".jpg": "JPEG", ".tif": "TIFF"}.get(suffix, suffix[1:].upper())
    picture.save(file, kind, **options)
    return suffix, file.getvalue()


def originals() -> list[tuple[str, bytes]]:
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


def spoiled(content: bytes, rng: np.random.Generator) -> bytes:
    values = np.frombuffer(content, np.uint8).copy()
    places = rng.integers(0, len(values), rng.integers(1, 30))
    values[places] = rng.integers(0, 256, len(places))
    return values.tobytes()


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a file's content after one of seven accidents."""
    at = int(rng.integers(0, len(content)))
    return (
        lambda: content[:at],
        lambda: spoiled(content, rng),
        lambda: spoiled(content[:100], rng) + content[100:],
        lambda: content[:at] + content[at + int(rng.integers(1, 40)) :],
        lambda: content[:at] + rng.bytes(int(rng.integers(1, 400))) + content[at:],
        lambda: content[:at] + bytes(len(content) - at),
        lambda: rng.bytes(len(content)),
    )[rng.integers(7)]()


def write_damaged(folder: Path, rng: np.random.Generator) -> list[Path]:
    """Write a usable category and damaged files; return the damaged ones."""
    known, written = originals(), []
    save(good_picture(rng, SIDE), folder / "train" / "good" / "whole.png")
    save(good_picture(rng, SIDE), folder / "test" / "good" / "whole.png")
    bad, mask = defective_picture(rng, SIDE)
    save(bad, folder / "test" / "blot" / "whole.png")
    save(mask, folder / "ground_truth" / "blot" / "whole_mask.png")
    for number in range(PER_CATEGORY):
        suffix, content = known[rng.integers(len(known))]
        split = SPLITS[rng.integers(len(SPLITS))]
        if rng.random() < 0.1:
            suffix = known[rng.integers(len(known))][0]
        stem = f"{number:03}"
        if split.startswith("ground_truth"):
            save(bad, folder / "test" / "blot" / f"{stem}.png")
            stem += "_mask"
        path = folder / split / f"{stem}{suffix}"
        path.write_bytes(damaged(content, rng))
        written.append(path)
    return written


@pytest.mark.parametrize("files", [300, pytest.param(10_000, marks=pytest.mark.soak)])
def test_damaged_files_are_named_or_decoded(tmp_path: Path, files: int) -> None:
    rng = np.random.default_rng(files)
    named = 0
    for number in range(files // PER_CATEGORY):
        folder = tmp_path / f"category{number}"
        written = write_damaged(folder, rng)
        category = scan_category(tmp_path, folder.name)
        pictures = load_pictures(category, Settings().transform_for(category))
        found = {finding.path for finding in (*category.findings, *pictures.findings)}
        used = {str(path) for path in pictures.records["image_path"]}
        masks = pictures.records.loc[pictures.records["has_mask"], "mask_paths"]
        used |= {str(path) for paths in masks for path in paths}

        assert pictures.images.dtype == np.uint8
        assert len(pictures.images) == len(pictures.records)
        assert {str(folder / split / "whole.png") for split in SPLITS[:3]} <= used
        for path in written:
            is_named = path.relative_to(tmp_path).as_posix() in found
            assert is_named or str(path) in used, path
            named += is_named
    assert named > files // 3
