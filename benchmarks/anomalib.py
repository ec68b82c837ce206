"""PaDiM and PatchCore against anomalib's, fit and score, from the same decoded pictures.

Each side computes in a process of its own, one after the other. Both get the same pictures,
weights, channels, projection, first centre, layers and blur, and take the maximum of a map as the
picture's score. anomalib's greedy choice of a 10 % bank takes hours, so 500 of its centres are
timed and the rest is counted at the same price; its maps then come from the project's bank. The
targets are for what follows the network, whose pass neither side can avoid; the ratio of the whole
is printed too.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from benchmarks.common import arguments, category_pictures, loaded_backbone, use_threads
from data_utils.pictures import Pictures
from detectors.backbones.features import Backbone, batches
from detectors.backbones.resnet import IMAGENET_MEAN, IMAGENET_STD
from detectors.backbones.weights import resnet_weights
from detectors.coreset import random_projection
from detectors.feature_detector import FeatureDetector
from detectors.maps import image_scores
from detectors.padim import Padim
from detectors.patchcore import Patchcore, PatchcoreSettings
from evaluation.image_metrics import image_auroc
from evaluation.machine import Clock

SIDE_SCRIPT = Path(__file__).with_name("anomalib_side.py")
HAS_ANOMALIB = "import importlib.util, sys; sys.exit(importlib.util.find_spec('anomalib') is None)"
PHASES = ("network, fit", "fit", "network, score", "score")
TIMED_CENTRES = 500
AUROC_LOSS = 0.003


@dataclass(frozen=True)
class Job:
    """One method to compare.

    Attributes
    ----------
    ratio : float or None
        PatchCore's share of patches kept; None for PaDiM.
    target : float
        How many times faster the project is to be.
    """

    name: str
    ratio: float | None
    target: float

    @property
    def key(self) -> str:
        """Name of the tensor that holds the chosen patches."""
        return f"chosen {self.ratio}"

    def detector(self, backbone: Backbone) -> FeatureDetector:
        """Return the project's detector."""
        if self.ratio is None:
            return Padim(backbone)
        return Patchcore(backbone, PatchcoreSettings(self.ratio))


JOBS = (
    Job("PaDiM", None, 2.0),
    Job("PatchCore 1 %", 0.01, 20.0),
    Job("PatchCore 10 %", 0.1, 40.0),
)


@dataclass(frozen=True)
class Side:
    """What one side found out: by job the medians of its phases, its scores and its notes."""

    seconds: dict[str, dict[str, float]]
    scores: dict[str, NDArray[np.float32]]
    notes: dict[str, Mapping[str, int]]

    @classmethod
    def of(cls, results: Sequence[Mapping[str, Any]]) -> Side:
        """Take medians over the repeats."""
        by_name: dict[str, list[Mapping[str, Any]]] = {}
        for result in results:
            by_name.setdefault(result["name"], []).append(result)
        return cls(
            seconds={
                name: {
                    phase: statistics.median(run["seconds"][phase] for run in runs)
                    for phase in PHASES
                }
                for name, runs in by_name.items()
            },
            scores={name: np.asarray(runs[0]["scores"], "f4") for name, runs in by_name.items()},
            notes={name: runs[0].get("notes", {}) for name, runs in by_name.items()},
        )


def main() -> None:
    """Measure both sides and print them with their ratios."""
    parser = arguments(__doc__.splitlines()[0])
    parser.set_defaults(repeats=1)
    parser.add_argument(
        "--anomalib-python",
        type=Path,
        metavar="PATH",
        help="Python of an environment with anomalib",
    )
    parser.add_argument(
        "--centres",
        type=int,
        metavar="N",
        help="time N of anomalib's centres for the 1 %% bank too, and count the rest",
    )
    parser.add_argument(
        "--own-projection",
        action="store_true",
        help="let anomalib draw its projection, which is wider, instead of taking the project's",
    )
    given = parser.parse_args()
    if not has_anomalib(given.anomalib_python):
        print(
            "Skipped: no Python with anomalib; install it in an environment of its own and give "
            "that one's Python with --anomalib-python."
        )
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # a fresh process each, so that neither side profits from the other's memory and threads
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            labels, ours = pool.submit(measure_project, given, folder).result()
        command = [str(given.anomalib_python), "-I", "-W", "ignore", str(SIDE_SCRIPT), str(folder)]
        subprocess.run(command, check=True)
        answer = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    versions = ", ".join(f"{name} {version}" for name, version in answer["versions"].items())
    print(f"project: torch {torch.__version__}; anomalib's side: {versions}")
    compare(Side.of(ours), Side.of(answer["results"]), labels)


def has_anomalib(python: Path | None) -> bool:
    """Tell whether this Python exists and can find anomalib."""
    if python is None or not python.is_file():
        return False
    return subprocess.run([python, "-I", "-c", HAS_ANOMALIB], check=False).returncode == 0


