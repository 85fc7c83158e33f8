"""The engine's generated protocol classes, without the rest of the Pulumi SDK.

``import pulumi.runtime.proto`` would run ``pulumi/__init__.py``, which costs a plugin 0.3 s and 40 MB. The generated
modules import only each other and protobuf, so they are loaded below two empty stand-in packages that are then taken
away again: a later ``import pulumi`` in the same process finds nothing amiss.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def _load() -> None:
    if "pulumi" in sys.modules or "pulumi.runtime.proto" in sys.modules:
        return
    spec = importlib.util.find_spec("pulumi")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the Pulumi SDK is not installed in this Python: pip install -r requirements.lock")
    root = Path(spec.submodule_search_locations[0])
    empty = {"pulumi": root, "pulumi.runtime": root / "runtime"}
    for name, path in empty.items():
        module = ModuleType(name)
        module.__path__ = [str(path)]
        sys.modules[name] = module
    try:
        for name in ("engine_pb2_grpc", "errors_pb2", "plugin_pb2", "provider_pb2_grpc", "status_pb2"):
            importlib.import_module(f"pulumi.runtime.proto.{name}")
    finally:
        for name in empty:
            del sys.modules[name]


_load()

from pulumi.runtime.proto import (  # noqa: E402 (needs _load)
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

__all__ = ["engine_pb2", "engine_pb2_grpc", "plugin_pb2", "provider_pb2", "provider_pb2_grpc", "status_pb2"]
