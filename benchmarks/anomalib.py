"""PaDiM and PatchCore against anomalib's, fit and score, from the same decoded pictures.

anomalib computes afterwards in a process of its own. Both sides get the same pictures, weights,
channels, projection, first centre, layers and blur, and take the maximum of a map as the picture's
score. anomalib's greedy choice of a 10 % bank takes hours, so 500 of its centres are timed and the
rest is counted at the same price; its maps then come from the project's bank.

With ``--openvino`` the 10 % bank is left out, and both sides score single pictures by OpenVINO
under the same settings: anomalib its whole model by its own export, without thresholds, the project
its network, with the detector after it. Timed from decoded picture (uint8) to map and score.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from benchmarks.evaluate import arguments, category_pictures
from data_utils.decoding import Pictures
from detectors.backbones.engines import FLOAT32, INT8, OPENVINO, Engine
from detectors.backbones.features import Backbone
from detectors.backbones.names import channels_of
from detectors.backbones.networks import IMAGENET_MEAN, IMAGENET_STD, load_backbone
from detectors.backbones.weights import resnet_weights
from detectors.base import batches
from detectors.coreset import random_projection
from detectors.maps import image_scores
from detectors.padim import Padim
from detectors.patchcore import Patchcore, PatchcoreSettings
from evaluation.measure.measures import image_auroc
from evaluation.run.timing import Clock, median_ms, timed_each

SIDE_SCRIPT = Path(__file__).with_name("anomalib_side.py")
HAS_ANOMALIB = "from importlib.metadata import version; version('anomalib')"
PHASES = ("network, fit", "fit", "network, score", "score")
JOBS = {"PaDiM": (None, None), "PatchCore 1 %": (0.01, None), "PatchCore 10 %": (0.1, 500)}
"""PatchCore's share of patches kept; how many of anomalib's centres are timed."""
TIMED, UNTIMED = 50, 4  # single pictures, the untimed ones first


def main() -> None:
    """Measure both sides and print them with their ratios."""
    parser = arguments(__doc__)
    parser.add_argument(
        "--anomalib-python", type=Path, required=True, help="Python of an environment with anomalib"
    )
    parser.add_argument("--openvino", action="store_true", help="single pictures by OpenVINO too")
    given = parser.parse_args()
    jobs = {name: job for name, job in JOBS.items() if not (given.openvino and job[1])}
    python = given.anomalib_python
    asked = [python, "-I", "-c", HAS_ANOMALIB]
    if not python.is_file() or subprocess.run(asked, capture_output=True).returncode:
        parser.error(f"{python} is no Python of an environment with anomalib.")
    torch.set_num_threads(given.threads)
    _, transform, pictures = category_pictures(given.data, given.category)
    print(f"{given.category}, {len(pictures.images)} pictures, {transform}", flush=True)
    backbone = load_backbone("resnet18", given.weights)
    backbone.extract(pictures.images[:4])
    shared = weights_and_pictures(given.weights, pictures)
    of_layer = channels_of(backbone.name)
    channels = of_layer["layer2"] + of_layer["layer3"]
    # the first that PatchCore draws from its seed
    generator = torch.Generator().manual_seed(PatchcoreSettings().seed)
    shared["projection"] = random_projection(channels, generator)
    if given.openvino:
        step = -(-len(pictures.test) // (TIMED + UNTIMED))
        shared["single"] = torch.from_numpy(np.array(pictures.test[::step]))
    ours = []
    for name, (ratio, _) in jobs.items():
        detector = made(ratio, backbone)
        ours.append(measured(detector, pictures))
        if isinstance(detector, Padim):
            shared["channel_index"] = detector.channel_index_
        else:
            rows, columns = detector.grid_
            shared[name] = detector.bank_image_ * rows * columns + detector.bank_position_
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tensors = {name: tensor.contiguous() for name, tensor in shared.items()}
        save_file(tensors, folder / "inputs.safetensors")
        centres = {name: count for name, (_, count) in jobs.items()}
        task = json.dumps({"threads": given.threads, "jobs": centres})
        (folder / "task.json").write_text(task, encoding="utf-8")
        subprocess.run([python, "-I", "-W", "ignore", SIDE_SCRIPT, folder], check=True)
        answer = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    print(f"project: torch {torch.__version__}; {answer['versions']}")
    labels = [int(label) for label in pictures.test_records["label"]]
    print(f"{'seconds':<26}" + "".join(f"{phase:>16}" for phase in PHASES) + f"{'all':>10}  AUROC")
    for name, own, other in zip(jobs, ours, answer["results"], strict=True):
        compare(name, own, other, labels)
    for precision in (FLOAT32, INT8) if given.openvino else ():
        engine = Engine(OPENVINO, precision)
        backbone = load_backbone("resnet18", given.weights, engine=engine)
        for (name, (ratio, _)), other in zip(jobs.items(), answer["results"], strict=True):
            detector = made(ratio, backbone).fit(pictures.train)
            compare_single(f"{name}, {engine}", detector, shared["single"].numpy(), other)


def made(ratio: float | None, backbone: Backbone) -> Padim | Patchcore:
    """Return PatchCore that keeps this share of its patches, PaDiM without one."""
    return Patchcore(backbone, PatchcoreSettings(ratio)) if ratio else Padim(backbone)


def weights_and_pictures(weights: str | None, pictures: Pictures) -> dict[str, torch.Tensor]:
    """Return the weights by name, and the pictures normalised as the network wants them."""
    state = resnet_weights("resnet18", weights).state
    tensors = {f"weights.{name}": value for name, value in state.items()}
    mean, deviation = (
        torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD)
    )
    for name, images in (("train", pictures.train), ("test", pictures.test)):
        pixels = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float()
        tensors[name] = (pixels - mean) / deviation
    return tensors


def measured(detector: Padim | Patchcore, pictures: Pictures) -> dict[str, Any]:
    """Fit and score, network included; return seconds by phase and the test pictures' scores."""
    assert detector.backbone is not None
    clock, train, test = Clock(), pictures.train, pictures.test
    for part in batches(len(train)):
        with clock.phase("network, fit"):
            features = detector.backbone.extract(train[part])
        with clock.phase("fit"):
            detector.partial_fit(features)
    with clock.phase("fit"):
        detector.finish_fit()
    scores: list[float] = []
    for part in batches(len(test)):
        with clock.phase("network, score"):
            features = detector.backbone.extract(test[part])
        with clock.phase("score"):
            maps = detector.score_features(features, test.shape[1:3]).maps
            scores += image_scores(maps).tolist()
    return {"seconds": clock.seconds, "scores": scores}


