"""The command for trying machines by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from localcloud.machines.leftovers import leftovers


def test_lab_creates_enters_and_removes_a_server(tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "localcloud.machines.lab", *words],
            env={**os.environ, "LOCALCLOUD_HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    try:
        made = run("create", "web", "--private", "10.0.2.10", "--memory", "2")
        assert json.loads(made.stdout)["private"] == "10.0.2.10", made.stderr
        assert "web" in run("ssh", "web", "--", "hostname").stdout
        again = run("create", "web")
        assert again.returncode == 1 and "exists" in again.stderr and "Traceback" not in again.stderr
        assert run("delete", "web").returncode == 0
        assert run("list").stdout == ""
    finally:
        run("stop")
    assert leftovers(tmp_path) == []
