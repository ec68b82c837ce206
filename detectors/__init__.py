"""The three methods, the backbone they share, and the coreset: NumPy and PyTorch only."""

import os

# PyTorch's idle threads (GCC's OpenMP, which reads this when it is loaded) spin for milliseconds,
# on cores that OpenVINO's threads need; 20,000 turns bridge the gaps between operations.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")
