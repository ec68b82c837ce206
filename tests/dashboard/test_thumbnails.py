"""Thumbnails: small, true to the picture, made once, and anew for a new cell."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from dashboard.samples.thumbnails import SIDE_PX, session_thumbnails, stored_thumbnails
from evaluation.cells import CELL_FILE
from tests.make_data import save

COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200))


def seen(url: str) -> Image.Image:
    """Return the picture in a data URL."""
    head, content = url.split(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def colour_of(url: str) -> int:
    """Return which of COLOURS the picture has."""
    mean = np.asarray(seen(url)).reshape(-1, 3).mean(axis=0)
    return int(np.argmin([np.abs(mean - colour).sum() for colour in COLOURS]))


def cell(folder: Path) -> None:
    """Write three plain pictures and a ``cell.json``."""
    for position, colour in enumerate(COLOURS):
        save(np.full((120, 240, 3), colour, np.uint8), folder / f"{position}_img.png")
    (folder / CELL_FILE).write_text("{}")


def test_thumbnails_are_the_asked_pictures_in_the_asked_order(tmp_path: Path) -> None:
    cell(tmp_path)
    made = stored_thumbnails(tmp_path, [2, 0], lambda at: tmp_path / f"{at}_img.png")
    assert [colour_of(url) for url in made] == [2, 0]
    assert seen(made[0]).size == (SIDE_PX, SIDE_PX // 2)


def test_a_picture_is_read_once_until_the_cell_changes(tmp_path: Path) -> None:
    cell(tmp_path)
    asked: list[int] = []

    def path(position: int) -> Path:
        asked.append(position)
        return tmp_path / f"{position}_img.png"

    first = stored_thumbnails(tmp_path, [0, 1], path)
    assert stored_thumbnails(tmp_path, [0, 1, 2], path)[:2] == first
    assert sorted(asked) == [0, 1, 2]
    save(np.full((64, 64, 3), COLOURS[1], np.uint8), tmp_path / "0_img.png")
    os.utime(tmp_path / CELL_FILE, ns=(1, 1))
    assert colour_of(stored_thumbnails(tmp_path, [0], path)[0]) == 1


def test_a_missing_or_damaged_file_has_no_thumbnail(tmp_path: Path) -> None:
    cell(tmp_path)
    (tmp_path / "0_img.png").unlink()
    (tmp_path / "1_img.png").write_bytes(b"nonsense")
    made = stored_thumbnails(tmp_path, [0, 1, 2], lambda at: tmp_path / f"{at}_img.png")
    assert made[:2] == ["", ""]
    assert colour_of(made[2]) == 2


def test_pictures_of_the_session_are_not_mixed_up() -> None:
    images = np.stack([np.full((32, 32, 3), colour, np.uint8) for colour in COLOURS])
    assert [colour_of(url) for url in session_thumbnails(images, [0, 1, 2])] == [0, 1, 2]
    assert [colour_of(url) for url in session_thumbnails(images[::-1], [0, 1, 2])] == [2, 1, 0]
