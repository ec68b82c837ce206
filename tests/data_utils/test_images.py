"""Every pixel type a camera or a label tool may write is read as plain 8-bit RGB."""

from __future__ import annotations

import struct
import zlib
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
    may_be_picture,
    read_header,
    read_picture,
    read_thumbnail,
)
from data_utils.masks import read_mask

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
    picture = read_picture(path).image
    assert picture.mode == "RGB"
    return np.asarray(picture)


def marked(path: Path) -> list[list[bool]]:
    """Read a mask and check that it holds 0 and 255 only."""
    values = np.asarray(read_mask(path).image)
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
    "10 bits": (row(0, 512, 1023, dtype=np.uint16), "png tif", [[0, 128, 255]]),
    "12 bits": (row(0, 1024, 4095, dtype=np.uint16), "png tif", [[0, 64, 255]]),
    "signed 16 bits": (row(0, 32767, 16383, dtype=np.int16), "tif", [[0, 127, 64]]),
    "32 bits": (row(0, 100, 255, dtype=np.int32), "tif", [[0, 100, 255]]),
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
    assert marked(path) == (ramp() > 127).tolist()


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
        row(0, 236, 255),
        row(0, 1, 31),
        row(120, 140, 255),
        row(0, 40_000, 65535, dtype=np.uint16),
        row(False, True, True, dtype=bool),
        row([0, 0, 0], [0, 0, 255], [200, 0, 0]),
        row([0, 0, 0, 255], [0, 200, 0, 255], [255, 255, 255, 255]),
        row([0, 255], [200, 255], [255, 255]),
        palette(0, 0, 0, 255, 255, 255, 0, 0, 9),
    ],
    ids=[
        "gray",
        "labels",
        "noise",
        "16 bits",
        "1 bit",
        "rgb",
        "rgba",
        "gray with alpha",
        "palette",
    ],
)
def test_a_mask_marks_what_is_brighter_than_half_of_its_brightest_or_numbered(
    tmp_path: Path, stored: Image.Image
) -> None:
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
    pictures = ["000.png", "000.PNG", "a.jpeg", "a.JPG", "a.bmp", "a.tif", "a.webp", "a.JFIF"]
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


def written_tiff(path: Path, values: NDArray[Any], **tags: int) -> Path:
    """Write an uncompressed TIFF of one strip, ``[H, W]`` or planes ``[C, H, W]``."""
    planes = values if values.ndim == 3 else values[None]
    channels, height, width = planes.shape
    given = {
        256: width,
        257: height,
        258: values.dtype.itemsize * 8,
        259: 1,
        262: 1,
        273: 8,
        277: channels,
        278: height,
        279: values.nbytes,
        **{TIFF_TAGS[name]: value for name, value in tags.items()},
    }
    data = values.tobytes()
    entries = b"".join(
        struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(given.items())
    )
    head = struct.pack("<2sHI", b"II", 42, 8 + len(data))
    path.write_bytes(head + data + struct.pack("<H", len(given)) + entries + struct.pack("<I", 0))
    return path


TIFF_TAGS = {"black": 262, "planes": 284, "kind": 339}


@pytest.mark.parametrize(
    ("dtype", "channels", "tags", "words"),
    [
        ("<u2", 3, {"black": 2, "planes": 2}, "16-bit TIFF with separate planes"),
        ("<u2", 1, {"black": 0}, "16-bit TIFF in which 0 is white"),
        ("<f8", 1, {"kind": 3}, r"of a kind that is not read \(1 channels, 64 bits each\)"),
        ("u1", 5, {}, r"of a kind that is not read \(5 channels, 8 bits each\)"),
    ],
)
def test_kinds_of_tiff_that_would_be_garbled_are_refused_by_name(
    tmp_path: Path, dtype: str, channels: int, tags: dict[str, int], words: str
) -> None:
    values = np.arange(channels * 64).reshape(channels, 8, 8).astype(dtype)
    path = written_tiff(tmp_path / "kind.tif", values if channels > 1 else values[0], **tags)

    for read in (read_picture, read_header):
        with pytest.raises(UnreadableImageError, match=words):
            read(path)