def measure_project(
    given: argparse.Namespace, folder: Path
) -> tuple[list[int], list[dict[str, Any]]]:
    """Measure the project's side, and write what the other side needs.

    Returns
    -------
    labels : list of int
        One per test picture, 1 if defective.
    results : list of dict
        ``name, seconds, scores`` of every job and repeat.
    """
    use_threads(given.threads)
    _, transform, pictures = category_pictures(given.data, given.category)
    print(
        f"{given.category}: {len(pictures.train)} training, {len(pictures.test)} test pictures, "
        f"{transform}, {given.threads} threads",
        flush=True,
    )
    backbone = loaded_backbone(given.weights)
    backbone.extract(pictures.images[:4])
    results = []
    shared = weights_and_pictures(given, pictures)
    jobs = []
    for job in JOBS:
        for _ in range(given.repeats):
            detector = job.detector(backbone)
            results.append({"name": job.name, **measured(detector, pictures)})
        description: dict[str, Any] = {"name": job.name, "method": detector.method}
        if isinstance(detector, Patchcore):
            per_picture = detector.grid_[0] * detector.grid_[1]
            chosen = detector.bank_image_ * per_picture + detector.bank_position_
            shared[job.key] = chosen
            small = job.ratio == min(other.ratio for other in JOBS if other.ratio is not None)
            description |= {
                "first": int(chosen[0]),
                "size": len(chosen),
                "chosen": job.key,
                "centres": given.centres if small else given.centres or TIMED_CENTRES,
            }
        elif isinstance(detector, Padim):
            shared["channel_index"] = detector.channel_index_
        jobs.append(description)
    channels = backbone.channels["layer2"] + backbone.channels["layer3"]
    # the first that PatchCore draws from its seed
    generator = torch.Generator().manual_seed(PatchcoreSettings().seed)
    if not given.own_projection:
        shared["projection"] = random_projection(channels, generator)
    save_file(
        {name: tensor.contiguous() for name, tensor in shared.items()},
        folder / "inputs.safetensors",
    )
    task = {"threads": given.threads, "repeats": given.repeats, "jobs": jobs}
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
    return [int(label) for label in pictures.test_records["label"]], results


def weights_and_pictures(given: argparse.Namespace, pictures: Pictures) -> dict[str, torch.Tensor]:
    """Return the weights by name, and the pictures normalised as the network wants them."""
    state = resnet_weights("resnet18", given.weights).state
    tensors = {f"weights.{name}": value for name, value in state.items()}
    mean, deviation = (
        torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD)
    )
    for name, images in (("train", pictures.train), ("test", pictures.test)):
        pixels = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float()
        tensors[name] = (pixels - mean) / deviation
    return tensors


def measured(detector: FeatureDetector, pictures: Pictures) -> dict[str, Any]:
    """Fit on the training pictures and score the test pictures, network included."""
    assert detector.backbone is not None
    clock = Clock()
    train, test = pictures.train, pictures.test
    for part in batches(len(train)):
        with clock.phase("network, fit"):
            features = detector.backbone.extract(train[part])
        with clock.phase("fit"):
            detector.partial_fit(features)
    with clock.phase("fit"):
        detector.finish_fit()
    scores = []
    for part in batches(len(test)):
        with clock.phase("network, score"):
            features = detector.backbone.extract(test[part])
        with clock.phase("score"):
            maps = detector.score_features(features, test.shape[1:3]).maps
            scores += image_scores(maps).tolist()
    return {"seconds": clock.seconds, "scores": scores}


def compare(ours: Side, theirs: Side, labels: list[int]) -> None:
    """Print both sides, their ratios and image AUROC."""
    print(f"{'seconds':<26}" + "".join(f"{phase:>16}" for phase in PHASES) + f"{'all':>10}  AUROC")
    for job in JOBS:
        totals, own, areas = [], [], []
        for name, side in (("project", ours), ("anomalib", theirs)):
            seconds = side.seconds[job.name]
            totals.append(sum(seconds.values()))
            own.append(seconds["fit"] + seconds["score"])
            areas.append(image_auroc(side.scores[job.name], labels))
            columns = "".join(f"{seconds[phase]:16.2f}" for phase in PHASES)
            print(f"{job.name:<16}{name:<10}{columns}{totals[-1]:10.2f}  {areas[-1]:.4f}")
        ratio, gain = own[1] / own[0], areas[0] - areas[1]
        print(
            f"{'':<16}{totals[1] / totals[0]:.1f} times faster with the network, "
            f"{ratio:.1f} times from the same feature maps on (target {job.target:.0f}: "
            f"{'reached' if ratio >= job.target else 'missed'}), AUROC {gain:+.4f} "
            f"(at least -{AUROC_LOSS}: {'reached' if gain >= -AUROC_LOSS else 'missed'})"
        )
        notes = theirs.notes[job.name]
        if notes:
            taken = notes["centres"] < notes["size"]
            print(
                f"{'':<16}anomalib chose {notes['centres']} of {notes['size']} centres in "
                f"{notes['channels']} projected channels, {notes['agreeing']} of them as the "
                "project" + "; the rest at the same price, and the project's bank scored" * taken
            )


if __name__ == "__main__":
    main()
