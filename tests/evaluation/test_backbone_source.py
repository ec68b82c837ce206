"""The backbone of a run: from a file, from the cache, from the network, and without any of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from detectors.architectures import FILTER_BANK, OFFLINE, OWN_BACKBONES, TRAINED, weights_kind
from detectors.registry import Options
from detectors.weights import WeightsError, WeightsUnavailableError, cached_file, random_weights
from evaluation.backbone_source import BackboneSource
from evaluation.cells import CellKey
from evaluation.progress import RunProgress
from evaluation.settings import Settings
from tests.weights_server import published, served_weights

CHOSEN_BY_USER = Settings(automatic=False)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve a folder as the place where torchvision's weights are; return it."""
    with served_weights(tmp_path / "served") as address:
        monkeypatch.setenv("BACKBONE_WEIGHTS_URL", address)
        yield tmp_path / "served"


def test_a_file_that_is_given_is_taken(tmp_path: Path) -> None:
    torch.save(random_weights("resnet18", 1).state, tmp_path / "mine.pth")
    backbone = BackboneSource(Settings(), str(tmp_path / "mine.pth")).get()

    assert backbone.name == "resnet18"
    assert backbone.weights_label.startswith("file mine.pth")


def test_cached_weights_are_taken_without_network() -> None:
    cached_file("resnet18").parent.mkdir(parents=True)
    torch.save(random_weights("resnet18", 2).state, cached_file("resnet18"))
    backbone = BackboneSource(Settings(), None).get()

    assert backbone.name == "resnet18"
    assert weights_kind(backbone.weights_label) == TRAINED


def test_weights_that_can_be_downloaded_are(server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published(server, monkeypatch)
    backbone = BackboneSource(Settings(), None).get()

    assert backbone.name == "resnet18"
    assert weights_kind(backbone.weights_label) == TRAINED
    assert cached_file("resnet18").is_file()


def test_without_weights_and_network_the_offline_backbone_is_taken_and_the_run_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = BackboneSource(Settings(options=Options(seed=3)), None)
    backbone = source.get(RunProgress(tmp_path, [CellKey("part", "padim")], show_bars=False))

    assert backbone.name == FILTER_BANK
    assert weights_kind(backbone.weights_label) == OFFLINE
    assert f"goes on with {backbone.weights_label}" in capsys.readouterr().out
    assert source.settled() == Settings(FILTER_BANK, Options(seed=3))


def test_a_failed_download_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def fail(name: str, *_: object) -> None:
        calls.append(name)
        raise WeightsUnavailableError("There is no network.")

    monkeypatch.setattr("detectors.weights.download", fail)
    for settings in (Settings(), CHOSEN_BY_USER):
        source = BackboneSource(settings, None)
        for _ in range(2):
            source.settled()
    assert calls == ["resnet18", "resnet18"]


def test_a_backbone_that_was_asked_for_is_never_replaced(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="could not be downloaded"):
        BackboneSource(CHOSEN_BY_USER, None).get()
    with pytest.raises(WeightsError, match="There is no weights file"):
        BackboneSource(Settings(), str(tmp_path / "gone.pth")).get()


def test_a_damaged_file_in_the_cache_is_said_and_not_replaced() -> None:
    cached_file("resnet18").parent.mkdir(parents=True)
    cached_file("resnet18").write_bytes(b"half a file")

    with pytest.raises(WeightsError, match="damaged"):
        BackboneSource(Settings(), None).get()


def test_a_failed_download_is_not_tried_again_by_the_same_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def unanswered(url: str, **_: object) -> None:
        asked.append(url)
        raise OSError("no route")

    monkeypatch.setattr("urllib.request.urlopen", unanswered)
    for seed in range(3):
        source = BackboneSource(Settings(options=Options(seed)), None)
        assert source.get().name == FILTER_BANK
        assert source.stands_in
    with pytest.raises(WeightsError, match="no route"):
        BackboneSource(CHOSEN_BY_USER, None).get()
    assert len(asked) == 1


def test_a_named_file_that_is_gone_is_an_error_also_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKBONE_WEIGHTS", str(tmp_path / "gone.pth"))

    with pytest.raises(WeightsError, match="There is no weights file"):
        BackboneSource(Settings(), None).get()


@pytest.mark.parametrize("name", OWN_BACKBONES)
def test_the_projects_own_backbones_can_be_asked_for_but_take_no_file(
    name: str, tmp_path: Path
) -> None:
    asked = replace(CHOSEN_BY_USER, backbone=name)
    backbone = BackboneSource(asked, None).get()

    assert backbone.name == name
    assert weights_kind(backbone.weights_label) == OFFLINE
    with pytest.raises(WeightsError, match="takes no other weights; leave --weights away"):
        BackboneSource(asked, str(tmp_path / "mine.pth")).get()


@pytest.mark.parametrize("method", ["padim", "patchcore"])
def test_cells_of_a_backbone_that_the_program_chose_stand_in_the_default_place(method: str) -> None:
    assert Settings(FILTER_BANK).identifier(method) == ""
    assert "filterbank" in replace(CHOSEN_BY_USER, backbone=FILTER_BANK).identifier(method)
    assert CHOSEN_BY_USER.identifier(method) == ""
    assert Settings(FILTER_BANK).fingerprint(method, "x") != Settings().fingerprint(method, "x")
