"""Property values: what travels between engine and plugin, as plain Python values.

A value is None, bool, int, float, str, list, dict, or one of the four types below. On the wire it is a
``google.protobuf.Struct``, in which special values are objects with a signature key (see the engine's
``plugin.MarshalValue``).
The plugins do not ask for secrets, so that the engine passes plain values and marks equally named outputs secret by
itself; :class:`Secret` is for what is secret by the provider's own schema.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import struct_pb2

Value = Any
Properties = dict[str, Any]

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"
ASSET_SIGNATURE = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE_SIGNATURE = "0def7320c3a5731c473e5ecbe6d01bc7"
RESOURCE_SIGNATURE = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWNS = frozenset(
    {
        UNKNOWN_STRING,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


class Unknown:
    """A value that is not known before the update: what a preview has for outputs of things to be made."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that the engine is to encrypt in the state and to hide on the screen."""

    value: Value


@dataclass(frozen=True)
class Asset:
    """A file's content: exactly one of ``text``, ``path`` and ``uri`` is set. ``hash`` is its SHA-256 in hex."""

    hash: str = ""
    text: str | None = None
    path: str | None = None
    uri: str | None = None

    @staticmethod
    def of_file(path: str) -> Asset:
        """An asset of a local file, read now for its hash."""
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return Asset(hash=digest.hexdigest(), path=path)


@dataclass(frozen=True)
class Archive:
    """Several files: exactly one of ``path`` (a folder or an archive file), ``uri`` and ``assets`` is set."""

    hash: str = ""
    path: str | None = None
    uri: str | None = None
    assets: Mapping[str, Asset | Archive] | None = None

    @staticmethod
    def of_assets(assets: Mapping[str, Asset | Archive]) -> Archive:
        """An archive of assets, its hash made of their names and hashes."""
        digest = hashlib.sha256()
        for name in sorted(assets):
            digest.update(f"{name}\0{assets[name].hash}\n".encode())
        return Archive(hash=digest.hexdigest(), assets=dict(assets))


def is_unknown(value: Value) -> bool:
    """Whether the value is, or holds at any depth, something unknown."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, Secret):
        return is_unknown(value.value)
    if isinstance(value, dict):
        return any(is_unknown(item) for item in value.values())
    return isinstance(value, list) and any(is_unknown(item) for item in value)


def decode(struct: struct_pb2.Struct) -> Properties:
    """The properties in a struct; secrets and outputs give their inner values, whole numbers come as int."""
    return {name: _decode(value) for name, value in struct.fields.items()}


def _decode(value: struct_pb2.Value) -> Value:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    if kind != "struct_value":
        return None
    fields = value.struct_value.fields
    if SIGNATURE not in fields:
        return {name: _decode(item) for name, item in fields.items()}
    return _decode_signed(fields[SIGNATURE].string_value, {k: _decode(v) for k, v in fields.items() if k != SIGNATURE})


def _decode_signed(signature: str, fields: Properties) -> Value:
    if signature == SECRET_SIGNATURE:
        return fields.get("value")
    if signature == OUTPUT_SIGNATURE:
        return fields.get("value", UNKNOWN)
    if signature == RESOURCE_SIGNATURE:
        return fields["id"] if "id" in fields else fields.get("urn")
    if signature in (ASSET_SIGNATURE, ARCHIVE_SIGNATURE):
        kind: type[Asset] | type[Archive] = Asset if signature == ASSET_SIGNATURE else Archive
        sources = ("text", "path", "uri") if kind is Asset else ("path", "uri", "assets")
        # The engine sends every source and leaves unused ones empty; an empty text asset is one with no other source.
        used = {source: fields[source] for source in sources if fields.get(source)}
        if not used:
            used = {"text": ""} if kind is Asset else {"assets": {}}
        return kind(hash=fields.get("hash", ""), **used)
    raise ValueError(f"property value with the unknown signature {signature}")


def encode(properties: Mapping[str, Value]) -> struct_pb2.Struct:
    """The struct for properties; None is left out of objects, as the engine does."""
    struct = struct_pb2.Struct()
    for name, value in properties.items():
        if value is not None:
            struct.fields[name].CopyFrom(_encode(value))
    return struct


def _encode(value: Value) -> struct_pb2.Value:
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Unknown):
        return struct_pb2.Value(string_value=UNKNOWN_STRING)
    if isinstance(value, list | tuple):
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[_encode(item) for item in value]))
    if isinstance(value, Secret):
        return struct_pb2.Value(struct_value=encode({SIGNATURE: SECRET_SIGNATURE, "value": value.value}))
    if isinstance(value, Asset):
        fields = {"hash": value.hash, "text": value.text, "path": value.path, "uri": value.uri}
        return struct_pb2.Value(struct_value=encode({SIGNATURE: ASSET_SIGNATURE, **fields}))
    if isinstance(value, Archive):
        assets = None if value.assets is None else dict(value.assets)
        content = {"hash": value.hash, "path": value.path, "uri": value.uri}
        return struct_pb2.Value(struct_value=encode({SIGNATURE: ARCHIVE_SIGNATURE, **content, "assets": assets}))
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=encode(value))
    raise TypeError(f"{type(value).__name__} is no property value")
