"""The engine's own service: where a plugin's log lines go."""

from __future__ import annotations

import contextlib
from typing import Literal

import grpc

from localcloud.plugins.base.protos import engine_pb2, engine_pb2_grpc

Severity = Literal["debug", "info", "warning", "error"]


class Engine:
    """Sends log lines to the engine that started the plugin; without an address they go nowhere.

    ``status`` lines are shown beside the resource while it is worked on and then forgotten.
    """

    def __init__(self, address: str | None = None) -> None:
        self._stub: engine_pb2_grpc.EngineStub | None = None
        if address:
            self.connect(address)

    def connect(self, address: str) -> None:
        """Use the engine at ``HOST:PORT`` from now on."""
        self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))

    def log(self, severity: Severity, message: str, urn: str = "", *, status: bool = False) -> None:
        """Show a line; a lost one is not worth an operation, so that errors of the log itself are dropped."""
        if self._stub is None or not message:
            return
        level = getattr(engine_pb2, severity.upper())
        request = engine_pb2.LogRequest(severity=level, message=message, urn=urn, ephemeral=status)
        with contextlib.suppress(grpc.RpcError):
            self._stub.Log(request, timeout=10)
