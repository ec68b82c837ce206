"""The constants of ``docs/scaling.md``: what one core and the one writer need per picture and cell.

Everything is measured with one thread on pictures of MVTec AD's size that are drawn here.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.common import decode_all, loaded_backbone, pass_all, seconds, use_threads
from benchmarks.rehearsal import Drawing
from data_utils.mvtec import scan_category
from data_utils.pictures import load_pictures
from evaluation.cells import CELL_FILE
from evaluation.job import DONE
from evaluation.parcel import pack, put_in_place
from evaluation.progress import RunProgress
from evaluation.runner import Run, evaluate
from evaluation.settings import Settings
from evaluation.summary import write_summary

TRAIN, GOOD, BAD = 60, 20, 60
KEPT = (1000, 4000)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", help="torchvision state dict; default: torchvision's own")
    given = parser.parse_args()
    use_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        os.environ["MVTEC_CACHE"] = str(base / "cache")
        draw(base / "data")
        run = Run(base / "data", base / "outputs", ["bottle"], ["padim", "patchcore"])
        run = replace(run, weights=given.weights)
        category = scan_category(run.data, "bottle")
        transform = Settings().transform_for(category)
        count = len(category.records)
        size = sum(path.stat().st_size for path in category.records["image_path"])
        show("one picture file", size / count / 1e6, "MB")
        os.environ["OMP_NUM_THREADS"] = "1"
        decoding = seconds(lambda: decode_all(category, transform))
        show("decoding one (as many threads as cores)", decoding / count * 1000, "ms")
        pictures = load_pictures(category, transform)
        backbone = loaded_backbone(given.weights)
        pass_all(backbone, replace(pictures, images=pictures.images[:8]))
        passing = seconds(lambda: pass_all(backbone, pictures))
        show("passing one through ResNet-18", passing / count * 1000, "ms")
        progress = RunProgress(run.outputs, run.planned, show_bars=False)
        whole = seconds(lambda: evaluate(run, progress))
        assert progress.status.count(DONE) == len(run.planned)
        show("PaDiM and PatchCore together, per picture", whole / count * 1000, "ms")
        carry(run, pictures.fingerprint, base)
        rebuild(run, base, KEPT)
    return 0


def show(name: str, value: float, unit: str) -> None:
    """Print one constant."""
    print(f"{name:<52} {value:9.2f} {unit}", flush=True)


def draw(data: Path) -> None:
    """Draw a category of MVTec AD's kind at 1,024 px."""
    kinds = [("train", "good", TRAIN), ("test", "good", GOOD), ("test", "stain", BAD)]
    for split, kind, count in kinds:
        for index in range(count):
            Drawing(data / "bottle", "demo_weave", split, kind, index, 1024).write()


def carry(run: Run, fingerprint: str, base: Path) -> None:
    """Measure what a finished cell costs on its way to the one writer, without the network."""
    for cell in run.planned:
        place = run.place_of(cell)
        copy = base / "copy"
        shutil.copytree(place.folder, copy)
        began = time.perf_counter()
        parcel = pack(copy, base)
        packing = time.perf_counter() - began
        assert parcel is not None
        there = replace(place, outputs=base / "there")
        began = time.perf_counter()
        put_in_place(parcel, there, run.data, fingerprint)
        putting = time.perf_counter() - began
        tests = GOOD + BAD
        show(f"{cell.method}: parcel per test picture", len(parcel) / tests / 1e6, "MB")
        show(f"{cell.method}: packing it", packing / tests * 1000, "ms")
        show(f"{cell.method}: checking and writing it", putting / tests * 1000, "ms")


def rebuild(run: Run, base: Path, counts: Sequence[int]) -> None:
    """Measure rebuilding the summary among many cells."""
    source = run.place_of(run.planned[0]).folder / CELL_FILE
    many = base / "many"
    made = 0
    for count in counts:
        for number in range(made, count):
            folder = many / "settings" / f"seed-{number}" / "bottle" / "padim"
            folder.mkdir(parents=True)
            shutil.copy(source, folder / CELL_FILE)
        made = count
        taken = seconds(lambda: write_summary(many))
        show(f"rebuilding the summary of {count} cells", taken, "s")


if __name__ == "__main__":
    raise SystemExit(main())
