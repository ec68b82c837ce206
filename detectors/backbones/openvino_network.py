"""Networks computed by OpenVINO instead of PyTorch: on most processors it takes less time.

In float32 it computes what PyTorch does, but for the last digits; in bfloat16 factors have eight
bits of mantissa. In int8 weights and activations are integers of eight bits, with a scale for each
channel of weights and for each tensor of activations (Jacob et al., "Quantization and Training of
Neural Networks for Efficient Integer-Arithmetic-Only Inference", arXiv 1712.05877, section 2). NNCF
chooses the scales once per network, on good pictures of the demo data: no user's pictures go into
it, so cells of all parts share it. Weights take half their range, because processors without VNNI
would overflow at the whole.

What was converted is kept in the user's cache.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from data_utils.demo import DEMO_SEED, DEMO_VERSION, planned_pictures
from data_utils.locations import cache_root
from data_utils.transform import PAPER_CROP, Transform
from detectors.backbones.engines import BFLOAT16, FLOAT32, INT8, OPENVINO, openvino
from detectors.backbones.features import PASS_SIZE, Features, NetworkBackbone
from detectors.backbones.names import LAYERS
from detectors.base import ModelFileError, batches, check_images
from detectors.storage import read_model, write_model

VERSION = 1  # of the conversion; raised when its numbers change
PREPARED_ON = 20  # training pictures of each demo category
PARTS = ("structure", "weights")
_console = Lock()


class OpenvinoBackbone:
    """A network that OpenVINO computes; a ``Backbone``.

    Attributes
    ----------
    model : openvino.Model
        From uint8 ``[N, H, W, 3]`` to the layers, float32 ``[N, h, w, C]``.
    kept_in : Path
        Where the converted network is kept.
    prepared_s : float
        Seconds that converting it took; 0 where it was there.
    """

    def __init__(self, network: NetworkBackbone, precision: str) -> None:
        self.name, self.weights_label = network.name, network.weights_label
        recipe = f"{OPENVINO}-{precision}-v{VERSION}"
        if precision == INT8:
            recipe += f"-demo{DEMO_VERSION}x{PREPARED_ON}-nncf-{version('nncf')}"
        self.identity = f"{network.identity}-{recipe}"
        kept = self.identity.replace(BFLOAT16, FLOAT32)  # the same network, computed otherwise
        self.kept_in = cache_root() / "networks" / f"{kept}.safetensors"
        self.prepared_s = 0.0
        self._hint = "bf16" if precision == BFLOAT16 else "f32"
        self._lock, self._size, self._request = Lock(), (0, 0, 0), None
        files = _kept(self.kept_in)
        if files is None:
            started = time.perf_counter()
            files = written(converted(network, precision == INT8))
            _keep(files, self.kept_in)
            self.prepared_s = time.perf_counter() - started
        self.model = openvino().Core().read_model(*files)

    def extract(self, images: NDArray[np.uint8]) -> Features:
        check_images(images)
        tensor = openvino().Tensor
        with self._lock:
            request = self._compiled(images.shape[1], images.shape[2])
            shapes = [output.partial_shape for output in request.model_outputs]
            found = [
                np.empty((len(images), *(shape[n].get_length() for n in (1, 2, 3))), np.float32)
                for shape in shapes
            ]
            for part in batches(len(images), PASS_SIZE):
                pixels = np.array(images[part])  # a tensor does not keep what it shares
                request.set_input_tensor(tensor(pixels, shared_memory=True))
                for number, maps in enumerate(found):
                    request.set_output_tensor(number, tensor(maps[part], shared_memory=True))
                request.infer()
        tensors = [torch.from_numpy(maps).permute(0, 3, 1, 2) for maps in found]
        return dict(zip(LAYERS, tensors, strict=True))

    def _compiled(self, height: int, width: int) -> Any:
        """Return the network for pictures of this size, on as many threads as PyTorch takes."""
        size = (height, width, torch.get_num_threads())
        if size != self._size:
            self.model.reshape([openvino().Dimension(1, PASS_SIZE), height, width, 3])
            settings = {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": self._hint,
                "INFERENCE_NUM_THREADS": size[2],
                "ENABLE_CPU_PINNING": False,  # two processes would take the same cores
            }
            compiled = openvino().Core().compile_model(self.model, "CPU", settings)
            self._request, self._size = compiled.create_infer_request(), size
        return self._request


def as_openvino(
    module: nn.Module, inputs: Mapping[str, torch.Tensor], outputs: Sequence[str]
) -> Any:
    """Return a PyTorch module as OpenVINO's model with named inputs and outputs.

    It is run once before: what it computes of sizes alone and keeps becomes a constant.
    """
    with torch.no_grad():
        module(**inputs)
        program = torch.export.export(module.eval(), (), dict(inputs))
        program = program.run_decompositions(MEDIANS)
        with _quiet():
            model = openvino().convert_model(program)
    for output, name in zip(model.outputs, outputs, strict=True):
        output.get_tensor().set_names({name})
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep progress bars and notes from the console, which is that of all threads."""
    with _console, redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield


