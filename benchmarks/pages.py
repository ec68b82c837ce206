"""How soon the app's pages are drawn: by a fresh server, and again.

*first*: from the server's first answer to the end of the first script run, as a browser's session
sees it; a new server for each page. By Streamlit's own test driver, in one process: *uncached* with
all modules loaded and all caches emptied, *cached* drawn again. The browser's own drawing is not in
it.
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
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.testing.v1 import AppTest
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
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--page", choices=list(PAGES), help=argparse.SUPPRESS)
    given = parser.parse_args()
    for variable, folder in (("MVTEC_OUTPUTS", given.outputs), ("MVTEC_ROOT", given.data)):
        if folder is not None:
            os.environ[variable] = str(folder.resolve())
    if given.page:
        print(*page_seconds(given.page, given.category, given.repeats))
        return
    print(f"{'page':<12}{'first':>10}{'uncached':>10}{'cached':>10}  ms")
    for page in PAGES:
        first = statistics.median(first_seconds(page, given.category) for _ in range(given.repeats))
        milliseconds = [f"{1000 * value:10.0f}" for value in (first, *seconds_of(page, given))]
        print(f"{page:<12}{''.join(milliseconds)}", flush=True)


def first_seconds(page: str, category: str | None) -> float:
    """Start the app; return the seconds from its first answer until the page is drawn.

    Raises
    ------
    TimeoutError
        If it has not answered, or not drawn, within a minute.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"server.port": port, "server.address": "127.0.0.1", "server.headless": "true"}
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    command += [part for name, value in options.items() for part in (f"--{name}", str(value))]
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            _wait_until_up(port)
            started = time.perf_counter()
            _draw_once(port, page, category)
            return time.perf_counter() - started
        finally:
            server.terminate()


def page_seconds(page: str, category: str | None, repeats: int) -> tuple[float, float]:
    """Return a page's median seconds in this process, uncached and cached."""
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=PATIENCE_S)
    if category:
        app.query_params["category"] = category
    if page != DEFAULT_PAGE:
        app.switch_page(f"pages/{page}.py")
    _run_seconds(app)
    uncached = []
    for _ in range(repeats):
        st.cache_data.clear()
        st.cache_resource.clear()
        uncached.append(_run_seconds(app))
    cached = [_run_seconds(app) for _ in range(repeats)]
    return statistics.median(uncached), statistics.median(cached)


def seconds_of(page: str, given: argparse.Namespace) -> list[float]:
    """Return ``page_seconds`` of a process of its own."""
    command = [sys.executable, "-m", "benchmarks.pages", "--page", page]
    command += ["--repeats", str(given.repeats)]
    command += ["--category", given.category] if given.category else []
    ended = subprocess.run(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    return [float(value) for value in ended.stdout.split()]


def _run_seconds(app: AppTest) -> float:
    started = time.perf_counter()
    app.run()
    taken = time.perf_counter() - started
    if app.exception:
        raise RuntimeError(str(app.exception[0].value))
    return taken


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


def _draw_once(port: int, page: str, category: str | None) -> None:
    """Open a session as a browser does, and wait until its first script run has ended."""
    with connect(f"ws://127.0.0.1:{port}/_stcore/stream", max_size=None) as session:
        wanted = ClientState(
            page_name="" if page == DEFAULT_PAGE else page,
            query_string=urlencode({"category": category} if category else {}),
        )
        session.send(BackMsg(rerun_script=wanted).SerializeToString())
        message = ForwardMsg()
        while message.WhichOneof("type") != "script_finished":
            message.ParseFromString(bytes(session.recv(PATIENCE_S, decode=False)))


if __name__ == "__main__":
    main()
