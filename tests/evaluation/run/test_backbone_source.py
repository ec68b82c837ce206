"""The backbone of a run: from a file, from the cache, from the network, and without any of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from detectors.backbones.names import FILTER_BANK, LITE0, TRAINED, UNTRAINED, weights_kind
from detectors.backbones.weights import (
    WeightsError,
    cached_file,
)
from detectors.registry import Options
from evaluation.run.backbone_source import BackboneSource
from evaluation.store.settings import Settings

CHOSEN_BY_USER = Settings(automatic=False)


@pytest.mark.usefixtures("served_weights")
def test_weights_that_can_be_downloaded_are_and_stay_on_this_machine() -> None:
    backbone = BackboneSource(Settings(), None).get()

    assert backbone.name == "resnet18"
    assert weights_kind(backbone.weights_label) == TRAINED
    cached_file("resnet18").write_bytes(b"half a file")
    with pytest.raises(WeightsError, match="damaged"):  # and is not replaced
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
        assert source.get().name == LITE0
        assert source.stands_in
    for _ in range(2):  # a backbone that was asked for is never replaced
        with pytest.raises(WeightsError, match=r"could not be downloaded.*no route"):
            BackboneSource(CHOSEN_BY_USER, None).get()
    assert len(asked) == 1


def test_a_named_file_that_is_gone_is_an_error_also_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = str(tmp_path / "gone.pth")
    with pytest.raises(WeightsError, match="There is no weights file"):
        BackboneSource(Settings(), gone).get()
    monkeypatch.setenv("BACKBONE_WEIGHTS", gone)
    with pytest.raises(WeightsError, match="There is no weights file"):
        BackboneSource(Settings(), None).get()


@pytest.mark.parametrize(("name", "kind"), [(LITE0, LITE0), (FILTER_BANK, UNTRAINED)])
def test_backbones_without_a_weights_file_can_be_asked_for_and_take_none(
    name: str, kind: str, tmp_path: Path
) -> None:
    asked = replace(CHOSEN_BY_USER, backbone=name)
    backbone = BackboneSource(asked, None).get()

    assert backbone.name == name
    assert weights_kind(backbone.weights_label) == kind
    with pytest.raises(WeightsError, match="takes no other weights; leave --weights away"):
        BackboneSource(asked, str(tmp_path / "mine.pth")).get()


@pytest.mark.parametrize("method", ["padim", "patchcore"])
def test_cells_of_a_backbone_that_the_program_chose_stand_in_the_default_place(method: str) -> None:
    assert Settings(LITE0).identifier(method) == ""
    assert LITE0 in replace(CHOSEN_BY_USER, backbone=LITE0).identifier(method)
    assert CHOSEN_BY_USER.identifier(method) == ""
    assert Settings(LITE0).fingerprint(method, "x") != Settings().fingerprint(method, "x")