def _median(values: torch.Tensor, dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return PyTorch's (lower) median and where it is, by sorting, which OpenVINO can do."""
    found = values.sort(dim=dim)
    middle = (values.shape[dim] - 1) // 2
    return found.values.select(dim, middle), found.indices.select(dim, middle)


MEDIANS: dict[Any, Any] = {
    torch.ops.aten.median.dim: _median,
    torch.ops.aten.median.default: lambda values: _median(values.flatten(), 0)[0],
}


def converted(network: NetworkBackbone, quantised: bool) -> Any:
    """Return a network as OpenVINO's model, from uint8 ``[N, H, W, 3]`` to ``[N, h, w, C]``."""
    example = torch.zeros((1, PAPER_CROP, PAPER_CROP, 3), dtype=torch.uint8)
    model = as_openvino(LayersLast(network.module), {"images": example}, LAYERS)
    for step in model.get_ops():
        noted = step.get_attributes()
        if noted.get("pads_begin") != noted.get("pads_end"):  # see ``networks.same_padded``
            step.set_attribute("auto_pad", "same_upper")  # whatever the pictures' size
    return _quantised(model) if quantised else model


def _quantised(model: Any) -> Any:
    """Return the model in int8, with scales from the demo's good pictures."""
    pictures = list(demo_pictures())
    with _quiet():
        import nncf

        halved = nncf.AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix.ENABLE)
        return nncf.quantize(
            model,
            nncf.Dataset(pictures),
            subset_size=len(pictures),
            advanced_parameters=halved,
        )


class LayersLast(nn.Module):
    """A network whose maps have their channels last, and in the order of ``LAYERS``."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return the layers, float32 ``[N, h, w, C]``."""
        found = self.network(images)
        return [found[layer].permute(0, 2, 3, 1) for layer in LAYERS]


def demo_pictures() -> Iterator[NDArray[np.uint8]]:
    """Draw the pictures on which networks are quantised, uint8 ``[1, 224, 224, 3]`` each."""
    from data_utils.demo_scenes import draw_picture

    for item in planned_pictures():
        if item.split == "train" and item.index < PREPARED_ON:
            picture, _ = draw_picture(item.category, None, DEMO_SEED, item.key)
            yield Transform(PAPER_CROP, PAPER_CROP).picture(Image.fromarray(picture))[None]


def written(model: Any) -> tuple[bytes, bytes]:
    """Return a network as files hold it, structure and weights.

    What is read from them may differ from `model` in the last digits, so it takes its place.
    """
    with TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("network.xml", "network.bin")]
        openvino().save_model(model, files[0], compress_to_fp16=False)
        return files[0].read_bytes(), files[1].read_bytes()


def _kept(file: Path) -> tuple[bytes, bytes] | None:
    """Return a network from the cache, None if it is not there or not as it was written."""
    with suppress(ModelFileError, KeyError):
        tensors, about = read_model(file, OPENVINO)
        files = (tensors[PARTS[0]].numpy().tobytes(), tensors[PARTS[1]].numpy().tobytes())
        if about == _noted(files, file):
            return files
    return None


def _keep(files: tuple[bytes, bytes], file: Path) -> None:
    """Put a network into the cache, whole or not at all."""
    fresh = file.with_name(f".{os.getpid()}-{secrets.token_hex(4)}")
    arrays = (torch.frombuffer(bytearray(content), dtype=torch.uint8) for content in files)
    with suppress(OSError):  # there is no room: not needed
        file.parent.mkdir(parents=True, exist_ok=True)
        write_model(fresh, dict(zip(PARTS, arrays, strict=True)), _noted(files, file))
        fresh.replace(file)
    with suppress(OSError):
        fresh.unlink()


def _noted(files: tuple[bytes, bytes], file: Path) -> dict[str, str]:
    """Return what a kept network says of itself: that it is this one, and whole."""
    digest = hashlib.blake2b(b"".join(files), digest_size=16).hexdigest()
    return {"method": OPENVINO, "network": file.stem, "digest": digest}
