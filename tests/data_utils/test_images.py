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
    picture_size,
    read_mask,
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
    """Return 0..255 on a 16 x 16 grid."""
    return np.arange(256).reshape(16, 16).astype(dtype)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_gray_is_repeated_in_all_three_channels(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"gray.{suffix}"
    Image.fromarray(ramp()).save(path)

    assert (pixels(path) == ramp()[..., None]).all()


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_rgb_is_kept_as_it_is(tmp_path: Path, suffix: str) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (9, 13, 3), dtype=np.uint8)
    path = tmp_path / f"colour.{suffix}"
    Image.fromarray(colours).save(path)

    assert (pixels(path) == colours).all()


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_sixteen_bits_are_mapped_by_one_fixed_scale(
    tmp_path: Path, suffix: str, order: str
) -> None:
    path = tmp_path / f"deep.{suffix}"
    Image.fromarray((ramp(np.uint32) * 257).astype(order)).save(path)

    assert (pixels(path) == ramp()[..., None]).all()
    assert pixels(path).max() == 255


def test_a_dark_sixteen_bit_picture_is_not_stretched(tmp_path: Path) -> None:
    path = tmp_path / "dark.png"
    Image.fromarray(np.full((4, 4), 514, np.uint16)).save(path)

    assert (pixels(path) == 2).all()


def test_sixteen_bit_values_are_rounded_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "rounded.png"
    Image.fromarray(np.array([[128, 129, 65534, 65406]], np.uint16)).save(path)

    assert pixels(path)[0, :, 0].tolist() == [0, 1, 255, 254]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_transparent_pixels_are_laid_on_white(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clear.{suffix}"
    red = [200, 0, 0]
    stored = np.array([[[*red, 255], [*red, 0], [*red, 128]]], np.uint8)
    Image.fromarray(stored).save(path)

    opaque, clear, half = pixels(path)[0].astype(int)

    assert opaque.tolist() == red
    assert clear.tolist() == [255, 255, 255]
    assert np.abs(half - [227, 127, 127]).max() <= 1


def test_gray_with_alpha_is_laid_on_white(tmp_path: Path) -> None:
    path = tmp_path / "gray_alpha.png"
    Image.fromarray(np.array([[[7, 255], [7, 0]]], np.uint8)).save(path)

    assert pixels(path)[0, :, 1].tolist() == [7, 255]


def test_palette_colours_are_looked_up(tmp_path: Path) -> None:
    path = tmp_path / "palette.png"
    picture = Image.fromarray(np.array([[0, 1, 2]], np.uint8), mode="P")
    picture.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    picture.save(path)

    assert pixels(path).tolist() == [[[10, 20, 30], [40, 50, 60], [70, 80, 90]]]


def test_the_transparent_entry_of_a_palette_becomes_white(tmp_path: Path) -> None:
    path = tmp_path / "palette.png"
    picture = Image.fromarray(np.array([[0, 1]], np.uint8), mode="P")
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.save(path, transparency=1)

    assert pixels(path).tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_the_transparent_colour_of_an_rgb_png_becomes_white(tmp_path: Path) -> None:
    path = tmp_path / "keyed.png"
    stored = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    Image.fromarray(stored).save(path, transparency=(4, 5, 6))

    assert pixels(path).tolist() == [[[1, 2, 3], [255, 255, 255]]]


def test_cmyk_jpeg_is_converted_to_its_colours(tmp_path: Path) -> None:
    path = tmp_path / "print.jpg"
    stored = np.zeros((32, 32, 4), np.uint8)
    stored[:, :16] = [0, 255, 255, 0]
    stored[:, 16:] = [255, 255, 0, 0]
    Image.fromarray(stored, mode="CMYK").save(path, quality=95)

    shown = pixels(path).astype(int)

    assert np.abs(shown[:, :12] - [255, 0, 0]).max() <= 8
    assert np.abs(shown[:, 20:] - [0, 0, 255]).max() <= 8


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_one_bit_pictures_become_black_and_white(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"bits.{suffix}"
    Image.fromarray(np.array([[True, False, True]])).save(path)

    assert pixels(path)[0, :, 2].tolist() == [255, 0, 255]


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
@pytest.mark.parametrize("orientation", AS_SHOWN)
@pytest.mark.parametrize("channels", [(3,), ()], ids=["colour", "gray"])
def test_a_rotation_noted_by_the_camera_is_applied(
    tmp_path: Path, suffix: str, orientation: int, channels: tuple[int, ...]
) -> None:
    stored = np.full((32, 64, *channels), 20, np.uint8)
    stored[:16, :16] = 230
    path = tmp_path / f"turned.{suffix}"
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    Image.fromarray(stored).save(path, exif=exif)
    expected = AS_SHOWN[orientation](stored)

    assert picture_size(path) == expected.shape[:2]
    assert pixels(path).shape[:2] == expected.shape[:2]
    assert np.abs(pixels(path).astype(int) - expected.reshape(*expected.shape[:2], -1)).mean() < 2


def with_chunks_moved_behind_the_pixels(png: bytes, kind: bytes) -> bytes:
    """Return a PNG file with its chunks of one kind just before its end."""
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
    assert picture_size(path) == (64, 32)


def test_the_size_of_a_png_is_read_without_its_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plain.png"
    Image.fromarray(np.zeros((64, 80), np.uint8)).save(path)
    decoded: list[Image.Image] = []
    monkeypatch.setattr(PngImageFile, "load", decoded.append)
    size = picture_size(path)

    assert size == (64, 80)
    assert decoded == []


@pytest.mark.parametrize("note", [b"Exif\0\0xx", b"Exif\0\0II*\0\x08\0\0\0\x01\0", b"nothing"])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_camera_notes_do_not_hide_a_good_picture(tmp_path: Path, note: bytes) -> None:
    path = tmp_path / "noted.png"
    Image.fromarray(ramp()).save(path, exif=note)

    assert picture_size(path) == (16, 16)
    assert (pixels(path) == ramp()[..., None]).all()
    assert marked(path) == (ramp() > 0).tolist()


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif"])
@pytest.mark.parametrize("read", [read_picture, read_mask])
def test_truncated_files_are_refused(
    tmp_path: Path, suffix: str, read: Callable[[Path], Image.Image]
) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / f"cut.{suffix}"
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(UnreadableImageError, match=r"^(cannot be (decoded|opened)|is not a pict)"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"this is no picture", b"\x89PNG\r\n\x1a\n"])
@pytest.mark.parametrize("read", [read_picture, read_mask, picture_size])
def test_fake_pictures_are_refused(
    tmp_path: Path, content: bytes, read: Callable[[Path], object]
) -> None:
    path = tmp_path / "fake.png"
    path.write_bytes(content)

    with pytest.raises(UnreadableImageError):
        read(path)


def test_a_missing_file_is_refused_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="cannot be opened"):
        read_picture(tmp_path / "gone.png")


