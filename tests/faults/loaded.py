"""What the processes of ``evaluations`` are forked from: the program, and a backbone made once."""

from __future__ import annotations

import torch

import evaluate  # noqa: F401
from tests.runs import load_once

torch.set_num_threads(1)  # a process with threads cannot be forked
load_once("resnet18", "random", 0)
