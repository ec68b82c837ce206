"""Evaluate AE, PaDiM and PatchCore on a data set in MVTec AD layout.

The same program that the app's button starts; ``python evaluate.py --help`` explains it.
"""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from data_utils.demo import ensure_demo, is_demo
from data_utils.facts import fact, fact_of
from data_utils.locations import (
    DEMO_VARIABLE,
    OUTPUTS_VARIABLE,
    default_outputs,
    demo_root,
    expanded,
    outputs_at,
    readable,
)
from data_utils.mvtec import DatasetError
from detectors.registry import METHODS
from evaluation.cluster.clients import ClusterError, workers_folder
from evaluation.cluster.foreman import evaluate_on_cluster
from evaluation.measure.averages import why_undefined
from evaluation.measure.operating_points import DEFAULT_FALSE_ALARMS
from evaluation.new_pictures.export import export_cell
from evaluation.new_pictures.opened_cell import OpenCell, finished_cell_for
from evaluation.new_pictures.score_table import (
    check_target,
    default_file,
    score_csv,
    verdicts_in_words,
)
from evaluation.new_pictures.scoring import pictures_below, score_pictures, unlike_held_out
from evaluation.run.arguments import (
    DEMO,
    ArgumentsError,
    Parser,
    add_run_options,
    request_of,
)
from evaluation.run.category import evaluate
from evaluation.run.cell_arguments import add_cell_options, check_cell_options
from evaluation.run.job import BusyError, lock_outputs
from evaluation.run.plan import Run, planned_run, seconds_per_cell
from evaluation.run.progress import CANCELLED, FAILED, CellState, RunProgress, say
from evaluation.run.request import Request
from evaluation.store.cells import readable_cells, repair
from evaluation.store.files import remove, write_atomically
from evaluation.store.leave_out import read_left_out
from evaluation.store.review_lines import ReviewLines, lines_for
from evaluation.store.summary import SUMMARY_FILE, table_of
from evaluation.training_set.curve_table import CURVE_NAME
from evaluation.training_set.held_out import rate_training_pictures
from evaluation.training_set.learning_curve import measure_learning_curve
from evaluation.training_set.study import Study, carry_out, study_cells

EXIT_FAILED_CELLS, EXIT_USAGE, EXIT_BUSY, EXIT_CLUSTER = 1, 2, 3, 4
EXIT_UNLIKE, EXIT_CANCELLED = 5, 130
PRINTED = (
    *("category", "method", "image_auroc", "pixel_auroc", "aupro"),
    *("fit_s", "score_s", "ms_per_image", "weights", "settings_id"),
)
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
      on the workers of a Dask cluster
  python evaluate.py --weights resnet18-f37072fd.pth
      without network: ImageNet weights from a file
  python evaluate.py --engine openvino --precision int8
      the networks of PaDiM and PatchCore in integers of eight bits: several times faster
  python evaluate.py --score "new pictures" --category part --method patchcore
      score pictures without labels with results that are there, into a CSV file
  python evaluate.py --export part_model --category part --method patchcore
      the same as a folder for other machines: predict.py, NumPy, Pillow and OpenVINO