def test_floating_point_pictures_are_refused_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "float.tif"
    Image.fromarray(np.ones((4, 4), np.float32)).save(path)

    with pytest.raises(UnreadableImageError, match="save it as 8- or 16-bit"):
        read_picture(path)


def test_picture_size_is_height_then_width(tmp_path: Path) -> None:
    path = tmp_path / "wide.png"
    Image.fromarray(np.zeros((3, 8), np.uint8)).save(path)

    assert picture_size(path) == (3, 8)


@pytest.mark.parametrize(
    "stored",
    [
        np.array([[0, 1, 255]], np.uint8),
        np.array([[0, 1, 65535]], np.uint16),
        np.array([[False, True, True]]),
        np.array([[[0, 0, 0], [0, 0, 1], [9, 0, 0]]], np.uint8),
        np.array([[[0, 0, 0, 255], [0, 1, 0, 255], [255, 255, 255, 255]]], np.uint8),
        np.array([[[0, 255], [1, 255], [255, 255]]], np.uint8),
    ],
    ids=["gray", "sixteen bit", "one bit", "rgb", "rgba", "gray with alpha"],
)
def test_a_mask_marks_whatever_is_above_zero(tmp_path: Path, stored: NDArray[Any]) -> None:
    path = tmp_path / "mask.png"
    Image.fromarray(stored).save(path)

    assert marked(path) == [[False, True, True]]


def test_a_palette_mask_is_read_by_its_colours_not_its_numbers(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    mask = Image.fromarray(np.array([[0, 1]], np.uint8), mode="P")
    mask.putpalette([255, 255, 255, 0, 0, 0])
    mask.save(path)

    assert marked(path) == [[True, False]]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_mask_is_turned_like_its_picture(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mask.{suffix}"
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = 6
    Image.fromarray(np.array([[255, 0, 0]], np.uint8)).save(path, exif=exif)

    assert marked(path) == [[True], [False], [False]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("000.png", True),
        ("000.PNG", True),
        ("a.jpeg", True),
        ("a.JPG", True),
        ("a.bmp", True),
        ("a.tiff", True),
        ("a.tif", True),
        ("a.gif", False),
        ("readme.txt", False),
        ("png", False),
        ("._000.png", False),
    ],
)
def test_pictures_are_known_by_their_names(name: str, expected: bool) -> None:
    assert is_picture(Path("folder") / name) is expected


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


def test_a_damaged_file_has_no_thumbnail(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with pytest.raises(UnreadableImageError):
        read_thumbnail(tmp_path / "picture.png", 100)
