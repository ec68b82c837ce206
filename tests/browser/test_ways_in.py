"""What a stranger's program may ask a running server for, without a browser."""

from __future__ import annotations

import http.client
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from data_utils.locations import PROJECT
from tests.browser.conftest import ServedResults

pytestmark = pytest.mark.browser

UP = ("../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..%252f", "....//", "%c0%ae%c0%ae/")
PLACES = ("/", "/static/", "/media/", "/app/static/", "/component/", "/_stcore/", "/samples/")
MOST_LEVELS = 6


def answer(address: str, path: str, **headers: str) -> tuple[int, bytes]:
    """Ask for a path exactly as it is written; return status and content."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    try:
        connection.putrequest("GET", path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_no_address_leads_to_a_file_of_this_machine(served_results: ServedResults) -> None:
    secret = b"nobody may read this"
    (served_results.outputs / "secret.txt").write_bytes(secret)
    own = (PROJECT / "requirements.txt").read_bytes().splitlines()[0]
    targets = [PROJECT / "requirements.txt", served_results.outputs / "secret.txt"]
    targets += [Path("/etc/passwd"), Path("/proc/self/environ")]
    told, asked = [], 0
    for place in PLACES:
        for target in targets:
            absolute = str(target).lstrip("/")
            paths = [place + up * levels + absolute for up in UP for levels in range(MOST_LEVELS)]
            paths += [f"{place}/{target}", place + str(target).replace("/", "%2f")]
            for path in (*paths, place + "..%2f" * 3 + target.name):
                _, content = answer(served_results.address, path)
                asked += 1
                if any(known in content for known in (secret, own, b"root:x:", b"MVTEC_OUTPUTS=")):
                    told.append(path)

    assert told == []
    assert asked > 1000


def test_a_page_of_another_site_gets_no_connection(served_results: ServedResults) -> None:
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    foreign, _ = answer(
        served_results.address, "/_stcore/stream", Origin="http://evil.example", **upgrade
    )

    assert foreign == 403


def test_an_upload_without_a_session_is_refused(served_results: ServedResults) -> None:
    parts = urlsplit(served_results.address)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    connection.request("PUT", "/_stcore/upload_file/session/..%2f..%2fevil", body=b"x")
    refused = connection.getresponse().status
    connection.close()

    assert refused in (400, 401, 403, 404)
    assert not list(served_results.outputs.parent.rglob("evil*"))


def test_the_server_listens_on_this_machine_only(served_results: ServedResults) -> None:
    listening = [
        one.laddr.ip
        for one in served_results.server.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN
    ]

    assert listening
    assert set(listening) <= {"127.0.0.1", "::1"}
