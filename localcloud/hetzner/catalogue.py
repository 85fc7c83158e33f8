"""What can be ordered: locations, types, system images, ISOs and prices, in the shape that the API shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_UP, Decimal
from functools import cached_property
from typing import Any, TypeVar

from localcloud.hetzner import catalogue_data as data
from localcloud.hetzner.errors import ApiError, invalid

Row = dict[str, Any]
T = TypeVar("T")
HOURS_A_MONTH = 624
"""Hours after which the monthly price caps the hourly one."""
VAT = 1 + Decimal(data.PRICES["vat"]) / 100


def money(net: str | Decimal) -> dict[str, str]:
    """A price as the API writes it: net and gross, as decimal strings."""
    amount = Decimal(net)
    return {"net": f"{amount:.10f}", "gross": f"{amount * VAT:.16f}"}


def prices(monthly: str, locations: Sequence[data.Location]) -> list[Row]:
    """A price entry for each location; the hourly price is the monthly one spread over 624 hours."""
    hourly = (Decimal(monthly) / HOURS_A_MONTH).quantize(Decimal("0.0001"), ROUND_UP)
    return [
        {
            "location": location.name,
            "price_hourly": money(hourly),
            "price_monthly": money(monthly),
            "included_traffic": location.included_traffic,
            "price_per_tb_traffic": money(location.price_per_tb),
        }
        for location in locations
    ]


class Catalogue:
    """Looked up by id or by name, as clients send either."""

    @cached_property
    def locations(self) -> list[Row]:
        names = ("id", "name", "description", "country", "city", "latitude", "longitude", "network_zone")
        return [{name: getattr(location, name) for name in names} for location in data.LOCATIONS]

    @cached_property
    def server_types(self) -> list[Row]:
        return [_server_type(one) for one in data.SERVER_TYPES]

    @cached_property
    def load_balancer_types(self) -> list[Row]:
        return [
            {
                "id": one.id,
                "name": one.name,
                "description": one.name.upper(),
                "max_connections": one.connections,
                "max_services": one.services,
                "max_targets": one.targets,
                "max_assigned_certificates": one.certificates,
                "deprecated": None,
                "deprecation": None,
                "prices": prices(one.price, data.LOCATIONS),
            }
            for one in data.LOAD_BALANCER_TYPES
        ]

    @cached_property
    def images(self) -> list[Row]:
        return [_image(one) for one in data.IMAGES]

    @cached_property
    def isos(self) -> list[Row]:
        return [
            {
                "id": one.id,
                "name": one.name,
                "description": one.description,
                "type": "public",
                "deprecation": None,
                "architecture": one.architecture,
            }
            for one in data.ISOS
        ]

    @cached_property
    def zones(self) -> dict[str, list[str]]:
        """Network zone → its locations' names."""
        found: dict[str, list[str]] = {}
        for location in data.LOCATIONS:
            found.setdefault(location.network_zone, []).append(location.name)
        return found

    def location(self, reference: int | str, field: str = "location") -> Row:
        return _find(self.locations, reference, lambda: invalid(field, f"location '{reference}' not found"))

    def server_type(self, reference: int | str) -> Row:
        return _find(
            self.server_types,
            reference,
            lambda: invalid("server_type", f"server type '{reference}' not found"),
        )

    def load_balancer_type(self, reference: int | str) -> Row:
        return _find(
            self.load_balancer_types,
            reference,
            lambda: invalid("load_balancer_type", f"load balancer type '{reference}' not found"),
        )

    def iso(self, reference: int | str) -> Row:
        return _find(self.isos, reference, lambda: ApiError("not_found", f"iso '{reference}' not found"))

    @cached_property
    def pricing(self) -> Row:
        """The answer of ``GET /pricing``."""
        floating = {kind: data.PRICES[f"floating_{kind}"] for kind in ("ipv4", "ipv6")}
        return {
            "currency": "EUR",
            "vat_rate": data.PRICES["vat"],
            "image": {"price_per_gb_month": money(data.PRICES["image"])},
            "volume": {"price_per_gb_month": money(data.PRICES["volume"])},
            "server_backup": {"percentage": data.PRICES["backup_percentage"]},
            "floating_ip": {"price_monthly": money(floating["ipv4"])},
            "floating_ips": [
                {
                    "type": kind,
                    "prices": [{"location": one.name, "price_monthly": money(net)} for one in data.LOCATIONS],
                }
                for kind, net in floating.items()
            ],
            "primary_ips": [
                {
                    "type": kind,
                    "prices": [
                        {key: price[key] for key in ("location", "price_hourly", "price_monthly")}
                        for price in prices(data.PRICES[kind], data.LOCATIONS)
                    ],
                }
                for kind in ("ipv4", "ipv6")
            ],
            "server_types": [{key: one[key] for key in ("id", "name", "prices")} for one in self.server_types],
            "load_balancer_types": [
                {key: one[key] for key in ("id", "name", "prices")} for one in self.load_balancer_types
            ],
        }


def _find(rows: Sequence[Row], reference: int | str, error: Callable[[], Exception]) -> Row:
    field = "id" if isinstance(reference, int) else "name"
    for row in rows:
        if row[field] == reference:
            return row
    raise error()


def _server_type(one: data.ServerType) -> Row:
    places = [location for location in data.LOCATIONS if location.name in (*one.locations, *one.gone_from)]
    announced, unavailable = data.GONE
    gone = {"announced": announced, "unavailable_after": unavailable}
    return {
        "id": one.id,
        "name": one.name,
        "description": one.name.upper(),
        "cores": one.cores,
        "memory": float(one.memory),
        "disk": one.disk,
        "deprecated": not one.locations,
        "deprecation": None if one.locations else gone,
        "prices": prices(one.price, places),
        "storage_type": "local",
        "cpu_type": one.cpu,
        "category": one.category,
        "architecture": one.architecture,
        "locations": [
            {
                "id": location.id,
                "name": location.name,
                "deprecation": gone if location.name in one.gone_from else None,
                "available": location.name in one.locations,
                "recommended": location.name in one.locations,
            }
            for location in places
        ],
    }


def _image(one: data.SystemImage) -> Row:
    gone = one.deprecated and {"announced": one.deprecated, "unavailable_after": one.deprecated}
    return {
        "id": one.id,
        "type": "system",
        "status": "available",
        "name": one.name,
        "description": one.description,
        "image_size": None,
        "disk_size": data.IMAGE_DISK_GB,
        "created": one.created,
        "created_from": None,
        "bound_to": None,
        "os_flavor": one.flavor,
        "os_version": one.version,
        "rapid_deploy": True,
        "protection": {"delete": False},
        "deprecated": one.deprecated,
        "deprecation": gone or None,
        "deleted": None,
        "labels": {},
        "architecture": one.architecture,
    }
