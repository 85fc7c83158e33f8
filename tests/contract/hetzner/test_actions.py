"""Actions take their time, lock what they work on, and end with the truth."""

from __future__ import annotations

from tests.contract.hetzner.serving import Served, eventually

SERVER = {"name": "web-1", "server_type": "cx23", "image": "debian-13", "location": "nbg1"}


def test_a_server_is_locked_while_it_is_made(api: Served) -> None:
    """A client that does not wait for the action meets 423, as it would there."""
    api.machines.hold("power_on")
    answer = api.post("/servers", SERVER)
    server = answer["server"]["id"]
    assert answer["action"]["status"] == "running" and answer["server"]["status"] == "initializing"
    assert [one["command"] for one in answer["next_actions"]] == ["start_server"]
    eventually(lambda: api.get(f"/servers/{server}")["server"]["status"] == "starting")
    assert api.get(f"/servers/{server}")["server"]["locked"] is True
    status, code, error = api.error("POST", f"/servers/{server}/actions/poweroff")
    assert (status, code, error["message"]) == (423, "locked", "cannot perform operation because server is locked")
    assert api.error("DELETE", f"/servers/{server}")[:2] == (423, "locked")
    api.machines.release()
    api.done(answer)
    shown = api.get(f"/servers/{server}")["server"]
    assert (shown["status"], shown["locked"]) == ("running", False)


def test_two_attachments_at_once_meet_a_lock(api: Served) -> None:
    """Volumes attached side by side fail in the real cloud: the program must put them one after the other."""
    server = api.server()
    volumes = [
        api.done(api.post("/volumes", {"name": name, "size": 10, "location": "nbg1"}))["volume"]["id"] for name in "ab"
    ]
    api.machines.hold("attach_volume")
    first = api.post(f"/volumes/{volumes[0]}/actions/attach", {"server": server})
    assert api.error("POST", f"/volumes/{volumes[1]}/actions/attach", {"server": server})[:2] == (423, "locked")
    assert api.error("POST", f"/volumes/{volumes[0]}/actions/detach")[:2] == (423, "locked")
    api.machines.release()
    api.done(first)
    api.done(api.post(f"/volumes/{volumes[1]}/actions/attach", {"server": server}))
    assert api.get(f"/servers/{server}")["server"]["volumes"] == volumes


def test_changes_of_one_network_conflict(api: Served) -> None:
    """Clients retry `conflict` by themselves, and only that."""
    network = api.network()
    api.machines.hold("update_network")
    subnet = {"type": "cloud", "ip_range": "10.0.2.0/24", "network_zone": "eu-central"}
    first = api.post(f"/networks/{network}/actions/add_subnet", subnet)
    again = subnet | {"ip_range": "10.0.3.0/24"}
    assert api.error("POST", f"/networks/{network}/actions/add_subnet", again)[:2] == (409, "conflict")
    api.machines.release()
    api.done(first)
    api.done(api.post(f"/networks/{network}/actions/add_subnet", again))


def test_balancers_take_several_changes_at_once(api: Served) -> None:
    """Every client creates services and targets side by side: the last applied configuration must hold them all."""
    network, lb = api.network(), api.load_balancer()
    servers = [api.server(f"s{number}", networks=[network]) for number in range(3)]
    api.done(api.post(f"/load_balancers/{lb}/actions/attach_to_network", {"network": network}))
    actions = [
        api.post(f"/load_balancers/{lb}/actions/add_target",
                 {"type": "server", "server": {"id": one}, "use_private_ip": True})
        for one in servers
    ]  # fmt: skip
    actions.append(api.post(f"/load_balancers/{lb}/actions/add_service", {"protocol": "http"}))
    for action in actions:
        api.done(action)
    spec = api.machines.load_balancers[lb]
    assert len(spec.targets) == 3 and len(spec.services) == 1


def test_a_failure_is_told_and_leaves_things_free(api: Served) -> None:
    """An action that failed must say why, and the resource must not stay locked for ever."""
    server = api.server()
    volume = api.done(api.post("/volumes", {"name": "v", "size": 10, "location": "nbg1"}))["volume"]["id"]
    api.machines.failing["attach_volume"] = "no loop device is left"
    action = api.wait(api.post(f"/volumes/{volume}/actions/attach", {"server": server})["action"]["id"])
    assert action["status"] == "error"
    assert action["error"] == {"code": "action_failed", "message": "no loop device is left"}
    assert api.get(f"/volumes/{volume}")["volume"]["server"] is None
    api.machines.failing.clear()
    api.done(api.post(f"/volumes/{volume}/actions/attach", {"server": server}))


