"""In which order instances come to serve and leave: what the engine is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.configurations import ALL_SECRETS, SECRETS, configuration
from tests.unit.monitor import Recording, Registered, Secret, run_program, unmarked


def run(release: Path, count: int, environment: str = "staging", **changes: str) -> Recording:
    values = configuration(environment, release) | {"medusaInstances": str(count)} | changes
    secret = [key for key in ALL_SECRETS if key in values]
    return run_program(values, secret_keys=secret, stack=environment, preview=True)


@pytest.fixture(scope="module")
def three(release: Path) -> Recording:
    return run(release, 3, seedDemoData="true")


def needs(recording: Recording, resource: Registered) -> set[str]:
    """Names of all that must be done before the resource, also through others."""
    found: set[str] = set()
    queue = list(resource.dependencies)
    while queue:
        other = recording.by_urn(queue.pop())
        if other.name not in found:
            found.add(other.name)
            queue += other.dependencies
    return found


def test_migrations_run_once_before_anything_serves(three: Recording) -> None:
    """An instance that starts before its tables are there fails; two that migrate at once lock each other."""
    migrations = [one for one in three.of("Command") if "store-release migrate" in str(one.inputs.get("create"))]
    assert [one.name for one in migrations] == ["backend-1-migrate"]
    assert {"backend-1-install", "database-role-run"} <= needs(three, migrations[0])
    for number in (1, 2, 3):
        assert {"backend-1-migrate", "backend-1-seed"} <= needs(three, three.named(f"backend-{number}-serve"))


def test_a_target_joins_after_its_instance_serves_and_leaves_after_it_was_drained(three: Recording) -> None:
    """What depends on another is deleted before it: drain, target, server."""
    for number in (1, 2, 3):
        target, drain = three.named(f"backend-{number}-target"), three.named(f"backend-{number}-drain")
        joined = three.named(f"backend-{number}-joined")
        assert f"backend-{number}-serve" in needs(three, target)
        assert joined.urn in drain.dependencies and target.urn in joined.dependencies
        assert f"medusa-{number}-server" in needs(three, drain)
        assert drain.delete_before_replace and drain.inputs["delete"].startswith("python3 components/backend/")


def test_nobody_is_woken_by_a_store_that_is_being_made(release: Path) -> None:
    """The check failed twice while the servers still installed, and the first thing on-call heard was an alarm."""
    production = run(release, 2, "production")
    assert {"backend-1-joined", "backend-2-joined"} <= needs(production, production.named("watch-health"))


def test_instances_change_one_after_the_other(three: Recording) -> None:
    """A release that starts on all at once leaves nobody to serve meanwhile."""
    assert "backend-1-serve" in needs(three, three.named("backend-2-serve"))
    assert "backend-2-serve" in needs(three, three.named("backend-3-serve"))


def test_many_instances_change_in_lanes(release: Path) -> None:
    """150 in a row would take an hour."""
    recording = run(release, 20)
    serving = [one.urn for one in (recording.named(f"backend-{number}-serve") for number in range(1, 21))]
    turn = {urn: [other for other in recording.by_urn(urn).dependencies if other in serving] for urn in serving}
    assert [len(turn[urn]) for urn in serving[:2]] == [0, 0]
    assert all(turn[serving[index]] == [serving[index - 2]] for index in range(2, 20))


def test_scaling_gives_a_serving_instance_nothing_new_but_where_customers_can_go(release: Path) -> None:
    """The first must not restart because a second comes."""

    def inputs(count: int, name: str) -> dict[str, Any]:
        # Ids and addresses are the mock's, which counts; the engine knows them from its state.
        made = plans[count].named(f"backend-1-{name}").inputs
        return {key: value for key, value in made.items() if key not in ("triggers", "connection")}

    plans = {count: run(release, count) for count in (1, 3)}
    for name in ("role-copy", "role-run", "release", "install", "migrate"):
        assert inputs(1, name) == inputs(3, name), name
    before, after = inputs(1, "serve"), inputs(3, "serve")
    assert after.pop("create") == before.pop("create").replace(" # role", " --drain # role")
    assert before == after


def test_secrets_travel_by_standard_input_only(three: Recording) -> None:
    """A secret in an argument is in every process list and in the state in clear."""
    secrets = [value for key, value in configuration("staging", Path("x")).items() if key in SECRETS]
    assert secrets
    for resource in three.resources:
        if resource.name.startswith("backend"):
            for path, text in unmarked(resource.inputs):
                assert not any(secret in text for secret in secrets), f"{resource.name}{path}"
    assert isinstance(three.named("backend-1-drain").inputs["stdin"], Secret)


def test_a_rotated_origin_secret_reaches_the_proxies_and_nothing_else(release: Path) -> None:
    """A rotation that migrates, sows or restarts is one that nobody dares to do."""

    def inputs(*secrets: str) -> dict[str, str]:
        given = dict(zip(("originSecret", "originSecretPrevious"), secrets, strict=False))
        recording = run(release, 2, seedDemoData="true", **given)
        made = [one for one in recording.resources if one.name.startswith("backend")]
        assert not any(value in text for one in made for _, text in unmarked(one.inputs) for value in secrets)
        # Ids and addresses are the mock's, which counts.
        runs = ("create", "stdin", "source", "remotePath")
        return {one.name: repr([one.inputs.get(key) for key in runs]) for one in made}

    before, between, after = inputs("o" * 43), inputs("n" * 43, "o" * 43), inputs("n" * 43)
    for first, second in ((before, between), (between, after)):
        changed = {name for name in first if first[name] != second[name]}
        assert changed == {"backend-1-role-run", "backend-2-role-run"}


def test_the_environment_is_the_stacks(release: Path) -> None:
    """A storefront that is not among the origins cannot put anything into a cart."""
    values = configuration("production", release)
    recording = run_program(values, secret_keys=SECRETS, stack="production")
    stdin: Any = recording.named("backend-1-serve").inputs["stdin"]
    environment = json.loads(stdin.value)
    assert environment["STORE_CORS"] == "https://optic.works"
    assert environment["ADMIN_CORS"] == environment["MEDUSA_BACKEND_URL"] == "https://api.optic.works"
    assert environment["AUTH_CORS"] == "https://optic.works,https://api.optic.works"
    assert environment["DATABASE_URL"].endswith("/medusa-production")
    assert environment["REDIS_URL"].endswith(":6379") and environment["CACHE_REDIS_URL"].endswith(":6380")
    assert not any(one.name.endswith("-seed") for one in recording.resources)


def test_an_origin_has_its_port(release: Path) -> None:
    """A browser says `Origin: https://store.localhost:8443`; without the port in the list every call is refused."""
    stdin: Any = run(release, 1, "local").named("backend-1-serve").inputs["stdin"]
    environment = json.loads(stdin.value)
    store, api = "https://store.localhost:8443", "https://api.store.localhost:8443"
    assert (environment["STORE_CORS"], environment["ADMIN_CORS"]) == (store, api)
    assert (environment["AUTH_CORS"], environment["MEDUSA_BACKEND_URL"]) == (f"{store},{api}", api)


def test_a_missing_archive_is_said_in_one_sentence(release: Path, tmp_path: Path) -> None:
    """ "No such file" forty lines into a traceback does not say how an archive is made."""
    broken = tmp_path / "medusa-0.tar.zst"
    broken.write_bytes(b"no archive")
    with pytest.raises(Exception, match="release build"):
        run(broken, 1)
