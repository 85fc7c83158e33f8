"""What is on sale: locations, types of servers and of load balancers, images."""

from __future__ import annotations

from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api, Json
from localcloud.plugins.hcloud.functions.lookup import CloudFunction, Kind


def _location(place: Json) -> Properties:
    names = ("name", "description", "city", "country", "latitude", "longitude")
    return {name: place[name] for name in names} | {"networkZone": place["network_zone"]}


def _server_type(kind: Json) -> Properties:
    places = [
        {
            "id": place["id"],
            "name": place["name"],
            "available": bool(place.get("available", True)),
            "recommended": bool(place.get("recommended", False)),
            **_deprecation(place),
        }
        for place in kind.get("locations") or []
    ]
    return {
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
        "locations": places,
        **_deprecation(kind),
    }


def _deprecation(thing: Json) -> Properties:
    deprecation = thing.get("deprecation") or {}
    return {
        "isDeprecated": bool(deprecation),
        "deprecationAnnounced": deprecation.get("announced") or "",
        "unavailableAfter": deprecation.get("unavailable_after") or "",
    }


def _load_balancer_type(kind: Json) -> Properties:
    return {
        "name": kind["name"],
        "description": kind["description"],
        "maxAssignedCertificates": kind["max_assigned_certificates"],
        "maxConnections": kind["max_connections"],
        "maxServices": kind["max_services"],
        "maxTargets": kind["max_targets"],
    }


def _image(image: Json) -> Properties:
    return {
        "name": image.get("name") or "",
        "type": image["type"],
        "description": image["description"],
        "created": image["created"],
        "osFlavor": image["os_flavor"],
        "osVersion": image.get("os_version") or "",
        "architecture": image["architecture"],
        "rapidDeploy": bool(image.get("rapid_deploy")),
        "deprecated": image.get("deprecated") or "0001-01-01T00:00:00Z",
        "labels": image.get("labels") or {},
    }


LOCATION = Kind("Location", "/locations", "location", _location)
SERVER_TYPE = Kind("ServerType", "/server_types", "server_type", _server_type)
LOAD_BALANCER_TYPE = Kind("LoadBalancerType", "/load_balancer_types", "load_balancer_type", _load_balancer_type)


class Images(Kind):
    """Images: one name means an image of each architecture, and deprecated ones are left out unless asked for."""

    def one(self, api: Api, args: Properties) -> Properties:
        """By default the x86 image, among those available."""
        return super().one(api, {"withArchitecture": "x86", "includeDeprecated": False} | args)

    @staticmethod
    def _query(args: Properties) -> Properties:
        query = Kind._query(args) | {
            "architecture": args.get("withArchitectures") or args.get("withArchitecture"),
            "include_deprecated": "true" if args.get("includeDeprecated") else None,
            "sort": "created:desc",
        }
        return {name: value for name, value in query.items() if value}


def _locations(api: Api, args: Properties) -> Properties:
    """With the lists side by side that the provider had before it showed objects."""
    found = LOCATION.many(api, args)
    places = found["locations"]
    return found | {
        "locationIds": [str(place["id"]) for place in places],
        "names": [place["name"] for place in places],
        "descriptions": [place["description"] for place in places],
    }


def _server_types(api: Api, args: Properties) -> Properties:
    found = SERVER_TYPE.many(api, args)
    kinds = found["serverTypes"]
    return found | {
        "serverTypeIds": [str(kind["id"]) for kind in kinds],
        "names": [kind["name"] for kind in kinds],
        "descriptions": [kind["description"] for kind in kinds],
    }


FUNCTIONS: dict[str, CloudFunction] = (
    LOCATION.functions()
    | SERVER_TYPE.functions()
    | LOAD_BALANCER_TYPE.functions()
    | Images("Image", "/images", "image", _image).functions()
    | {
        "hcloud:index/getLocations:getLocations": _locations,
        "hcloud:index/getServerTypes:getServerTypes": _server_types,
    }
)
