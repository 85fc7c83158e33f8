"""What lies on an instance, rendered."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from components.backend.bootstrap import origin
from components.backend.bootstrap.memory import SYSTEM, share
from components.backend.instance import BOOTSTRAP
from components.role import RUNTIME
from components.role_bundle import bundle

VARIABLES = {"instance": "local-medusa-1", "address": "10.0.1.11", "balancer": "10.0.4.10"}
GIB = 1024**3


def asset(name: str) -> str:
    return bundle("backend", RUNTIME, BOOTSTRAP, VARIABLES).members[f"role/{name}"].content.decode()


@pytest.mark.skipif(shutil.which("haproxy") is None and not Path("/usr/sbin/haproxy").exists(), reason="no haproxy")
def test_the_proxy_takes_its_configuration(tmp_path: Path) -> None:
    """A typing mistake shows when the proxy is reloaded, on every instance at once."""
    releases = tmp_path / "releases.map"
    releases.write_text("9000 none\n")
    config = tmp_path / "haproxy.cfg"
    (tmp_path / "digests").write_text("0" * 64 + "\n")
    text = asset("haproxy.cfg").replace("/etc/haproxy/releases.map", str(releases))
    config.write_text(text.replace(origin.DIGESTS, str(tmp_path / "digests")))
    haproxy = shutil.which("haproxy") or "/usr/sbin/haproxy"
    done = subprocess.run([haproxy, "-c", "-f", str(config)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_proxy_names_the_instance_and_its_release() -> None:
    config = asset("haproxy.cfg")
    assert "bind 10.0.1.11:8000" in config, "on every address the public one would serve, too"
    assert "set-header X-Instance local-medusa-1" in config and "X-Release" in config


@pytest.mark.parametrize("unit", ["medusa.service", "medusa-worker.service", "medusa-ready.service"])
def test_units_run_as_users_of_their_own_and_may_change_nothing(unit: str) -> None:
    """Code from eight hundred packages runs there."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(asset(unit).format(heap_mib=1, memory_mib=2) if "ready" not in unit else asset(unit))
    service = parser["Service"]
    assert service["User"] != "root"
    for key, value in {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "CapabilityBoundingSet": ""}.items():
        assert service[key] == value
    assert "MemoryMax" in service and service["Restart"] == "always"


@pytest.mark.parametrize("gib", [2, 4, 8, 16])
def test_both_processes_fit_into_the_server(gib: int) -> None:
    """The kernel ends the largest process when memory is gone, and that is the one that serves."""
    found = share(gib * GIB)
    assert found.server.limit_mib + found.worker.limit_mib + SYSTEM <= gib * 1024
    assert found.server.heap_mib < found.server.limit_mib
    assert found.worker.limit_mib >= 512
