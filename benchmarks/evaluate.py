"""A whole evaluation of PaDiM and PatchCore against its floor.

The floor is what cannot be saved: decoding every picture, and passing it once through the
network. The evaluation fits and scores both methods, measures everything and writes all files.
Both are timed in turn, cold (nothing decoded) and warm (decoded pictures in the cache).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from PIL import Image

from benchmarks.common import (
    arguments,
    category_pictures,
    decode_all,
    fresh_cache,
    loaded_backbone,
    pass_all,
    report,
    seconds,
    use_threads,
)
from evaluation.cells import all_cells
from evaluation.progress import RunProgress
from evaluation.runner import Run, evaluate

METHODS = ["padim", "patchcore"]


def main() -> None:
    """Print floor, evaluation and their ratios."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, help="first enlarge all pictures to this side in px")
    given = parser.parse_args()
    use_threads(given.threads)
    if given.side is None:
        compare(given, given.data)
        return
    with tempfile.TemporaryDirectory() as folder:
        enlarged(given.data, given.category, given.side, Path(folder))
        compare(given, Path(folder))


def compare(given: argparse.Namespace, data: Path) -> None:
    """Time the floor and the evaluation in turn, `given.repeats` times."""
    times: dict[str, list[float]] = {}

    def timed(name: str, value: float) -> None:
        times.setdefault(name, []).append(value)

    # Results are removed when all is timed: file systems are slow to make files where many have
    # just been removed.
    with fresh_cache(), tempfile.TemporaryDirectory() as folder:
        category, transform, pictures = category_pictures(data, given.category)
        backbone = loaded_backbone(given.weights)
        pass_all(backbone, pictures)
        for _ in range(given.repeats):
            timed("decode and resize", seconds(lambda: decode_all(category, transform)))
            timed("backbone pass", seconds(lambda: pass_all(backbone, pictures)))
            timed("evaluation, warm", evaluation_seconds(given, data, Path(folder)))
            with fresh_cache():
                timed("evaluation, cold", evaluation_seconds(given, data, Path(folder)))
    medians = {name: report(name, values) for name, values in times.items()}
    floor = medians["decode and resize"] + medians["backbone pass"]
    print(f"cold: {medians['evaluation, cold'] / floor:.2f} of the floor")
    print(
        f"warm: {medians['evaluation, warm'] / medians['backbone pass']:.2f} of the backbone pass"
    )


def evaluation_seconds(given: argparse.Namespace, data: Path, folder: Path) -> float:
    """Evaluate both methods into a new folder; return the seconds, weights loaded included."""
    outputs = Path(tempfile.mkdtemp(dir=folder))
    run = Run(data, outputs, [given.category], METHODS, weights=given.weights)
    progress = RunProgress(outputs, run.planned, show_bars=False)
    taken = seconds(lambda: evaluate(run, progress))
    progress.finish()
    for _, cell in all_cells(outputs)[0]:
        phases = ", ".join(f"{name} {value:.2f}" for name, value in cell["timings"].items())
        print(f"  {cell['method']}: {phases}")
    return taken


def enlarged(data: Path, category: str, side: int, target: Path) -> None:
    """Copy a category with every picture and mask at `side` x `side` pixels."""
    for path in sorted((data / category).rglob("*.png")):
        copy = target / path.relative_to(data)
        copy.parent.mkdir(parents=True, exist_ok=True)
        mask = "ground_truth" in path.parts
        filtered = Image.Resampling.NEAREST if mask else Image.Resampling.BICUBIC
        with Image.open(path) as picture:
            picture.resize((side, side), filtered).save(copy, compress_level=6)


if __name__ == "__main__":
    main()
