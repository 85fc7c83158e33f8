"""Many clients at once: `pulumi up` works on ten resources side by side, and so do several people."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.hetzner.workers import Workers
from tests.contract.hetzner.serving import TOKEN, Served, eventually

KEYS = st.lists(st.sampled_from("abcd"), max_size=3, unique=True)


@given(jobs=st.lists(st.tuples(KEYS, KEYS), min_size=1, max_size=25))
@settings(max_examples=60, deadline=None)
def test_jobs_of_one_resource_run_in_order_and_alone(jobs: list[tuple[list[str], list[str]]]) -> None:
    """A network deleted before a server has left it, or two commands in one machine at once."""
    workers = Workers(threads=4)
    lock = threading.Lock()
    inside: dict[Hashable, list[tuple[int, bool]]] = {}
    order: list[int] = []
    wrong: list[str] = []

    def work(number: int, alone: list[str], beside: list[str]) -> None:
        with lock:
            order.append(number)
            for key in (*alone, *beside):
                exclusive = key in alone
                others = inside.setdefault(key, [])
                if others and (exclusive or any(one[1] for one in others)):
                    wrong.append(f"{number} met {others} at {key}")
                others.append((number, exclusive))
        time.sleep(0)
        with lock:
            for key in {*alone, *beside}:
                inside[key] = [one for one in inside[key] if one[0] != number]

    for number, (alone, beside) in enumerate(jobs):
        kept = [key for key in beside if key not in alone]
        workers.submit(lambda number=number, alone=alone, kept=kept: work(number, alone, kept), alone, kept)  # type: ignore[misc]
    assert workers.wait_idle(20)
    workers.close()
    assert wrong == [] and sorted(order) == list(range(len(jobs)))
    for key in "abcd":
        exclusive = [number for number in order if key in jobs[number][0]]
        assert exclusive == sorted(exclusive), f"order at {key}"


def test_clients_side_by_side_find_a_consistent_cloud(api: Served) -> None:
    """No 500, no address twice, no action without an end, nothing locked afterwards."""
    network = api.network()
    lb = api.load_balancer(services=[{"protocol": "http"}])
    api.done(api.post(f"/load_balancers/{lb}/actions/attach_to_network", {"network": network}))
    codes: set[int] = set()

    def client(seed: int) -> None:
        choose = random.Random(seed)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=f"{api.url}/v1", headers=headers, trust_env=False, timeout=30) as http:

            def ask(method: str, path: str, body: object = None) -> httpx.Response:
                response = http.request(method, path, json=body)
                codes.add(response.status_code)
                return response

            for turn in range(12):
                body = {"name": f"s{seed}-{turn}", "server_type": "cx23", "image": "debian-13", "location": "nbg1",
                        "networks": [network], "labels": {"n": str(turn % 3)}}  # fmt: skip
                made = ask("POST", "/servers", body)
                if made.is_error:
                    continue
                server = made.json()["server"]["id"]
                for _ in range(4):
                    word = choose.choice(["poweroff", "poweron", "reset", "shutdown", "reboot"])
                    ask("POST", f"/servers/{server}/actions/{word}")
                    target = {"type": "server", "server": {"id": server}, "use_private_ip": True}
                    verb = choose.choice(["add_target", "remove_target"])
                    ask("POST", f"/load_balancers/{lb}/actions/{verb}", target)
                    ask("GET", "/servers?per_page=50")
                if choose.random() < 0.7:
                    ask("DELETE", f"/servers/{server}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(client, range(8)))
    assert api.cloud.workers.wait_idle(30)
    assert not {code for code in codes if code >= 500}, codes
    eventually(lambda: not api.cloud.locks)
    with api.cloud.store.transaction() as tx:
        assert tx.actions.find(statuses=["running"]) == []
        addresses = [one["ip"] for one in tx.all("primary_ip")]
        private = [nic["ip"] for server in tx.all("server") for nic in server["private_net"]]
        servers = {server["id"]: server["status"] for server in tx.all("server")}
    assert len(set(addresses)) == len(addresses) and len(set(private)) == len(private)
    assert set(api.machines.servers) == set(servers)
    api.watch.look()
    api.watch.look()
    shown = {one["id"]: one["status"] for one in api.get("/servers?per_page=50")["servers"]}
    assert all((status == "running") == (number in api.machines.running) for number, status in shown.items())
    targets = api.get(f"/load_balancers/{lb}")["load_balancer"]["targets"]
    assert {one["server"]["ip"] for one in targets} == {one.key for one in api.machines.load_balancers[lb].targets}
