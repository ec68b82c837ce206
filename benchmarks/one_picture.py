"""One picture at a time: the whole of each method against the backbone's own pass.

Fitted on the category's training pictures; every test picture is scored by itself after an
untimed one, decoding excluded. Each picture passes through the backbone alone before it goes
through the method, so that a machine that is slower for a while is so for both.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.common import (
    arguments,
    category_pictures,
    loaded_backbone,
    report,
    seconds,
    use_threads,
)
from detectors.autoencoder import Autoencoder
from detectors.base import Detector
from detectors.padim import Padim
from detectors.patchcore import Patchcore


def main() -> None:
    """Print milliseconds of the backbone and of each method, and the ratios."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--ae", action="store_true", help="train the autoencoder too (a minute)")
    given = parser.parse_args()
    use_threads(given.threads)
    _, _, pictures = category_pictures(given.data, given.category)
    backbone = loaded_backbone(given.weights)
    single = [np.array(image[None]) for image in pictures.test]
    detectors: list[Detector] = [Padim(backbone), Patchcore(backbone)]
    if given.ae:
        detectors.append(Autoencoder())
    for detector in detectors:
        detector.fit(pictures.train)
        passing, scoring = [], []
        for picture in [single[0], *single * given.repeats]:
            passing.append(seconds(partial(backbone.extract, picture)) * 1000)
            scoring.append(seconds(partial(detector.score, picture)) * 1000)
        passing, scoring = passing[1:], scoring[1:]
        alone = report("backbone", passing, "ms")
        whole = report(detector.method, scoring, "ms")
        print(f"{detector.method}: 95th percentile {np.percentile(scoring, 95):.2f} ms", end="")
        print(f", {whole / alone:.2f} of the backbone" if detector.method != "ae" else "")


if __name__ == "__main__":
    main()
