"""Listening on loopback, and serving what listens."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from localcloud.daemon.home import DaemonError

if TYPE_CHECKING:
    import uvicorn


def listen(port: int, option: str = "--port", remark: str = "") -> socket.socket:
    """A socket on loopback only. Raises if the port is taken; ``option`` is what chooses another one."""
    # The protocol is named because asyncio only turns Nagle's algorithm off where it is: 40 ms a request otherwise.
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind(("127.0.0.1", port))
    except OverflowError:
        server.close()
        raise DaemonError(f"port {port} does not exist; choose one from 1 to 65535 with {option}") from None
    except OSError as wrong:
        server.close()
        remark = f" ({remark})" if remark else ""
        if isinstance(wrong, PermissionError):
            raise DaemonError(f"port {port} needs root; choose one above 1023 with {option}{remark}") from None
        raise DaemonError(
            f"port {port} is taken by another program; choose another one: "
            f"python -m localcloud start {option} {port + 1}{remark}"
        ) from None
    return server


def serving(app: Any) -> uvicorn.Server:
    """A server for an ASGI application: silent, and done with its requests in 5 seconds."""
    import uvicorn  # here, not above: commands that only look at the daemon start fast without it

    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=5,
        loop="asyncio",
        ws="none",
    )
    return uvicorn.Server(config)
