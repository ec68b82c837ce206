"""Preloaded into the workers of ``benchmarks.cluster``: every backbone pass sleeps a while.

What is measured then is where Dask places the cells, on a machine with few cores.
"""

from __future__ import annotations

import os
import time

from evaluation import runner, work

SECONDS_VARIABLE = "SLOW_CELLS_S"


def dask_setup(worker: object) -> None:  # noqa: ARG001  the name and signature that Dask calls
    """Let every unit of this worker take some seconds longer."""
    make = work.run_together

    def slowly(*arguments: object) -> None:
        time.sleep(float(os.environ[SECONDS_VARIABLE]))
        make(*arguments)  # type: ignore[arg-type]

    setattr(runner, "run_together", slowly)  # noqa: B010  a module's own name
