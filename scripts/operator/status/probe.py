"""What a server says of itself, over SSH: asked only where the load balancer is not content with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from scripts.operator.engine import Engine
from scripts.operator.errors import OperatorError
from scripts.operator.process import Runner, run
from scripts.operator.ssh.hosts import Host
from scripts.operator.ssh.session import Credentials, credentials, ssh_command, stack_key

QUESTION = (
    'basename -- "$(readlink -f /opt/medusa/current)"; systemctl is-active medusa; '
    "curl --silent --max-time 3 http://{address}:8000/health"
)
"""Three lines of answer: the release's folder, the unit's state, the JSON of /health."""
CONNECT_SECONDS = 4


@dataclass(frozen=True)
class Answer:
    """`reason` is in words, empty if the server finds nothing wrong with itself."""

    reason: str = ""
    release: str = ""
    health: Mapping[str, Any] = field(default_factory=dict)


def ask(engine: Engine, hosts: Mapping[str, Host], runner: Runner = run) -> dict[str, Answer]:
    """Key → answer, all hosts at once. No answer where the key is not to be had: status must work without it."""
    if not hosts:
        return {}
    try:
        key = stack_key(engine)
    except OperatorError:
        return {}
    with credentials(list(hosts.values()), key) as files, ThreadPoolExecutor(max_workers=8) as pool:
        answers = pool.map(lambda host: _ask(host, files, runner), hosts.values())
        return dict(zip(hosts, answers, strict=True))


def _ask(host: Host, files: Credentials, runner: Runner) -> Answer:
    question = QUESTION.format(address=host.private_address)
    done = runner(ssh_command(host, files, [question], batch=True, connect_seconds=CONNECT_SECONDS))
    if done.code == 255:
        return Answer(f"SSH: {(done.stderr.strip().splitlines() or ['no answer'])[-1]}")
    return read(done.stdout)


def read(text: str) -> Answer:
    """The answer to QUESTION, in words."""
    lines = [*text.splitlines(), "", "", ""]
    release = lines[0] if lines[0] not in ("current", ".") else ""
    try:
        health = json.loads(lines[2])
    except ValueError:
        health = {}
    if not isinstance(health, dict):
        health = {}
    broken = [f"{name}: {state}" for name, state in health.items() if name != "status" and state != "connected"]
    if not release:
        reason = "no release is installed"
    elif lines[1] != "active":
        reason = f"the unit medusa is {lines[1] or 'not there'}"
    elif not health:
        reason = "its own /health does not answer"
    else:
        reason = ", ".join(broken)
    return Answer(reason, release.removeprefix("medusa-")[:12], health)
