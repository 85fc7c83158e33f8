"""Clients for names below .localhost, against a TLS server with a certificate of the local authority."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from localcloud.cloudflare.edge.authority import Authority
from scripts.operator import http

SEEN: list[tuple[str | None, str | None]] = []
"""(SNI of the connection, Host of the request)."""


class Edge(BaseHTTPRequestHandler):
    """Says which host it was asked for; /moved leads to another host."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        SEEN.append((getattr(self.connection, "asked_for", None), self.headers["Host"]))
        body = json.dumps({"host": self.headers["Host"]}).encode()
        self.send_response(302 if self.path == "/moved" else 200)
        if self.path == "/moved":
            self.send_header("Location", f"https://api.store.localhost:{self.server.server_port}/there")  # type: ignore[attr-defined]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def port(authority: Authority) -> Iterator[int]:
    context = authority.server_context()
    choose = context.sni_callback

    def remember(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        connection.asked_for = name  # type: ignore[attr-defined]
        choose(connection, name, context)

    context.sni_callback = remember
    server = ThreadingHTTPServer(("127.0.0.1", 0), Edge)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    SEEN.clear()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_a_name_that_no_resolver_knows_is_reached_by_its_name(authority: Authority, port: int) -> None:
    """Debian's resolver knows no name below .localhost, and the edge goes by SNI and Host."""
    with http.client(f"https://store.localhost:{port}", authority=authority.certificate_path) as client:
        answer = client.get("/de?q=1")
    assert answer.json() == {"host": f"store.localhost:{port}"}
    assert list(SEEN) == [("store.localhost", f"store.localhost:{port}")]
    assert str(answer.url) == f"https://store.localhost:{port}/de?q=1"


def test_each_name_has_its_own_connection(authority: Authority, port: int) -> None:
    """A connection that was checked for one host carried the cookies and requests of another."""
    with http.client(authority=authority.certificate_path, follow_redirects=True) as client:
        answer = client.get(f"https://store.localhost:{port}/moved")
    assert answer.json() == {"host": f"api.store.localhost:{port}"}
    assert [sni for sni, _ in SEEN] == ["store.localhost", "api.store.localhost"]


def test_the_local_authority_has_to_be_known(port: int, tmp_path: Path) -> None:
    """A check that takes any certificate finds no wrong one."""
    with http.client(authority=tmp_path / "none.pem") as client, pytest.raises(httpx.ConnectError, match="certificate"):
        client.get(f"https://store.localhost:{port}/")


def test_a_certificate_for_another_name_is_refused(authority: Authority, port: int) -> None:
    with (
        http.client(authority=authority.certificate_path) as client,
        pytest.raises(httpx.ConnectError, match="certificate"),
    ):
        # By its address the edge presents the certificate of `localhost`.
        client.get(f"https://127.0.0.1:{port}/")


def test_no_proxy_stands_between_and_none_is_taken_from_others(
    authority: Authority, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A company's proxy answered 502 for store.localhost; staging is reached through it alone."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with http.client(authority=authority.certificate_path) as client:
        assert client.get(f"https://store.localhost:{port}/").status_code == 200
        with pytest.raises(httpx.ConnectError, match="refused"):
            client.get("https://store.example/")


def test_where_the_authority_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path))
    assert http.local_authority() == tmp_path / "ca" / "ca.pem"
    monkeypatch.setenv("OPTICWORKS_CA", "/other/ca.pem")
    assert http.local_authority() == Path("/other/ca.pem")
