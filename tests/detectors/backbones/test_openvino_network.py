"""Networks computed by OpenVINO against PyTorch, and what is kept of them in the cache."""

from __future__ import annotations

import errno
import gc
import os
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from detectors.backbones import openvino_network
from detectors.backbones.engines import Engine, why_unusable
from detectors.backbones.features import PASS_SIZE, Backbone, Features, NetworkBackbone
from detectors.backbones.names import LAYERS, LITE0
from detectors.backbones.networks import load_backbone
from detectors.backbones.openvino_network import (
    OpenvinoBackbone,
    demo_pictures,
)
from detectors.base import ModelFileError
from detectors.padim import Padim
from tests.engines import OPENVINO_BFLOAT16, OPENVINO_FLOAT32, OPENVINO_INT8, needs_openvino

pytestmark = needs_openvino
Images = NDArray[np.uint8]
SOURCES = {LITE0: None, "resnet18": "random"}


@pytest.fixture(scope="module", autouse=True)
def prepared_on_few() -> Iterator[None]:
    """Quantise on one picture of each demo category, which takes a fraction of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(openvino_network, "PREPARED_ON", 1)
        yield


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Backbone]:
    """Return what loads a backbone with an engine, each converted once for all tests here."""
    folder, made = tmp_path_factory.mktemp("cache"), dict[tuple[str, Engine], Backbone]()

    def loaded(name: str, engine: Engine = Engine()) -> Backbone:  # noqa: B008
        if (name, engine) not in made:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("MVTEC_CACHE", str(folder))
                made[name, engine] = load_backbone(name, SOURCES[name], engine=engine)
        return made[name, engine]

    return loaded


def noise(count: int, *size: int, seed: int = 0) -> Images:
    return np.random.default_rng(seed).integers(0, 256, (count, *size, 3), np.uint8)


def same(first: Features, second: Features) -> bool:
    """Tell whether all features are equal, bit for bit."""
    return all(torch.equal(first[layer], second[layer]) for layer in LAYERS)


def some(features: Features, part: slice) -> Features:
    return {layer: maps[part] for layer, maps in features.items()}


def load_openvino(name: str, engine: Engine) -> OpenvinoBackbone:
    backbone = load_backbone(name, SOURCES[name], engine=engine)
    assert isinstance(backbone, OpenvinoBackbone)
    return backbone


# Against PyTorch.


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize(
    ("count", "size"),
    [(1, (64, 64)), (8, (96, 64)), (9, (33, 50)), (17, (47, 72)), (3, (40, 168))],
)
def test_float32_gives_the_features_of_pytorch_for_every_batch_and_size(
    load: Callable[..., Backbone], name: str, count: int, size: tuple[int, int]
) -> None:
    images = noise(count, *size)
    expected = load(name).extract(images)
    found = load(name, OPENVINO_FLOAT32).extract(images)

    for layer in LAYERS:
        assert found[layer].dtype == torch.float32
        assert found[layer].shape == expected[layer].shape
        scale = float(expected[layer].abs().max())
        assert float((found[layer] - expected[layer]).abs().max()) < 1e-4 * scale


@pytest.mark.parametrize(
    ("engine", "least", "most"), [(OPENVINO_BFLOAT16, 1e-3, 0.1), (OPENVINO_INT8, 0.02, 0.25)]
)
def test_fewer_bits_give_features_near_those_of_float32_and_not_the_same(
    load: Callable[..., Backbone], engine: Engine, least: float, most: float
) -> None:
    if problem := why_unusable(engine, LITE0):
        pytest.skip(str(problem))
    images = np.concatenate(list(demo_pictures()))
    expected, found = load(LITE0).extract(images), load(LITE0, engine).extract(images)
    apart = [float((found[one] - expected[one]).norm() / expected[one].norm()) for one in LAYERS]

    assert len(images) >= 3
    assert all(least < distance < most for distance in apart), apart


# One picture among others.


@pytest.mark.parametrize("engine", [OPENVINO_FLOAT32, OPENVINO_INT8], ids=str)
def test_the_features_of_a_picture_do_not_depend_on_its_batch(
    load: Callable[..., Backbone], engine: Engine
) -> None:
    backbone, images = load(LITE0, engine), noise(2 * PASS_SIZE + 1, 64, 96)
    together = backbone.extract(images)

    for part in (slice(0, 1), slice(3, 5), slice(5, 12), slice(16, 17)):
        assert same(backbone.extract(images[part]), some(together, part)), part
    assert not same(some(together, slice(0, 1)), some(together, slice(1, 2)))


@pytest.mark.parametrize("engine", [OPENVINO_FLOAT32, OPENVINO_INT8], ids=str)
def test_other_numbers_of_threads_are_taken_and_change_nothing(
    load: Callable[..., Backbone], engine: Engine
) -> None:
    backbone, images, before = load(LITE0, engine), noise(3, 64, 64), torch.get_num_threads()
    found, taken = [], []
    try:
        for threads in (1, 2, 1):
            torch.set_num_threads(threads)
            found.append(backbone.extract(images))
            compiled: Any = backbone._request.get_compiled_model()  # type: ignore[attr-defined]
            taken.append(compiled.get_property("INFERENCE_NUM_THREADS"))
    finally:
        torch.set_num_threads(before)

    assert taken == [1, min(2, os.cpu_count() or 1), 1]
    for one in found[1:]:
        for layer in LAYERS:
            torch.testing.assert_close(one[layer], found[0][layer], rtol=1e-4, atol=1e-4)


def test_threads_that_extract_at_the_same_time_get_what_each_gets_alone(
    load: Callable[..., Backbone],
) -> None:
    backbone = load("resnet18", OPENVINO_FLOAT32)
    tasks = [noise(count, 64, 32 * (1 + count % 2), seed=count) for count in (1, 9, 2, 8, 3, 12)]
    alone = [backbone.extract(images) for images in tasks]
    with ThreadPoolExecutor(len(tasks)) as pool:
        found = list(pool.map(backbone.extract, tasks * 2))

    assert all(same(one, right) for one, right in zip(found, alone * 2, strict=True))


def test_pictures_in_work_are_kept_and_features_that_were_given_out_are_left_alone(
    load: Callable[..., Backbone], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every copy of pictures is overwritten as soon as nobody holds it."""
    backbone, images = load("resnet18", OPENVINO_FLOAT32), noise(11, 64, 64)
    right = backbone.extract(images)
    copies = {layer: maps.clone() for layer, maps in right.items()}
    copied, overwritten = np.array, list[int]()

    def short_lived(values: Images) -> Images:
        content = copied(values)
        shown = content.view()

        def overwrite() -> None:
            content.fill(255)
            overwritten.append(len(content))

        weakref.finalize(shown, overwrite)
        return shown

    with monkeypatch.context() as patch:
        patch.setattr(np, "array", short_lived)
        found = backbone.extract(images)
    gc.collect()

    assert overwritten == [PASS_SIZE, 11 - PASS_SIZE]
    assert same(found, right)
    backbone.extract(noise(11, 64, 64, seed=1))
    assert same(right, copies)


