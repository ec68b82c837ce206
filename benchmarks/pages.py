"""How soon the app's pages are drawn: by a fresh server, and again.

From the request of a new browser session to the end of its script run, as the session sees it; the
browser's own drawing is not in it. *first*: the first request to a server that has just answered
that it is up. *uncached*: a later request, after the app's caches were emptied. *cached*: again.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from dashboard.frame import DEFAULT_PAGE, PAGES
from data_utils.locations import PROJECT

PATIENCE_S = 60.0
POLL_S = 0.01
COLUMNS = ("first", "uncached", "cached")


def main() -> None:
    """Print a table of milliseconds per page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--outputs", type=Path, help="folder of results; default: the app's own")
    parser.add_argument("--data", type=Path, help="data folder; default: the app's own, or demo")
    parser.add_argument("--category", help="shown category; default: the app's first")
    parser.add_argument("--repeats", type=int, default=5, help="servers started for every page")
    given = parser.parse_args()
    for variable, folder in (("MVTEC_OUTPUTS", given.outputs), ("MVTEC_ROOT", given.data)):
        if folder is not None:
            os.environ[variable] = str(folder.resolve())
    print(f"{'page':<12}{''.join(f'{name:>10}' for name in COLUMNS)}  ms")
    for page in PAGES:
        seconds = zip(
            *(page_seconds(page, given.category) for _ in range(given.repeats)), strict=True
        )
        medians = "".join(f"{1000 * statistics.median(column):10.0f}" for column in seconds)
        print(f"{page:<12}{medians}", flush=True)


def page_seconds(page: str, category: str | None) -> tuple[float, float, float]:
    """Start the app; return the seconds of a page's first, uncached and cached drawing.

    Raises
    ------
    TimeoutError
        If the app has not answered, or not drawn, within a minute.
    RuntimeError
        If the page shows an error of the program.
    """
    with fresh_server() as port:
        first = drawing_seconds(port, page, category)
        uncached = drawing_seconds(port, page, category, empty_caches=True)
        return first, uncached, drawing_seconds(port, page, category)


@contextmanager
def fresh_server() -> Iterator[int]:
    """Give the port of an app that was just started and is up."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    options = {"server.port": port, "server.address": "127.0.0.1", "server.headless": "true"}
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    command += [part for name, value in options.items() for part in (f"--{name}", str(value))]
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            _wait_until_up(port)
            yield port
        finally:
            server.terminate()


def _wait_until_up(port: int) -> None:
    deadline = time.perf_counter() + PATIENCE_S
    while time.perf_counter() < deadline:
        with (
            suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health") as answer,
        ):
            if answer.status == 200:
                return
        time.sleep(POLL_S)
    raise TimeoutError("The app has not started within a minute.")


def drawing_seconds(
    port: int, page: str, category: str | None, empty_caches: bool = False
) -> float:
    """Open a session as a browser does; return the seconds until its script run has ended."""
    wanted = ClientState(
        page_name="" if page == DEFAULT_PAGE else page,
        query_string=urlencode({"category": category} if category else {}),
    )
    started = time.perf_counter()
    with connect(f"ws://127.0.0.1:{port}/_stcore/stream", max_size=None) as session:
        if empty_caches:
            session.send(BackMsg(clear_cache=True).SerializeToString())
        session.send(BackMsg(rerun_script=wanted).SerializeToString())
        message = ForwardMsg()
        while not _is_end(message):
            left = started + PATIENCE_S - time.perf_counter()
            message.ParseFromString(bytes(session.recv(left, decode=False)))
            if message.delta.new_element.HasField("exception"):
                raise RuntimeError(message.delta.new_element.exception.message)
        return time.perf_counter() - started


def _is_end(message: ForwardMsg) -> bool:
    """Tell whether it says that the page is whole; a run that starts again says something else."""
    ended = message.WhichOneof("type") == "script_finished"
    return ended and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY


if __name__ == "__main__":
    main()
