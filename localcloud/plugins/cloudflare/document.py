"""The package schema of the resources, made from their tables: what ``pulumi import`` reads to write a program."""

from __future__ import annotations

from collections.abc import Iterable

from localcloud.plugins.base.values import Properties
from localcloud.plugins.cloudflare.resource import CloudflareResource
from localcloud.plugins.cloudflare.tables import Property, fields, item, token


def document(kinds: Iterable[CloudflareResource]) -> Properties:
    """Resources, and the types that they lead to."""
    types: Properties = {}
    resources: Properties = {}
    for kind in kinds:
        inputs = {name: known for name, known in kind.properties.items() if not known.output}
        resources[token(kind.about.name)] = {
            "properties": {name: _property(known, types) for name, known in kind.properties.items()},
            "inputProperties": {
                name: _property(known, types) | ({"willReplaceOnChanges": True} if kind.replaces(name) else {})
                for name, known in inputs.items()
            },
            "requiredInputs": [name for name, known in inputs.items() if known.required],
        }
    return {"resources": resources, "types": types}


def _property(known: Property, types: Properties) -> Properties:
    return _type(known.kind, types)


def _type(kind: str, types: Properties) -> Properties:
    if kind.startswith("["):
        return {"type": "array", "items": _type(item(kind), types)}
    if kind.startswith("{"):
        return {"type": "object", "additionalProperties": _type(item(kind), types)}
    known = fields(kind)
    if known is None:
        return {"$ref": "pulumi.json#/Any"} if kind == "any" else {"type": kind}
    name = f"cloudflare:index/{kind[1:]}:{kind[1:]}"
    if name not in types:
        types[name] = {}  # a type may lead to itself
        types[name] = {
            "type": "object",
            "properties": {field: _property(one, types) for field, one in known.items()},
            "required": [field for field, one in known.items() if one.required],
        }
    return {"$ref": f"#/types/{name}"}