@pytest.mark.parametrize("wrong", [np.zeros((2, 8, 8, 3), np.float32), np.zeros((0, 8, 8, 3), "B")])
def test_pictures_of_another_type_and_none_are_refused(
    load: Callable[..., Backbone], wrong: NDArray[Any]
) -> None:
    with pytest.raises(ValueError, match=r"uint8 \[N, H, W, 3\]"):
        load("resnet18", OPENVINO_FLOAT32).extract(wrong)


def test_a_model_refuses_the_same_network_on_another_engine(
    load: Callable[..., Backbone], tmp_path: Path, tiny_images: Images
) -> None:
    made, others = load(LITE0, OPENVINO_INT8), [load(LITE0), load(LITE0, OPENVINO_FLOAT32)]
    Padim(made).fit(tiny_images).save(tmp_path / "model")
    scores = Padim.load(tmp_path / "model", made).score(tiny_images).scores

    assert np.isfinite(scores).all()
    for other in others:
        with pytest.raises(ModelFileError) as refused:
            Padim.load(tmp_path / "model", other)
        assert made.identity in str(refused.value)
        assert other.identity in str(refused.value)


# What is kept.


class Tiny(nn.Module):
    """Three layers on grids as those of a ResNet."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1, self.layer2, self.layer3 = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.ReLU())
            for inputs, outputs, stride in ((3, 8, 4), (8, 8, 2), (8, 8, 2))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer3(self.layer2(self.layer1(x)))


def tiny_network(seed: int = 0) -> NetworkBackbone:
    generator = torch.Generator().manual_seed(seed)
    with torch.device("meta"):
        network = Tiny().eval()
    state = {
        key: torch.randn(value.shape, generator=generator) * value[0].numel() ** -0.5
        for key, value in network.state_dict().items()
    }
    layers = {layer: layer for layer in LAYERS}
    return NetworkBackbone("tiny", "made up", network, layers, state, (127.0,) * 3, (64.0,) * 3)


def test_int8_prepared_anew_in_another_cache_is_the_same_and_leaves_the_network_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, found, network = noise(3, 64, 64), [], tiny_network()
    before = network.extract(images)
    for name in ("one", "two"):
        monkeypatch.setenv("MVTEC_CACHE", str(tmp_path / name))
        backbone = OpenvinoBackbone(network, "int8")
        assert backbone.prepared_s > 0
        assert backbone.kept_in.is_relative_to(tmp_path / name)
        found.append(backbone.extract(images))

    assert same(*found)
    assert same(network.extract(images), before)
    assert not same(found[0], before)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_what_was_converted_is_read_and_not_converted_again(
    monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    images, engine = noise(3, 64, 64), Engine("openvino", precision)
    first = load_openvino("resnet18", engine)
    with monkeypatch.context() as patch:
        patch.setattr(openvino_network, "converted", None)
        second = load_openvino("resnet18", engine)

    assert first.prepared_s > 0 == second.prepared_s
    assert first.identity == second.identity
    assert same(first.extract(images), second.extract(images))  # also in the last digit
    assert list(first.kept_in.parent.iterdir()) == [first.kept_in]


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def one_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def of_another(path: Path) -> None:
    other = OpenvinoBackbone(tiny_network(seed=1), "float32").kept_in
    path.write_bytes(other.read_bytes())


@pytest.mark.parametrize("damage", [half, one_bit, Path.unlink, of_another])
def test_what_is_damaged_in_the_cache_is_converted_once_more(
    damage: Callable[[Path], None],
) -> None:
    images, network = noise(3, 64, 64), tiny_network()
    whole = OpenvinoBackbone(network, "float32")
    damage(whole.kept_in)
    again, after = (OpenvinoBackbone(network, "float32") for _ in range(2))

    assert again.prepared_s > 0 == after.prepared_s
    for one in (again, after):
        assert same(one.extract(images), whole.extract(images))


@pytest.mark.parametrize("broken", ["no folder", "no room"])
def test_a_cache_that_cannot_be_written_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def full(path: Path, *_: object) -> None:
        path.write_bytes(b"the first hundred bytes")
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    images, network = noise(2, 64, 64), tiny_network()
    right = OpenvinoBackbone(network, "float32").extract(images)
    cache = tmp_path / "other"
    monkeypatch.setenv("MVTEC_CACHE", str(cache))
    if broken == "no folder":
        cache.write_text("a file in the way")
    else:
        monkeypatch.setattr(openvino_network, "write_model", full)
    made = [OpenvinoBackbone(network, "float32") for _ in range(2)]

    assert all(one.prepared_s > 0 and same(one.extract(images), right) for one in made)
    assert broken == "no folder" or list((cache / "networks").iterdir()) == []


def test_an_identity_names_network_engine_precision_and_how_it_was_quantised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = openvino_network.converted(tiny_network(), False)
    monkeypatch.setattr(openvino_network, "converted", lambda *_: model)  # only names are compared
    networks = [tiny_network(seed) for seed in (0, 1)]
    made = [
        OpenvinoBackbone(one, precision) for one in networks for precision in ("float32", "int8")
    ]
    found = [*(one.identity for one in networks), *(one.identity for one in made)]
    monkeypatch.setattr(openvino_network, "PREPARED_ON", 2)
    other = OpenvinoBackbone(networks[0], "int8")

    assert len({*found, other.identity}) == 7
    assert made[0].identity == f"{networks[0].identity}-openvino-float32-v1"
    assert made[1].identity.startswith(f"{networks[0].identity}-openvino-int8-v1-demo1x1-nncf-")
    assert len({one.kept_in for one in (*made, other)}) == 5
