"""How well a backbone serves: AUROC of PaDiM and PatchCore on data with real or drawn defects.

Run as a program it compares backbones: random, random with the batch norms' statistics taken on
drawn pictures, a training checkpoint or an exported file, and any other weights.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable
from pathlib import Path

import torch

from data_utils.demo import DEMO_CATEGORIES, ensure_demo
from data_utils.mvtec import scan_category
from data_utils.pictures import Pictures, load_pictures
from detectors.backbone import Backbone, Features, batches
from detectors.feature_detector import FeatureDetector
from detectors.padim import Padim
from detectors.patchcore import Patchcore
from detectors.weights import load_weights
from evaluation.metrics import auroc
from evaluation.settings import Settings
from tools.offline_backbone.network import TrainedTrunk, new_trunk
from tools.offline_backbone.views import normalised

TUNED_ON = ("bottle", "screw")
METHODS: tuple[type[FeatureDetector], ...] = (Padim, Patchcore)
