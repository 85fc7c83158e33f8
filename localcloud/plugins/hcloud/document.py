"""The package schema of the resources, made from their tables: what ``pulumi import`` reads to write a program."""

from __future__ import annotations

from collections.abc import Iterable

from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.resource import CloudResource
from localcloud.plugins.hcloud.schema import Field, Kind

_PLAIN = {"string": "string", "int": "integer", "bool": "boolean"}


def document(kinds: Iterable[type[CloudResource]]) -> Properties:
    """Resources and types; nested ones have the published names: ``ServerNetwork`` for a server's networks."""
    types: Properties = {}
    resources: Properties = {}
    for kind in kinds:
        name = kind.token.rsplit(":", 1)[1]
        inputs = [field for field in kind.fields if not field.output]
        resources[kind.token] = {
            "properties": {field.name: _property(name, field, types) for field in kind.fields},
            "inputProperties": {field.name: _property(name, field, types) for field in inputs},
            # A name that is left out is made up.
            "requiredInputs": [field.name for field in inputs if field.required and field.name != "name"],
        }
    return {"resources": resources, "types": types}


def _property(owner: str, field: Field, types: Properties) -> Properties:
    found = _type(field.kind, field.of, owner, field.name, types)
    if field.replace and not field.output:
        found["willReplaceOnChanges"] = True
    if field.secret:
        found["secret"] = True
    return found


def _type(kind: Kind, of: Kind | tuple[Field, ...], owner: str, name: str, types: Properties) -> Properties:
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if kind == "map":
        return {"type": "object", "additionalProperties": {"type": "string"}}
    if isinstance(of, tuple):
        reference = _nested(of, owner, name if kind == "object" else name.removesuffix("s"), types)
        return reference if kind == "object" else {"type": "array", "items": reference}
    return {"type": "array", "items": {"type": _PLAIN[of]}}


def _nested(fields: tuple[Field, ...], owner: str, name: str, types: Properties) -> Properties:
    word = owner + name[0].upper() + name[1:]
    token = f"hcloud:index/{word}:{word}"
    types[token] = {
        "type": "object",
        "properties": {field.name: _property(word, field, types) for field in fields},
        "required": [field.name for field in fields if field.required],
    }
    return {"$ref": f"#/types/{token}"}
