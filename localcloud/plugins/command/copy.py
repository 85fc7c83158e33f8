"""``command:remote:CopyToRemote`` and ``CopyFile``: files and folders to another machine, by SFTP."""

from __future__ import annotations

import posixpath
import tarfile
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import urlopen

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.naming import Autonaming
from localcloud.plugins.base.operations import Call, Checked, Failure
from localcloud.plugins.base.values import Archive, Asset, Properties, is_unknown
from localcloud.plugins.command import sftp
from localcloud.plugins.command.connection import CONNECTION, connect, run
from localcloud.plugins.command.inferred import InferredResource, Input, new_id

if TYPE_CHECKING:
    import asyncssh

_FETCH_SECONDS = 60


class CopyToRemote(InferredResource):
    """Copies on creation and when content or path change; deletion leaves the copy where it is."""

    token = "command:remote:CopyToRemote"
    inputs = (
        CONNECTION,
        Input("triggers", "any_list", replace=True),
        Input("source", "asset", required=True),
        Input("remotePath", required=True),
    )

    def check(
        self, call: Call, old: Properties, new: Properties, seed: bytes, autonaming: Autonaming | None
    ) -> Checked:
        checked = super().check(call, old, new, seed, autonaming)
        source = new.get("source")
        if source is not None and not is_unknown(source) and not isinstance(source, Asset | Archive):
            checked.failures.append(Failure("asset", "either asset or archive must be set"))
        return checked

    def run_create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        _copy(call, inputs)
        return new_id(), inputs

    def run_update(self, call: Call, state: Properties, inputs: Properties) -> Properties:
        old = state.get("source")
        same = isinstance(old, Asset | Archive) and old.hash == inputs["source"].hash
        if not same or state.get("remotePath") != inputs["remotePath"]:
            _copy(call, inputs)
        return inputs


class CopyFile(InferredResource):
    """The deprecated way to copy one file: no folders are made, and every change copies anew."""

    token = "command:remote:CopyFile"
    inputs = (
        CONNECTION,
        Input("triggers", "any_list"),
        Input("localPath", required=True),
        Input("remotePath", required=True),
    )
    updatable = False

    def run_create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        local, remote = inputs["localPath"], inputs["remotePath"]
        _with_sftp(call, inputs, local, lambda client: sftp.copy_file(client, local, remote))
        return new_id(), inputs


def _copy(call: Call, inputs: Properties) -> None:
    source, target = inputs["source"], inputs["remotePath"]
    _with_sftp(call, inputs, _described(source), lambda client: _send(client, source, target))


def _with_sftp(
    call: Call, inputs: Properties, what: str, work: Callable[[asyncssh.SFTPClient], Awaitable[None]]
) -> None:
    """Connect and do some work by SFTP; errors name what was copied where."""
    import asyncssh

    async def main() -> None:
        async with connect(call, inputs["connection"]) as connection, connection.start_sftp_client() as client:
            await work(client)

    try:
        run(call, main)
    except (asyncssh.Error, OSError) as error:
        where = f"{inputs['connection']['host']}:{inputs['remotePath']}"
        raise ProviderError(f"failed to copy {what} to {where}: {error}") from error


def _described(source: Asset | Archive) -> str:
    if isinstance(source, Asset) and source.text is not None:
        return "text asset"
    return source.path or source.uri or "asset archive"


async def _send(client: asyncssh.SFTPClient, source: Asset | Archive, target: str) -> None:
    if source.path is not None:
        await sftp.copy_path(client, source.path, target)
    elif source.uri is not None:
        name = posixpath.basename(urlsplit(source.uri).path)
        await sftp.write_bytes(client, _fetch(source.uri), await sftp.file_target(client, name, target))
    elif isinstance(source, Asset):
        await sftp.write_text(client, source.text or "", target)
    else:
        await sftp.folder_target(client, target)
        for name, content in entries(source):
            path = posixpath.join(target, name)
            await sftp.make_folders(client, posixpath.dirname(path))
            await sftp.write_bytes(client, content, path)


def entries(archive: Archive) -> Iterator[tuple[str, bytes]]:
    """Names and contents of an archive's files; archives inside are unpacked below their names."""
    if archive.assets is None:
        yield from _packed(archive.path or "")
        return
    for name, item in sorted(archive.assets.items()):
        if isinstance(item, Archive):
            for below, content in entries(item):
                yield posixpath.join(name, below), content
        elif item.path is not None:
            with open(item.path, "rb") as file:
                yield name, file.read()
        else:
            yield name, _fetch(item.uri) if item.uri is not None else (item.text or "").encode()


def _packed(path: str) -> Iterator[tuple[str, bytes]]:
    """The files of a folder, a tar (of any compression) or a zip."""
    import os

    if os.path.isdir(path):
        for parent, folders, files in os.walk(path):
            folders.sort()
            for file in sorted(files):
                full = os.path.join(parent, file)
                with open(full, "rb") as opened:
                    yield os.path.relpath(full, path), opened.read()
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if not name.endswith("/"):
                    yield name, archive.read(name)
    else:
        with tarfile.open(path) as tar:
            for member in tar:
                file_object = tar.extractfile(member) if member.isfile() else None
                if file_object is not None:
                    yield member.name, file_object.read()


def _fetch(uri: str) -> bytes:
    with urlopen(uri, timeout=_FETCH_SECONDS) as answer:
        return bytes(answer.read())
