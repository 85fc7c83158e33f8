"""A server deleted behind Pulumi's back is seen, and healed although the API has a bad day, unnoticed by customers."""

from __future__ import annotations

from tests.e2e.store.checkout import Checkout, eventually
from tests.e2e.store.customers import INSTANCES, customers

LOST = INSTANCES[-1]
FAULTS = (
    {"method": "POST", "path": "^/servers$", "status": 429, "code": "rate_limit_exceeded", "message": "slow down"},
    {"method": "POST", "path": "^/servers$", "status": 412, "code": "resource_unavailable", "message": "no room"},
    {"method": "GET", "path": "^/servers/[0-9]+$", "status": 502, "code": "bad_gateway", "message": "bad gateway"},
    {
        "method": "POST",
        "path": "^/servers/[0-9]+/actions/attach_to_network$",
        "status": 423,
        "code": "locked",
        "message": "server is locked",
    },
)


def test_a_server_deleted_by_hand_is_told_seen_and_healed(store: Checkout) -> None:
    """Somebody cleans up in the console; the API is rate limited, locked, full and broken once each on the way back."""
    with store.api() as api:
        found = api.get("/v1/servers", params={"name": LOST}).json()["servers"][0]
        deleted = api.delete(f"/v1/servers/{found['id']}")
        assert deleted.status_code == 200, deleted.text
        eventually("it is gone", lambda: api.get(f"/v1/servers/{found['id']}").status_code == 404, 30)

    told = next(one for one in store.status()["instances"] if one["name"] == LOST)
    assert (told["health"], told["status"]) == ("unhealthy", "gone") and "pulumi" in told["reason"]

    with customers(store) as load:
        seen = store.shell("pulumi refresh --yes --skip-preview --non-interactive --color never -s local").stdout
        assert "deleted" in seen
        with store.api() as api:
            for fault in FAULTS:
                api.post("/_localcloud/faults", json=fault | {"times": 1}).raise_for_status()
            try:
                store.up()
                met = api.get("/_localcloud/faults").json()["faults"]
            finally:
                api.delete("/_localcloud/faults")
        report = store.status()

    assert load.failures == []
    assert [(one["name"], one["health"]) for one in report["instances"]] == [(name, "healthy") for name in INSTANCES]
    with store.api() as api:
        back = api.get("/v1/servers", params={"name": LOST}).json()["servers"][0]
    assert back["id"] != found["id"]
    assert {fault["code"]: fault["hits"] for fault in met} == {fault["code"]: 1 for fault in FAULTS}


def test_an_error_that_stays_is_told_and_the_next_up_goes_on(store: Checkout) -> None:
    """A deployment that the API stops half-way must say why, lose nothing and go on from there."""
    store.shell("pulumi config set --path 'sshAllowedCidrs[1]' 192.0.2.7/32 -s local")
    with store.api() as api:
        fault = {
            "method": "POST",
            "path": "^/firewalls/[0-9]+/actions/set_rules$",
            "status": 403,
            "code": "forbidden",
        }
        api.post("/_localcloud/faults", json=fault | {"message": "no rights", "times": 1000}).raise_for_status()
        try:
            failed = store.up(check=False)
        finally:
            api.delete("/_localcloud/faults")
    assert failed.code != 0
    assert "no rights" in failed.said and "Traceback" not in failed.said
    store.up()
    store.shell("pulumi preview -s local --expect-no-changes --non-interactive --color never")
