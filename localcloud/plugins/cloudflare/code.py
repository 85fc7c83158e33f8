"""A Worker's code and assets on this machine's disk, and how they get to the API."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.values import Properties, is_unknown
from localcloud.plugins.cloudflare.client import Api, Part, encoded
from localcloud.plugins.cloudflare.shape import compact


def content_of(path: str, what: str) -> bytes:
    """A file's content; raises ProviderError."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ProviderError(f"{what}: cannot read {path}: {error.strerror}; build it, or correct the path") from error


def sha256(content: bytes) -> str:
    """SHA-256 in hex, as the provider keeps of contents."""
    return hashlib.sha256(content).hexdigest()


def with_digest(given: Properties, what: str) -> Properties:
    """A module or file with the digest of its content; a digest that is given must be the content's."""
    known = given.get("contentFile")
    if known is not None and not is_unknown(known):
        digest = sha256(content_of(known, what))
    elif isinstance(given.get("contentBase64"), str):
        digest = sha256(base64.b64decode(given["contentBase64"]))
    else:
        return given
    said = given.get("contentSha256")
    if said is not None and not is_unknown(said) and said != digest:
        raise ProviderError(f"{what}: contentSha256 is {said}, but the content's is {digest}")
    return given | {"contentSha256": digest}


@dataclass(frozen=True)
class Asset:
    """One file of a folder of assets. ``key`` is opaque to the API: 32 hex digits."""

    path: Path
    key: str
    size: int


def manifest(directory: str) -> dict[str, Asset]:
    """The assets of a folder by their address (``/images/logo.svg``), in order; raises ProviderError."""
    root = Path(directory).resolve()
    if not root.is_dir():
        raise ProviderError(f"assets.directory: {directory} is no folder; build the assets, or correct the path")
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            found["/" + path.relative_to(root).as_posix()] = Asset(path, sha256(content)[:32], len(content))
    return found


def manifest_digest(assets: dict[str, Asset]) -> str:
    """What tells one set of assets from another."""
    return sha256(compact(_manifest(assets)).encode())


def with_manifest(assets: Properties) -> Properties:
    """A Worker's assets with the digest of their folder."""
    directory = assets.get("directory")
    if directory is None or is_unknown(directory):
        return assets
    return assets | {"assetManifestSha256": manifest_digest(manifest(str(directory)))}


def upload(api: Api, account: str, script: str, directory: str) -> str:
    """Upload what the API does not have yet; the token that stands for the whole set. Raises ProviderError."""
    assets = manifest(directory)
    path = f"/accounts/{encoded(account)}/workers/scripts/{encoded(script)}/assets-upload-session"
    session = api.ask("POST", path, {"manifest": _manifest(assets)}).result or {}
    token = str(session.get("jwt") or "")
    by_key = {asset.key: asset for asset in assets.values()}
    buckets = [bucket for bucket in session.get("buckets") or [] if bucket]
    # With nothing to upload, the session's token is the set's.
    completed = "" if buckets else token
    for bucket in buckets:
        missing = [key for key in bucket if key not in by_key]
        if missing:
            raise ProviderError(f"the API asks for assets that are not in the manifest: {', '.join(missing)}")
        completed = _upload_bucket(api, account, token, [by_key[key] for key in bucket]) or completed
    if not completed:
        raise ProviderError("the API took every asset and gave no completion token for them")
    return completed


def _upload_bucket(api: Api, account: str, token: str, assets: list[Asset]) -> str:
    parts = [
        Part(
            asset.key,
            base64.b64encode(asset.path.read_bytes()),
            mimetypes.guess_type(asset.path.name)[0] or "application/octet-stream",
            str(asset.path),
        )
        for asset in assets
    ]
    path = f"/accounts/{encoded(account)}/workers/assets/upload?base64=true"
    result: Any = api.ask("POST", path, form=parts, headers={"Authorization": f"Bearer {token}"}).result
    return str((result or {}).get("jwt") or "")


def _manifest(assets: dict[str, Asset]) -> dict[str, Any]:
    return {address: {"hash": asset.key, "size": asset.size} for address, asset in assets.items()}
