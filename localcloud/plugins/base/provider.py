"""The provider protocol's server, in front of plain Python resources and functions."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn, TypeAlias

import grpc
from google.protobuf import any_pb2, empty_pb2

from localcloud.plugins.base.diff import Difference, Kind
from localcloud.plugins.base.engine import Engine
from localcloud.plugins.base.errors import Cancelled, NotKnown, PartialFailure, ProviderError
from localcloud.plugins.base.naming import Autonaming
from localcloud.plugins.base.operations import Call, Failure, Function, Resource
from localcloud.plugins.base.protos import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2
from localcloud.plugins.base.values import Properties, decode, encode

Context: TypeAlias = Any


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """A plugin. Subclasses fill ``resources`` and ``functions`` (by token) and say how they are configured."""

    name: str
    version: str
    resources: Mapping[str, Resource]
    functions: Mapping[str, Function]

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.cancelled = threading.Event()

    def check_config(self, config: Properties) -> list[Failure]:
        """What is wrong with the provider's configuration; unknown values are not."""
        return []

    def configure(self, config: Properties) -> None:
        """Take the configuration over; raises ProviderError."""

    def schema(self) -> Properties:
        """Resources and types of the package schema, as far as generating code for imported resources needs it."""
        return {}

    # The rest is the protocol.

    def Handshake(self, request: Any, context: Context) -> Any:
        if request.engine_address:
            self.engine.connect(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(supports_autonaming_configuration=True)

    def GetPluginInfo(self, request: Any, context: Context) -> Any:
        return plugin_pb2.PluginInfo(version=self.version)

    def GetSchema(self, request: Any, context: Context) -> Any:
        document = {"name": self.name, "version": self.version, **self.schema()}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(document))

    def GetMapping(self, request: Any, context: Context) -> Any:
        return provider_pb2.GetMappingResponse()

    def GetMappings(self, request: Any, context: Context) -> Any:
        return provider_pb2.GetMappingsResponse()

    def Attach(self, request: Any, context: Context) -> Any:
        self.engine.connect(request.address)
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Context) -> Any:
        self.cancelled.set()
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: Context) -> Any:
        config = decode(request.news)
        failures = self.check_config(config)
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(failures))

    def DiffConfig(self, request: Any, context: Context) -> Any:
        # With none, the engine would go on with the old token and endpoint for one more update.
        same = decode(request.olds) == decode(request.news)
        kind = provider_pb2.DiffResponse.DIFF_NONE if same else provider_pb2.DiffResponse.DIFF_SOME
        return provider_pb2.DiffResponse(changes=kind)

    def Configure(self, request: Any, context: Context) -> Any:
        with self._errors(context):
            self.configure(decode(request.args))
        return provider_pb2.ConfigureResponse(supportsPreview=True, supports_autonaming_configuration=True)

    def Invoke(self, request: Any, context: Context) -> Any:
        with self._errors(context):
            function = self.functions.get(request.tok)
            if function is None:
                raise NotKnown(f"the stand-in for the {self.name} plugin has no function {request.tok}")
            result = function(self._call(request), decode(request.args))
            return provider_pb2.InvokeResponse(**{"return": encode(result)})

    def Check(self, request: Any, context: Context) -> Any:
        with self._errors(context):
            autonaming = None
            if request.HasField("autonaming"):
                mode = provider_pb2.CheckRequest.AutonamingOptions.Mode.Name(request.autonaming.mode)
                autonaming = Autonaming(mode=mode.lower(), proposed=request.autonaming.proposed_name)
            old, new = decode(request.olds), decode(request.news)
            checked = self._resource(request).check(self._call(request), old, new, request.randomSeed, autonaming)
            return provider_pb2.CheckResponse(inputs=encode(checked.inputs), failures=_failures(checked.failures))

    def Diff(self, request: Any, context: Context) -> Any:
        with self._errors(context):
            old, state, new = decode(request.old_inputs), decode(request.olds), decode(request.news)
            for path in request.ignoreChanges:
                if path in state and "." not in path and "[" not in path:
                    new[path] = old.get(path, state[path])
            difference = self._resource(request).diff(self._call(request), old, state, new)
            return _diff_response(difference)

    def Create(self, request: Any, context: Context) -> Any:
        with self._errors(context):
            id, outputs = self._resource(request).create(self._call(request), decode(request.properties))
            return provider_pb2.CreateResponse(id=id, properties=encode(outputs))

    def Read(self, request: Any, context: Context) -> Any:
        with self._errors(context):
            inputs, state = decode(request.inputs), decode(request.properties)
            reading = self._resource(request).read(self._call(request), inputs, state)
            if reading is None:
                return provider_pb2.ReadResponse(id="")
            found = {"properties": encode(reading.outputs), "inputs": encode(reading.inputs)}
            return provider_pb2.ReadResponse(id=reading.id, **found)

    def Update(self, request: Any, context: Context) -> Any:
        with self._errors(context):
            old, state, new = decode(request.old_inputs), decode(request.olds), decode(request.news)
            outputs = self._resource(request).update(self._call(request), old, state, new)
            return provider_pb2.UpdateResponse(properties=encode(outputs))

    def Delete(self, request: Any, context: Context) -> Any:
        with self._errors(context):
            old, state = decode(request.old_inputs), decode(request.properties)
            self._resource(request).delete(self._call(request), old, state)
            return empty_pb2.Empty()

    def _resource(self, request: Any) -> Resource:
        token = request.type or request.urn.split("::")[2].split("$")[-1]
        resource = self.resources.get(token)
        if resource is None:
            raise NotKnown(f"the stand-in for the {self.name} plugin has no resource type {token}")
        return resource

    def _call(self, request: Any) -> Call:
        urn = getattr(request, "urn", "")
        return Call(
            urn=urn,
            id=getattr(request, "id", ""),
            preview=getattr(request, "preview", False),
            timeout=getattr(request, "timeout", 0),
            log=lambda severity, message: self.engine.log(severity, message, urn),  # type: ignore[arg-type]
            status=lambda severity, message: self.engine.log(severity, message, urn, status=True),  # type: ignore[arg-type]
            cancelled=self.cancelled,
        )

    @contextmanager
    def _errors(self, context: Context) -> Iterator[None]:
        """Turn exceptions into gRPC errors: what the user can act on as it is, anything else as a fault of ours."""
        try:
            yield
        except PartialFailure as error:
            _abort_partial(context, error)
        except Cancelled as error:
            context.abort(grpc.StatusCode.CANCELLED, str(error))
        except NotKnown as error:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))
        except ProviderError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            context.abort(grpc.StatusCode.INTERNAL, f"the stand-in for the {self.name} plugin failed: {what}")


