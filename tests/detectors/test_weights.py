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

from detectors.backbones.loading import load_backbone
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


@pytest.mark.parametrize("wrapped", ["", "state_dict", "module"])
def test_a_state_dict_is_found_inside_what_people_save(tmp_path: Path, wrapped: str) -> None:
    state = whole_state("resnet18")
    saved: dict[str, object] = dict(state)
    if wrapped:
        saved = {f"module.{key}": value for key, value in state.items()}
    if wrapped == "state_dict":
        saved = {"epoch": 3, "state_dict": saved}
    torch.save(saved, tmp_path / "mine.pth")
    loaded = resnet_weights("resnet18", str(tmp_path / "mine.pth"))
    torch.testing.assert_close(loaded.state["conv1.weight"], state["conv1.weight"])


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_torchvision_file_is_taken_whole_or_cut(tmp_path: Path, cut: bool, suffix: str) -> None:
    state = random_weights("resnet18", seed=3).state if cut else whole_state("resnet18")
    path = tmp_path / f"mine{suffix}"
    if suffix == ".pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    loaded = resnet_weights("resnet18", str(path))
    torch.testing.assert_close(loaded.state["conv1.weight"], state["conv1.weight"])
    assert loaded.label.startswith(f"file mine{suffix} (sha256 ")


def test_the_environment_names_a_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "from-environment.pth"
    torch.save(random_weights("resnet18").state, path)
    monkeypatch.setenv("BACKBONE_WEIGHTS", str(path))
    assert "from-environment.pth" in resnet_weights("resnet18").label


@pytest.mark.parametrize(("stored", "wanted"), [("resnet34", "resnet18"), ("resnet18", "resnet34")])
def test_a_file_of_another_architecture_is_named(tmp_path: Path, stored: str, wanted: str) -> None:
    path = tmp_path / "file.pth"
    torch.save(random_weights(stored).state, path)
    with pytest.raises(WeightsError, match=f"does not fit {wanted}: it fits {stored}"):
        resnet_weights(wanted, str(path))


def test_resnet50_and_its_wide_sister_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "file.pth"
    torch.save(random_weights("wide_resnet50_2").state, path)
    with pytest.raises(WeightsError, match="it fits wide_resnet50_2"):
        resnet_weights("resnet50", str(path))


def test_missing_and_not_finite_parameters_are_named(tmp_path: Path) -> None:
    path = tmp_path / "file.pth"
    state = random_weights("resnet18").state
    missing = {key: value for key, value in state.items() if key != "layer2.1.bn2.bias"}
    torch.save(missing, path)
    with pytest.raises(WeightsError, match=r"layer2\.1\.bn2\.bias is missing"):
        resnet_weights("resnet18", str(path))
    state["layer1.0.conv1.weight"][0] = torch.nan
    torch.save(state, path)
    with pytest.raises(WeightsError, match=r"layer1\.0\.conv1\.weight holds values"):
        resnet_weights("resnet18", str(path))


