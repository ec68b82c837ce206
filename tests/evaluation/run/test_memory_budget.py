"""Memory is asked for before it is taken: what does not fit is refused in a sentence."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import psutil
import pytest

from data_utils.mvtec import scan_category
from evaluation.run import category, plan, reading
from evaluation.run import memory_budget as memory
from evaluation.run.category import evaluate
from evaluation.run.fitting import run_together
from evaluation.run.memory_budget import CategorySize, cells_bytes, reading_bytes, refusal, size_of
from evaluation.run.plan import Run
from evaluation.run.progress import Progress, RunProgress
from evaluation.run.timing import PeakMemory, return_free_memory
from evaluation.store.settings import Settings
from tests.make_data import write_category
from tests.runs import BOTH, SMALL, evaluated, scores_text

SIZE = CategorySize(train=8, test=7, pixels=64 * 64, file_pixels=7 * 64 * 64, decode_bytes=10**6)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    write_category(tmp_path / "data", train=8, good=3, bad=4)
    return Run(tmp_path / "data", tmp_path / "outputs", ["part"], BOTH, SMALL, weights="random")


def needed(run: Run, *methods: str) -> int:
    category = scan_category(run.data, "part")
    size = size_of(category, run.settings.transform_for(category))
    return cells_bytes(size, [(method, run.settings) for method in methods])


def leave(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(plan, "free_bytes", lambda: free)


def test_what_does_not_fit_is_refused_before_a_picture_is_read(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(monkeypatch, 10**6)
    monkeypatch.setattr(reading, "load_pictures", lambda *_: pytest.fail("pictures are read"))

    for method, (state, reason) in zip(BOTH, evaluated(run), strict=True):
        assert state == "failed"
        assert reason == (
            f"This needs about {needed(run, method) / 1e6:.0f} MB of memory and 1 MB are free; "
            "choose a smaller --image-size, or take pictures out of the category."
        )
        assert not run.place("part", method).finished


def test_a_hundred_thousand_pictures_are_refused_on_a_common_laptop() -> None:
    laptop = 16 * 10**9
    many = CategorySize(80_000, 20_000, 224 * 224, 2 * 10**10, 10**8)

    assert refusal(reading_bytes(many), laptop)
    assert refusal(laptop, laptop) is None
    for method in ("ae", *BOTH):
        refused = refusal(cells_bytes(many, [(method, Settings())]), laptop)
        assert "GB of memory and 16.0 GB are free" in str(refused)


def test_every_category_of_mvtec_ad_fits_on_a_common_laptop() -> None:
    # As many as any category has of each.
    largest = CategorySize(391, 170, 224 * 224, 170 * 10**6, 10**9)

    assert not refusal(cells_bytes(largest, [(method, Settings()) for method in BOTH]), 4 * 10**9)


def test_methods_that_fit_alone_are_made_one_by_one_and_one_that_does_not_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    together = replace(run, outputs=tmp_path / "together")
    evaluated(together)
    alone = {method: needed(run, method) for method in BOTH}
    smaller, larger = sorted(alone.values())
    groups: list[list[str]] = []

    def noted(works: list, *others: object) -> None:  # type: ignore[type-arg]
        groups.append([work.place.method for work in works])
        run_together(works, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(category, "run_together", noted)
    leave(monkeypatch, larger)

    assert needed(run, *BOTH) > larger
    assert evaluated(run) == [("done", "")] * 2
    assert groups == [["padim"], ["patchcore"]]
    for method in BOTH:
        assert scores_text(together, method) == scores_text(run, method)
    leave(monkeypatch, 0)
    assert evaluated(run) == [("skipped", "finished earlier")] * 2  # they need no memory
    leave(monkeypatch, (smaller + larger) // 2)
    outcome = dict(zip(BOTH, evaluated(replace(run, outputs=tmp_path / "less")), strict=True))
    assert outcome[min(alone, key=alone.__getitem__)] == ("done", "")
    assert "of memory" in outcome[max(alone, key=alone.__getitem__)][1]


@pytest.mark.parametrize("method", ["ae", *BOTH])
@pytest.mark.parametrize("name", ["train", "test", "pixels"])
def test_more_or_larger_pictures_never_need_less(method: str, name: str) -> None:
    larger = replace(SIZE, **{name: 3 * getattr(SIZE, name)})

    assert cells_bytes(larger, [(method, SMALL)]) > cells_bytes(SIZE, [(method, SMALL)])


class Watched(RunProgress):
    """Notes the resident memory when the pictures are about to be read."""

    def phase(self, code: str, **values: object) -> Progress:
        if code == "reading":
            return_free_memory()
            self.before = psutil.Process().memory_info().rss
        return super().phase(code, **values)


def growth_bytes(base: Path, image_size: int) -> int:
    """Evaluate PaDiM, first on smaller pictures so that all code is loaded; return the growth."""
    write_category(base / "data", train=4, good=2, bad=2)
    for size in (SMALL.image_size, image_size):
        settings = Settings(image_size=size)
        outputs = base / f"outputs-{size}"
        run = Run(base / "data", outputs, ["part"], ["padim"], settings, weights="random")
        progress = Watched(outputs, run.planned, show_bars=False)
        with PeakMemory() as memory:
            evaluate(run, progress)
    return memory.peak_bytes - progress.before


def test_the_estimate_lies_between_the_measured_peak_and_three_times_that(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # nothing to take memory from
        growth = pool.submit(growth_bytes, tmp_path, 224).result()
    settings = Settings(image_size=224)
    scanned = scan_category(tmp_path / "data", "part")
    size = size_of(scanned, settings.transform_for(scanned))

    assert growth > memory.OVERHEAD_BYTES
    assert growth <= cells_bytes(size, [("padim", settings)]) <= 3 * growth