def compare(name: str, ours: dict[str, Any], theirs: dict[str, Any], labels: list[int]) -> None:
    """Print both sides of one job, and their ratios."""
    totals, after_network, areas = [], [], []
    for side, result in (("project", ours), ("anomalib", theirs)):
        seconds = result["seconds"]
        totals.append(sum(seconds.values()))
        after_network.append(seconds["fit"] + seconds["score"])
        areas.append(image_auroc(np.asarray(result["scores"], "f4"), labels))
        columns = "".join(f"{seconds[phase]:16.2f}" for phase in PHASES)
        print(f"{name:<16}{side:<10}{columns}{totals[-1]:10.2f}  {areas[-1]:.4f}")
    print(
        f"{'':<16}{totals[1] / totals[0]:.1f} times faster with the network, "
        f"{after_network[1] / after_network[0]:.1f} times from the same feature maps on, "
        f"AUROC {areas[0] - areas[1]:+.4f}{theirs['note']}"
    )


def compare_single(
    title: str, detector: Padim | Patchcore, images: NDArray[np.uint8], theirs: dict[str, Any]
) -> None:
    """Print both sides' time of one picture, their ratio, and how far the scores lie apart."""
    results, seconds = timed_each(detector.score, list(images[:, None]))
    ours, other = (median_ms(np.array(s)[UNTIMED:]) for s in (seconds, theirs["single_seconds"]))
    scores = np.array([float(result.scores[0]) for result in results])
    apart = np.abs(scores / theirs["single_scores"] - 1).max()
    print(
        f"{title:<32}project {ours:.2f} ms, anomalib (float32) {other:.2f} ms, "
        f"{other / ours:.2f} times faster, scores apart by at most {100 * apart:.2g} %"
    )


if __name__ == "__main__":
    main()
