"""Every resource, made, refreshed, changed, imported and deleted against the embedded cloud."""

from __future__ import annotations

import pytest

from localcloud.plugins.base.values import UNKNOWN, Properties
from tests.contract.hetzner.serving import Served
from tests.contract.plugins.cases import CASES, DELETED_ONCE, STAY, surroundings
from tests.contract.plugins.driver import Failed, Made, Plugin


@pytest.mark.parametrize("name", CASES)
def test_a_resource_lives_its_life_without_a_perpetual_difference(name: str, cloud: Served, hcloud: Plugin) -> None:
    """A difference that never goes away hides the one that matters; an import that misses inputs replaces servers."""
    setup, case = CASES[name]
    inputs = case.inputs(setup(cloud))

    preview = hcloud.create(case.kind, "thing", preview=True, **inputs)
    assert {key: preview.outputs[key] for key in preview.inputs if key in inputs and key != "userData"}

    made = hcloud.create(case.kind, "thing", **inputs)
    assert {key: made.outputs.get(key) for key in case.outputs} == case.outputs
    assert set(made.outputs) >= {field for field in preview.outputs if preview.outputs[field] is not UNKNOWN}
    hcloud.settled(made, **inputs)

    if case.changed:
        changed = {key: value for key, value in (inputs | case.changed).items() if value is not None}
        difference = hcloud.diff(made, changed)
        assert not difference.replaces
        made = hcloud.update(made, **changed)
        hcloud.settled(made, **changed)
        inputs = changed

    found = hcloud.imported(case.kind, "thing", case.import_id(made))
    assert found is not None and found.id == made.id
    differing = hcloud.diff(found, inputs | named(made)).changes
    assert {path.split("[")[0] for path in differing} <= case.not_imported

    hcloud.delete(made)
    if case.kind not in STAY:
        assert hcloud.read(made) is None
    if case.kind not in DELETED_ONCE:
        hcloud.delete(made)


def named(made: Made) -> Properties:
    return {"name": made.inputs["name"]} if "name" in made.inputs else {}


def test_a_server_deleted_behind_the_programs_back_is_found_gone(cloud: Served, hcloud: Plugin) -> None:
    """Refresh must see it, so that the next update makes it again."""
    made = hcloud.create("Server", "web", serverType="cx23", image="debian-13", location="nbg1")
    cloud.done(cloud.ask("DELETE", f"/servers/{made.id}"))
    assert hcloud.read(made) is None


def test_labels_changed_in_the_console_are_seen_and_put_back(cloud: Served, hcloud: Plugin) -> None:
    inputs = {"serverType": "cx23", "image": "debian-13", "location": "nbg1", "labels": {"role": "web"}}
    made = hcloud.create("Server", "web", **inputs)
    cloud.ask("PUT", f"/servers/{made.id}", {"labels": {"role": "db"}})
    fresh = hcloud.read(made)
    assert fresh is not None and fresh.inputs["labels"] == {"role": "db"}
    assert hcloud.diff(fresh, inputs).changes == {"labels.role": "update"}
    hcloud.update(fresh, **inputs)
    assert cloud.get(f"/servers/{made.id}")["server"]["labels"] == {"role": "web"}


@pytest.mark.parametrize(
    "changed",
    [{"image": "debian-12"}, {"location": "fsn1"}, {"userData": "other"}, {"sshKeys": ["1"]}],
    ids=lambda changed: next(iter(changed)),
)
def test_what_replaces_a_server(changed: Properties, hcloud: Plugin) -> None:
    """These lose the machine's disk: a preview has to say so."""
    inputs = {"serverType": "cx23", "image": "debian-13", "location": "nbg1", "userData": "first", "name": "web"}
    made = hcloud.create("Server", "web", **inputs)
    difference = hcloud.diff(made, inputs | changed)
    assert {path.split("[")[0] for path in difference.replaces} == set(changed)
    assert difference.delete_before_replace, "the name is taken until the old one is gone"


def test_a_server_that_fails_to_start_is_recorded_with_its_id(cloud: Served, hcloud: Plugin) -> None:
    """A server that exists and is not in the state costs money and blocks its name."""
    cloud.machines.failing["prepare_server"] = cloud.machines.failing["create_server"] = "no space left on the host"
    with pytest.raises(Failed) as failed:
        hcloud.create("Server", "web", serverType="cx23", image="debian-13", location="nbg1")
    assert "no space left on the host" in str(failed.value)
    assert failed.value.partial is not None
    assert failed.value.partial.id == str(cloud.get("/servers")["servers"][0]["id"])


def test_a_private_target_of_a_balancer_in_no_network_is_refused(cloud: Served, hcloud: Plugin) -> None:
    """The provider never sees the attachment that is on its way: programs must depend on it, also here."""
    found = surroundings(cloud)
    target = {"type": "server", "loadBalancerId": found["balancer"], "serverId": found["server"], "usePrivateIp": True}
    with pytest.raises(Failed, match=r"no private networks|timed out"):
        hcloud.create("LoadBalancerTarget", "web", timeout=2, **target)


def test_names_are_made_up_once_and_kept(hcloud: Plugin) -> None:
    """A name that changes at every update would replace or rename everything every time."""
    made = hcloud.create("Network", "net", ipRange="10.0.0.0/16")
    assert made.outputs["name"] == "net-0123456"
    assert hcloud.check("Network", "net", {"ipRange": "10.0.0.0/16"}, made.inputs)["name"] == "net-0123456"
    assert not hcloud.diff(made, {"ipRange": "10.1.0.0/16"}).delete_before_replace
