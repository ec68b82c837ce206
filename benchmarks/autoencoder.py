"""The AE's training and scoring, chosen for each category without looking at it.

Every training is done on every category and seed, scored in several ways, and added to a log of
JSON lines; what the log has already is not done again. The table says for each category what a
choice by all others gives: the variant with the best mean over them of image and pixel AUROC.
``--training copying`` trains without planted damage.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.evaluate import category_pictures
from data_utils.decoding import Pictures
from data_utils.mvtec import category_names
from detectors.autoencoder import Autoencoder, redrawn, split_positions
from detectors.base import batches
from detectors.denoising import CHUNK, AutoencoderSettings, resized
from detectors.maps import anomaly_map, image_scores
from detectors.usual_error import reconstruction_error, relative_error, usual_error
from evaluation.measure.measures import image_auroc
from evaluation.measure.metrics import auroc, curve

LOG = Path(__file__).with_suffix(".jsonl")
TRAINING = {"planted": AutoencoderSettings(), "copying": AutoencoderSettings(damage=False)}
SCALES = {"both": (0, 1), "fine": (0,), "coarse": (1,)}
STRUCTURAL = {"": False, "+ SSIM": True}
MILDNESS = {"not relative": 1e6, "k = 1": 1.0, "k = 0.5": 0.5}

Results = dict[tuple[str, str], dict[str, tuple[float, float]]]  # variant → category → AUROCs


def main() -> None:
    """Train what is missing in the log, then print the tables."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", type=Path, nargs="*", default=[], metavar="ROOT")
    parser.add_argument("--categories", nargs="+", metavar="NAME")
    parser.add_argument("--training", nargs="+", choices=list(TRAINING), default=["planted"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--log", type=Path, default=LOG)
    parser.add_argument("--curves", type=Path, help="draw the learning curves of seed 0 (SVG)")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    done = {(row["training"], row["seed"], row["category"]) for row in read(given.log)}
    for training, seed, root in product(given.training, given.seeds, given.data):
        for name in category_names(root):
            wanted = not given.categories or name in given.categories
            if wanted and (training, seed, name) not in done:
                row = trained_and_scored(training, seed, category_pictures(root, name)[2])
                with given.log.open("a", encoding="utf-8") as log:
                    log.write(json.dumps({"category": name} | row) + "\n")
                print(name, training, seed, flush=True)
    rows = read(given.log)
    if given.curves:
        given.curves.write_text(learning_curves(rows), encoding="utf-8")
    results = means(rows)
    print_variants(results)
    print_left_out(results)


def trained_and_scored(training: str, seed: int, pictures: Pictures) -> dict[str, Any]:
    """Return one line of the log: AUROCs by scoring, learning curves by network."""
    train = np.asarray(pictures.train)
    detector = Autoencoder(replace(TRAINING[training], seed=seed))
    detector.fit(train)
    labels = pictures.records.loc[pictures.records["split"] == "test", "label"].to_numpy()
    usable = pictures.records.loc[pictures.records["split"] == "test", "has_mask"].to_numpy(bool)
    marked = np.asarray(pictures.masks[usable]) > 0
    aurocs = {}
    for scoring, maps in all_maps(detector, train, np.asarray(pictures.test)).items():
        pixel = auroc(curve(maps[usable], marked))
        aurocs[scoring] = [
            round(float(image_auroc(image_scores(maps), labels)), 4),
            round(pixel, 4),
        ]
    logs = [[[round(e, 6) for e in epoch] for epoch in scale.log] for scale in detector.scales_]
    return {"training": training, "seed": seed, "auroc": aurocs, "epochs": logs}


def all_maps(
    detector: Autoencoder, train: NDArray[np.uint8], test: NDArray[np.uint8]
) -> dict[str, NDArray[np.float32]]:
    """Return the maps ``[T, H, W]`` of the test pictures by every scoring."""
    trained, stopping, _ = split_positions(len(train))
    learned = train[np.concatenate([trained, stopping])]
    size = (test.shape[1], test.shape[2])
    own: dict[tuple[int, str, str], NDArray[np.float32]] = {}
    for number, scale in enumerate(detector.scales_):
        good, new = (drawn_pairs(scale.network, resized(p, scale.size)) for p in (learned, test))
        for (error, structural), (relation, k) in product(STRUCTURAL.items(), MILDNESS.items()):
            usual = usual_error(reconstruction_error(*good, structural))
            relative = relative_error(reconstruction_error(*new, structural), usual, k)
            own[number, error, relation] = anomaly_map(relative, size)
    return {
        f"{scales} {error} {relation}": np.mean([own[n, error, relation] for n in numbers], axis=0)
        for (scales, numbers), error, relation in product(SCALES.items(), STRUCTURAL, MILDNESS)
    }


def drawn_pairs(
    network: torch.nn.Module, pictures: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return pictures and reconstructions."""
    pairs = [redrawn(network, pictures[part]) for part in batches(len(pictures), CHUNK)]
    seen, drawn = zip(*pairs, strict=True)
    return torch.cat(seen), torch.cat(drawn)


def read(log: Path) -> list[dict[str, Any]]:
    """Return the lines of the log."""
    if not log.exists():
        return []
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def means(rows: Sequence[dict[str, Any]]) -> Results:
    """Return mean image and pixel AUROC over the seeds, by variant and category."""
    found: dict[tuple[str, str], dict[str, list[list[float]]]] = {}
    for row in rows:
        for scoring, aurocs in row["auroc"].items():
            of_variant = found.setdefault((row["training"], scoring), {})
            of_variant.setdefault(row["category"], []).append(aurocs)
    return {
        variant: {name: tuple(np.mean(seeds, axis=0)) for name, seeds in of_variant.items()}
        for variant, of_variant in found.items()
    }


def print_variants(results: Results) -> None:
    """Print every variant's AUROCs by category."""
    names = sorted({name for of_variant in results.values() for name in of_variant})
    print(f"\n{'image / pixel AUROC':<32}" + "".join(f"{name:>14}" for name in [*names, "mean"]))
    for variant, of_variant in results.items():
        pairs = [of_variant.get(name, (np.nan, np.nan)) for name in names]
        cells = "".join(f"{text(pair):>14}" for pair in [*pairs, np.nanmean(pairs, axis=0)])
        print(f"{' '.join(variant):<32}" + cells)


def print_left_out(results: Results) -> None:
    """Print what a choice by all other categories gives for each one."""
    names = sorted({name for of_variant in results.values() for name in of_variant})
    complete = {v: found for v, found in results.items() if len(found) == len(names)}
    print("\nleft out, chosen by the others: image / pixel AUROC")
    reached = []
    for name in names:
        chosen = max(
            complete,
            key=lambda v: sum(sum(pair) for other, pair in complete[v].items() if other != name),
        )
        reached.append(complete[chosen][name])
        print(f"{name:<16}{' '.join(chosen):<32}{text(reached[-1])}")
    print(f"{'mean':<48}{text(np.mean(reached, axis=0))}")


def learning_curves(rows: Sequence[dict[str, Any]]) -> str:
    """Draw the validation errors of seed 0 by epoch as SVG, one panel per network."""
    shown = [row for row in rows if row["training"] == "planted" and row["seed"] == 0]
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 840 290" fill="none">']
    parts.append('<rect width="840" height="290" fill="white"/><g font-size="11">')
    for panel, side in enumerate(AutoencoderSettings().sides):
        left = 420 * panel + 40
        title = f"{side} px: mean absolute error of held-out pictures, epochs 1 to 12"
        parts.append(f'<text x="{left}" y="14" fill="black">{title}</text>')
        for value in (0.01, 0.02, 0.05, 0.1):
            parts.append(f'<text x="{left - 34}" y="{height(value)}" fill="gray">{value}</text>')
            parts.append(f'<path d="M{left},{height(value)}h300" stroke="lightgray"/>')
        for number, row in enumerate(shown):
            held_out = [height(error) for _, error in row["epochs"][panel]]
            points = " ".join(f"{left + 27 * n},{y}" for n, y in enumerate(held_out))
            colour = f"hsl({360 * number // len(shown)},65%,40%)"
            parts.append(f'<polyline points="{points}" stroke="{colour}"/>')
            place = f'x="{left + 302}" y="{40 + 16 * number}"'
            parts.append(f'<text {place} fill="{colour}">{row["category"]}</text>')
    return "\n".join([*parts, "</g></svg>\n"])


def height(error: float) -> float:
    """Return where an error lies on a panel's logarithmic axis, in px from above."""
    return round(30 + 230 * math.log(0.2 / error) / math.log(0.2 / 0.008), 1)


def text(pair: Sequence[float] | NDArray[np.float64]) -> str:
    """Return image and pixel AUROC as words."""
    return f"{pair[0]:.3f} / {pair[1]:.3f}"


if __name__ == "__main__":
    main()
