"""Running a plugin: serve on a free port of 127.0.0.1, print it for the engine, end quietly."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc

from localcloud.plugins.base.engine import Engine
from localcloud.plugins.base.protos import provider_pb2_grpc
from localcloud.plugins.base.provider import Provider

# The engine's own limit, so that a large state or archive fits.
_MESSAGE_BYTES = 400 * 1024 * 1024
# Operations wait (for actions, for SSH) more than they work; the engine asks for many at once.
_THREADS = 128


def start(provider: Provider) -> tuple[grpc.Server, int]:
    """A running server for the provider, and its port."""
    server = grpc.server(
        ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="operation"),
        options=[
            ("grpc.max_receive_message_length", _MESSAGE_BYTES),
            ("grpc.max_send_message_length", _MESSAGE_BYTES),
            ("grpc.so_reuseport", 0),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def serve(make: Callable[[Engine], Provider], engine_address: str | None) -> None:
    """Serve until SIGINT, SIGTERM, or the end of the process that started this one."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    parent = os.getppid()
    provider = make(Engine(engine_address))
    server, port = start(provider)
    print(port, flush=True)
    # An engine that was killed cannot tell its plugins; they see that they have been adopted.
    while not ended.wait(2) and os.getppid() == parent:
        pass
    provider.cancelled.set()
    server.stop(grace=1).wait()
    sys.stdout.flush()
    os._exit(0)  # operations that still wait somewhere must not hold the process
