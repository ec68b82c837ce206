"""Memory is asked for before it is taken: what does not fit is refused in a sentence."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from data_utils.locations import PROJECT
from data_utils.mvtec import scan_category
from detectors.registry import Options
from evaluation import memory, runner
from evaluation.cells import SCORES_FILE
from evaluation.memory import CategorySize, cells_bytes, reading_bytes, refusal, size_of
from evaluation.progress import RunProgress
from evaluation.runner import Run, evaluate
from evaluation.settings import Settings
from evaluation.work import run_together
from tests.make_data import write_category

BOTH = ["padim", "patchcore"]
SMALL = Settings(options=Options(padim_channels=20), image_size=64)
SIZE = CategorySize(train=8, good=3, defective=4, pixels=64 * 64, decode_bytes=10**6)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a quick run of PaDiM and PatchCore on ``part``."""
    write_category(tmp_path / "data", train=8, good=3, bad=4)
    return Run(tmp_path / "data", tmp_path / "outputs", ["part"], BOTH, SMALL, weights="random")


def go(run: Run) -> dict[str, tuple[str, str]]:
    """Evaluate; return state and reason of every method's cell."""
    progress = RunProgress(run.outputs, run.planned, show_bars=False)
    evaluate(run, progress)
    return {cell.method: (cell.state, cell.reason) for cell in progress.status.cells}


def needed(run: Run, *methods: str) -> int:
    """Return what the cells of some methods need together."""
    category = scan_category(run.data, "part")
    size = size_of(category, run.settings.transform_for(category))
    return cells_bytes(size, [(method, run.settings) for method in methods])


def leave(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """Leave so many bytes of memory."""
    monkeypatch.setattr(runner, "free_bytes", lambda: free)


def test_what_does_not_fit_is_refused_before_a_picture_is_read(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(monkeypatch, 10**6)
    monkeypatch.setattr(runner, "load_pictures", lambda *_: pytest.fail("pictures are read"))
    outcome = go(run)

    for method in BOTH:
        state, reason = outcome[method]
        assert state == "failed"
        assert reason == (
            f"This needs about {needed(run, method) / 1e6:.0f} MB of memory and 1 MB are free; "
            "choose a smaller --image-size, or take pictures out of the category."
        )
        assert not run.place("part", method).finished


def test_a_hundred_thousand_pictures_are_refused_on_a_common_laptop() -> None:
    laptop = 16 * 10**9
    many = CategorySize(80_000, 10_000, 10_000, 224 * 224, 10**8)

    assert refusal(reading_bytes(many), laptop)
    for method in ("ae", *BOTH):
        assert "GB of memory and 16.0 GB are free" in refusal(
            cells_bytes(many, [(method, Settings())]), laptop
        )


def test_every_category_of_mvtec_ad_fits_on_a_common_laptop() -> None:
    largest = CategorySize(391, 60, 110, 224 * 224, 10**9)  # as many as any category has of each

    assert not refusal(cells_bytes(largest, [(method, Settings()) for method in BOTH]), 4 * 10**9)


def test_only_the_method_that_needs_more_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = {method: needed(run, method) for method in BOTH}
    smaller, larger = sorted(BOTH, key=lambda method: alone[method])
    leave(monkeypatch, (alone[smaller] + alone[larger]) // 2)
    outcome = go(run)

    assert outcome[smaller] == ("done", "")
    assert "of memory" in outcome[larger][1]


def test_methods_that_fit_alone_but_not_together_are_made_one_by_one_with_the_same_numbers(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    together = replace(run, outputs=tmp_path / "together")
    go(together)
    groups: list[list[str]] = []

    def noted(works: list, *others: object) -> None:  # type: ignore[type-arg]
        groups.append([work.place.method for work in works])
        run_together(works, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(runner, "run_together", noted)
    leave(monkeypatch, max(needed(run, method) for method in BOTH))

    assert needed(run, *BOTH) > max(needed(run, method) for method in BOTH)
    assert go(run) == dict.fromkeys(BOTH, ("done", ""))
    assert groups == [["padim"], ["patchcore"]]
    for method in BOTH:
        texts = [
            (one.place("part", method).folder / SCORES_FILE).read_text() for one in (together, run)
        ]
        assert texts[0] == texts[1]


def test_finished_cells_need_no_memory(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    go(run)
    leave(monkeypatch, 0)

    assert go(run) == dict.fromkeys(BOTH, ("skipped", "finished earlier"))


@pytest.mark.parametrize("method", ["ae", *BOTH])
@pytest.mark.parametrize("name", ["train", "good", "defective", "pixels"])
def test_more_or_larger_pictures_never_need_less(method: str, name: str) -> None:
    larger = replace(SIZE, **{name: 3 * getattr(SIZE, name)})

    assert cells_bytes(larger, [(method, SMALL)]) > cells_bytes(SIZE, [(method, SMALL)])


def test_memory_that_is_there_is_not_refused() -> None:
    assert refusal(5, 5) == ""
    assert "5 MB" in refusal(5_000_000, 4_000_000)


def test_the_estimate_lies_between_the_measured_peak_and_three_times_that() -> None:
    """``benchmarks/memory.py`` measures more shapes."""
    shape = ["padim", "resnet18", "4", "4", "224"]
    command = [sys.executable, "-m", "benchmarks.memory", *shape]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    growth, estimate = map(int, done.stdout.splitlines()[-1].split())

    assert growth > memory.OVERHEAD_BYTES
    assert growth <= estimate <= 3 * growth
