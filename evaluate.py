"""Evaluate AE, PaDiM and PatchCore on a data set in MVTec AD layout.

The same program that the app's button starts; ``python evaluate.py --help`` explains it.
"""

from __future__ import annotations

import argparse
import math
import signal
import sys
from contextlib import suppress
from pathlib import Path

import torch
from tqdm import tqdm

from data_utils.demo import ensure_demo, is_demo
from data_utils.locations import (
    DATA_VARIABLE,
    DEMO_VARIABLE,
    OUTPUTS_VARIABLE,
    default_data_root,
    default_outputs,
    demo_root,
    expanded,
    outputs_at,
    readable,
)
from data_utils.mvtec import DatasetError
from detectors.backbones.names import AUTOMATIC, BACKBONES, DEFAULT_BACKBONE, RANDOM, STAND_IN
from detectors.registry import ALL_CHANNELS, METHODS, Options
from evaluation.cells import repair
from evaluation.errors import ClusterError, sentence
from evaluation.job import CANCELLED, FAILED, BusyError, CellState, lock_outputs
from evaluation.own_parts import (
    DEFECTIVE,
    check_target,
    default_file,
    finished_cell_for,
    pictures_below,
    score_files,
    verdict,
    write_scores,
)
from evaluation.progress import RunProgress, say
from evaluation.request import (
    MAX_SEED,
    MAX_WORKERS,
    Request,
    Sweep,
    check_settings,
    is_scheduler,
)
from evaluation.runner import Run, evaluate, plan_categories, seconds_per_cell
from evaluation.settings import Settings
from evaluation.summary import SUMMARY_FILE, summary_table
from evaluation.thresholds import DEFAULT_FALSE_ALARMS, pictures_needed

EXIT_FAILED_CELLS, EXIT_USAGE, EXIT_BUSY, EXIT_CLUSTER, EXIT_CANCELLED = 1, 2, 3, 4, 130
DEMO = "demo"
MAX_THREADS = 1024
ONLY_WITH_SCORE = ("category", "method", "csv", "false_alarms")
NOT_WITH_SCORE = ("data", "categories", "methods", "force", "workers", "scheduler")
SINGLE_WITH_SCORE = ("seeds", "backbones", "coreset_ratios")
MEANT = {"category": " (did you mean --categories?)", "method": " (did you mean --methods?)"}
EXAMPLES = """examples:
  python evaluate.py --data demo
      try it on generated pictures, no download of a data set
  python evaluate.py --data data/mvtec_ad --categories bottle screw
      two categories, all three methods
  python evaluate.py --methods patchcore --coreset-ratio 0.1
      PatchCore with a larger memory bank, kept beside the default results
  python evaluate.py --seeds 0 1 2 --coreset-ratios 0.01 0.1
      every combination; outputs/summary_by_setting.csv gives mean and spread over the seeds
  python evaluate.py --workers 4
      in four processes of this machine
  python evaluate.py --scheduler tcp://192.168.0.10:8786
      on the workers of a Dask cluster (needs requirements-cluster.txt)
  python evaluate.py --weights resnet18-f37072fd.pth
      without network: ImageNet weights from a file
  python evaluate.py --score "new pictures" --category part --method patchcore
      score pictures without labels with results that are there, into a CSV file

Finished cells are skipped when the same command runs again, so a run that was stopped goes on.
exit status: 0 all cells finished, 1 a cell failed (with --score: a picture cannot be read),
2 wrong arguments or no data,
3 another evaluation is using the outputs folder, 4 the cluster cannot be used or is gone,
130 cancelled."""


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
        "--seed",
        "--seeds",
        dest="seeds",
        nargs="+",
        type=_natural,
        default=[0],
        metavar="N",
        help="same seed, same numbers (default: 0); several of them give a mean and a spread",
    )
    parser.add_argument("--force", action="store_true", help="repeat finished cells")

    network = parser.add_argument_group("backbone of PaDiM and PatchCore")
    network.add_argument(
        "--backbone",
        "--backbones",
        dest="backbones",
        nargs="+",
        choices=[AUTOMATIC, *BACKBONES],
        default=[AUTOMATIC],
        metavar="NAME",
        help=f"any of {', '.join(BACKBONES)} (default: {DEFAULT_BACKBONE}, or {STAND_IN}, "
        "which pip has installed, where its weights cannot be had)",
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
        "--coreset-ratios",
        dest="coreset_ratios",
        nargs="+",
        type=_share,
        default=[Options().coreset_ratio],
        metavar="SHARE",
        help="share of patches in PatchCore's memory bank (default: 0.01)",
    )
    methods.add_argument(
        "--padim-channels",
        type=_channels,
        metavar="D",
        help="random channels of PaDiM, or 'all' of the backbone's: often better, for several "
        "times the time and memory (default: 100; 550 with wide_resnet50_2; all 176 of "
        "efficientnet_lite0)",
    )
    places = parser.add_argument_group("where the cells are made")
    places.add_argument(
        "--threads",
        type=_threads,
        metavar="N",
        help="processor threads, with several workers those of each (default: every core once; on "
        "a cluster as its workers are set)",
    )
    places.add_argument(
        "--workers",
        type=_workers,
        default=1,
        metavar="N",
        help="processes on this machine (default: 1); cells of a category that share a backbone "
        "stay together, so no more processes work than there are such groups",
    )
    places.add_argument(
        "--scheduler",
        type=_scheduler,
        metavar="ADDRESS",
        help="the scheduler of a Dask cluster, tcp://host:port or tls://host:port, whose workers "
        f"make the cells; each reads the data from its own ${DATA_VARIABLE}, else from the same "
        "path as here. Dask executes what it receives: trusted networks or TLS only",
    )
    _add_score_arguments(parser)
    return parser


