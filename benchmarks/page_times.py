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
from functools import partial
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
    print(f"{'page':<12}{'first':>10}{'uncached':>10}{'cached':>10}  ms")
    for page in PAGES:
        taken: list[list[float]] = []
        for _ in range(given.repeats):
            with fresh_server() as port:
                drawn = partial(drawing_seconds, port, page, given.category)
                taken.append([drawn(empty_caches=emptied) for emptied in (False, True, False)])
        medians = [statistics.median(column) for column in zip(*taken, strict=True)]
        print(f"{page:<12}" + "".join(f"{1000 * one:10.0f}" for one in medians), flush=True)


@contextmanager
def fresh_server() -> Iterator[int]:
    """Give the port of an app that was just started and is up."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    health = f"http://127.0.0.1:{port}/_stcore/health"
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=PROJECT, stdout=quiet, stderr=quiet) as server:
        try:
            for _ in range(int(PATIENCE_S / POLL_S)):
                with suppress(OSError), urllib.request.urlopen(health):
                    break
                time.sleep(POLL_S)
            yield port
        finally:
            server.terminate()


def drawing_seconds(port: int, page: str, category: str | None, empty_caches: bool) -> float:
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
        # a run that starts again ends with another status
        while not (
            message.WhichOneof("type") == "script_finished"
            and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        ):
            left = started + PATIENCE_S - time.perf_counter()
            message.ParseFromString(bytes(session.recv(left, decode=False)))
            if message.delta.new_element.HasField("exception"):
                raise RuntimeError(message.delta.new_element.exception.message)
        return time.perf_counter() - started


if __name__ == "__main__":
    main()
