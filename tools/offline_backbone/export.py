"""Write the trained trunk as one safetensors file that says where it comes from."""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from tools.offline_backbone.checkpoint import COUNTERS, stored_trunk
from tools.offline_backbone.network import exported_state, loaded_trunk
from tools.offline_backbone.training import BEST

LICENCE = "same as the project"
CONTENTS = "drawn pictures only: no natural pictures, no weights trained on any"


def provenance(folder: Path, best: bool) -> dict[str, str]:
    """Return what the file's metadata says about a training folder."""
    text = json.loads((folder / COUNTERS).read_text(encoding="utf-8"))
    counters, settings = text["counters"], text["settings"]
    return {
        "format": "pt",
        "architecture": "resnet18, conv1 to layer3, torchvision's names",
        "width": str(settings["width"]),
        "program": "tools/offline_backbone",
        "settings": json.dumps(settings, sort_keys=True),
        "seed": str(settings["seed"]),
        "views_seen": str(counters["best_seen"] if best else counters["seen"]),
        "seconds_of_training": f"{counters['seconds']:.0f}",
        "trained_on": f"{platform.machine()}, torch {torch.__version__}",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "training_pictures": CONTENTS,
        "licence": LICENCE,
    }


def export(folder: Path, path: Path, half: bool = False, best: bool = False) -> None:
    """Write the averaged trunk of a training folder to `path`.

    Parameters
    ----------
    folder : Path
        Of ``training``.
    path : Path
        The safetensors file to write.
    half : bool
        float16 in place of float32: half the size.
    best : bool
        The weights with the highest watched figure in place of the latest.
    """
    state = exported_state(loaded_trunk(stored_trunk(folder / BEST if best else folder)))
    if half:
        state = {key: value.half() for key, value in state.items()}
    save_file(state, path, provenance(folder, best))


def main() -> int:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--training", type=Path, required=True, help="folder of training")
    parser.add_argument("--out", type=Path, required=True, help="safetensors file")
    parser.add_argument("--half", action="store_true", help="float16")
    parser.add_argument("--best", action="store_true", help="best watched figure, not the latest")
    given = parser.parse_args()
    export(given.training, given.out, given.half, given.best)
    print(f"{given.out}: {given.out.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
