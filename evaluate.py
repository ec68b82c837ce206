"""Evaluate AE, PaDiM and PatchCore on a data set in MVTec AD layout.

The same program that the app's button starts; ``python evaluate.py --help`` explains it.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

import torch

from data_utils.demo import ensure_demo, is_demo
from data_utils.locations import (
    DATA_VARIABLE,
    OUTPUTS_VARIABLE,
    default_data_root,
    default_outputs,
    demo_root,
    expanded,
)
from data_utils.mvtec import DatasetError
from detectors.registry import METHODS, Options
from detectors.resnet import ARCHITECTURES
from evaluation.cells import repair
from evaluation.job import CANCELLED, FAILED, BusyError, CellState, lock_outputs
from evaluation.progress import RunProgress
from evaluation.runner import Run, evaluate, plan_categories, seconds_per_cell
from evaluation.settings import DEFAULT_BACKBONE, Settings
from evaluation.summary import SUMMARY_FILE, summary_table

EXIT_FAILED_CELLS, EXIT_USAGE, EXIT_BUSY, EXIT_CANCELLED = 1, 2, 3, 130
MAX_SEED = 2**32 - 1
MAX_THREADS = 1024
EXAMPLES = """examples:
  python evaluate.py --data demo
      try it on generated pictures, no download of a data set
  python evaluate.py --data data/mvtec_ad --categories bottle screw
      two categories, all three methods
  python evaluate.py --methods patchcore --coreset-ratio 0.1
      PatchCore with a larger memory bank, kept beside the default results
  python evaluate.py --weights resnet18-f37072fd.pth
      without network: ImageNet weights from a file

Finished cells are skipped when the same command runs again, so a run that was stopped goes on.
exit status: 0 all cells finished, 1 a cell failed, 2 wrong arguments or no data,
3 another evaluation is using the outputs folder, 130 cancelled."""


class OneSentenceParser(argparse.ArgumentParser):
    """Reports a wrong argument in one sentence."""

    def error(self, message: str) -> None:  # type: ignore[override]
        """Print the sentence and where help is; exit with status 2."""
        print(f"evaluate.py: {message}. See python evaluate.py --help.", file=sys.stderr)
        sys.exit(EXIT_USAGE)


def argument_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = OneSentenceParser(
        description="Fit AE, PaDiM and PatchCore on good pictures, score the test pictures, and "
        "write numbers and heatmaps.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--data",
        metavar="FOLDER",
        help="data folder with <category>/train/good, <category>/test/<defect> and "
        "<category>/ground_truth/<defect>; 'demo' for generated pictures "
        f"(default: ${DATA_VARIABLE}, else data/mvtec_ad)",
    )
    parser.add_argument(
        "--categories", nargs="+", metavar="NAME", help="categories to evaluate (default: all)"
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=list(METHODS),
        default=list(METHODS),
        metavar="NAME",
        help=f"any of {', '.join(METHODS)} (default: all)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=default_outputs(),
        metavar="FOLDER",
        help=f"where results go (default: ${OUTPUTS_VARIABLE}, else outputs)",
    )
    parser.add_argument(
        "--seed", type=_natural, default=0, help="same seed, same numbers (default: 0)"
    )
    parser.add_argument("--force", action="store_true", help="repeat finished cells")

    network = parser.add_argument_group("backbone of PaDiM and PatchCore")
    network.add_argument(
        "--backbone",
        choices=list(ARCHITECTURES),
        default=DEFAULT_BACKBONE,
        help=f"(default: {DEFAULT_BACKBONE})",
    )
    network.add_argument(
        "--weights",
        metavar="FILE",
        help="torchvision state dict of the backbone, or 'random' (default: $BACKBONE_WEIGHTS, "
        "else ImageNet weights, downloaded once)",
    )

    size = parser.add_argument_group("pictures")
    size.add_argument(
        "--image-size",
        type=_positive,
        metavar="PX",
        help="with a crop the shorter side before it (default 256); without one the pictures "
        "cover about PX x PX pixels (default 224)",
    )
    size.add_argument(
        "--crop",
        type=_positive,
        metavar="PX",
        help="side of the centre crop (default: 224 for MVTec AD's categories, else no crop)",
    )
    size.add_argument("--no-crop", action="store_true", help="always keep the whole picture")

    methods = parser.add_argument_group("methods")
    methods.add_argument(
        "--coreset-ratio",
        type=_share,
        default=Options().coreset_ratio,
        metavar="SHARE",
        help="share of patches in PatchCore's memory bank (default: 0.01)",
    )
    methods.add_argument(
        "--padim-channels",
        type=_positive,
        metavar="D",
        help="random channels of PaDiM (default: 100; 550 with wide_resnet50_2)",
    )
    parser.add_argument(
        "--threads", type=_threads, metavar="N", help="processor threads (default: all cores)"
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the evaluation; return the exit status."""
    parsed = argument_parser().parse_args(arguments)
    _end_on_signals()
    try:
        return _run(parsed)
    except KeyboardInterrupt:
        return _complain("Cancelled; finished cells are kept.", EXIT_CANCELLED)


