"""Reading a category for a run: its table, its pictures, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from data_utils.decoding import Pictures, remarks
from data_utils.facts import fact
from data_utils.locations import CACHE_VARIABLE, cache_root
from data_utils.mvtec import Category, DatasetError, scan_category
from data_utils.pictures import load_pictures
from data_utils.transform import Transform
from evaluation.run.progress import RunProgress
from evaluation.store.sample_pictures import check_names


def scanned(data: Path, name: str) -> Category:
    """Read the table of a category; raises DatasetError unless it can be evaluated."""
    category = scan_category(data, name)
    if category.train.empty or category.test.empty:
        # What is wrong with the category as a whole and, as an example, with one of its files.
        told: dict[str, object] = {"path": name}
        for finding in category.findings:
            if finding.path == name:
                told.setdefault("problem", finding.problem)
            elif "file" not in told:
                told |= {"file": finding.path, "why": finding.problem}
        raise DatasetError(
            "category_file_unusable" if "file" in told else "category_unusable", **told
        )
    check_names(category.test)
    return category


def decoded(
    category: Category,
    transform: Transform,
    named: Sequence[str],
    progress: RunProgress,
    remark: bool,
) -> Pictures:
    """Return a category's pictures without those training pictures that are `named`.

    `remark` tells whether to say what is odd about its files. Raises DatasetError where no training
    picture or no test picture can be read.
    """
    report = progress.phase("reading", category=category.name)
    pictures = load_pictures(category, transform, report)
    if named:
        whole = pictures.train_count
        pictures = pictures.without(named, category.root)
        gone = whole - pictures.train_count
        if not gone:
            raise DatasetError("leave_out_absent", category=category.name, named=len(named))
        progress.say(fact("left_out_as_asked", count=gone, named=len(named), of=whole))
    if pictures.uncached:
        progress.say(
            f"The pictures of {category.name} cannot be kept in {cache_root()} "
            f"({pictures.uncached}) and will be read again; make room there, or name another "
            f"folder in {CACHE_VARIABLE}."
        )
    if not pictures.train_count or not len(pictures.test):
        left_out = (one for one in pictures.findings if one.problem.code == "finding_left_out")
        first = next(left_out)
        code = "no_test_decoded" if pictures.train_count else "no_training_decoded"
        raise DatasetError(code, path=first.path, problem=first.problem)
    if remark and (found := remarks(category, pictures)):
        progress.say(found)
    return pictures
