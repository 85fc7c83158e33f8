"""A daemon that ends, or is killed, and comes back."""

from __future__ import annotations

from typing import Any

from localcloud.machines.interface import Desired
from tests.contract.hetzner.serving import Served, SlowMachines, eventually, serve

SERVER = {"name": "web-1", "server_type": "cx23", "image": "debian-13", "location": "nbg1"}


class Machines(SlowMachines):
    """Remembers what it was started with."""

    desired: Desired

    def start(self, desired: Desired) -> None:
        self.desired = desired
        super().start(desired)


def _everything(api: Served) -> Any:
    groups = ("servers", "networks", "firewalls", "volumes", "load_balancers", "primary_ips", "placement_groups")
    return {group: api.get(f"/{group}")[group] for group in groups}


def test_state_survives_and_machines_get_all_of_it_back(tmp_path: Any) -> None:
    """A restart that forgets would make every server anew, data and all."""
    state = tmp_path / "state.sqlite"
    with serve(state) as api:
        network = api.network()
        rules = [{"direction": "in", "protocol": "tcp", "port": "22", "source_ips": ["10.0.0.0/8"]}]
        firewall = api.post("/firewalls", {"name": "f", "rules": rules})["firewall"]["id"]
        on = api.server("on", networks=[network], firewalls=[{"firewall": firewall}], labels={"a": "b"})
        off = api.server("off", start_after_create=False)
        api.done(api.post("/volumes", {"name": "v", "size": 10, "server": on, "format": "ext4"}))
        lb = api.load_balancer(services=[{"protocol": "http"}])
        api.done(api.post(f"/load_balancers/{lb}/actions/attach_to_network", {"network": network}))
        target = {"type": "server", "server": {"id": on}, "use_private_ip": True}
        last = api.done(api.post(f"/load_balancers/{lb}/actions/add_target", target))["action"]["id"]
        before, machines = _everything(api), api.machines
    again = Machines()
    with serve(state, again) as api:
        assert _everything(api) == before
        assert api.get(f"/actions/{last}")["action"]["status"] == "success"
        assert api.server("new") > off, "ids are never used again"
    assert again.desired.running == {on}
    assert again.load_balancers == machines.load_balancers
    assert {number: list(rules or ()) for number, rules in again.firewalls.items() if rules} == {
        on: list(machines.firewalls[on] or ())
    }
    assert again.attached == machines.attached and again.volumes == machines.volumes
    assert again.nics[on] == machines.nics[on]


def test_what_a_kill_interrupted_is_finished(tmp_path: Any) -> None:
    """A killed daemon leaves actions running: a client that still waits for one must get an end."""
    state = tmp_path / "state.sqlite"
    with serve(state) as api:
        doomed, kept = api.server("doomed"), api.server("kept")
        for method in ("delete_server", "power_on", "create_image"):
            api.machines.hold(method)
        deletion = api.http.delete(f"/v1/servers/{doomed}").json()["action"]["id"]
        snapshot = api.post(f"/servers/{kept}/actions/create_image")["action"]["id"]
        creation = api.post("/servers", SERVER | {"name": "half"})
        eventually(lambda: {"delete_server", "power_on", "create_image"} <= set(api.machines.asked()))
        # As a kill would: the state is copied while all three are under way.
        with api.cloud.store.lock:
            api.cloud.store._db.execute("VACUUM INTO ?", (str(tmp_path / "copy.sqlite"),))
    with serve(tmp_path / "copy.sqlite") as api:
        eventually(lambda: api.http.get(f"/v1/servers/{doomed}").status_code == 404)
        assert api.get(f"/actions/{deletion}")["action"]["status"] == "success"
        assert api.get(f"/actions/{snapshot}")["action"]["status"] == "error"
        half = creation["server"]["id"]
        assert api.wait(creation["next_actions"][0]["id"])["status"] == "success"
        shown = api.get(f"/servers/{half}")["server"]
        assert (shown["status"], shown["locked"]) == ("running", False)
        assert api.get("/images?type=snapshot")["images"] == []
