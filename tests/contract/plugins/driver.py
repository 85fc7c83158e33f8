"""A plugin served in this process, asked over gRPC as the engine asks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc

from localcloud.plugins.base.engine import Engine
from localcloud.plugins.base.protos import provider_pb2, provider_pb2_grpc, status_pb2
from localcloud.plugins.base.provider import Provider
from localcloud.plugins.base.serve import start
from localcloud.plugins.base.values import Properties, decode, encode

SEED = bytes.fromhex("0123456789abcdef")


class Log(Engine):
    """An engine that keeps what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str, bool]] = []

    def log(self, severity: str, message: str, urn: str = "", *, status: bool = False) -> None:
        self.lines.append((severity, message, status))


class Failed(Exception):
    """An operation that the plugin refused; ``partial`` is what the engine records in spite of it."""

    def __init__(self, error: grpc.RpcError) -> None:
        super().__init__(error.details())
        self.code = error.code()
        self.partial: Any = None
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                self.partial = provider_pb2.ErrorResourceInitFailed()
                status_pb2.Status.FromString(value).details[0].Unpack(self.partial)


@dataclass
class Planned:
    """A difference: path → kind (``update``, ``add-replace`` and so on)."""

    changes: dict[str, str]
    replaces: list[str]
    delete_before_replace: bool


@dataclass
class Made:
    """A resource as the engine's state would have it."""

    kind: str
    name: str
    id: str
    inputs: Properties
    outputs: Properties


@dataclass
class Plugin:
    """Asks one plugin; values are the plain ones of ``localcloud.plugins.base.values``."""

    provider: Provider
    stub: Any
    log: Log
    package: str
    raw: dict[str, Any] = field(default_factory=dict)
    """The last answer of each method, for what the plain values hide (secrets)."""

    def _urn(self, kind: str, name: str) -> str:
        return f"urn:pulumi:test::project::{self._token(kind)}::{name}"

    def _token(self, kind: str) -> str:
        if ":" in kind:
            return f"{self.package}:{kind}"
        return f"{self.package}:index/{kind[0].lower()}{kind[1:]}:{kind}"

    def _ask(self, method: str, request: Any) -> Any:
        try:
            answer = getattr(self.stub, method)(request)
        except grpc.RpcError as error:
            raise Failed(error) from None
        self.raw[method] = answer
        return answer

    def configure(self, **config: Any) -> None:
        self._ask("Configure", provider_pb2.ConfigureRequest(args=encode(config)))

    def check_config(self, **config: Any) -> dict[str, str]:
        answer = self._ask("CheckConfig", provider_pb2.CheckRequest(news=encode(config)))
        return {failure.property: failure.reason for failure in answer.failures}

    def check(self, kind: str, name: str, inputs: Properties, old: Properties | None = None) -> Properties:
        """Inputs as stored; raises AssertionError with what is wrong."""
        found, failures = self.problems(kind, name, inputs, old)
        assert not failures, failures
        return found

    def problems(
        self, kind: str, name: str, inputs: Properties, old: Properties | None = None
    ) -> tuple[Properties, dict[str, str]]:
        request = provider_pb2.CheckRequest(
            urn=self._urn(kind, name), olds=encode(old or {}), news=encode(inputs), randomSeed=SEED
        )
        answer = self._ask("Check", request)
        return decode(answer.inputs), {failure.property: failure.reason for failure in answer.failures}

    def diff(self, made: Made, inputs: Properties) -> Planned:
        new = self.check(made.kind, made.name, inputs, made.inputs)
        request = provider_pb2.DiffRequest(
            id=made.id,
            urn=self._urn(made.kind, made.name),
            olds=encode(made.outputs),
            old_inputs=encode(made.inputs),
            news=encode(new),
        )
        answer = self._ask("Diff", request)
        names = provider_pb2.PropertyDiff.Kind
        changes = {path: names.Name(item.kind).lower().replace("_", "-") for path, item in answer.detailedDiff.items()}
        return Planned(changes, list(answer.replaces), answer.deleteBeforeReplace)

    def create(self, kind: str, name: str, /, preview: bool = False, timeout: float = 30, **inputs: Any) -> Made:
        checked = self.check(kind, name, inputs)
        request = provider_pb2.CreateRequest(
            urn=self._urn(kind, name), properties=encode(checked), preview=preview, timeout=timeout
        )
        answer = self._ask("Create", request)
        return Made(kind, name, answer.id, checked, decode(answer.properties))

    def update(self, made: Made, /, preview: bool = False, **inputs: Any) -> Made:
        checked = self.check(made.kind, made.name, inputs, made.inputs)
        request = provider_pb2.UpdateRequest(
            id=made.id,
            urn=self._urn(made.kind, made.name),
            olds=encode(made.outputs),
            old_inputs=encode(made.inputs),
            news=encode(checked),
            preview=preview,
            timeout=30,
        )
        answer = self._ask("Update", request)
        return Made(made.kind, made.name, made.id, checked, decode(answer.properties))

    def read(self, made: Made) -> Made | None:
        """The resource refreshed; None when it is gone."""
        request = provider_pb2.ReadRequest(
            id=made.id,
            urn=self._urn(made.kind, made.name),
            properties=encode(made.outputs),
            inputs=encode(made.inputs),
        )
        answer = self._ask("Read", request)
        if not answer.id:
            return None
        return Made(made.kind, made.name, answer.id, decode(answer.inputs), decode(answer.properties))

    def imported(self, kind: str, name: str, id: str) -> Made | None:
        """The resource read by nothing but its id."""
        return self.read(Made(kind, name, id, {}, {}))

    def delete(self, made: Made) -> None:
        request = provider_pb2.DeleteRequest(
            id=made.id,
            urn=self._urn(made.kind, made.name),
            properties=encode(made.outputs),
            old_inputs=encode(made.inputs),
            timeout=60,
        )
        self._ask("Delete", request)

    def invoke(self, function: str, /, **args: Any) -> Properties:
        token = f"{self.package}:{function}" if ":" in function else f"{self.package}:index/{function}:{function}"
        answer = self._ask("Invoke", provider_pb2.InvokeRequest(tok=token, args=encode(args)))
        return decode(getattr(answer, "return"))

    def settled(self, made: Made, /, **inputs: Any) -> Made:
        """Assert that neither a preview nor a refresh finds anything to do, and return the refreshed resource."""
        assert self.diff(made, inputs).changes == {}, "a second update would change something"
        fresh = self.read(made)
        assert fresh is not None
        assert fresh.inputs == made.inputs, "a refresh would change the inputs"
        assert self.diff(fresh, inputs).changes == {}, "after a refresh there would be something to change"
        return fresh


@contextmanager
def serve(make: Any, package: str) -> Iterator[Plugin]:
    """Serve a plugin's provider until the context ends."""
    log = Log()
    provider = make(log)
    server, port = start(provider)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Plugin(provider, provider_pb2_grpc.ResourceProviderStub(channel), log, package)
    server.stop(0)