def _failures(failures: list[Failure]) -> list[Any]:
    return [provider_pb2.CheckFailure(property=failure.property, reason=failure.reason) for failure in failures]


def _diff_response(difference: Difference) -> Any:
    kinds: dict[tuple[Kind, bool], Any] = {
        (kind, replace): provider_pb2.PropertyDiff.Kind.Value(kind.upper() + ("_REPLACE" if replace else ""))
        for kind in ("add", "delete", "update")
        for replace in (False, True)
    }
    detailed = {
        path: provider_pb2.PropertyDiff(kind=kinds[kind, path in difference.replaces], inputDiff=difference.inputs)
        for path, kind in difference.changes.items()
    }
    some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=some if difference.changes else none,
        replaces=sorted(difference.replaces),
        diffs=sorted(difference.roots()),
        deleteBeforeReplace=difference.delete_before_replace,
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def _abort_partial(context: Context, error: PartialFailure) -> NoReturn:
    """The engine finds what was made in the status' details, and records it with its init errors."""
    failed = provider_pb2.ErrorResourceInitFailed(
        id=error.id, properties=encode(error.outputs), inputs=encode(error.inputs), reasons=[str(error)]
    )
    detail = any_pb2.Any()
    detail.Pack(failed)
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error), details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, str(error))
    raise AssertionError("abort raises")
