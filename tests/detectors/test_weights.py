"""Where weights come from, checked against files and a server on this machine."""

from __future__ import annotations

import json
import pickle
import socket
import struct
import threading
import zipfile
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from detectors.backbones.networks import load_backbone
from detectors.backbones.weights import (
    WeightsError,
    WeightsUnavailableError,
    cached_file,
    random_weights,
    resnet_weights,
)


def whole_state(name: str) -> dict[str, torch.Tensor]:
    """Return a state dict as torchvision saves it, with layer4, fc and batch counters."""
    state = dict(random_weights(name, seed=3).state)
    state["bn1.num_batches_tracked"] = torch.tensor(1)
    state["layer4.0.conv1.weight"] = torch.zeros(512, 256, 3, 3)
    state["fc.weight"] = torch.zeros(1000, 512)
    return state


@pytest.mark.parametrize("saved", ["whole.pth", "cut.pth", "module.pth", "nested.pth"])
def test_a_state_dict_is_found_inside_what_people_save(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saved: str
) -> None:
    state = whole_state("resnet18")
    content: dict[str, object] = dict(state)
    if saved == "cut.pth":
        content = dict(random_weights("resnet18", seed=3).state)
    if saved in ("module.pth", "nested.pth"):
        content = {f"module.{key}": value for key, value in state.items()}
    if saved == "nested.pth":
        content = {"epoch": 3, "state_dict": content}
    torch.save(content, tmp_path / saved)
    monkeypatch.setenv("BACKBONE_WEIGHTS", str(tmp_path / saved))
    loaded = resnet_weights("resnet18")
    torch.testing.assert_close(loaded.state["conv1.weight"], state["conv1.weight"])
    assert loaded.label.startswith(f"file {saved} (sha256 ")


def test_a_safetensors_file_of_other_precision_is_taken_as_float32(tmp_path: Path) -> None:
    state = random_weights("resnet18").state
    blank = np.zeros((1, 32, 32, 3), np.uint8)
    for dtype in (torch.bfloat16, torch.float64):
        save_file(
            {key: value.to(dtype) for key, value in state.items()}, tmp_path / "a.safetensors"
        )
        parameters = {key: torch.nn.Parameter(value.to(dtype)) for key, value in state.items()}
        torch.save(parameters, tmp_path / "a.pth")
        for name in ("a.safetensors", "a.pth"):
            features = load_backbone("resnet18", str(tmp_path / name)).extract(blank)
            assert features["layer1"].dtype == torch.float32


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [("resnet34", "resnet18"), ("resnet18", "resnet34"), ("wide_resnet50_2", "resnet50")],
)
def test_a_file_of_another_architecture_is_named(tmp_path: Path, stored: str, wanted: str) -> None:
    path = tmp_path / "file.pth"
    torch.save(random_weights(stored).state, path)
    with pytest.raises(WeightsError, match=f"does not fit {wanted}: it fits {stored}"):
        resnet_weights(wanted, str(path))


