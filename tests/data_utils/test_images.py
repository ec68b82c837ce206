"""Every pixel type a camera or a label tool may write is read as plain 8-bit RGB."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from data_utils.images import (
    UnreadableImageError,
    is_picture,
    read_header,
    read_picture,
    read_thumbnail,
)

ORIENTATION_TAG = 0x0112
AS_SHOWN: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: np.rot90(stored, 1),
}


def pixels(path: Path) -> NDArray[np.uint8]:
    """Read a picture as an array and check that it is 8-bit RGB."""
    picture = read_picture(path)
    assert picture.mode == "RGB"
    return np.asarray(picture)


def marked(path: Path) -> list[list[bool]]:
    """Read a mask and check that it holds 0 and 255 only."""
    values = np.asarray(read_mask(path))
    assert set(np.unique(values)) <= {0, 255}
    return (values > 0).tolist()


def ramp(dtype: Any = np.uint8) -> NDArray[Any]:
    return np.arange(256).reshape(16, 16).astype(dtype)


def palette(*entries: int) -> Image.Image:
    """Return a picture of one row that shows the entries of a palette from left to right."""
    picture = Image.fromarray(np.arange(len(entries) // 3, dtype=np.uint8)[None], mode="P")
    picture.putpalette(entries)
    return picture


def without(transparent: Any, picture: Image.Image) -> Image.Image:
    picture.info["transparency"] = transparent
    return picture


def row(*values: Any, dtype: Any = np.uint8) -> Image.Image:
    return Image.fromarray(np.array([values], dtype))


COLOURS = np.random.default_rng(0).integers(0, 256, (9, 13, 3), dtype=np.uint8)
DEEP = ramp(np.uint32) * 257
WHITE = [255, 255, 255]
PIXELS: dict[str, tuple[Image.Image, str, Any]] = {
    "gray": (Image.fromarray(ramp()), "png bmp tif", ramp()),
    "rgb": (Image.fromarray(COLOURS), "png bmp tif", COLOURS),
    "16 bits by one fixed scale": (Image.fromarray(DEEP.astype("<u2")), "png tif", ramp()),
    "16 bits, big-endian": (Image.fromarray(DEEP.astype(">u2")), "png tif", ramp()),
    "dark 16 bits": (row(514, 514, dtype=np.uint16), "png", [[2, 2]]),
    "16 bits are rounded": (row(128, 129, 65534, 65406, dtype="u2"), "png", [[0, 1, 255, 254]]),
    "1 bit": (row(True, False, True, dtype=bool), "png bmp tif", [[255, 0, 255]]),
    "gray with alpha": (row([7, 255], [7, 0]), "png", [[7, 255]]),
    "rgb with alpha": (
        row([200, 0, 0, 255], [200, 0, 0, 0], [200, 0, 0, 128]),
        *("png tif", [[[200, 0, 0], WHITE, [227, 127, 127]]]),
    ),
    "palette": (palette(10, 20, 30, 40, 50, 60), "png", [[[10, 20, 30], [40, 50, 60]]]),
    "palette with a transparent entry": (
        *(without(1, palette(10, 20, 30, 40, 50, 60)), "png", [[[10, 20, 30], WHITE]]),
    ),
    "rgb with a transparent colour": (
        *(without((4, 5, 6), row([1, 2, 3], [4, 5, 6])), "png", [[[1, 2, 3], WHITE]]),
    ),
}


@pytest.mark.parametrize(("stored", "suffixes", "expected"), PIXELS.values(), ids=PIXELS.keys())
def test_every_pixel_type_is_read_as_its_colours_on_white(
    tmp_path: Path, stored: Image.Image, suffixes: str, expected: Any
) -> None:
    wanted = np.asarray(expected)
    for suffix in suffixes.split():
        path = tmp_path / f"picture.{suffix}"
        stored.save(path)

        assert (pixels(path) == (wanted if wanted.ndim == 3 else wanted[..., None])).all()


def test_cmyk_jpeg_is_converted_to_its_colours(tmp_path: Path) -> None:
    path = tmp_path / "print.jpg"
    stored = np.zeros((32, 32, 4), np.uint8)
    stored[:, :16] = [0, 255, 255, 0]
    stored[:, 16:] = [255, 255, 0, 0]
    Image.fromarray(stored, mode="CMYK").save(path, quality=95)

    shown = pixels(path).astype(int)

    assert np.abs(shown[:, :12] - [255, 0, 0]).max() <= 8
    assert np.abs(shown[:, 20:] - [0, 0, 255]).max() <= 8


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
@pytest.mark.parametrize("channels", [(3,), ()], ids=["colour", "gray"])
def test_a_rotation_noted_by_the_camera_is_applied(
    tmp_path: Path, suffix: str, channels: tuple[int, ...]
) -> None:
    stored = np.full((32, 64, *channels), 20, np.uint8)
    stored[:16, :16] = 230
    path = tmp_path / f"turned.{suffix}"
    for orientation, as_shown in AS_SHOWN.items():
        exif = Image.Exif()
        exif[ORIENTATION_TAG] = orientation
        Image.fromarray(stored).save(path, exif=exif)
        expected = as_shown(stored)
        expected = expected if channels else expected[..., None]

        assert read_header(path).size == pixels(path).shape[:2] == expected.shape[:2]
        assert np.abs(pixels(path).astype(int) - expected).mean() < 2


def with_chunks_moved_behind_the_pixels(png: bytes, kind: bytes) -> bytes:
    chunks, at = [], 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        chunks.append(png[at : at + length + 12])
        at += length + 12
    moved = [chunk for chunk in chunks if chunk[4:8] == kind]
    kept = [chunk for chunk in chunks if chunk[4:8] != kind]
    return png[:8] + b"".join([*kept[:-1], *moved, kept[-1]])


def test_a_rotation_noted_behind_the_pixels_of_a_png_is_found(tmp_path: Path) -> None:
    path = tmp_path / "turned.png"
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = 6
    Image.fromarray(np.zeros((32, 64), np.uint8)).save(path, exif=exif)
    moved = with_chunks_moved_behind_the_pixels(path.read_bytes(), b"eXIf")
    path.write_bytes(moved)

    assert moved.index(b"IDAT") < moved.index(b"eXIf")
    assert read_header(path).size == (64, 32)


def test_the_size_of_a_png_is_read_without_its_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plain.png"
    Image.fromarray(np.zeros((64, 80), np.uint8)).save(path)
    decoded: list[Image.Image] = []
    monkeypatch.setattr(PngImageFile, "load", decoded.append)
    size = read_header(path).size

    assert size == (64, 80)
    assert decoded == []


@pytest.mark.parametrize("note", [b"Exif\0\0xx", b"Exif\0\0II*\0\x08\0\0\0\x01\0", b"nothing"])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_camera_notes_do_not_hide_a_good_picture(tmp_path: Path, note: bytes) -> None:
    path = tmp_path / "noted.png"
    Image.fromarray(ramp()).save(path, exif=note)

    assert read_header(path).size == (16, 16)
    assert (pixels(path) == ramp()[..., None]).all()
    assert marked(path) == (ramp() > 0).tolist()


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif"])
def test_truncated_files_are_refused(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / f"cut.{suffix}"
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    for read in (read_picture, read_mask, lambda path: read_thumbnail(path, 100)):
        with pytest.raises(UnreadableImageError, match=r"^cannot be|^is not"):
            read(path)


@pytest.mark.parametrize("content", [b"", b"this is no picture", b"\x89PNG\r\n\x1a\nnothing"])
def test_fake_pictures_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fake.png"
    path.write_bytes(content)

    for read in (read_picture, read_mask, read_header, lambda path: read_thumbnail(path, 100)):
        with pytest.raises(UnreadableImageError):
            read(path)
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "float.tif")
    with pytest.raises(UnreadableImageError, match="save it as 8- or 16-bit"):
        read_picture(tmp_path / "float.tif")
    with pytest.raises(UnreadableImageError, match="cannot be opened"):
        read_picture(tmp_path / "gone.png")


@pytest.mark.parametrize(
    "stored",
    [
        row(0, 1, 255),
        row(0, 1, 65535, dtype=np.uint16),
        row(False, True, True, dtype=bool),
        row([0, 0, 0], [0, 0, 1], [9, 0, 0]),
        row([0, 0, 0, 255], [0, 1, 0, 255], [255, 255, 255, 255]),
        row([0, 255], [1, 255], [255, 255]),
        palette(0, 0, 0, 255, 255, 255, 0, 0, 9),
    ],
    ids=["gray", "16 bits", "1 bit", "rgb", "rgba", "gray with alpha", "palette"],
)
def test_a_mask_marks_whatever_is_above_zero(tmp_path: Path, stored: Image.Image) -> None:
    path = tmp_path / "mask.png"
    stored.save(path)

    assert marked(path) == [[False, True, True]]
    palette(255, 255, 255, 0, 0, 0).save(path)  # by its colours, not its numbers
    assert marked(path) == [[True, False]]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_mask_is_turned_like_its_picture(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mask.{suffix}"
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = 6
    Image.fromarray(np.array([[255, 0, 0]], np.uint8)).save(path, exif=exif)

    assert marked(path) == [[True], [False], [False]]


def test_pictures_are_known_by_their_names() -> None:
    pictures = ["000.png", "000.PNG", "a.jpeg", "a.JPG", "a.bmp", "a.tiff", "a.tif"]
    others = ["a.gif", "readme.txt", "png", "._000.png"]

    assert all(is_picture(Path("folder") / name) for name in pictures)
    assert not any(is_picture(Path("folder") / name) for name in others)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif"])
def test_a_thumbnail_fits_and_keeps_the_shape_and_the_colours(tmp_path: Path, suffix: str) -> None:
    halves = np.zeros((400, 800, 3), np.uint8)
    halves[:, 400:] = (200, 100, 50)
    Image.fromarray(halves).save(tmp_path / f"picture{suffix}")
    small = read_thumbnail(tmp_path / f"picture{suffix}", 100)

    assert small.size == (100, 50)
    assert small.mode == "RGB"
    np.testing.assert_allclose(np.asarray(small)[25, 90], (200, 100, 50), atol=6)
    np.testing.assert_allclose(np.asarray(small)[25, 10], (0, 0, 0), atol=6)
