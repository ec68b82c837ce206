"""Reading one picture or one mask, whatever its pixel type."""

from __future__ import annotations

import os
import stat
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError, features
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from data_utils.facts import Fact, Fault, fact

FORMATS = {".png": "PNG", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF", ".webp": "WEBP"}
FORMATS |= dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "JPEG")
FORMATS |= {".avif": "AVIF"} if features.check("avif") else {}
IMAGE_SUFFIXES = frozenset(FORMATS)
DECODED_FORMATS = (*sorted(set(FORMATS.values())), "GIF")  # whatever the file is called
MOST_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 0)  # Pillow opens no file with more
LONGEST_SHAPE = 50
DEEP_MODES = frozenset({"I;16", "I;16L", "I;16B", "I"})
COLOURS = frozenset({"RGB", "RGBA", "LA", "CMYK"})
WHITE_LEVELS = (2**8 - 1, 2**10 - 1, 2**12 - 1, 2**14 - 1, 2**16 - 1, 2**24 - 1, 2**31 - 1)
OTHER_FILES = frozenset(
    {
        *(".db", ".ini", ".lnk", ".url", ".txt", ".md", ".csv", ".tsv", ".json", ".xml", ".yaml"),
        *(".yml", ".toml", ".html", ".log", ".pdf", ".zip", ".7z", ".gz", ".tar", ".rar", ".py"),
        *(".ipynb", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".mp3", ".wav"),
    }
)
DIM = 64  # of 255: what has 16 bits per colour and stays below uses 14 of them or fewer
TIFF_STARTS = (b"II*\0", b"MM\0*")
TIFF_BITS, TIFF_BLACK, TIFF_CHANNELS, TIFF_PLANES = 258, 262, 277, 284  # tags (TIFF 6.0)
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
    orientation: int  # that the camera noted, 1 to 8; 1 is upright
    deep: bool  # whether it holds gray values of more than 8 bits


