"""``command:remote:CopyToRemote``: a file or a folder to another machine, over SFTP."""

from __future__ import annotations

from pathlib import Path

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.naming import Autonaming
from localcloud.plugins.base.operations import Call, Checked, Failure
from localcloud.plugins.base.values import Archive, Asset, Properties, Value, is_unknown
from localcloud.plugins.command.connection import CONNECTION, connect, run
from localcloud.plugins.command.inferred import InferredResource, Input, new_id


class CopyToRemote(InferredResource):
    """Copies on creation and whenever an input changes; deletion leaves the copy where it is."""

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
        if not is_unknown(source) and (reason := _unfit(source)):
            checked.failures.append(Failure("source", reason))
        return checked

    def run_create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        _copy(call, inputs)
        return new_id(call.name), inputs

    def run_update(self, call: Call, state: Properties, inputs: Properties) -> Properties:
        _copy(call, inputs)
        return inputs


def _unfit(source: Value) -> str | None:
    if isinstance(source, Archive) and source.assets is not None:
        return "an AssetArchive is not supported: use a FileArchive"
    if isinstance(source, Asset | Archive) and source.uri:
        return "a remote asset or archive is not supported: use one of this machine"
    return None


def _copy(call: Call, inputs: Properties) -> None:
    import asyncssh

    source, remote = inputs["source"], str(inputs["remotePath"])
    try:
        run(call, lambda: _send(call, inputs["connection"], source, remote))
    except (asyncssh.Error, OSError) as error:
        what = source.path or "the asset's text"
        raise ProviderError(f"copying {what} to {remote} on {inputs['connection']['host']}: {error}") from error


async def _send(call: Call, connection: Properties, source: Asset | Archive, remote: str) -> None:
    async with connect(call, connection) as opened, opened.start_sftp_client() as sftp:
        if source.path is None:
            async with sftp.open(remote, "wb") as file:
                await file.write((source.text or "").encode() if isinstance(source, Asset) else b"")
            return
        local = Path(source.path)
        into = await sftp.isdir(remote)
        if not local.is_dir():
            await sftp.put(str(local), f"{remote.rstrip('/')}/{local.name}" if into else remote)
            return
        # As cp and rsync do: a trailing slash means what is in the folder, no slash the folder itself.
        whole = into and not source.path.endswith("/")
        target = f"{remote.rstrip('/')}/{local.name}" if whole else remote
        await sftp.makedirs(target, exist_ok=True)
        for entry in sorted(local.iterdir()):
            await sftp.put(str(entry), f"{target.rstrip('/')}/{entry.name}", recurse=True)
