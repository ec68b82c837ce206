"""What machine and software made a result, how long it took, and how much memory."""

from __future__ import annotations

import ctypes
import platform
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
import psutil
from numpy.typing import NDArray

SAMPLING_INTERVAL_S = 0.02
REPORTED_PACKAGES = ("torch", "numpy", "scipy", "Pillow", "pandas", "streamlit")


def cpu_name() -> str:
    """Return the processor's name as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def describe_machine() -> dict[str, object]:
    """Return processor, cores, threads in use, system and package versions."""
    import torch

    versions = {"python": platform.python_version()}
    for package in REPORTED_PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "n/a"
    return {
        "cpu": cpu_name(),
        "cores": psutil.cpu_count(logical=False) or psutil.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions,
    }


class Clock:
    """Seconds by phase, each phase added up over its parts."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time spent inside to phase `name`, also when an error leaves it."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[name] = self.seconds.get(name, 0.0) + spent

    def __getitem__(self, name: str) -> float:
        return self.seconds.get(name, 0.0)


def return_free_memory() -> None:
    """Give back the memory that the C library holds for reuse; only glibc (Linux) needs asking.

    Tensors of some MB are cut from its heap, and what is freed between two that live on stays.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


class PeakMemory:
    """Samples this process's resident memory while the context is open."""

    def __enter__(self) -> Self:
        self._process = psutil.Process()
        self.peak_bytes = self._process.memory_info().rss
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def peak_mb(self) -> float:
        """Largest sample so far in 10^6 bytes."""
        return self.peak_bytes / 1e6

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLING_INTERVAL_S):
            self.peak_bytes = max(self.peak_bytes, self._process.memory_info().rss)


TIMED_PICTURES = 15
T = TypeVar("T")
Result = TypeVar("Result")


def measure_latency(
    score: Callable[[NDArray[np.uint8]], object], images: NDArray[np.uint8]
) -> float:
    """Return the median time of one picture, in ms from decoded picture to map and score.

    Evenly spaced pictures are scored one by one, after an untimed one.

    Parameters
    ----------
    score : callable
        A fitted detector's ``score``.
    images : uint8 [N, H, W, 3]
        Decoded and resized; N at least 1.
    """
    _, seconds = timed_each(score, single_pictures(images))
    return median_ms(seconds)


def single_pictures(images: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return the pictures to be timed, evenly spaced, each uint8 ``[1, H, W, 3]``."""
    chosen = np.linspace(0, len(images) - 1, min(TIMED_PICTURES, len(images))).astype(int)
    return [np.array(images[position : position + 1]) for position in chosen]


def timed_each(
    act: Callable[[T], Result], items: Sequence[T]
) -> tuple[list[Result], NDArray[np.float64]]:
    """Do `act` for each item after an untimed first time; return the results and their seconds."""
    act(items[0])
    results, seconds = [], []
    for item in items:
        started = time.perf_counter()
        results.append(act(item))
        seconds.append(time.perf_counter() - started)
    return results, np.array(seconds)


def median_ms(seconds: NDArray[np.float64]) -> float:
    """Return the median of the seconds of single pictures, in milliseconds."""
    return float(np.median(seconds) * 1000)