def is_picture(path: Path) -> bool:
    """Tell whether the file name looks like a picture this program reads."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def may_be_picture(path: Path) -> bool:
    """Tell whether a file may be a picture, also of a kind that is not read."""
    return not path.name.startswith((".", "~$")) and path.suffix.lower() not in OTHER_FILES


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
        noted = _noted_orientation(picture)
        aside = picture.format != "TIFF" and noted in QUARTER_TURNS
        return Header(
            size=(width, height) if aside else (height, width),
            remarks=_remarks(path, picture),
            orientation=noted,
            deep=picture.mode in DEEP_MODES,
        )


class Read(NamedTuple):
    """A decoded picture and what its 8 bits do not show."""

    image: Image.Image  # RGB
    brightest: int  # the largest gray value of more than 8 bits; 0 where there are 8
    remarks: list[Fact]


def read_picture(path: Path | IO[bytes], white: int | None = None) -> Read:
    """Decode a picture to 8-bit RGB.

    Gray, palette and CMYK pictures are converted; transparent ones are laid on white. A rotation
    noted by the camera is applied.

    Parameters
    ----------
    white : int, optional
        The gray value of more than 8 bits that becomes 255, one for all pictures of a category so
        that they stay comparable; default is the ``white_level`` of the picture itself.

    Raises
    ------
    UnreadableImageError
        If the file cannot be decoded, or holds pixels of a kind that is not read.
    """
    with decoded(path) as opened:
        reduced, deep = _has_deep_colours(opened), opened.mode in DEEP_MODES
        largest = int(np.asarray(opened).max()) if deep else 0
        picture = _to_rgb(upright(opened), white or white_level(largest))
        remarks = []
        if white is not None and largest > white:
            remarks.append(fact("too_bright", white=white))
        if reduced and np.asarray(picture).max() < DIM:
            remarks.append(fact("dim_colours"))
        return Read(picture, largest, remarks)


def white_level(largest: int) -> int:
    """Return what 8, 10, 12, 14, 16, 24 or 31 bits can hold, as few as `largest` needs."""
    return next(level for level in WHITE_LEVELS if largest <= level)


def read_thumbnail(path: Path, side: int) -> Image.Image:
    """Decode a picture as ``read_picture`` does, reduced to fit into `side` x `side` pixels.

    JPEG files are decoded at a reduced size, which is several times faster.
    """
    with decoded(path) as opened:
        opened.draft(None, (side, side))
        picture = _to_rgb(upright(opened), None)
        picture.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
        return picture


@contextmanager
def decoded(path: Path | IO[bytes]) -> Iterator[Image.Image]:
    """Open a picture; whatever goes wrong with its pixels is an UnreadableImageError."""
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
        raise UnreadableImageError(_tiff_kind(path) or fact("not_a_picture")) from error
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
        if problem := _tiff_problem(picture):
            picture.close()
            raise UnreadableImageError(problem)
    return picture


def _tiff_problem(picture: Image.Image) -> Fact | None:
    """Return why Pillow would give wrong pixels of a TIFF that it opens."""
    tags = getattr(picture, "tag_v2", {})
    deep = max(tags.get(TIFF_BITS, (8,))) > 8
    if deep and tags.get(TIFF_PLANES) == 2 and tags.get(TIFF_CHANNELS, 1) > 1:
        return fact("tiff_planes")
    return fact("tiff_inverted") if deep and tags.get(TIFF_BLACK) == 0 else None


def _tiff_kind(path: Path | IO[bytes]) -> Fact | None:
    """Return what kind of TIFF it is that Pillow does not open, None if it is none."""
    try:
        with path.open("rb") if isinstance(path, Path) else nullcontext(path) as file:
            file.seek(0)
            head = file.read(8)
            if not head.startswith(TIFF_STARTS):
                return None
            tags = ImageFileDirectory_v2(head)
            file.seek(tags.next)
            tags.load(file)
            bits = max(tags.get(TIFF_BITS, (1,)))
            return fact("tiff_kind", channels=tags.get(TIFF_CHANNELS, 1), bits=bits)
    except Exception:  # Pillow raises many types on damaged tags
        return None


def _remarks(path: Path | IO[bytes], picture: Image.Image) -> list[Fact]:
    remarks = []
    kind = "JPEG" if picture.format == "MPO" else picture.format
    if isinstance(path, Path) and FORMATS.get(path.suffix.lower(), kind) != kind:
        remarks.append(fact("other_format", format=kind))
    if picture.mode == "CMYK":
        remarks.append(fact("cmyk"))
    if _has_deep_colours(picture):
        remarks.append(fact("deep_colours"))
    if (pages := _pages(picture)) > 1:
        remarks.append(fact("pages", count=pages))
    return remarks


def _has_deep_colours(picture: Image.Image) -> bool:
    """Tell whether it holds 16 bits per colour, of which Pillow reads the upper eight."""
    tiles = getattr(picture, "tile", None) or [("", None, 0, "")]
    return (
        picture.format in ("PNG", "TIFF") and picture.mode in COLOURS and ";16" in str(tiles[0][3])
    )


def _pages(picture: Image.Image) -> int:
    """Return how many pictures a file holds; the previews that phones add (MPO) do not count."""
    try:
        return 1 if picture.format == "MPO" else int(getattr(picture, "n_frames", 1))
    except Exception:  # Pillow raises many types on damaged pages; the first is judged for itself
        return 1


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


def upright(picture: Image.Image) -> Image.Image:
    """Return the picture as the camera says it is seen."""
    return picture if _orientation(picture) == 1 else ImageOps.exif_transpose(picture)


def _to_rgb(picture: Image.Image, white: int | None) -> Image.Image:
    if picture.mode in DEEP_MODES:
        values = np.asarray(picture)
        if values.min() < 0:
            raise UnreadableImageError("negative_pixels")
        scale = 255 / (white or white_level(int(values.max())))
        gray = np.clip(np.rint(values * np.float64(scale)), 0, 255).astype(np.uint8)
        return Image.fromarray(gray).convert("RGB")
    if picture.mode == "F":
        raise UnreadableImageError("float_pixels")
    if "A" in picture.getbands() or "transparency" in picture.info:
        with_alpha = picture.convert("RGBA")
        page = Image.new("RGBA", with_alpha.size, (255, 255, 255, 255))
        return Image.alpha_composite(page, with_alpha).convert("RGB")
    if picture.mode == "RGB":
        picture.load()
        return picture
    return picture.convert("RGB")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error).splitlines()[0] if str(error) else ""
    return text or type(error).__name__
