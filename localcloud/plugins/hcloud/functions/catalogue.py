"""What is on sale: server types."""

from __future__ import annotations

from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api, Json


def get_server_types(api: Api, args: Properties) -> Properties:
    """``getServerTypes``: every type, each with the locations that list it."""
    types = [server_type(kind) for kind in api.list("/server_types")]
    return {
        "id": "server_types",
        "serverTypes": types,
        "serverTypeIds": [str(kind["id"]) for kind in types],
        "names": [kind["name"] for kind in types],
        "descriptions": [kind["description"] for kind in types],
    }


def server_type(kind: Json) -> Properties:
    """A server type as the data sources show it."""
    return {
        "id": kind["id"],
        "name": kind["name"],
        "description": kind["description"],
        "category": kind.get("category") or "",
        "cores": kind["cores"],
        "memory": int(kind["memory"]),
        "disk": kind["disk"],
        "storageType": kind["storage_type"],
        "cpuType": kind["cpu_type"],
        "architecture": kind["architecture"],
        "includedTraffic": 0,
        **_deprecation(kind),
        "locations": [_location(location) for location in kind.get("locations") or []],
    }


def _location(location: Json) -> Properties:
    return {
        "id": location["id"],
        "name": location["name"],
        "available": bool(location.get("available", True)),
        "recommended": bool(location.get("recommended", False)),
        **_deprecation(location),
    }


def _deprecation(thing: Json) -> Properties:
    deprecation = thing.get("deprecation") or {}
    return {
        "isDeprecated": bool(deprecation),
        "deprecationAnnounced": deprecation.get("announced") or "",
        "unavailableAfter": deprecation.get("unavailable_after") or "",
    }
