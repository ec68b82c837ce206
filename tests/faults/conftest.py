"""A finished evaluation, made once and copied by each test that disturbs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.evaluations import CATEGORIES, SMALL, Evaluation, copied
from tests.make_data import write_category


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """Return an evaluation that ran to its end; nobody changes it."""
    base = tmp_path_factory.mktemp("undisturbed")
    for name in CATEGORIES:
        write_category(base / "data", name, train=10, good=3, bad=3)
    evaluation = Evaluation(base / "data", base / "outputs", SMALL)
    evaluation.to_the_end()
    return evaluation


@pytest.fixture
def finished(undisturbed: Evaluation, tmp_path: Path) -> Evaluation:
    """Return the finished evaluation with outputs of its own."""
    return copied(undisturbed, tmp_path / "outputs")


@pytest.fixture
def fresh(undisturbed: Evaluation, tmp_path: Path) -> Evaluation:
    """Return the same evaluation before its first run."""
    return Evaluation(undisturbed.data, tmp_path / "outputs", SMALL)
