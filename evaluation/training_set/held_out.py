"""Rating every training picture by models without it."""

from __future__ import annotations

from evaluation.run.progress import RunProgress
from evaluation.training_set.study import Subject


def rate_training_pictures(subject: Subject, progress: RunProgress) -> None:
    """Rate them."""
    raise NotImplementedError
