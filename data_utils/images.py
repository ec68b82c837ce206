"""Reading one picture or one mask, whatever its pixel type."""

from __future__ import annotations

import os
import stat
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngImageFile

from data_utils.facts import Fact, Fault, fact

FORMATS = {".png": "PNG", ".bmp": "BMP"}
FORMATS |= {".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}
IMAGE_SUFFIXES = frozenset(FORMATS)
DECODED_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF")  # whatever the file is called
MOST_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 0)  # Pillow opens no file with more
LONGEST_SHAPE = 50
SIXTEEN_BIT_MODES = frozenset({"I;16", "I;16L", "I;16B", "I"})
EXIF_ORIENTATION = 0x0112
QUARTER_TURNS = frozenset({5, 6, 7, 8})
PNG_SIGNATURE_BYTES = 8
PNG_NOTES = frozenset({b"eXIf", b"iTXt", b"tEXt", b"zTXt"})


# Pillow warns of damage and of size; where either matters, the file is refused in a sentence.
# For some damaged TIFFs libtiff writes a line of its own to standard error. Nothing in Pillow stops
# it, and turning the whole process's standard error away would hide what other threads say.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class UnreadableImageError(Fault):
    """A file that cannot be decoded; what is told leaves its path out."""


class Header(NamedTuple):
    """What a file says of itself before its pixels are decoded."""

    size: tuple[int, int]  # height and width in pixels, as the picture is shown
    remarks: list[Fact]  # what is unusual about a file that is read all the same