def _run(parsed: argparse.Namespace) -> int:
    if parsed.threads:
        torch.set_num_threads(parsed.threads)
    outputs = expanded(str(parsed.out)).resolve()
    try:
        outputs.mkdir(parents=True, exist_ok=True)
        lock = lock_outputs(outputs)
    except BusyError as error:
        return _complain(str(error), EXIT_BUSY)
    except OSError as error:
        return _complain(
            f"The outputs folder {outputs} cannot be written ({error.strerror}); choose another "
            "with --out.",
            EXIT_USAGE,
        )
    with lock:
        try:
            run = _planned_run(parsed, outputs)
        except (DatasetError, ValueError, OSError) as error:
            RunProgress(outputs, [], show_bars=False).abort(FAILED, str(error))
            return _complain(str(error), EXIT_USAGE)
        repair(outputs)
        return _evaluate(run)


def _planned_run(parsed: argparse.Namespace, outputs: Path) -> Run:
    data = _data_folder(parsed.data)
    settings = Settings(
        backbone=parsed.backbone,
        options=Options(parsed.seed, parsed.coreset_ratio, parsed.padim_channels),
        image_size=parsed.image_size,
        crop=parsed.crop,
        whole_picture=parsed.no_crop,
    )
    if parsed.no_crop and parsed.crop:
        raise ValueError("--crop and --no-crop exclude each other; give only one of them.")
    return Run(
        data=data,
        outputs=outputs,
        categories=plan_categories(data, parsed.categories),
        methods=[method for method in METHODS if method in parsed.methods],
        settings=settings,
        weights=parsed.weights,
        force=parsed.force,
    )


def _data_folder(given: str | None) -> Path:
    if given == "demo":
        print(f"Preparing the demo data in {demo_root()} ...", flush=True)
        return ensure_demo(demo_root())
    data = expanded(given) if given else default_data_root()
    if given is None and not data.is_dir():
        raise DatasetError(
            f"There is no data folder at {data}; give yours with --data FOLDER, or try --data demo."
        )
    return data


def _evaluate(run: Run) -> int:
    planned = [(name, method) for name in run.categories for method in run.methods]
    progress = RunProgress(run.outputs, planned, seconds_per_cell(run), sys.stderr.isatty())
    if is_demo(run.data):
        progress.say("Demo data: generated pictures, not MVTec AD.")
    try:
        evaluate(run, progress)
    except KeyboardInterrupt:
        progress.abort(CANCELLED, "")
        raise
    except Exception as error:
        progress.abort(FAILED, str(error))
        raise
    progress.finish()
    _print_summary(run, progress.status.cells)
    return EXIT_FAILED_CELLS if progress.status.state == FAILED else 0


def _print_summary(run: Run, cells: list[CellState]) -> None:
    table, _ = summary_table(run.outputs)
    shown = table[table["category"].isin(run.categories) & table["method"].isin(run.methods)][
        [
            "category",
            "method",
            "image_auroc",
            "pixel_auroc",
            "aupro",
            "fit_s",
            "score_s",
            "ms_per_image",
            "weights",
            "settings_id",
        ]
    ]
    if len(shown):
        print(shown.to_string(index=False, float_format="%.3f", na_rep="n/a"))
        print(f"Written to {run.outputs / SUMMARY_FILE}")
    for cell in cells:
        if cell.state == FAILED:
            print(f"Failed: {cell.category} / {cell.method}: {cell.reason}")


def _complain(sentence: str, status: int) -> int:
    print(f"evaluate.py: {sentence}", file=sys.stderr)
    return status


def _end_on_signals() -> None:
    """Treat SIGTERM and SIGHUP like Ctrl-C, unless they are ignored (nohup)."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: object) -> None:  # noqa: ARG001  signature of a handler
    raise KeyboardInterrupt


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return int(text)


def _natural(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_SEED:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0 to {MAX_SEED}")
    return int(text)


def _threads(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_THREADS:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of threads, 1 to {MAX_THREADS}")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a share above 0 and at most 1")
    return share


if __name__ == "__main__":
    sys.exit(main())
