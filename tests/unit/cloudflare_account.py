"""What Cloudflare would answer to the program's questions, for tests under mocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.unit.configurations import ACCOUNT, ZONE

FORBIDDEN = 'GET "https://…": 403 Forbidden {"errors":[{"code":10000,"message":"Authentication error"}]}'
ABSENT = 'GET "https://…": 404 Not Found {"errors":[{"code":10006}]}'
GROUPS = ("Workers R2 Storage Bucket Item Read", "Workers R2 Storage Bucket Item Write", "DNS Write")


def zone(name: str = "optic.works", id: str = ZONE, account: str = ACCOUNT, **more: Any) -> dict[str, Any]:
    """One zone as getZones shows it."""
    shown = {"id": account, "name": "OpticWorks"}
    return {"id": id, "name": name, "account": shown, "status": "active", "plan": {"legacyId": "business"}} | more


def record(name: str, type: str = "A", content: str = "192.0.2.7", comment: str | None = None) -> dict[str, Any]:
    return {"id": f"id of {name}", "name": name, "type": type, "content": content, "comment": comment}


def ruleset(name: str, phase: str = "http_request_late_transform", kind: str = "zone") -> dict[str, Any]:
    return {"id": f"id of {name}", "name": name, "phase": phase, "kind": kind, "version": "1", "lastUpdated": ""}


@dataclass(frozen=True)
class Account:
    """An account with a zone for every environment.

    `refused`: data sources that the token may not ask, by name; `failing`: those that answer something else, with what.
    """

    zones: tuple[Mapping[str, Any], ...] = (zone(), zone("store.localhost", "a" * 32))
    rulesets: tuple[Mapping[str, Any], ...] = ()
    records: tuple[Mapping[str, Any], ...] = ()
    bucket: bool = False
    ssl: str = "strict"
    refused: frozenset[str] = frozenset()
    failing: Mapping[str, str] = field(default_factory=dict)

    def answer(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """The answer; None when it is no question for Cloudflare."""
        if name in self.failing:
            return {}, [("", self.failing[name])]
        if name in self.refused:
            return {}, [("", FORBIDDEN)]
        if name == "getZones":
            wanted = arguments.get("name")
            return {"results": [each for each in self.zones if wanted in (None, each["name"])]}
        if name == "getRulesets":
            return {"results": list(self.rulesets)}
        if name == "getDnsRecords" and "name" in arguments:
            return {"results": [each for each in self.records if each["name"] == arguments["name"]["exact"]]}
        if name == "getDnsRecords" and "comment" in arguments:
            begins = arguments["comment"]["startswith"]
            return {"results": [each for each in self.records if (each["comment"] or "").startswith(begins)]}
        if name == "getR2Bucket":
            return {"name": arguments["bucketName"]} if self.bucket else ({}, [("", ABSENT)])
        if name == "getZoneSetting":
            return {"settingId": arguments["settingId"], "value": self.ssl}
        if name == "getAccountApiTokenPermissionGroupsList":
            groups = [{"id": f"id of {group}", "name": group, "scopes": []} for group in GROUPS]
            return {"id": "groups", "accountId": arguments["accountId"], "results": groups}
        return {"id": "all", "results": []} if name in LISTS else None


LISTS = frozenset(
    {
        "getAccountTokens",
        "getDnsRecords",
        "getHealthchecks",
        "getImages",
        "getNotificationPolicies",
        "getOriginCaCertificates",
        "getWorkers",
        "getWorkersKvNamespaces",
        "getZeroTrustAccessApplications",
        "getZeroTrustAccessGroups",
        "getZeroTrustAccessServiceTokens",
    }
)