def is_picture(path: Path) -> bool:
    """Tell whether the file name looks like a picture this program reads."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def stored_size(path: Path | IO[bytes]) -> tuple[int, int]:
    """Read ``(height, width)`` in pixels as they are stored; fails as ``read_header`` does."""
    with _opened(path) as picture:
        return picture.height, picture.width


def read_header(path: Path | IO[bytes]) -> Header:
    """Read what a file says of itself, without decoding its pixels.

    Raises
    ------
    UnreadableImageError
        If the file is no picture, cannot be opened, has more pixels than are read, or is more
        than 50 times as long as wide.
    """
    with _opened(path) as picture:
        width, height = picture.size
        # Pillow itself gives the size of a TIFF as it is shown.
        turned = picture.format != "TIFF" and _noted_orientation(picture) in QUARTER_TURNS
        return Header((width, height) if turned else (height, width), _remarks(path, picture))


def read_picture(path: Path | IO[bytes]) -> Image.Image:
    """Decode a picture to 8-bit RGB.

    Gray, palette and CMYK pictures are converted; transparent ones are laid on white; 16-bit
    values 0..65535 are mapped linearly to 0..255 (one fixed scale, so that pictures of one
    category stay comparable). A rotation noted by the camera is applied.

    Raises
    ------
    UnreadableImageError
        If the file cannot be decoded, or holds floating-point pixels.
    """
    with _decoded(path) as opened:
        return _to_rgb(_upright(opened))


def read_thumbnail(path: Path, side: int) -> Image.Image:
    """Decode a picture as ``read_picture`` does, reduced to fit into `side` x `side` pixels.

    JPEG files are decoded at a reduced size, which is several times faster.
    """
    with _decoded(path) as opened:
        opened.draft(None, (side, side))
        picture = _to_rgb(_upright(opened))
        picture.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
        return picture


def read_mask(path: Path) -> Image.Image:
    """Decode a mask to mode L with 255 where any channel is above zero, else 0.

    What is transparent marks nothing. A file that cannot be decoded is an UnreadableImageError.
    """
    with _decoded(path) as opened:
        mask = _upright(opened)
        if "A" in mask.getbands() or mask.mode == "P" or "transparency" in mask.info:
            drawn = mask.convert("RGBA")
            mask = Image.composite(drawn, Image.new("RGBA", drawn.size), drawn.getchannel("A"))
            mask = mask.convert("RGB")
        if mask.mode == "L":
            return mask.point([0] + [255] * 255)
        values = np.asarray(mask)
        marked = values > 0 if values.ndim == 2 else (values > 0).any(axis=2)
        return Image.fromarray(np.where(marked, np.uint8(255), np.uint8(0)))


@contextmanager
def _decoded(path: Path | IO[bytes]) -> Iterator[Image.Image]:
    """Open a picture; whatever goes wrong with its pixels is one kind of error."""
    with _opened(path) as opened:
        try:
            yield opened
        except UnreadableImageError:
            raise
        except Exception as error:  # Pillow's decoders raise many types on damaged data
            raise UnreadableImageError("not_decodable", error=_reason(error)) from error


def _opened(path: Path | IO[bytes]) -> Image.Image:
    try:
        if isinstance(path, Path):
            about = path.stat()
            if not stat.S_ISREG(about.st_mode):
                raise UnreadableImageError("no_regular_file")  # a pipe would be waited for
            if not about.st_size:
                raise UnreadableImageError("empty_file")
        picture = Image.open(path, formats=DECODED_FORMATS)
    except UnreadableImageError:
        raise
    except UnidentifiedImageError as error:
        raise UnreadableImageError("not_a_picture") from error
    except Image.DecompressionBombError as error:
        raise UnreadableImageError("too_many_pixels", most=MOST_PIXELS // 1_000_000) from error
    except Exception as error:
        raise UnreadableImageError("not_opened", error=_reason(error)) from error
    if max(picture.size) > LONGEST_SHAPE * min(picture.size):
        width, height = picture.size
        picture.close()
        raise UnreadableImageError("too_long", width=width, height=height, most=LONGEST_SHAPE)
    if picture.format == "TIFF":
        picture.filename = ""  # or Pillow maps the file and mixes up the rows of a turned picture
    return picture


def _remarks(path: Path | IO[bytes], picture: Image.Image) -> list[Fact]:
    remarks = []
    kind = "JPEG" if picture.format == "MPO" else picture.format
    if isinstance(path, Path) and FORMATS.get(path.suffix.lower(), kind) != kind:
        remarks.append(fact("other_format", format=kind))
    if picture.mode == "CMYK":
        remarks.append(fact("cmyk"))
    return remarks


def _orientation(picture: Image.Image, reader: type[Image.Image] | None = None) -> int:
    """Return the rotation noted by the camera, 1 to 8; a damaged note counts as none (1).

    The note is read as a picture of type `reader` reads it.
    """
    try:
        return (reader or type(picture)).getexif(picture).get(EXIF_ORIENTATION, 1)
    except Exception:  # Pillow raises many types on damaged notes
        return 1


def _noted_orientation(picture: Image.Image) -> int:
    """Return what ``_orientation`` returns, without decoding the pixels where that is possible.

    For a PNG without a note Pillow decodes the whole picture, to look for one behind the pixels.
    """
    undecoded = isinstance(picture, PngImageFile) and not _has_note_after_pixels(picture)
    return _orientation(picture, Image.Image if undecoded else None)


def _has_note_after_pixels(picture: PngImageFile) -> bool:
    """Tell whether a PNG file holds text or EXIF data after its pixels (W3C PNG, section 5.3)."""
    file = picture.fp
    assert file is not None
    position = file.tell()
    file.seek(PNG_SIGNATURE_BYTES)
    after_pixels = False
    try:
        while len(header := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", header)
            if after_pixels and kind in PNG_NOTES:
                return True
            after_pixels = after_pixels or kind == b"IDAT"
            file.seek(length + 4, os.SEEK_CUR)
        return False
    finally:
        file.seek(position)


def _upright(picture: Image.Image) -> Image.Image:
    return picture if _orientation(picture) == 1 else ImageOps.exif_transpose(picture)


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode in SIXTEEN_BIT_MODES:
        values = np.asarray(picture).astype(np.float32)
        gray = np.clip(np.rint(values / 257.0), 0, 255).astype(np.uint8)
        return Image.fromarray(gray).convert("RGB")
    if picture.mode == "F":
        raise UnreadableImageError("float_pixels")
    if "A" in picture.getbands() or "transparency" in picture.info:
        with_alpha = picture.convert("RGBA")
        white = Image.new("RGBA", with_alpha.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, with_alpha).convert("RGB")
    if picture.mode == "RGB":
        picture.load()
        return picture
    return picture.convert("RGB")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error).splitlines()[0] if str(error) else ""
    return text or type(error).__name__