class Bomb:
    """Would write a file when unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        """Unpickling calls ``Path.touch``."""
        return Path.touch, (self.target,)


class Memory:
    """Would take a terabyte when unpickled."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        """Unpickling calls ``bytearray``."""
        return bytearray, (10**12,)


def test_a_malicious_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    target, path = tmp_path / "was-run", tmp_path / "evil.pth"
    for evil in (Bomb(target), Memory()):
        torch.save({"conv1.weight": evil}, path)
        with pytest.raises(WeightsError, match="is refused"):
            resnet_weights("resnet18", str(path))
        path.write_bytes(pickle.dumps(evil))
        with pytest.raises(WeightsError, match=r"is refused|damaged"):
            resnet_weights("resnet18", str(path))
    assert not target.exists()


def test_a_packed_file_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"conv1.weight": torch.zeros(100_000)}, tmp_path / "stored.pth")
    bomb = tmp_path / "bomb.pth"
    with (
        zipfile.ZipFile(tmp_path / "stored.pth") as stored,
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in stored.namelist():
            packed.writestr(name, stored.read(name))
    assert bomb.stat().st_size < 4000
    monkeypatch.setattr("torch.load", lambda *_, **__: pytest.fail("it was unpacked"))
    with pytest.raises(WeightsError, match="is refused: it is packed"):
        resnet_weights("resnet18", str(bomb))


@pytest.mark.parametrize(
    ("parameter", "value", "sentence"),
    [
        ("layer2.1.bn2.bias", None, r"layer2\.1\.bn2\.bias is missing"),
        ("bn1.bias", torch.full((64,), torch.nan), r"bn1\.bias holds values"),
        ("layer1.9.bias", torch.zeros(2), r"layer1\.9\.bias does not belong to it"),
        ("conv1.weight", torch.zeros(1).expand(10**12), r"conv1.weight is \[1000000000000\]"),
        ("conv1.weight", torch.eye(3).to_sparse(), "is refused"),
        ("conv1.weight", torch.zeros(2, device="meta"), "is refused"),
        ("conv1.weight", torch.zeros(2, dtype=torch.complex64), "is refused"),
        ("conv1.weight", "text", "holds no state dict"),
    ],
)
def test_a_parameter_that_does_not_fit_is_named(
    tmp_path: Path, parameter: str, value: object, sentence: str
) -> None:
    state: dict[str, object] = dict(random_weights("resnet18").state)
    state.pop(parameter, None)
    torch.save(state | ({} if value is None else {parameter: value}), tmp_path / "odd.pth")
    with pytest.raises(WeightsError, match=sentence):
        resnet_weights("resnet18", str(tmp_path / "odd.pth"))


def lying(claimed: int) -> bytes:
    """Return a safetensors file that claims another length of its header, or terabytes."""
    about = {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}
    return struct.pack("<Q", claimed) + json.dumps({"conv1.weight": about}).encode().ljust(90)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_damaged_or_missing_file_is_refused_with_a_sentence(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"broken{suffix}"
    with pytest.raises(WeightsError, match=f"no weights file .*broken{suffix}"):
        resnet_weights("resnet18", str(path))
    for content in (b"", b"not a weights file", b"PK\x03\x04 cut", lying(1 << 62), lying(90)):
        path.write_bytes(content)
        with pytest.raises(WeightsError, match=r"broken.* is (refused|damaged)"):
            resnet_weights("resnet18", str(path))


def test_a_download_is_kept_and_used_again(served_weights: Path) -> None:
    loaded = resnet_weights("resnet18")
    assert loaded.label == "ImageNet (torchvision IMAGENET1K_V1)"
    assert cached_file("resnet18").read_bytes() == served_weights.read_bytes()
    served_weights.unlink()
    torch.testing.assert_close(
        resnet_weights("resnet18").state["conv1.weight"], loaded.state["conv1.weight"]
    )


def test_a_damaged_download_is_refused_leaves_nothing_and_is_not_tried_again_at_once(
    served_weights: Path,
) -> None:
    content = served_weights.read_bytes()
    served_weights.write_bytes(content[:-1])
    for _ in range(2):
        with pytest.raises(WeightsError, match=r"invalid hash .* Download .* --weights FILE"):
            resnet_weights("resnet18")
        served_weights.write_bytes(content)
    assert list(cached_file("resnet18").parent.iterdir()) == []


def test_a_server_that_falls_silent_is_given_up(
    served_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    monkeypatch.setattr("detectors.backbones.weights.READ_TIMEOUT_S", 0.2)
    monkeypatch.setattr(SimpleHTTPRequestHandler, "do_GET", lambda _: over.wait())
    with pytest.raises(WeightsUnavailableError, match="timed out"):
        resnet_weights("resnet18")
    over.set()
    assert served_weights.is_file()
    assert socket.getdefaulttimeout() is None


def test_a_network_that_swallows_everything_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def swallow(*_: object, **__: object) -> None:
        over.wait()
        raise TimeoutError("long after")

    monkeypatch.setattr("urllib.request.urlopen", swallow)
    monkeypatch.setattr("detectors.backbones.weights.ANSWER_TIMEOUT_S", 0.01)
    with pytest.raises(WeightsError, match=r"could not be downloaded \(no answer within 0.01 s\)"):
        resnet_weights("resnet18")
    over.set()


def test_no_network_is_one_sentence_that_says_what_to_do() -> None:
    with pytest.raises(WeightsError, match=r"could not be downloaded .* --weights FILE"):
        resnet_weights("resnet18")


def test_random_weights_only_come_when_asked_for_and_say_so() -> None:
    loaded = resnet_weights("resnet18", "random", seed=4)
    assert loaded.label == "random (seed 4)"
    again = resnet_weights("resnet18", "random", seed=4)
    assert all(torch.equal(again.state[key], loaded.state[key]) for key in loaded.state)


def test_a_cache_that_cannot_be_written_is_one_sentence(
    served_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a-file").touch()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "a-file"))
    assert served_weights.is_file()
    with pytest.raises(WeightsUnavailableError, match="could not be downloaded"):
        resnet_weights("resnet18")
