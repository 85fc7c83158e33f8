"""Putting files and folders on another machine by SFTP, with the provider's rules on what lands where.

======== ==================== ===================== =====================
source   target is a folder   target does not exist target is a file
======== ==================== ===================== =====================
folder   target/folder        target/folder         error
folder/  target/… each inside target/… each inside  error
file     target/file          target                target, overwritten
======== ==================== ===================== =====================

Files get the server's default mode: modes and times do not travel. Links are followed.
"""

from __future__ import annotations

import os
import posixpath
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.plugins.base.errors import ProviderError

if TYPE_CHECKING:
    import asyncssh

_READ = 8 * 1024 * 1024
_REQUEST = 32 * 1024
"""Bytes a write request: the most that every SFTP server must take."""
_REQUESTS = 128


async def copy_path(client: asyncssh.SFTPClient, source: str, target: str) -> None:
    """Copy a local file or folder."""
    if not os.path.isdir(source):
        await copy_file(client, source, await file_target(client, posixpath.basename(source), target))
        return
    kind = await _kind(client, target)
    if kind == "file":
        raise ProviderError(f"failed to create remote directory {target}: it exists but is not a directory")
    if kind is None:
        await make_folders(client, target)
    if not source.endswith("/"):
        target = posixpath.join(target, os.path.basename(source))
        await _make_folder(client, target)
    await _copy_folder(client, Path(source), target)


async def file_target(client: asyncssh.SFTPClient, name: str, target: str) -> str:
    """Where a file goes: into a folder that is there, else at the path itself, its parents made."""
    kind = await _kind(client, target)
    if kind == "folder":
        if not name:
            raise ProviderError(f"remote path {target} is a directory; cannot determine destination filename")
        return posixpath.join(target, name)
    if kind is None:
        await make_folders(client, posixpath.dirname(target))
    return target


async def copy_file(client: asyncssh.SFTPClient, source: str, target: str) -> None:
    """Copy one local file, many write requests at a time."""
    with open(source, "rb") as local:
        async with _create(client, target) as remote:
            offset = 0
            while block := local.read(_READ):
                await remote.write(block, offset)
                offset += len(block)


async def write_text(client: asyncssh.SFTPClient, text: str, target: str) -> None:
    """Write a text; the target must be a file's path, for the text has no name."""
    if await _kind(client, target) == "folder":
        raise ProviderError(
            f"remote path {target} is a directory; when using a text asset, remotePath must be a file path"
        )
    await make_folders(client, posixpath.dirname(target))
    await write_bytes(client, text.encode(), target)


async def write_bytes(client: asyncssh.SFTPClient, content: bytes, target: str) -> None:
    """Write a file's whole content."""
    async with _create(client, target) as remote:
        await remote.write(content)


async def make_folders(client: asyncssh.SFTPClient, path: str) -> None:
    """Make a folder and its parents."""
    if path and path != "/":
        await client.makedirs(path, exist_ok=True)


async def folder_target(client: asyncssh.SFTPClient, target: str) -> None:
    """Make sure that a target is a folder."""
    kind = await _kind(client, target)
    if kind == "file":
        raise ProviderError(f"remote path {target} exists but is not a directory; cannot copy asset archive contents")
    if kind is None:
        await make_folders(client, target)


def _create(client: asyncssh.SFTPClient, target: str) -> asyncssh.sftp._SFTPOpenCloseContextManager:  # type: ignore[name-defined]
    return client.open(target, "wb", block_size=_REQUEST, max_requests=_REQUESTS)


async def _copy_folder(client: asyncssh.SFTPClient, source: Path, target: str) -> None:
    for entry in sorted(source.iterdir()):
        below = posixpath.join(target, entry.name)
        if entry.is_dir() and not entry.is_symlink():
            await _make_folder(client, below)
            await _copy_folder(client, entry, below)
        else:
            await copy_file(client, str(entry), below)


async def _make_folder(client: asyncssh.SFTPClient, path: str) -> None:
    kind = await _kind(client, path)
    if kind == "file":
        raise ProviderError(f"remote path {path} exists but is not a directory")
    if kind is None:
        await client.mkdir(path)


async def _kind(client: asyncssh.SFTPClient, path: str) -> str | None:
    """``folder``, ``file`` or None."""
    if await client.isdir(path):
        return "folder"
    return "file" if await client.exists(path) else None
