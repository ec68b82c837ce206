"""Studies of the training pictures themselves: one category after the other, none ends the rest.

A study is told, cancelled and repeated like an evaluation, but makes no cells: its results are
tables in a folder of its own beside the category's cells.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass

from data_utils.decoding import Pictures
from data_utils.facts import Fact, fact, fact_of
from data_utils.mvtec import Category, DatasetError
from detectors.backbones.features import Backbone
from detectors.registry import METHODS
from evaluation.run.backbone_source import BackboneSources
from evaluation.run.category import prepared
from evaluation.run.memory_budget import cells_bytes, reading_bytes, refusal, size_of
from evaluation.run.plan import Run
from evaluation.run.progress import DONE, FAILED, SKIPPED, RunProgress
from evaluation.run.reading import decoded, scanned
from evaluation.store.places import CellKey, is_taken

MAP_BYTES = 6  # of a pixel of a training picture: its map, and the same as it is written


@dataclass(frozen=True)
class Subject:
    """One category, ready to be studied.

    Attributes
    ----------
    methods : list of str
        Those that read the network: one pass of it serves many fits.
    """

    run: Run
    category: Category
    pictures: Pictures
    backbone: Backbone
    methods: list[str]

    @property
    def made(self) -> dict[str, str]:
        """What a study's result depends on, as text: of the network, and by method."""
        one = self.run.settings
        prints = {name: one.fingerprint(name, self.pictures.fingerprint) for name in self.methods}
        return prints | {"backbone": self.backbone.identity}


Study = Callable[[Subject, RunProgress], Fact | None]
"""Returns why it does nothing, where it has done the same before."""


def study_cells(run: Run, name: str) -> list[CellKey]:
    """Return what stands for a study among the planned cells, and is shown as its progress."""
    methods = [method for method in run.methods if METHODS[method].reads_backbone]
    return [CellKey(category, method, name) for category in run.categories for method in methods]


def carry_out(study: Study, cells: list[CellKey], run: Run, progress: RunProgress) -> None:
    """Carry out a study on every category of a run; `cells` as from ``study_cells``."""
    for key in cells:
        if is_taken(key.category):
            progress.end(key, FAILED, fact("category_name_taken", category=key.category))
    sources = BackboneSources(run.weights)
    run = prepared(run, sources, progress)
    for name in run.categories:
        keys = [cell for cell in cells if cell.category == name]
        progress.begin(keys)
        try:
            category = scanned(run.data, name)
            transform = run.settings.transform_for(category)
            methods, size = [key.method for key in keys], size_of(category, transform)
            needed = cells_bytes(size, [(method, run.settings) for method in methods])
            needed += len(methods) * MAP_BYTES * size.train * size.pixels
            if lacking := refusal(max(needed, reading_bytes(size)), run.room):
                raise DatasetError(lacking)
            pictures = decoded(category, transform, run.left_out(name), progress, remark=True)
            backbone = sources.of(run.settings).get(progress)
            reason = study(Subject(run, category, pictures, backbone, methods), progress)
        except Exception as error:
            if not isinstance(error, (ValueError, OSError)):
                traceback.print_exc()
            for key in keys:
                progress.end(key, FAILED, fact_of(error))
        else:
            for key in keys:
                progress.end(key, SKIPPED if reason else DONE, reason)