Finished cells are skipped when the same command runs again, so a run that was stopped goes on.
exit status: 0 all cells finished, 1 a cell failed (with --score: a picture cannot be read),
2 wrong arguments or no data,
3 another evaluation is using the outputs folder, 4 the cluster cannot be used or is gone,
5 scored, but these pictures differ from the good ones that the threshold is from,
130 cancelled."""


def argument_parser() -> Parser:
    """Return the command line's parser."""
    parser = Parser(
        prog="evaluate.py",
        description="Fit AE, PaDiM and PatchCore on good pictures, score the test pictures, and "
        "write numbers and heatmaps.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=default_outputs(),
        metavar="FOLDER",
        help=f"where results go (default: ${OUTPUTS_VARIABLE}, else outputs)",
    )
    add_run_options(parser)
    add_cell_options(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the evaluation; return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError):  # a code page may lack a category's letters
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    parser = argument_parser()
    try:
        parsed = parser.parse_args(arguments)
        check_cell_options(parser, parsed)
        if parsed.scheduler and parsed.workers > 1:
            parser.error(
                "--workers counts processes of this machine; it does not go with --scheduler"
            )
    except ArgumentsError as error:
        return _complain(f"{error}. See python evaluate.py --help.", EXIT_USAGE)
    try:
        outputs = outputs_at(expanded(str(parsed.out)))
    except ValueError as error:
        return _complain(error, EXIT_USAGE)
    _end_on_signals()
    if parsed.threads:
        import torch  # not above: ``detectors`` sets what PyTorch reads when it is loaded

        torch.set_num_threads(parsed.threads)
    try:
        if parsed.score:
            return _score(parsed, outputs)
        return _export(parsed, outputs) if parsed.export else _run(request_of(parsed), outputs)
    except KeyboardInterrupt:
        of_cell = parsed.score or parsed.export
        kept = "nothing was written" if of_cell else "finished cells are kept"
        return _complain(f"Cancelled; {kept}.", EXIT_CANCELLED)


def _named_cell(
    parsed: argparse.Namespace, outputs: Path
) -> tuple[OpenCell, float, ReviewLines | None]:
    """Return the finished cell, the false-alarm rate and, if any are named, its thresholds."""
    asked = request_of(parsed)
    left_out = read_left_out(Path(asked.leave_out)) if asked.leave_out else {}
    settings = replace(asked.settings()[0], leave_out=left_out.get(parsed.category, ()))
    cell = finished_cell_for(outputs, parsed.category, parsed.method, settings, asked.weights)
    chosen = None
    if parsed.thresholds:
        chosen = lines_for(parsed.thresholds, cell.place.key, str(cell.about.get("finished")))
    rate = parsed.false_alarms if parsed.false_alarms is not None else DEFAULT_FALSE_ALARMS
    return cell, rate, chosen


def _score(parsed: argparse.Namespace, outputs: Path) -> int:
    """Score a folder of new pictures; return the exit status."""
    target = parsed.csv.absolute() if parsed.csv else default_file(parsed.score)
    try:
        pictures = pictures_below(parsed.score)
        check_target(target)
        cell, rate, chosen = _named_cell(parsed, outputs)
        with tqdm(total=len(pictures), unit="picture", disable=not sys.stderr.isatty()) as bar:
            scored = score_pictures([cell], pictures, lambda done: bar.update(done - bar.n))
        write_atomically(target, score_csv(scored, [cell], rate, chosen))
    except (ValueError, OSError) as error:
        return _complain(fact_of(error), EXIT_USAGE)
    unreadable = [one for one in scored if not one.readable]
    title = METHODS[parsed.method].title
    unlike = unlike_held_out(scored, [cell])
    say(f"{title} on {parsed.category}: {verdicts_in_words(scored, cell, rate, chosen)}")
    if unlike:
        say(unlike)
    say(f"Written to {target}")
    for one in unreadable:
        print(f"Not read: {readable(one.name)} {one.remark}.", file=sys.stderr)
    return EXIT_FAILED_CELLS if unreadable else EXIT_UNLIKE if unlike else 0


def _export(parsed: argparse.Namespace, outputs: Path) -> int:
    """Write a finished cell as a program of its own; return the exit status."""
    try:
        cell, rate, chosen = _named_cell(parsed, outputs)
        expected, scores = export_cell(cell, parsed.export, rate, chosen)
    except (ValueError, OSError, RuntimeError) as error:
        return _complain(fact_of(error), EXIT_USAGE)
    say(
        f"{METHODS[parsed.method].title} on {parsed.category}: the exported program gives all "
        f"{len(scores)} test pictures the same verdicts; scores differ by at most "
        f"{abs(scores - expected).max():.2g} (the largest is {expected.max():.4g})."
    )
    say(f"Written to {parsed.export}; python predict.py in there scores pictures.")
    return 0


