"""What strangers hand in: decoded as in the evaluation, and limits hold before a pixel is."""

from __future__ import annotations

import importlib
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from data_utils.images import UnreadableImageError, read_picture
from evaluation.new_pictures import scoring
from evaluation.new_pictures.scoring import opened_picture

FRAMES = 100


def png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "gray").save(file, "PNG")
    return file.getvalue()


def with_note_after_pixels(content: bytes) -> bytes:
    """Add a text behind the pixels of a PNG, for which Pillow would decode the picture."""
    chunk = b"tEXtkey\0words"
    end = content.rindex(b"IEND") - 4
    length = struct.pack(">I", len(chunk) - 4)
    return content[:end] + length + chunk + struct.pack(">I", zlib.crc32(chunk)) + content[end:]


def test_a_file_object_is_decoded_like_the_file_wherever_it_was_read_to(tmp_path: Path) -> None:
    levels = np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16)
    Image.fromarray(levels).save(tmp_path / "deep.png")
    file = io.BytesIO((tmp_path / "deep.png").read_bytes())
    file.seek(10)
    picture, _ = opened_picture(file)
    assert picture.mode == "RGB"
    assert picture == read_picture(tmp_path / "deep.png").image == opened_picture(file)[0]


@pytest.mark.parametrize("change", [bytes, with_note_after_pixels])
@pytest.mark.parametrize(
    ("name", "limit", "words"),
    [
        ("MAX_PIXELS", 1_000_000, "has 1001 x 1000 pixels; at most 1 million"),
        ("free_bytes", lambda: 19_000_000, r"needs 20 MB of memory .* 19 MB are free"),
    ],
)
def test_what_is_too_large_is_refused_undecoded(
    change: Any, name: str, limit: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, name, limit)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda *_: pytest.fail("decoded"))
    with pytest.raises(UnreadableImageError, match=words):
        opened_picture(io.BytesIO(change(png(1001, 1000))))


def test_as_many_pixels_as_may_be_are_read_large_pictures_one_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scoring, "MAX_PIXELS", 40 * 30)
    monkeypatch.setattr(scoring, "DECODE_BYTES", 0)
    alone: list[bool] = []

    def free_bytes() -> int:
        alone.append(scoring.one_large_picture.locked())
        return 10**9

    monkeypatch.setattr(scoring, "free_bytes", free_bytes)
    assert opened_picture(io.BytesIO(png(40, 30)))[0].size == (40, 30)
    assert alone == [True]
    assert not scoring.one_large_picture.locked()


@pytest.mark.parametrize("kind", ["Gif", "Tiff"])
def test_of_many_frames_only_the_first_is_decoded(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [Image.new("RGB", (40, 40), (number, 90, 30)) for number in range(FRAMES)]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:])
    reader = getattr(importlib.import_module(f"PIL.{kind}ImagePlugin"), f"{kind}ImageFile")
    first = reader.seek
    monkeypatch.setattr(
        reader, "seek", lambda self, n: first(self, n) if n == 0 else pytest.fail("a frame")
    )
    assert np.abs(np.asarray(opened_picture(file)[0], int) - (0, 90, 30)).max() <= 2


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"<html>", b"<svg/>", b"%PDF-1.4", b"%!PS-Adobe", b"GIF89a" + b"\xff" * 9),
        *(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", png(20, 20)[:60]),
    ],
)
def test_what_is_no_whole_picture_of_a_known_kind_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableImageError):
        opened_picture(io.BytesIO(content))
