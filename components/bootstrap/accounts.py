"""Steps on users and groups."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Sequence

from components.bootstrap.host import Host


def group(host: Host, name: str, *, system: bool = True) -> bool:
    host.report.begin(f"group {name}")
    try:
        grp.getgrnam(name)
    except KeyError:
        host.run(["groupadd", *(["--system"] if system else []), name])
        return host.report.changed("created")
    return host.report.ok()


def user(
    host: Host,
    name: str,
    *,
    home: str = "/nonexistent",
    shell: str = "/usr/sbin/nologin",
    group: str | None = None,
    groups: Sequence[str] = (),
    system: bool = True,
) -> bool:
    """A user without password; its primary group is ``group`` (one of the same name by default), made if missing.

    ``groups`` are those it must be in besides; others that it is in stay. The home is not made: use ``directory``.
    """
    host.report.begin(f"user {name}")
    primary = group or name
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        if not any(known.gr_name == primary for known in grp.getgrall()):
            host.run(["groupadd", *(["--system"] if system else []), primary])
        kind = ["--system"] if system else []
        more = ["--groups", ",".join(groups)] if groups else []
        host.run(
            ["useradd", *kind, "--gid", primary, "--home-dir", home, "--no-create-home", "--shell", shell, *more, name]
        )
        return host.report.changed("created")
    changes: list[str] = []
    if entry.pw_dir != home:
        changes += ["--home", home]
    if entry.pw_shell != shell:
        changes += ["--shell", shell]
    if grp.getgrgid(entry.pw_gid).gr_name != primary:
        changes += ["--gid", primary]
    absent = [wanted for wanted in groups if name not in grp.getgrnam(wanted).gr_mem]
    if absent:
        changes += ["--append", "--groups", ",".join(absent)]
    if not changes:
        return host.report.ok()
    host.run(["usermod", *changes, name])
    return host.report.changed(" ".join(changes))