class Bomb:
    """Would write a file when unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        """Unpickling calls ``Path.touch``."""
        return Path.touch, (self.target,)


def test_a_malicious_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    target, path = tmp_path / "was-run", tmp_path / "evil.pth"
    torch.save({"conv1.weight": Bomb(target)}, path)
    with pytest.raises(WeightsError, match="is refused"):
        resnet_weights("resnet18", str(path))
    path.write_bytes(pickle.dumps(Bomb(target)))
    with pytest.raises(WeightsError, match=r"is refused|damaged"):
        resnet_weights("resnet18", str(path))
    assert not target.exists()


class Memory:
    """Would take a terabyte when unpickled."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        """Unpickling calls ``bytearray``."""
        return bytearray, (10**12,)


def test_a_pickle_that_would_take_all_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"conv1.weight": Memory()}, path)
    with pytest.raises(WeightsError, match="is refused"):
        resnet_weights("resnet18", str(path))


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


def test_a_tensor_that_is_larger_than_its_file_is_not_unfolded(tmp_path: Path) -> None:
    path = tmp_path / "wide.pth"
    torch.save({"conv1.weight": torch.zeros(1).expand(10**12)}, path)
    assert path.stat().st_size < 4000
    with pytest.raises(WeightsError, match=r"conv1.weight is \[1000000000000\]"):
        resnet_weights("resnet18", str(path))


@pytest.mark.parametrize("claimed", [1 << 62, 90])
def test_a_safetensors_file_that_lies_about_its_sizes_is_refused(
    tmp_path: Path, claimed: int
) -> None:
    about = {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}
    header = json.dumps({"conv1.weight": about}).encode().ljust(90)
    path = tmp_path / "lying.safetensors"
    path.write_bytes(struct.pack("<Q", claimed) + header)
    with pytest.raises(WeightsError, match="is damaged"):
        resnet_weights("resnet18", str(path))


@pytest.mark.parametrize("content", [b"", b"not a weights file", b"PK\x03\x04 cut"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_damaged_file_is_refused_with_a_sentence(
    tmp_path: Path, content: bytes, suffix: str
) -> None:
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="broken"):
        resnet_weights("resnet18", str(path))


def test_a_missing_file_is_named() -> None:
    with pytest.raises(WeightsError, match=r"no weights file .*x\.pth"):
        resnet_weights("resnet18", "/nowhere/x.pth")


def test_a_download_is_kept_and_used_again(served_weights: Path) -> None:
    loaded = resnet_weights("resnet18")
    assert loaded.label == "ImageNet (torchvision IMAGENET1K_V1)"
    assert cached_file("resnet18").read_bytes() == served_weights.read_bytes()
    served_weights.unlink()
    torch.testing.assert_close(
        resnet_weights("resnet18").state["conv1.weight"], loaded.state["conv1.weight"]
    )


def test_a_damaged_download_is_refused_and_leaves_nothing(served_weights: Path) -> None:
    served_weights.write_bytes(served_weights.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=r"invalid hash .* Download .* --weights FILE"):
        resnet_weights("resnet18")
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


def test_a_file_that_the_server_lacks_is_one_sentence(served_weights: Path) -> None:
    served_weights.unlink()
    with pytest.raises(WeightsError, match="could not be downloaded"):
        resnet_weights("resnet18")


def test_random_weights_only_come_when_asked_for_and_say_so() -> None:
    loaded = resnet_weights("resnet18", "random", seed=4)
    assert loaded.label == "random (seed 4)"
    again = resnet_weights("resnet18", "random", seed=4)
    assert all(torch.equal(again.state[key], loaded.state[key]) for key in loaded.state)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_parameters_of_other_precision_are_taken_as_float32(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    state = random_weights("resnet18").state
    saved = {key: torch.nn.Parameter(value.to(dtype)) for key, value in state.items()}
    torch.save(saved, tmp_path / "mine.pth")
    backbone = load_backbone("resnet18", str(tmp_path / "mine.pth"))
    features = backbone.extract(np.zeros((1, 32, 32, 3), np.uint8))
    assert features["layer1"].dtype == torch.float32


@pytest.mark.parametrize(
    "value",
    [
        torch.eye(3).to_sparse(),
        torch.zeros(2, device="meta"),
        torch.zeros(2, dtype=torch.complex64),
    ],
)
def test_what_is_no_plain_tensor_is_refused_by_name(tmp_path: Path, value: torch.Tensor) -> None:
    torch.save({"conv1.weight": value}, tmp_path / "odd.pth")
    with pytest.raises(WeightsError, match="is refused"):
        resnet_weights("resnet18", str(tmp_path / "odd.pth"))


def test_a_cache_that_cannot_be_written_is_one_sentence(
    served_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a-file").touch()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "a-file"))
    assert served_weights.is_file()
    with pytest.raises(WeightsUnavailableError, match="could not be downloaded"):
        resnet_weights("resnet18")
