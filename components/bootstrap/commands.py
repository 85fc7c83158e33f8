"""The step for what no other step covers: a command that runs only when a check says that it must."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from components.bootstrap.host import Host


def command(
    host: Host,
    what: str,
    argv: Sequence[str],
    *,
    unless: Sequence[str] | Callable[[], bool],
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 600,
    fix: str = "",
) -> bool:
    """Run ``argv`` unless the check holds (a command that exits with 0, or a function that returns true).

    Secrets go by ``stdin``: arguments are seen by every user of the server.
    """
    host.report.begin(what)
    holds = unless() if callable(unless) else host.run(unless, check=False).returncode == 0
    if holds:
        return host.report.ok()
    host.run(argv, stdin=stdin, env=env, timeout=timeout, fix=fix)
    return host.report.changed("done")
