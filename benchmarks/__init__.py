"""Timed comparisons, run by hand: ``python -m benchmarks.<name> --help``."""

import detectors  # noqa: F401  before PyTorch, which reads what it sets