def _add_score_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "scoring new pictures",
        "with the results of an earlier evaluation; give the options of that evaluation if they "
        "were not the default ones",
    )
    group.add_argument(
        "--score",
        type=_folder,
        metavar="FOLDER",
        help="score the pictures in this folder and its subfolders",
    )
    group.add_argument("--category", metavar="NAME", help="the category that they belong to")
    group.add_argument("--method", choices=list(METHODS), metavar="NAME")
    group.add_argument(
        "--csv",
        type=_folder,
        metavar="FILE",
        help="where the scores go (default: <FOLDER's name>_scores.csv in the current folder)",
    )
    group.add_argument(
        "--false-alarms",
        type=_rate,
        metavar="SHARE",
        help="share of good parts that may be reported as defective; the threshold follows from "
        f"it (default: {DEFAULT_FALSE_ALARMS})",
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the evaluation; return the exit status."""
    parser = argument_parser()
    parsed = parser.parse_args(arguments)
    _check_score_arguments(parser, parsed)
    if parsed.scheduler and parsed.workers > 1:
        parser.error("--workers counts processes of this machine; it does not go with --scheduler")
    try:
        outputs = outputs_at(expanded(str(parsed.out)))
    except ValueError as error:
        return _complain(str(error), EXIT_USAGE)
    _end_on_signals()
    try:
        return _score(parsed, outputs) if parsed.score else _run(parsed, outputs)
    except KeyboardInterrupt:
        kept = "nothing was written" if parsed.score else "finished cells are kept"
        return _complain(f"Cancelled; {kept}.", EXIT_CANCELLED)


def _check_score_arguments(parser: argparse.ArgumentParser, parsed: argparse.Namespace) -> None:
    """Refuse options that do not go together; exits with status 2."""
    if not parsed.score:
        alone = [name for name in ONLY_WITH_SCORE if getattr(parsed, name) is not None]
        if alone:
            hint = MEANT.get(alone[0], "")
            parser.error(f"{_option(alone[0])} goes with --score only{hint}")
        return
    for name in ("category", "method"):
        if getattr(parsed, name) is None:
            parser.error(f"--score needs {_option(name)} NAME as well")
    for name in SINGLE_WITH_SCORE:
        if len(getattr(parsed, name)) > 1:
            parser.error(f"--score takes one value of {_option(name)}, those of one cell")
    for name in NOT_WITH_SCORE:
        if getattr(parsed, name) != parser.get_default(name):
            parser.error(f"{_option(name)} does not go with --score, which fits nothing")


def _score(parsed: argparse.Namespace, outputs: Path) -> int:
    """Score a folder of new pictures; return the exit status."""
    if parsed.threads:
        torch.set_num_threads(parsed.threads)
    target = parsed.csv.absolute() if parsed.csv else default_file(parsed.score)
    rate = parsed.false_alarms if parsed.false_alarms is not None else DEFAULT_FALSE_ALARMS
    asked = requested(parsed)
    try:
        files = pictures_below(parsed.score)
        check_target(target)
        cell = finished_cell_for(
            outputs, parsed.category, parsed.method, asked.settings, asked.weights
        )
        with tqdm(total=len(files), unit="picture", disable=not sys.stderr.isatty()) as bar:
            scored = score_files(
                cell, parsed.score, files, lambda done, _: bar.update(done - bar.n)
            )
        threshold = write_scores(target, cell, scored, rate)
    except (ValueError, OSError, RuntimeError) as error:
        return _complain(sentence(error), EXIT_USAGE)
    unreadable = [one for one in scored if not one.readable]
    reported = sum(verdict(one.score, threshold) == DEFECTIVE for one in scored)
    held_out = len(cell.calibration_scores)
    title = METHODS[parsed.method].title
    say(f"{title} on {parsed.category}: {len(scored) - len(unreadable)} pictures scored.")
    if math.isnan(threshold):
        say(
            f"No verdicts: {held_out} held-out good pictures are too few for {rate:.1%} false "
            f"alarms; at least {pictures_needed(rate)} are needed."
        )
    else:
        say(
            f"{reported} of them are above the threshold {threshold:.4g}; at most {rate:.1%} of "
            f"good parts are expected above it, from {held_out} held-out good pictures."
        )
    say(f"Written to {target}")
    for one in unreadable:
        print(f"Not read: {one.name} {one.remark}.", file=sys.stderr)
    return EXIT_FAILED_CELLS if unreadable else 0


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _run(parsed: argparse.Namespace, outputs: Path) -> int:
    if parsed.threads:
        torch.set_num_threads(parsed.threads)
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
    request = requested(parsed)
    with lock:
        try:
            run = _planned_run(request, _data_folder(parsed.data), outputs)
        except (DatasetError, ValueError, OSError) as error:
            RunProgress(outputs, [], show_bars=False, arguments=request.arguments()).abort(
                FAILED, sentence(error)
            )
            return _complain(sentence(error), EXIT_USAGE)
        repair(outputs)
        return _evaluate(run, request)


def requested(parsed: argparse.Namespace) -> Request:
    """Return what is asked for, with paths that hold in any folder."""
    weights = parsed.weights
    if weights and weights != RANDOM:
        weights = str(expanded(weights).absolute())
    backbones = [DEFAULT_BACKBONE if name == AUTOMATIC else name for name in parsed.backbones]
    (backbone, *more_backbones), (seed, *more_seeds) = backbones, parsed.seeds
    ratio, *more_ratios = parsed.coreset_ratios
    data = parsed.data
    if data != DEMO:
        data = str((expanded(data) if data else default_data_root()).absolute())
    return Request(
        data=data,
        categories=tuple(parsed.categories or ()),
        methods=tuple(parsed.methods),
        settings=Settings(
            backbone=backbone,
            automatic=parsed.backbones == [AUTOMATIC],
            options=Options(seed, ratio, parsed.padim_channels),
            image_size=parsed.image_size,
            crop=parsed.crop,
            whole_picture=parsed.no_crop,
        ),
        weights=weights,
        force=parsed.force,
        threads=parsed.threads,
        sweep=Sweep(tuple(more_backbones), tuple(more_ratios), tuple(more_seeds)),
        workers=parsed.workers,
        scheduler=parsed.scheduler or "",
    )


def _planned_run(request: Request, data: Path, outputs: Path) -> Run:
    run = Run(
        data=data,
        outputs=outputs,
        categories=plan_categories(data, list(request.categories)),
        methods=[method for method in METHODS if method in request.methods],
        settings=request.settings,
        weights=request.weights,
        force=request.force,
        variants=request.sweep.variants(request.settings),
    )
    if request.sweep.backbones and request.weights not in (None, RANDOM):
        raise ValueError(
            f"The weights in {request.weights} fit one backbone; give one --backbone, or leave "
            "--weights away."
        )
    for settings in (run.settings, *run.variants):
        check_settings(settings, run.categories, run.methods)
    return run


def _data_folder(given: str | None) -> Path:
    if given == DEMO:
        say(f"Preparing the demo data in {demo_root()} ...")
        try:
            return ensure_demo(demo_root())
        except OSError as error:
            if not error.strerror:  # a sentence already
                raise
            raise DatasetError(
                f"The demo data cannot be written to {demo_root()} ({error.strerror}); make room "
                f"there, or name another folder in {DEMO_VARIABLE}."
            ) from error
    data = expanded(given) if given else default_data_root()
    if given is None and not data.is_dir():
        raise DatasetError(
            f"There is no data folder at {data}; give yours with --data FOLDER, or try --data demo."
        )
    return data


def _evaluate(run: Run, request: Request) -> int:
    progress = RunProgress(
        run.outputs,
        run.planned,
        seconds_per_cell(run),
        sys.stderr.isatty(),
        request.arguments(),
    )
    if is_demo(run.data):
        progress.say("Demo data: generated pictures, not MVTec AD.")
    try:
        _make_cells(run, request, progress)
    except KeyboardInterrupt:
        progress.abort(CANCELLED, "")
        raise
    except ClusterError as error:
        progress.abort(FAILED, str(error))
        return _complain(str(error), EXIT_CLUSTER)
    except Exception as error:
        progress.abort(FAILED, str(error))
        raise
    progress.finish()
    _print_summary(run, progress.status.cells)
    return EXIT_FAILED_CELLS if progress.status.state == FAILED else 0


def _make_cells(run: Run, request: Request, progress: RunProgress) -> None:
    """Evaluate where it is asked for; other places than this process are loaded only then."""
    if request.scheduler:
        from evaluation.cluster import evaluate_on_cluster

        evaluate_on_cluster(run, request.scheduler, request.threads, progress)
    elif request.workers > 1:
        from evaluation.local_workers import evaluate_with_workers

        evaluate_with_workers(run, request.workers, request.threads, progress)
    else:
        evaluate(run, progress)


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
        say(shown.to_string(index=False, float_format="%.3f", na_rep="n/a"))
        say(f"Written to {run.outputs / SUMMARY_FILE}")
    for cell in cells:
        if cell.state == FAILED:
            say(f"Failed: {cell.key}: {cell.reason}")


def _complain(sentence: str, status: int) -> int:
    with suppress(OSError):
        print(f"evaluate.py: {readable(sentence)}", file=sys.stderr)
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


def _channels(text: str) -> int | str:
    return text if text == ALL_CHANNELS else _positive(text)


def _natural(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_SEED:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0 to {MAX_SEED}")
    return int(text)


def _threads(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_THREADS:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of threads, 1 to {MAX_THREADS}")
    return int(text)


def _workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_WORKERS:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a number of processes, 1 to {MAX_WORKERS}"
        )
    return int(text)


def _scheduler(text: str) -> str:
    if not is_scheduler(text):
        raise argparse.ArgumentTypeError(
            f"'{text}' is no scheduler's address, such as tcp://192.168.0.10:8786"
        )
    return text


def _folder(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("an empty name is no path")
    return expanded(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 < rate < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a share above 0 and below 1")
    return rate


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