def test_a_start_fails_with_its_creation(api: Served) -> None:
    """next_actions of a creation that failed must not succeed, or wait for ever."""
    api.machines.failing["prepare_server"] = "disk full"
    answer = api.post("/servers", SERVER)
    created, started = (api.wait(one["id"]) for one in (answer["action"], *answer["next_actions"]))
    assert created["error"]["message"] == "disk full" and started["status"] == "error"
    server = answer["server"]["id"]
    assert api.get(f"/servers/{server}")["server"]["status"] == "off"
    api.done(api.http.delete(f"/v1/servers/{server}").json())


def test_everything_is_there_at_the_first_boot(api: Served) -> None:
    """A firewall that comes after the boot lets the first seconds' packets in."""
    network = api.network()
    rules = [{"direction": "in", "protocol": "tcp", "port": "22", "source_ips": ["10.0.0.0/8"]}]
    firewall = api.post("/firewalls", {"name": "f", "rules": rules})["firewall"]["id"]
    api.machines.calls.clear()
    server = api.server(networks=[network], firewalls=[{"firewall": firewall}], user_data="#cloud-config\n")
    names = ("prepare_server", "set_firewall", "attach_network", "power_on")
    assert api.machines.asked(*names) == list(names)
    spec = api.machines.servers[server]
    assert (spec.image, spec.cores, spec.memory_gib, spec.disk_gb) == ("debian-13", 2, 4.0, 40)
    assert spec.user_data == "#cloud-config\n" and str(spec.public_ipv4).startswith("198.18.")
    applied = api.machines.firewalls[server]
    assert applied and applied[0].port == "22"
    shown = api.get(f"/servers/{server}")["server"]["public_net"]["firewalls"]
    assert shown == [{"id": firewall, "status": "applied"}]


def test_labels_move_servers_between_firewalls_and_balancers(api: Served) -> None:
    """A selector follows labels: a relabelled server must leave the balancer and lose the rules."""
    rules = [{"direction": "in", "protocol": "icmp", "source_ips": ["0.0.0.0/0"]}]
    selector = {"type": "label_selector", "label_selector": {"selector": "role=web"}}
    api.post("/firewalls", {"name": "f", "rules": rules, "apply_to": [selector]})
    lb = api.load_balancer(services=[{"protocol": "http"}], targets=[selector])
    server = api.server(labels={"role": "web"})
    eventually(lambda: len(api.machines.load_balancers[lb].targets) == 1)
    assert api.machines.firewalls[server]
    shown = api.get(f"/load_balancers/{lb}")["load_balancer"]["targets"][0]["targets"][0]
    assert shown["health_status"] == [{"listen_port": 80, "status": "healthy"}]
    api.ask("PUT", f"/servers/{server}", {"labels": {}})
    eventually(lambda: api.machines.load_balancers[lb].targets == ())
    eventually(lambda: api.machines.firewalls[server] is None)
    assert api.get(f"/load_balancers/{lb}")["load_balancer"]["targets"][0]["targets"] == []


def test_health_is_what_the_machines_say(api: Served) -> None:
    """A balancer that calls a dead target healthy sends customers to it."""
    network, server, lb = api.network(), api.server(), api.load_balancer(services=[{"protocol": "http"}])
    api.done(api.post(f"/load_balancers/{lb}/actions/attach_to_network", {"network": network}))
    api.done(api.post(f"/servers/{server}/actions/attach_to_network", {"network": network, "ip": "10.0.1.5"}))
    target = {"type": "server", "server": {"id": server}, "use_private_ip": True}
    api.done(api.post(f"/load_balancers/{lb}/actions/add_target", target))

    def health() -> str:
        shown = api.get(f"/load_balancers/{lb}")["load_balancer"]["targets"][0]
        return str(shown["health_status"][0]["status"])

    assert health() == "healthy"
    api.machines.unhealthy.add("10.0.1.5")
    assert health() == "unhealthy"
    api.machines.failing["health"] = "no answer"
    assert health() == "unknown"


