"""How well a backbone serves: AUROC of PaDiM and PatchCore on data with real or drawn defects.

Run as a program it compares backbones: random, random with the batch norms' statistics taken on
drawn pictures, the project's own, training checkpoints or exported files, and any other weights.
``bottle`` and ``screw`` are what training was watched on; the demo data is not, so it is a check.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from data_utils.demo import DEMO_CATEGORIES, ensure_demo
from data_utils.mvtec import scan_category
from data_utils.pictures import Pictures, load_pictures
from detectors.architectures import OWN_BACKBONES
from detectors.backbone import PASS_SIZE, Features, batches
from detectors.backbones import load_backbone
from detectors.base import AnomalyResult
from detectors.feature_detector import FeatureDetector
from detectors.maps import image_scores
from detectors.padim import Padim
from detectors.patchcore import Patchcore
from detectors.weights import load_weights, random_weights
from evaluation.measure import pixel_curve_of, pixels_by_type
from evaluation.metrics import auroc, curve, mask_regions
from evaluation.settings import Settings
from tools.offline_backbone.checkpoint import stored_trunk
from tools.offline_backbone.network import TrainedTrunk, loaded_trunk
from tools.offline_backbone.pool import Pool
from tools.offline_backbone.views import exposed, normalised, read_views, scene_poses

TUNED_ON = ("bottle", "screw")
RE_ESTIMATION_STEPS = 12
RE_ESTIMATION_VIEWS = 32
RE_ESTIMATION_SIDE = 160
SCALE, SHIFT = "scale", "shift"

Extract = Callable[[NDArray[np.uint8]], Features]


@dataclass(frozen=True)
class Transfer:
    """One row of the comparison; the areas lie between 0 and 1."""

    category: str
    method: str
    image_auroc: float
    pixel_auroc: float


def extractor(trunk: TrainedTrunk) -> Extract:
    """Return what turns uint8 ``[N, H, W, 3]`` into feature maps, as ``Backbone.extract`` does."""
    trunk.eval()

    @torch.inference_mode()
    def extract(images: NDArray[np.uint8]) -> Features:
        parts = []
        for part in batches(len(images), PASS_SIZE):
            pixels = torch.from_numpy(np.array(images[part])).permute(0, 3, 1, 2)
            parts.append(trunk(normalised(pixels.float() / 255)))
        return {layer: torch.cat([part[layer] for part in parts]) for layer in parts[0]}

    return extract


def category_pictures(data: Path, name: str) -> Pictures:
    """Read one category with the default settings."""
    category = scan_category(data, name)
    return load_pictures(category, Settings().transform_for(category))


def equally_bright(pictures: Pictures, way: str) -> Pictures:
    """Bring every picture to the mean brightness of the training pictures.

    A score that reacts to exposure loses its help, or its harm, by it.

    Parameters
    ----------
    pictures : Pictures
    way : str
        ``"scale"`` multiplies a picture, ``"shift"`` adds to it.
    """
    target = float(np.mean([picture.mean() for picture in pictures.train]))

    def brought(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        mean = float(picture.mean())
        changed = picture * (target / mean) if way == SCALE else picture + (target - mean)
        return changed.round().clip(0, 255).astype(np.uint8)

    return replace(pictures, images=np.stack([*map(brought, pictures.images)]))


def transfer(extract: Extract, name: str, pictures: Pictures, every: int = 1) -> list[Transfer]:
    """Fit PaDiM and PatchCore on every `every`-th good picture and rate all test pictures."""
    detectors: list[FeatureDetector] = [Padim(), Patchcore()]
    train = pictures.train[::every]
    for part in batches(len(train)):
        features = extract(train[part])
        for detector in detectors:
            detector.partial_fit(features)
    for detector in detectors:
        detector.finish_fit()
    maps = [np.empty(pictures.test.shape[:3], np.float32) for _ in detectors]
    for part in batches(len(pictures.test)):
        features = extract(pictures.test[part])
        for detector, own in zip(detectors, maps, strict=True):
            own[part] = detector.score_features(features, pictures.test.shape[1:3]).maps
    return [
        _measured(name, detector.method, AnomalyResult(image_scores(own), own), pictures)
        for detector, own in zip(detectors, maps, strict=True)
    ]


def watched_figure(rows: Sequence[Transfer]) -> float:
    """Return the figure that training is watched by: image and pixel AUROC, averaged."""
    return float(np.mean([(row.image_auroc + row.pixel_auroc) / 2 for row in rows]))


def re_estimated(trunk: TrainedTrunk, seed: int) -> TrainedTrunk:
    """Take the batch norms' statistics on drawn pictures; changes and returns `trunk`."""
    pool = Pool(seed, RE_ESTIMATION_STEPS * RE_ESTIMATION_VIEWS, renewed=0)
    pool.advance(0)
    generator = torch.Generator().manual_seed(seed)
    norms = [module for module in trunk.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    trunk.train()
    with torch.no_grad():
        for _ in range(RE_ESTIMATION_STEPS):
            sheets = pool.sample(RE_ESTIMATION_VIEWS, generator)[:, :3].float() / 255
            poses = scene_poses(RE_ESTIMATION_VIEWS, 1, generator)
            trunk(normalised(exposed(read_views(sheets, poses, RE_ESTIMATION_SIDE), generator)))
    for norm in norms:
        norm.momentum = 0.1
    return trunk.eval()


def _measured(name: str, method: str, result: AnomalyResult, pictures: Pictures) -> Transfer:
    records = pictures.test_records
    pixels = pixels_by_type(result.maps, mask_regions(pictures.masks), records)
    return Transfer(
        name,
        method,
        auroc(curve(result.scores, records["label"].to_numpy())),
        auroc(pixel_curve_of(list(pixels.values()))),
    )


def compared(given: argparse.Namespace) -> dict[str, Extract]:
    """Return the backbones that the command line asks for, by name."""
    random_state = random_weights("resnet18", given.seed).state
    found: dict[str, Extract] = {}
    if not given.no_random:
        re_estimated_trunk = re_estimated(loaded_trunk(random_state), given.seed)
        found["random"] = extractor(loaded_trunk(random_state))
        found["random, norms re-estimated"] = extractor(re_estimated_trunk)
    if not given.no_own:
        found.update({name: load_backbone(name).extract for name in OWN_BACKBONES})
    for path in given.checkpoint:
        found[path.name] = extractor(loaded_trunk(stored_trunk(path)))
    if given.weights:
        given_trunk = loaded_trunk(load_weights("resnet18", given.weights).state)
        found["given weights"] = extractor(given_trunk)
    return found


def main() -> int:
    """Print one line per backbone, category and method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with bottle and screw")
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], metavar="FILE")
    parser.add_argument("--weights", help="ImageNet weights of ResNet-18, for comparison")
    parser.add_argument("--every", type=int, default=1, help="fit on every N-th good picture (1)")
    parser.add_argument(
        "--equal-brightness", choices=[SCALE, SHIFT], help="of all pictures, made in this way"
    )
    parser.add_argument("--no-demo", action="store_true", help="leave the demo data out")
    parser.add_argument("--no-random", action="store_true", help="leave random weights out")
    parser.add_argument("--no-own", action="store_true", help="leave the project's own out")
    parser.add_argument("--seed", type=int, default=0, help="of random weights (0)")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as folder:
        sources = [(given.data, name) for name in TUNED_ON] if given.data else []
        if not given.no_demo:
            demo = ensure_demo(Path(folder) / "demo")
            sources += [(demo, name) for name in DEMO_CATEGORIES]
        everything = [(name, category_pictures(root, name)) for root, name in sources]
        if given.equal_brightness:
            everything = [
                (name, equally_bright(pictures, given.equal_brightness))
                for name, pictures in everything
            ]
        writer = csv.writer(sys.stdout)
        writer.writerow(["backbone", "category", "method", "image_auroc", "pixel_auroc", "seconds"])
        for label, extract in compared(given).items():
            for name, pictures in everything:
                started = time.perf_counter()
                rows = transfer(extract, name, pictures, given.every)
                spent = time.perf_counter() - started
                for row in rows:
                    areas = (f"{row.image_auroc:.4f}", f"{row.pixel_auroc:.4f}")
                    writer.writerow([label, row.category, row.method, *areas, f"{spent:.0f}"])
                sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
