"""What strangers upload: limits hold before anything is decoded, names are only shown."""

from __future__ import annotations

import io
import os
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from data_utils.images import UnreadableImageError
from evaluation.inspection import opened_picture
from tests.dashboard.test_inspection_page import page, png, upload
from tests.dashboard.test_pages import shown

MARK = "zz-uploaded-zz"
opened_paths: list[str] = []
sys.addaudithook(
    lambda event, arguments: (
        opened_paths.append(str(arguments[0]))
        if event in ("open", "os.mkdir", "os.rename", "os.remove") and MARK in str(arguments[0])
        else None
    )
)


@pytest.mark.parametrize(
    "name",
    [f"../../{MARK}.png", f"/tmp/{MARK}.png", f"C:\\{MARK}.png", f"{MARK}/.png"],
)
@pytest.mark.usefixtures("results")
def test_the_name_of_an_upload_is_shown_and_never_a_path(name: str) -> None:
    opened_paths.clear()
    app = upload(page(), (name, png()), (f"second {name}", b"<svg/>"))

    assert not app.exception
    assert MARK in shown(app)
    assert opened_paths == []
    assert not Path(os.sep, "tmp", f"{MARK}.png").exists()


def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        pytest.fail("a pixel was decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", refuse)


def with_note_after_pixels(content: bytes) -> bytes:
    """Add a text behind the pixels of a PNG, for which Pillow would decode the picture."""
    chunk = b"tEXtkey\0words"
    end = content.rindex(b"IEND") - 4
    length = struct.pack(">I", len(chunk) - 4)
    return content[:end] + length + chunk + struct.pack(">I", zlib.crc32(chunk)) + content[end:]


@pytest.mark.parametrize("change", [bytes, with_note_after_pixels])
def test_too_many_pixels_are_refused_undecoded(
    change: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = change(png(size=(1001, 1000)))
    monkeypatch.setattr("evaluation.inspection.MAX_PIXELS", 1_000_000)
    undecoded(monkeypatch)
    with pytest.raises(UnreadableImageError, match="has 1001 x 1000 pixels; at most 1 million"):
        opened_picture(io.BytesIO(content))


def test_a_picture_for_which_there_is_no_memory_is_refused_undecoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = png(size=(1000, 1000))
    monkeypatch.setattr("evaluation.inspection.free_bytes", lambda: 19_000_000)
    undecoded(monkeypatch)
    with pytest.raises(UnreadableImageError, match=r"needs 20 MB of memory .* 19 MB are free"):
        opened_picture(io.BytesIO(content))


def test_files_that_are_too_large_together_are_refused_and_forgotten(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = png()
    monkeypatch.setattr("dashboard.inspection.sources.MAX_BYTES", 2 * len(content))
    forgotten: list[str] = []
    monkeypatch.setattr(
        "streamlit.runtime.memory_uploaded_file_manager.MemoryUploadedFileManager.remove_file",
        lambda _, session_id, file_id: forgotten.append(f"{session_id} {file_id}"),
    )
    app = upload(page(), *[(f"{number}.png", content) for number in range(4)])

    assert results.is_dir()
    assert not app.exception
    assert any("only the first 2 are scored and kept" in one.value for one in app.warning)
    assert len(set(forgotten)) == 2
    assert app.selectbox(key="inspection_look_at").options == ["0.png", "1.png"]


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP"])
def test_of_a_thousand_frames_only_the_first_is_decoded(kind: str) -> None:
    frames = [Image.new("RGB", (40, 40), (number % 256, 90, 30)) for number in range(1000)]
    file = io.BytesIO()
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], **options)
    with pytest.MonkeyPatch.context() as patch:
        if kind != "WEBP":
            plugin = getattr(
                __import__(f"PIL.{kind.title()}ImagePlugin"), f"{kind.title()}ImagePlugin"
            )
            seek = getattr(plugin, f"{kind.title()}ImageFile")
            first = seek.seek
            patch.setattr(
                seek, "seek", lambda self, n: first(self, n) if n == 0 else pytest.fail("a frame")
            )
        picture = opened_picture(file)
    assert np.abs(np.asarray(picture, int) - (0, 90, 30)).max() <= 2


@pytest.mark.parametrize(
    "content", [b"<svg/>", b"%PDF-1.4", b"%!PS-Adobe", b"GIF89a" + b"\xff" * 9]
)
def test_what_is_no_picture_of_a_known_kind_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableImageError):
        opened_picture(io.BytesIO(content))


def test_a_polyglot_is_only_a_picture() -> None:
    archive = b"PK\x05\x06" + bytes(18)
    picture = opened_picture(
        io.BytesIO(png(size=(30, 20)) + b"<script>alert(1)</script>" + archive)
    )
    assert picture.size == (30, 20)


@pytest.mark.parametrize("kind", ["text", "profile"])
def test_a_packed_note_does_not_fill_the_memory(kind: str) -> None:
    notes = PngImagePlugin.PngInfo()
    file = io.BytesIO()
    if kind == "text":
        notes.add_text("key", "x" * 200_000_000, zip=True)
        Image.new("RGB", (20, 20)).save(file, "PNG", pnginfo=notes)
    else:
        Image.new("RGB", (20, 20)).save(file, "PNG", icc_profile=bytes(200_000_000))
    assert len(file.getvalue()) < 1_000_000
    file.seek(0)
    try:
        assert opened_picture(file).size == (20, 20)
    except UnreadableImageError as error:
        assert "too large" in str(error).lower() or "cannot" in str(error)  # noqa: PT017
