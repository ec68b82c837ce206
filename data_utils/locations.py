"""Where data, demo data and caches live on this machine, and what it has to give."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
from platformdirs import user_cache_path

from data_utils.facts import Fault

PROJECT = Path(__file__).resolve().parent.parent
DATA_VARIABLE = "MVTEC_ROOT"
OUTPUTS_VARIABLE = "MVTEC_OUTPUTS"
DEMO_VARIABLE = "MVTEC_DEMO"
CACHE_VARIABLE = "MVTEC_CACHE"
ALLOWED_VARIABLE = "MVTEC_ALLOWED_ROOTS"
DEFAULT_DATA = PROJECT / "data" / "mvtec_ad"
DEFAULT_DEMO = PROJECT / "data" / "demo"
DEFAULT_OUTPUTS = PROJECT / "outputs"
CONTAINER = Path("/sys/fs/cgroup")


class OutputsError(Fault):
    """An outputs folder that cannot be one."""


def default_data_root() -> Path:
    """Return the data folder: ``MVTEC_ROOT`` when it is set, else ``data/mvtec_ad``."""
    return _from_environment(DATA_VARIABLE, DEFAULT_DATA)


def default_outputs() -> Path:
    """Return the outputs folder: ``MVTEC_OUTPUTS`` when it is set, else ``outputs``."""
    return _from_environment(OUTPUTS_VARIABLE, DEFAULT_OUTPUTS)


def outputs_at(given: Path) -> Path:
    """Return an outputs folder as an absolute path, links followed.

    Raises
    ------
    OutputsError
        If it cannot be one: its name is no text, so that no page can show it and no model in it
        be opened, or the system cannot look it up.
    """
    where = {"variable": OUTPUTS_VARIABLE}
    try:
        outputs = given.resolve()
        str(outputs).encode()
        outputs.exists()
    except UnicodeEncodeError:
        raise OutputsError("outputs_name", outputs=readable(str(given)), **where) from None
    except OSError as error:
        raise OutputsError(
            "outputs_unopened", outputs=readable(str(given)), error=error.strerror, **where
        ) from error
    except RuntimeError:
        raise OutputsError("outputs_loop", outputs=readable(str(given)), **where) from None
    return outputs


def demo_root() -> Path:
    """Return where the demo data are kept: ``MVTEC_DEMO`` when it is set, else ``data/demo``."""
    return _from_environment(DEMO_VARIABLE, DEFAULT_DEMO)


def cache_root() -> Path:
    """Return the user's cache folder for this program (``MVTEC_CACHE`` moves it)."""
    return _from_environment(CACHE_VARIABLE, user_cache_path("mvtec-anomaly-detection"))


def pool_threads() -> int:
    """Return how many pictures to read or write at a time: one per core, at most eight.

    ``OMP_NUM_THREADS`` lets a process take fewer, where several share the machine.
    """
    given = os.environ.get("OMP_NUM_THREADS", "")
    cores = int(given) if given.isdecimal() and int(given) else os.cpu_count() or 1
    return min(8, cores)


def free_bytes() -> int:
    """Return the memory that can be used before the system, or a container, ends programs."""
    free = psutil.virtual_memory().available
    try:
        most = int((CONTAINER / "memory.max").read_text())
        used = int((CONTAINER / "memory.current").read_text())
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return free
    return max(0, min(free, most - used))


def is_allowed(path: Path) -> bool:
    """Tell whether a file or folder may be read, links followed.

    Where ``MVTEC_ALLOWED_ROOTS`` names folders (separated as in ``PATH``), only what lies in
    them, in the default data folder, or in the demo data may be; else everything may.
    """
    given = os.environ.get(ALLOWED_VARIABLE, "")
    named = [expanded(part) for part in given.split(os.pathsep) if part.strip()]
    if not named:
        return True
    roots = (*named, default_data_root(), demo_root())
    return any(not leads_out(path, root) for root in roots)


def leads_out(path: Path, folder: Path) -> bool:
    """Tell whether a path ends outside `folder`: by ``..``, being absolute, or through links."""
    try:
        return not path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a loop of links, an impossible name
        return True


def shown_path(path: Path) -> str:
    """Return the path as a person would give it: relative to the project where it is inside."""
    return path.relative_to(PROJECT).as_posix() if path.is_relative_to(PROJECT) else str(path)


def readable(text: str) -> str:
    """Return a name from disk with bytes that are no text written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def expanded(path: str) -> Path:
    """Return the path with ``~`` replaced, or as it is where there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def _from_environment(variable: str, default: Path) -> Path:
    given = os.environ.get(variable, "").strip()
    return expanded(given) if given else default
