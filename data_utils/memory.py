"""How much memory is free: of the machine, or of the container that the program runs in."""

from __future__ import annotations

from pathlib import Path

import psutil

CONTAINER = Path("/sys/fs/cgroup")


def free_bytes() -> int:
    """Return the bytes that can still be used before the system ends programs."""
    free = psutil.virtual_memory().available
    try:
        most = int((CONTAINER / "memory.max").read_text())
        used = int((CONTAINER / "memory.current").read_text())
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return free
    return max(0, min(free, most - used))
