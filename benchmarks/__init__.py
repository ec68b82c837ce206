"""Timed comparisons, run by hand: ``python -m benchmarks.<name> --help``."""
