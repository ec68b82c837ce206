"""anomalib's side of ``benchmarks.anomalib``: run by anomalib's own Python, knows no project.

    python -I anomalib_side.py FOLDER

reads ``task.json`` and ``inputs.safetensors`` in FOLDER and writes ``result.json`` there. Only
what anomalib draws at random is replaced, and what would make its maps mean something else:
nearest enlargement in PatchCore's maps by the bilinear one that its PaDiM uses.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import torch
from safetensors.torch import load_file

BATCH_SIZE = 32  # anomalib's default

Tensors = dict[str, torch.Tensor]


class Clock:
    """Seconds by phase; a phase inside another one is taken out of the outer one."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time spent inside to `name`."""
        before = sum(self.seconds.values())
        started = time.perf_counter()
        yield
        inner = sum(self.seconds.values()) - before
        spent = time.perf_counter() - started - inner
        self.seconds[name] = self.seconds.get(name, 0.0) + spent


def main() -> None:
    """Measure every job of the task, and write the results."""
    folder = Path(sys.argv[1])
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    inputs = load_file(folder / "inputs.safetensors")
    torch.set_num_threads(task["threads"])
    torch.manual_seed(0)
    with torch.inference_mode():
        results = [measured(name, centres, inputs) for name, centres in task["jobs"].items()]
    versions = f"anomalib {import_module('anomalib').__version__}, torch {torch.__version__}"
    if "single" in inputs:
        versions += f", openvino {import_module('openvino').__version__}"
    answer = json.dumps({"versions": versions, "results": results})
    (folder / "result.json").write_text(answer, encoding="utf-8")


def measured(job: str, centres: int | None, inputs: Tensors) -> dict[str, Any]:
    """Fit and score one method; return seconds by phase and one score per test picture."""
    clock = Clock()
    model = made(job, inputs)
    state = {name.removeprefix("weights."): value for name, value in inputs.items()}
    missing = model.feature_extractor.feature_extractor.load_state_dict(state, strict=False)[0]
    if any(not name.endswith("num_batches_tracked") for name in missing):
        raise RuntimeError(f"The weights lack {', '.join(missing)}.")
    extract = model.feature_extractor.forward

    def timed(pictures: torch.Tensor) -> Any:
        with clock.phase("network"):
            return extract(pictures)

    extract(inputs["train"][:4])  # untimed
    model.feature_extractor.forward = timed
    model.train()
    with clock.phase("fit"):
        for part in torch.split(inputs["train"], BATCH_SIZE):
            model(part)  # collects the embeddings
        if job == "PaDiM":
            model.fit()
    note = "" if job == "PaDiM" else choose_bank(model, inputs[job], centres, inputs, clock)
    clock.seconds["network, fit"] = clock.seconds.pop("network")
    model.eval()
    with clock.phase("score"):
        scores = [
            model(part).anomaly_map.flatten(1).amax(1)
            for part in torch.split(inputs["test"], BATCH_SIZE)
        ]
    clock.seconds["network, score"] = clock.seconds.pop("network")
    result = {"seconds": clock.seconds, "scores": torch.cat(scores).tolist(), "note": note}
    if "single" in inputs:
        model.feature_extractor.forward = extract
        seconds, single_scores = by_openvino(job, model, inputs["single"].numpy())
        result |= {"single_seconds": seconds, "single_scores": single_scores}
    return result


def by_openvino(job: str, model: Any, pictures: Any) -> tuple[list[float], list[float]]:
    """Export the model as anomalib does; return seconds and score of each uint8 picture."""
    kind = getattr(import_module("anomalib.models"), "Padim" if job == "PaDiM" else "Patchcore")
    pre_process = import_module("anomalib.deploy").OpenVINOInferencer.pre_process
    size = pictures.shape[1:3]
    left_out = dict.fromkeys(("pre_trained", "post_processor", "evaluator", "visualizer"), False)
    whole = kind("resnet18", pre_processor=kind.configure_pre_processor(size), **left_out)
    whole.model = model
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "ENABLE_CPU_PINNING": False,
    }
    fixed = {"dynamic_shapes": None, "opset_version": 18}  # one picture at a time
    with TemporaryDirectory() as folder:
        file = whole.to_openvino(folder, input_size=size, onnx_kwargs=fixed)
        compiled = import_module("openvino").Core().compile_model(file, "CPU", settings)
    request = compiled.create_infer_request()
    seconds, scores = [], []
    for picture in pictures:
        started = time.perf_counter()
        found = request.infer([pre_process(picture)], share_inputs=True, share_outputs=True)
        scores.append(float(found["anomaly_map"].max()))
        seconds.append(time.perf_counter() - started)
    return seconds, scores


def made(job: str, inputs: Tensors) -> Any:
    """Return anomalib's PaDiM with the given channels, or its PatchCore without re-weighting."""
    if job == "PaDiM":
        channels = inputs["channel_index"]
        layers = ["layer1", "layer2", "layer3"]
        module = import_module("anomalib.models.image.padim.torch_model")
        padim = module.PadimModel("resnet18", layers, False, len(channels))
        padim.idx = channels
        return padim
    module = import_module("anomalib.models.image.patchcore.torch_model")
    patchcore = module.PatchcoreModel(["layer2", "layer3"], "resnet18", False, num_neighbors=1)
    generator = patchcore.anomaly_map_generator

    def bilinear(patch_scores: torch.Tensor, image_size: tuple[int, int]) -> torch.Tensor:
        enlarged = torch.nn.functional.interpolate(patch_scores, image_size, mode="bilinear")
        return generator.blur(enlarged)

    generator.compute_anomaly_map = bilinear
    return patchcore


def choose_bank(
    model: Any, ours: torch.Tensor, centres: int | None, inputs: Tensors, clock: Clock
) -> str:
    """Choose the memory bank, or time some centres of it and take the project's choice.

    Choosing every further centre costs the same (one distance to every patch), so the seconds of
    `centres` of them tell the seconds of all.
    """
    with clock.phase("fit"):
        patches = torch.vstack(model.embedding_store)
        model.embedding_store.clear()
    components = import_module("anomalib.models.components")
    sampler = components.KCenterGreedy(patches, len(ours) / len(patches))
    sampler.coreset_size = measured_centres = centres or len(ours)
    projection = sampler.model
    matrix = inputs["projection"].T
    projection.fit = lambda _: setattr(projection, "sparse_random_matrix", matrix)
    apply = projection.transform

    def transform(patches: torch.Tensor) -> Any:
        with clock.phase("fit"):
            return apply(patches)

    projection.transform = transform
    with clock.phase("centres"), mock.patch.object(torch, "randint", return_value=ours[:1]):
        chosen = torch.tensor(sampler.select_coreset_idxs())
    per_centre = clock.seconds.pop("centres") / (measured_centres - 1)
    clock.seconds["fit"] += per_centre * (len(ours) - 1)
    agreeing = int(torch.isin(chosen, ours[:measured_centres]).sum())
    with clock.phase("fit"):
        model.memory_bank = patches[ours if centres else chosen]
    counted = ", the rest counted at the same price" * bool(centres)
    return (
        f"; anomalib chose {measured_centres} of {len(ours)} centres, {agreeing} of them as the "
        f"project{counted}"
    )


if __name__ == "__main__":
    main()
