"""nginx as Debian has it, run with a configuration of the benchmark's own, for files over HTTPS."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.cloud import free_ports

START_SECONDS = 10.0
CONFIGURATION = """
daemon off;
user {user};
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  types {{ image/jpeg jpg; }}
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  open_file_cache max=100;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {certificate};
    root {root};
  }}
}}
"""


def binary() -> str:
    """nginx of this machine, or the package's, unpacked into the cache: nothing is installed, no service starts."""
    if found := shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"):
        return found
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "opticworks" / "benchmarks"
    kept = cache / "nginx" / "usr" / "sbin" / "nginx"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="nginx-", dir=cache) as folder:
            try:
                subprocess.run(["apt-get", "download", "nginx"], cwd=folder, check=True, capture_output=True)
                package = next(Path(folder).glob("nginx_*.deb"))
                subprocess.run(["dpkg-deb", "-x", package, Path(folder) / "nginx"], check=True)
            except (OSError, subprocess.CalledProcessError, StopIteration) as error:
                sys.exit(f"There is no nginx to compare with, and apt-get gives none ({error}): install nginx.")
            (Path(folder) / "nginx").rename(cache / "nginx")
    return str(kept)


@contextmanager
def nginx(folder: Path, root: Path, certificate: Path) -> Iterator[int]:
    """The port of an nginx that serves the files of ``root`` under this certificate (PEM with its key)."""
    [port] = free_ports(1)
    folder.mkdir()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(
            user=pwd.getpwuid(os.getuid()).pw_name, folder=folder, port=port, certificate=certificate, root=root
        ),
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [binary(), "-c", configuration, "-p", folder, "-e", folder / "error.log"], stderr=subprocess.DEVNULL
    )
    try:
        _answers(process, port, folder)
        yield port
    finally:
        process.terminate()
        process.wait()


def _answers(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    sys.exit(f"nginx does not run: {(folder / 'error.log').read_text()}")


def trusting(authority: Path) -> ssl.SSLContext:
    """A client's TLS context that trusts an authority and speaks HTTP/1.1."""
    context = ssl.create_default_context(cafile=str(authority))
    context.set_alpn_protocols(["http/1.1"])
    return context
