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
from typing import Any
from unittest import mock

import torch
from safetensors.torch import load_file

BATCH_SIZE = 32  # anomalib's default
UNUSED_OPERATORS = ("nms", "qnms")

Tensors = dict[str, torch.Tensor]

kept_alive: list[Any] = []


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
    import_torchvision()

    results = []
    with torch.inference_mode():
        for job in task["jobs"]:
            for _ in range(task["repeats"]):
                results.append({"name": job["name"], **measured(job, inputs)})
    versions = {"anomalib": import_module("anomalib").__version__, "torch": torch.__version__}
    answer = {"versions": versions, "results": results}
    (folder / "result.json").write_text(json.dumps(answer), encoding="utf-8")


def import_torchvision() -> None:
    """Import torchvision also where it was built for another PyTorch.

    Such a build lacks its compiled operators; nothing here calls them, but its import names them.
    """
    try:
        import_module("torchvision")
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library: Any = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for name in UNUSED_OPERATORS:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        kept_alive.append(library)


def measured(job: dict[str, Any], inputs: Tensors) -> dict[str, Any]:
    """Fit and score one method; return seconds by phase and one score per test picture."""
    clock = Clock()
    if job["method"] == "padim":
        model = padim(inputs)
        time_network(model, clock)
        warm_up(model, inputs, clock)
        with clock.phase("fit"):
            show(model.train(), inputs["train"])
            model.fit()
        notes: dict[str, int] = {}
    else:
        model = patchcore(inputs)
        time_network(model, clock)
        warm_up(model, inputs, clock)
        with clock.phase("fit"):
            show(model.train(), inputs["train"])
        notes = choose_bank(model, job, inputs, clock)
    clock.seconds["network, fit"] = clock.seconds.pop("network")
    model.eval()
    with clock.phase("score"):
        scores = [
            model(part).anomaly_map.flatten(1).amax(1)
            for part in torch.split(inputs["test"], BATCH_SIZE)
        ]
    clock.seconds["network, score"] = clock.seconds.pop("network")
    return {"seconds": clock.seconds, "scores": torch.cat(scores).tolist(), "notes": notes}


def padim(inputs: Tensors) -> Any:
    """Return anomalib's PaDiM with the given weights and channels."""
    channels = inputs["channel_index"]
    module = import_module("anomalib.models.image.padim.torch_model")
    model = module.PadimModel("resnet18", ["layer1", "layer2", "layer3"], False, len(channels))
    model.idx = channels
    load_weights(model, inputs)
    return model


def patchcore(inputs: Tensors) -> Any:
    """Return anomalib's PatchCore with the given weights, without re-weighting."""
    module = import_module("anomalib.models.image.patchcore.torch_model")
    model = module.PatchcoreModel(["layer2", "layer3"], "resnet18", False, num_neighbors=1)
    load_weights(model, inputs)
    generator = model.anomaly_map_generator

    def bilinear(patch_scores: torch.Tensor, image_size: tuple[int, int]) -> torch.Tensor:
        enlarged = torch.nn.functional.interpolate(patch_scores, image_size, mode="bilinear")
        return generator.blur(enlarged)

    generator.compute_anomaly_map = bilinear
    return model


def choose_bank(model: Any, job: dict[str, Any], inputs: Tensors, clock: Clock) -> dict[str, int]:
    """Choose the memory bank, or time some centres of it and take the project's choice.

    Choosing every further centre costs the same (one distance to every patch), so the seconds of
    ``job["centres"]`` of them tell the seconds of all.
    """
    with clock.phase("fit"):
        patches = torch.vstack(model.embedding_store)
        model.embedding_store.clear()
    components = import_module("anomalib.models.components")
    sampler = components.KCenterGreedy(patches, job["size"] / len(patches))
    measured_centres = min(job["centres"] or job["size"], job["size"])
    sampler.coreset_size = measured_centres
    projection = sampler.model
    if "projection" in inputs:
        matrix = inputs["projection"].T
        projection.fit = lambda _: setattr(projection, "sparse_random_matrix", matrix)
    first = torch.tensor([job["first"]])
    choosing = Clock()
    apply = projection.transform

    def transform(patches: torch.Tensor) -> torch.Tensor:
        with choosing.phase("fit"):
            result: torch.Tensor = apply(patches)
            return result

    projection.transform = transform
    with choosing.phase("centres"), mock.patch.object(torch, "randint", return_value=first):
        chosen = torch.tensor(sampler.select_coreset_idxs())
    per_centre = choosing.seconds["centres"] / max(1, measured_centres - 1)
    clock.seconds["fit"] += choosing.seconds["fit"] + per_centre * (job["size"] - 1)
    ours = inputs[job["chosen"]]
    agreeing = int(torch.isin(chosen, ours[:measured_centres]).sum())
    if measured_centres < job["size"]:
        chosen = ours
    with clock.phase("fit"):
        model.memory_bank = patches[chosen]
    return {
        "centres": measured_centres,
        "size": job["size"],
        "agreeing": agreeing,
        "channels": len(projection.sparse_random_matrix),
    }


def load_weights(model: Any, inputs: Tensors) -> None:
    """Load the backbone's weights by name; timm and torchvision agree on them."""
    state = {
        name.removeprefix("weights."): value
        for name, value in inputs.items()
        if name.startswith("weights.")
    }
    network = model.feature_extractor.feature_extractor
    missing = [
        name
        for name in network.load_state_dict(state, strict=False).missing_keys
        if not name.endswith("num_batches_tracked")
    ]
    if missing:
        raise RuntimeError(f"The weights lack {', '.join(missing)}.")


def time_network(model: Any, clock: Clock) -> None:
    """Count the seconds of the feature extractor as phase ``network``."""
    extract = model.feature_extractor.forward

    def forward(pictures: torch.Tensor) -> Any:
        with clock.phase("network"):
            return extract(pictures)

    model.feature_extractor.forward = forward


def warm_up(model: Any, inputs: Tensors, clock: Clock) -> None:
    """Pass a few pictures through the network, untimed."""
    model.feature_extractor(inputs["train"][:4])
    clock.seconds.clear()


def show(model: Any, pictures: torch.Tensor) -> None:
    """Show training pictures to a model in training mode, which collects their embeddings."""
    for part in torch.split(pictures, BATCH_SIZE):
        model(part)


if __name__ == "__main__":
    main()