def test_negative_values_are_refused_and_colours_that_lose_levels_are_named(tmp_path: Path) -> None:
    row(-5, 100, dtype=np.int32).save(tmp_path / "signed.tif")
    with pytest.raises(UnreadableImageError, match="save it as unsigned"):
        read_picture(tmp_path / "signed.tif")
    for name, largest in (("dim", 4095), ("bright", 65535)):
        colours = np.full((4, 4, 3), largest, ">u2")
        (tmp_path / f"{name}.png").write_bytes(png_of_deep_colours(colours))
        (told,) = map(str, read_header(tmp_path / f"{name}.png").remarks)
        assert told == "has 16 bits per colour, of which the upper 8 are read"
    (dim,) = map(str, read_picture(tmp_path / "dim.png").remarks)
    assert "save it as 8-bit, or as 16-bit gray" in dim
    assert not read_picture(tmp_path / "bright.png").remarks
    assert pixels(tmp_path / "bright.png").min() == 255


def png_of_deep_colours(colours: NDArray[Any]) -> bytes:
    """Return a PNG file with 16 bits per colour, which Pillow cannot write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    height, width, _ = colours.shape
    lines = b"".join(b"\0" + line.tobytes() for line in colours)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("suffix", ["tif", "webp", "png"])
def test_of_several_pages_only_the_first_is_looked_at_and_that_is_said(
    tmp_path: Path, suffix: str
) -> None:
    pages = [Image.new("RGB", (8, 8), colour) for colour in ("black", "white", "red")]
    path = tmp_path / f"pages.{suffix}"
    pages[0].save(path, save_all=True, append_images=pages[1:], lossless=True)

    assert [str(remark) for remark in read_header(path).remarks] == [
        "holds 3 pictures, of which only the first is looked at"
    ]
    assert pixels(path).max() == 0
    pages[0].save(path)
    assert not read_header(path).remarks


def test_what_may_be_a_picture_of_another_kind_is_told_from_what_is_none() -> None:
    assert all(may_be_picture(Path(name)) for name in ("a.HEIC", "a.webp", "a", "a.dng", "a.gif"))
    others = ("Thumbs.db", ".DS_Store", "desktop.ini", "notes.txt", "~$a.docx", "a.CSV")
    assert not any(may_be_picture(Path(name)) for name in others)


def test_suspicious_masks_are_named(tmp_path: Path) -> None:
    def remark(values: NDArray[np.uint8], suffix: str = "png") -> str:
        path = tmp_path / f"mask.{suffix}"
        Image.fromarray(values).save(path)
        return str(read_mask(path).remark or "")

    plain = np.zeros((64, 64), np.uint8)
    plain[20:40, 10:30] = 255
    noisy = np.random.default_rng(0).normal(plain, 6).clip(0, 255).astype(np.uint8)
    assert remark(plain) == ""
    assert remark(plain // 255) == ""
    assert "invert it" in remark(255 - plain)
    assert "what is brighter than half of the brightest is marked" in remark(noisy)
    assert "what is brighter than half" in remark(plain, "jpg")
    grades = plain.copy()
    grades[:10, :10], grades[50:, 50:] = 85, 170
    assert "what is brighter than half" in remark(grades)
    assert remark(np.arange(64 * 64).reshape(64, 64).astype(np.uint8) % 12) == ""
    read = np.asarray(read_mask(tmp_path / "mask.jpg").image) > 0
    assert abs(int(read.sum()) - int((plain > 0).sum())) < 10
    full = np.full((64, 64), 255, np.uint8)
    full[:, :20] = 0  # much is marked, but not all around
    assert remark(full) == ""