def test_a_deleted_server_leaves_everything(api: Served) -> None:
    """What refers to a deleted server must let go of it, in one piece, before its addresses are free."""
    network = api.network()
    firewall = api.post("/firewalls", {"name": "f"})["firewall"]["id"]
    group = api.post("/placement_groups", {"name": "g", "type": "spread"})["placement_group"]["id"]
    server = api.server(networks=[network], firewalls=[{"firewall": firewall}], placement_group=group)
    lb = api.load_balancer(targets=[{"type": "server", "server": {"id": server}}])
    body = {"name": "v", "size": 10, "server": server}
    volume = api.done(api.post("/volumes", body))["volume"]["id"]
    api.done(api.http.delete(f"/v1/servers/{server}").json())
    assert api.error("GET", f"/servers/{server}")[:2] == (404, "not_found")
    assert api.get(f"/volumes/{volume}")["volume"]["server"] is None
    assert api.get(f"/firewalls/{firewall}")["firewall"]["applied_to"] == []
    assert api.get(f"/networks/{network}")["network"]["servers"] == []
    assert api.get(f"/placement_groups/{group}")["placement_group"]["servers"] == []
    assert api.get(f"/load_balancers/{lb}")["load_balancer"]["targets"] == []
    eventually(lambda: api.machines.load_balancers[lb].targets == ())
    assert [one["assignee_type"] for one in api.get("/primary_ips")["primary_ips"]] == ["load_balancer"] * 2
    assert server not in api.machines.servers and volume not in api.machines.attached


def test_addresses_are_used_again_late(api: Served) -> None:
    """A new server at the address of one just deleted is taken for it by every cache between."""
    seen = []
    for _ in range(3):
        server = api.server()
        seen.append(api.get(f"/servers/{server}")["server"]["public_net"]["ipv4"]["ip"])
        api.done(api.http.delete(f"/v1/servers/{server}").json())
    assert len(set(seen)) == 3


def test_a_deleted_network_lets_its_members_go(api: Served) -> None:
    """The real API detaches members; they keep running."""
    network = api.network()
    server, lb = api.server(networks=[network]), api.load_balancer()
    api.done(api.post(f"/load_balancers/{lb}/actions/attach_to_network", {"network": network}))
    api.ask("DELETE", f"/networks/{network}", status=204)
    assert api.get(f"/servers/{server}")["server"]["private_net"] == []
    eventually(lambda: network not in api.machines.networks)
    assert api.machines.load_balancers[lb].network_id is None and api.machines.nics[server] == {}


def test_members_of_a_network(api: Served) -> None:
    """The data source get_network_members reads this."""
    network = api.network()
    server = api.server(networks=[network])
    members = api.get(f"/networks/{network}/members")["members"]
    assert members == [
        {"type": "server", "id": server, "ip": "10.0.1.1", "alias_ips": [], "subnet": "10.0.1.0/24", "status": "ok"}
    ]


def test_a_machine_that_powers_off_from_inside_is_seen(api: Served) -> None:
    """`poweroff` typed in a shell, or an OOM kill of init: status must not say running."""
    server = api.server()
    api.machines.running.discard(server)
    api.watch.look()
    assert api.get(f"/servers/{server}")["server"]["status"] == "running", "a reboot looks so for a moment"
    api.watch.look()
    assert api.get(f"/servers/{server}")["server"]["status"] == "off"
    api.machines.running.add(server)
    api.watch.look()
    api.watch.look()
    assert api.get(f"/servers/{server}")["server"]["status"] == "running"


def test_shutdown_ends_before_the_server_is_off(api: Served) -> None:
    """Success of the action only says that the button was pressed."""
    server = api.server()
    api.done(api.post(f"/servers/{server}/actions/shutdown"))
    assert api.get(f"/servers/{server}")["server"]["status"] == "stopping"
    api.watch.look()
    api.watch.look()
    assert api.get(f"/servers/{server}")["server"]["status"] == "off"


def test_start_after_create_can_be_put_off(api: Served) -> None:
    """Private-only servers are made off, attached, then started: cloud-init then sees its network."""
    network = api.network()
    server = api.server(start_after_create=False, public_net={"enable_ipv4": False, "enable_ipv6": False})
    assert api.get(f"/servers/{server}")["server"]["status"] == "off" and server not in api.machines.running
    assert api.error("POST", f"/servers/{server}/actions/poweron")[0] == 422
    api.done(api.post(f"/servers/{server}/actions/attach_to_network", {"network": network}))
    api.done(api.post(f"/servers/{server}/actions/poweron"))
    assert api.get(f"/servers/{server}")["server"]["status"] == "running"


def test_snapshots_boot_servers(api: Served) -> None:
    """A restore is a server made of an image that is no longer bound to the first one."""
    server = api.server()
    made = api.post(f"/servers/{server}/actions/create_image", {"description": "before"})
    api.done(made)
    image = api.get(f"/images/{made['image']['id']}")["image"]
    assert (image["status"], image["image_size"]) == ("available", 1.5)
    api.done(api.http.delete(f"/v1/servers/{server}").json())
    again = api.server("again", image=image["id"])
    assert api.machines.servers[again].image == f"snapshot-{image['id']}"
