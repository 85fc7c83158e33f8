"""Steps on files: whole files, directories, symbolic links, absent paths, single lines of files that others own."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import re
import shutil
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from components.bootstrap.host import Host
from components.bootstrap.report import Failure


def write_atomically(path: Path, content: bytes, mode: int, uid: int = 0, gid: int = 0) -> None:
    """Replace a file so that every reader sees the old or the new one, and a power cut leaves one of both.

    Owner and mode are set before the first byte of content is written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchown(file.fileno(), uid, gid)
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def owner_ids(owner: str, group: str) -> tuple[int, int]:
    try:
        return pwd.getpwnam(owner).pw_uid, grp.getgrnam(group).gr_gid
    except KeyError as missing:
        raise Failure(f"there is no such user or group: {missing.args[0]}") from None


def file(
    host: Host,
    path: str,
    content: str,
    *,
    mode: int = 0o644,
    owner: str = "root",
    group: str = "root",
    secret: bool = False,
    check: Sequence[str] = (),
) -> bool:
    """A file with exactly this content, mode and owner. Returns whether it changed.

    ``secret``: the file must not be readable by others, and the report says only that it changed.
    ``check``: a command that must accept the new content before it takes the old one's place; ``{}`` in it stands for
    the path of a temporary copy (``("sshd", "-t", "-f", "{}")``).
    """
    host.report.begin(f"file {path}")
    if secret and mode & 0o007:
        raise Failure(f"a file of secrets must not be open to others, and mode {mode:04o} is", "use 0600 or 0640.")
    uid, gid = owner_ids(owner, group)
    target, data = Path(path), content.encode()
    try:
        status = os.lstat(path)
        same = stat.S_ISREG(status.st_mode) and target.read_bytes() == data
    except FileNotFoundError:
        status, same = None, False
    if same and status is not None:
        differences = []
        if stat.S_IMODE(status.st_mode) != mode:
            differences.append(f"mode {stat.S_IMODE(status.st_mode):04o} -> {mode:04o}")
        if (status.st_uid, status.st_gid) != (uid, gid):
            differences.append(f"owner -> {owner}:{group}")
        if not differences:
            return host.report.ok()
        os.chown(path, uid, gid)
        os.chmod(path, mode)
        return host.report.changed(", ".join(differences))
    if status is not None and stat.S_ISDIR(status.st_mode):
        raise Failure(f"{path} is a directory, not a file", f"move {path} out of the way and run again.")
    if not target.parent.is_dir():
        raise Failure(f"the directory {target.parent} does not exist")
    if check:
        validate(host, target, data, check)
    write_atomically(target, data, mode, uid, gid)
    return host.report.changed("created" if status is None else "updated")


def validate(host: Host, target: Path, data: bytes, check: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="bootstrap-") as scratch:
        copy = Path(scratch) / target.name
        write_atomically(copy, data, 0o600)
        host.run([str(copy) if word == "{}" else word for word in check])


def directory(host: Host, path: str, *, mode: int = 0o755, owner: str = "root", group: str = "root") -> bool:
    """A directory with this mode and owner; parents that are missing are made 0755 for root."""
    host.report.begin(f"directory {path}")
    uid, gid = owner_ids(owner, group)
    target = Path(path)
    if not target.is_dir():
        if os.path.lexists(path):
            raise Failure(f"{path} is there and is not a directory", f"move {path} out of the way and run again.")
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        target.mkdir(mode=0o700)
        os.chown(path, uid, gid)
        os.chmod(path, mode)
        return host.report.changed("created")
    status = target.stat()
    if stat.S_IMODE(status.st_mode) == mode and (status.st_uid, status.st_gid) == (uid, gid):
        return host.report.ok()
    os.chown(path, uid, gid)
    os.chmod(path, mode)
    return host.report.changed(f"mode {mode:04o}, owner {owner}:{group}")


def symlink(host: Host, path: str, target: str) -> bool:
    """A symbolic link, switched by rename so that at no moment it is missing."""
    host.report.begin(f"symlink {path}")
    if os.path.islink(path) and os.readlink(path) == target:
        return host.report.ok()
    if os.path.lexists(path) and not os.path.islink(path):
        raise Failure(f"{path} is there and is not a symbolic link", f"move {path} out of the way and run again.")
    temporary = f"{path}.new.{os.getpid()}"
    os.symlink(target, temporary)
    os.replace(temporary, path)
    return host.report.changed(f"-> {target}")


def absent(host: Host, path: str) -> bool:
    """No file, link or directory at this path."""
    host.report.begin(f"absent {path}")
    if not os.path.lexists(path):
        return host.report.ok()
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
    return host.report.changed("removed")


def comment_out(host: Host, path: str, pattern: str) -> bool:
    """Put ``#`` before every line that matches: for settings of a package's own file that no drop-in can take back."""
    host.report.begin(f"lines of {path}")
    target = Path(path)
    if not target.exists():
        return host.report.ok()
    old = target.read_text()
    new = re.sub(rf"^(?=(?:{pattern}))", "#", old, flags=re.MULTILINE)
    if new == old:
        return host.report.ok()
    status = target.stat()
    write_atomically(target, new.encode(), stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
    return host.report.changed(f"lines matching {pattern!r} commented out")