def _run(request: Request, outputs: Path) -> int:
    """Evaluate; return the exit status."""
    try:
        outputs.mkdir(parents=True, exist_ok=True)
        lock = lock_outputs(outputs)
    except BusyError as error:
        return _complain(error, EXIT_BUSY)
    except OSError as error:
        return _complain(
            f"The outputs folder {outputs} cannot be written ({error.strerror}); choose another "
            "with --out.",
            EXIT_USAGE,
        )
    with lock:
        try:
            run = planned_run(request, _data_folder(request.data), outputs)
        except (ValueError, OSError) as error:
            progress = RunProgress(outputs, [], show_bars=False, arguments=request.arguments())
            progress.abort(FAILED, fact_of(error))
            return _complain(fact_of(error), EXIT_USAGE)
        repair(outputs)
        remove(workers_folder(outputs))
        return _evaluate(run, request)


def _data_folder(data: str) -> Path:
    if data != DEMO:
        folder = Path(data)
        if not folder.is_dir():
            raise DatasetError("data_not_given", root=folder)
        return folder
    say(f"Preparing the demo data in {demo_root()} ...")
    try:
        return ensure_demo(demo_root())
    except OSError as error:
        if not error.strerror:  # a sentence already
            raise
        raise DatasetError(
            "demo_unwritable", root=demo_root(), error=error.strerror, variable=DEMO_VARIABLE
        ) from error


def _evaluate(run: Run, request: Request) -> int:
    study, bars = _study_of(request), sys.stderr.isatty()
    planned = study_cells(run, study[0]) if study else run.planned
    estimates = {} if study else seconds_per_cell(run)
    progress = RunProgress(run.outputs, planned, estimates, bars, request.arguments())
    if is_demo(run.data):
        progress.say("Demo data: generated pictures, not MVTec AD.")
    try:
        if study:
            carry_out(study[1], planned, run, progress)
        elif request.scheduler or request.workers > 1:
            evaluate_on_cluster(run, request, progress)
        else:
            evaluate(run, progress)
    except KeyboardInterrupt:
        progress.abort(CANCELLED)
        raise
    except ClusterError as error:
        progress.abort(FAILED, error.fact)
        return _complain(error, EXIT_CLUSTER)
    except Exception as error:
        progress.abort(FAILED, fact_of(error))
        raise
    progress.finish()
    if not study:
        _print_summary(run, progress.status.cells)
    return EXIT_FAILED_CELLS if progress.status.state == FAILED else 0


def _study_of(request: Request) -> tuple[str, Study] | None:
    """Return name and function of the study that is asked for instead of an evaluation."""
    if request.training_pictures:
        return "training_pictures", rate_training_pictures
    if counts := request.train_counts:
        return CURVE_NAME, partial(measure_learning_curve, counts=counts, seeds=request.seeds)
    return None


def _print_summary(run: Run, cells: list[CellState]) -> None:
    table = table_of(readable_cells(run.outputs))
    asked = table["category"].isin(run.categories) & table["method"].isin(run.methods)
    if asked.any():
        shown = table.loc[asked, list(PRINTED)]
        say(shown.to_string(index=False, float_format="%.3f", na_rep="n/a"))
        for row in table[asked].drop_duplicates("category").to_dict("records"):
            for reason in why_undefined(row):
                say(f"{row['category']} {reason}.")
        say(f"Written to {run.outputs / SUMMARY_FILE}")
    for cell in cells:
        if cell.state == FAILED and cell.reason:
            say(f"Failed: {fact('cell_failed', cell=cell.key, reason=cell.reason)}")


def _complain(sentence: object, status: int) -> int:
    with suppress(OSError):
        print(f"evaluate.py: {readable(str(sentence))}", file=sys.stderr)
    return status


def _end_on_signals() -> None:
    """Treat SIGTERM and SIGHUP like Ctrl-C, unless they are ignored (nohup)."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: object) -> None:  # noqa: ARG001  signature of a handler
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
