"""The original file of a test picture lies in register with what was evaluated."""

from __future__ import annotations

import io
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from data_utils.transform import Transform
from evaluation.store.originals import MOST_BYTES, Detail, detail, original

FILE = "part/test/blot/000.png"
ROW = pd.Series({"file": FILE})
SHAPES = [
    pytest.param((900, 900), Transform(224, 224), id="square"),
    pytest.param((1200, 700), Transform(160, 288), id="wide"),
    pytest.param((1000, 1000), Transform(224, 224, 256), id="square, cropped"),
    pytest.param((1201, 701), Transform(224, 224, 256), id="wide, cropped"),
    pytest.param((601, 1003), Transform(96, 128, 256), id="tall, cropped"),
]


def about(root: Path, geometry: Transform) -> dict[str, Any]:
    return {"data_root": str(root), "geometry": asdict(geometry)}


def saved(root: Path, picture: Image.Image, file: str = FILE) -> Path:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
    return path


def found(root: Path, picture: Image.Image, geometry: Transform) -> Detail:
    """Save a picture as an original; return its detail."""
    saved(root, picture)
    own = original(about(root, geometry), ROW)
    assert own is not None
    made = detail(own, geometry.picture(picture))
    assert made is not None
    return made


def brightest(picture: Image.Image) -> tuple[float, float]:
    """Return the middle of what is bright, as x and y in pixels."""
    rows, columns = np.nonzero(np.asarray(picture.convert("L")) > 128)
    return float(columns.mean() + 0.5), float(rows.mean() + 0.5)


@pytest.mark.parametrize(("size", "geometry"), SHAPES)
@pytest.mark.parametrize("corner", [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_a_mark_in_a_corner_lies_where_it_was_evaluated(
    tmp_path: Path, size: tuple[int, int], geometry: Transform, corner: tuple[int, int]
) -> None:
    side = max(size) // 25
    left, top, right, bottom = geometry.kept(size)
    x = right - 2 * side if corner[0] else left + side
    y = bottom - 2 * side if corner[1] else top + side
    picture = Image.new("RGB", size)
    picture.paste("white", (x, y, x + side, y + side))
    made = found(tmp_path, picture, geometry)
    shown = Image.open(io.BytesIO(made.jpeg))
    across, down = made.width / shown.width, made.height / shown.height
    seen = brightest(shown)
    evaluated = brightest(Image.fromarray(geometry.picture(picture)))

    assert made.x + seen[0] * across == pytest.approx(evaluated[0], abs=0.5)
    assert made.y + seen[1] * down == pytest.approx(evaluated[1], abs=0.5)
    assert across < 1
    assert down < 1


@pytest.mark.parametrize(("size", "geometry"), SHAPES)
def test_a_pixel_of_the_maps_is_said_in_pixels_of_the_original(
    tmp_path: Path, size: tuple[int, int], geometry: Transform
) -> None:
    saved(tmp_path, Image.new("RGB", size))
    own = original(about(tmp_path, geometry), ROW)
    assert own is not None
    left, top, right, bottom = geometry.kept(size)
    ends = (own.left + geometry.width * own.across, own.top + geometry.height * own.down)
    assert (own.left, own.top, *ends) == pytest.approx((left, top, right, bottom), abs=0.51)


def test_a_file_that_is_not_what_was_evaluated_is_not_shown(tmp_path: Path) -> None:
    geometry = Transform(64, 64)
    picture = Image.effect_noise((200, 200), 40).convert("RGB")
    seen = geometry.picture(picture)
    path = saved(tmp_path, picture)
    for change in (
        lambda: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(path),
        lambda: path.write_bytes(b"nothing"),
        path.unlink,
    ):
        picture.save(path)
        own = original(about(tmp_path, geometry), ROW)
        assert own is not None
        assert detail(own, seen) is not None
        change()
        assert detail(own, seen) is None
    assert original(about(tmp_path, geometry), ROW) is None


@pytest.mark.parametrize("file", ["", "../secret.png", "part/../../secret.png", "{secret}", "part"])
def test_no_name_leads_out_of_the_data_folder(tmp_path: Path, file: str) -> None:
    secret = saved(tmp_path, Image.new("RGB", (64, 64)), "secret.png")
    (tmp_path / "data" / "part").mkdir(parents=True)
    row = pd.Series({"file": file.format(secret=secret)})
    assert original(about(tmp_path / "data", Transform(64, 64)), row) is None


def test_a_folder_that_is_not_open_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path / "data", Image.new("RGB", (64, 64)))
    given = about(tmp_path / "data", Transform(64, 64))
    monkeypatch.setenv("MVTEC_ALLOWED_ROOTS", str(tmp_path / "other"))
    assert original(given, ROW) is None
    monkeypatch.setenv("MVTEC_ALLOWED_ROOTS", os.pathsep.join([str(tmp_path / "data")]))
    assert original(given, ROW) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"geometry": {}},
        {"geometry": {"height": 1, "width": 1}},
        {"geometry": {"height": 64, "width": 64, "more": 1}},
        {"data_root": "/no/such/folder"},
        {"data_root": "a\0b"},
    ],
)
def test_where_geometry_or_folder_cannot_be_there_is_no_original(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    saved(tmp_path, Image.new("RGB", (64, 64)))
    assert original(about(tmp_path, Transform(64, 64)) | changes, ROW) is None
    assert original(about(tmp_path, Transform(64, 64)), pd.Series({"stem": "0"})) is None


def test_a_large_noisy_picture_is_sent_smaller_and_covers_the_same(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1800, 2000, 3), np.uint8)
    made = found(tmp_path, Image.fromarray(noise), Transform(224, 256))
    assert MOST_BYTES / 4 < len(made.jpeg) <= MOST_BYTES
    shown = Image.open(io.BytesIO(made.jpeg))
    assert shown.width < 2000
    assert shown.width / shown.height == pytest.approx(2000 / 1800, rel=0.01)
    assert (made.x, made.y, made.width, made.height) == pytest.approx((0, 0, 256, 224))
