"""On a shared server the app opens no folder but those that its owner names."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import pytest

from data_utils.locations import is_allowed
from tests.dashboard.driver import opened, shown
from tests.make_data import write_category


@pytest.fixture
def restricted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Open only the folder ``open`` with the category ``part``; return it."""
    write_category(tmp_path / "open", "part", train=3, good=1, bad=1)
    write_category(tmp_path / "closed", "secret", train=3, good=1, bad=1)
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "open"))
    monkeypatch.setenv("MVTEC_ALLOWED_ROOTS", str(tmp_path / "open"))
    return tmp_path / "open"


def told_in_the_sidebar(folder: str) -> str:
    app = opened("pages/overview.py")
    app.sidebar.text_input(key="data_folder").set_value(folder).run()
    return shown(app)


def test_without_a_restriction_every_folder_is_open(tmp_path: Path) -> None:
    assert is_allowed(tmp_path)
    assert is_allowed(Path("/"))


def test_another_folder_is_refused_however_it_is_written(restricted: Path) -> None:
    closed = restricted.parent / "closed"
    (restricted / "link").symlink_to(closed)
    for way in (closed, f"{restricted}/../closed", restricted / "link", "~root", "/"):
        told = told_in_the_sidebar(str(way))
        assert "is outside the allowed folders" in told
        assert "secret" not in told
    assert "secret" not in told_in_the_sidebar(f"{restricted}/{quote('../closed', safe='')}")


def test_the_allowed_folder_and_those_in_it_are_open(
    restricted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_category(restricted / "inner", "plate", train=3, good=1, bad=1)
    allowed = os.pathsep.join(["", str(restricted / "no-such"), str(restricted)])
    monkeypatch.setenv("MVTEC_ALLOWED_ROOTS", allowed)

    assert "outside the allowed" not in told_in_the_sidebar(str(restricted))
    assert "outside the allowed" not in told_in_the_sidebar(str(restricted / "inner"))


def test_a_weights_file_elsewhere_is_refused(restricted: Path) -> None:
    weights = restricted.parent / "closed" / "weights.pth"
    weights.write_bytes(b"x")
    app = opened("pages/run.py")
    app.text_input(key="form_weights").set_value(str(weights)).run()

    assert "There is no weights file" in shown(app)
