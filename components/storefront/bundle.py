"""A storefront's bundle, ready to become a version of a Worker. Pure but for files and, for a raw bundle, node.

A composed folder (components/storefront/worker makes it) is `manifest.json`, `modules/` and `assets/`. Its digest
covers all of it, so that a folder by that name holds always the same. Versions refer to it by a path below the project
that is the same in every checkout: the state names no path of one machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.storefront import composition
from components.storefront.errors import BUILD, BundleError
from components.storefront.limits import FREE, PAID, exceeded

STORE = Path(".local/storefronts")
"""Where composed folders lie, below the project."""
CHANGED = "was changed after it was composed, or is incomplete"


@dataclass(frozen=True)
class Module:
    name: str
    content_type: str
    file: str
    """Relative to the project."""


@dataclass(frozen=True)
class Bundle:
    """What is uploaded as one version. Paths are relative to the project."""

    folder: Path
    digest: str
    """16 hexadecimal digits over all of it."""
    main_module: str
    compatibility_date: str
    compatibility_flags: tuple[str, ...]
    modules: tuple[Module, ...]
    assets_directory: str
    assets_binding: str
    assets_config: Mapping[str, Any]
    """html_handling, not_found_handling, run_worker_first, where the bundle says them."""
    texts: Mapping[str, str]
    """`_headers` and `_redirects`: the API takes them as modules of these names."""
    raw_bytes: int
    compressed_bytes: int
    assets: int


def read(path: Path, *, paid: bool, project: Path, store: Path = STORE) -> Bundle:
    """The bundle at `path`, composed where it is raw, in its place below `store`; both are relative to `project`.

    Raises BundleError: no bundle, changed since, or over the limits of the account's Workers plan.
    """
    shown, given = str(path), project / path
    if not given.is_dir():
        raise BundleError(shown, "is a file, not a bundle's folder" if given.exists() else "is not there")
    if not (given / "manifest.json").is_file():
        _check_raw(given, shown)
        given = composition.compose(given, project / store, shown)
    manifest = _manifest(given, shown)
    digest = str(manifest["digest"])
    assets = _verified(given, manifest, shown)
    _check_limits(manifest, assets, paid, shown)
    place = project / store / f"storefront-{digest}"
    if given.resolve() != place.resolve():
        _put(given, place, manifest)
    return _bundle(manifest, store / place.name)


def _check_raw(folder: Path, shown: str) -> None:
    """A folder that is something else is told apart here, without node."""
    if not any((folder / name).is_file() for name in ("wrangler.json", "wrangler.jsonc")):
        raise BundleError(shown, "is no Worker with assets: it has neither a manifest.json nor a wrangler.json")
    if (folder / "package.json").is_file():
        raise BundleError(shown, "is an app's folder and not its bundle", BUILD.replace("PATH/TO/storefront", shown))
    if not (folder / "assets").is_dir():
        raise BundleError(shown, "is no Worker with assets: it has no folder assets/")


def _manifest(folder: Path, shown: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        for key in ("digest", "main_module", "compatibility_date", "compatibility_flags", "modules", "assets", "size"):
            found[key]
        return found
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(shown, f"has a manifest.json that is none ({error})") from None


def _verified(folder: Path, manifest: Mapping[str, Any], shown: str) -> dict[str, int]:
    """Sizes of the assets by address, once the digest is known to be the content's."""
    settings = {key: value for key, value in manifest.items() if key != "digest"}
    # As JSON.stringify writes it: the digest was taken over that.
    digest = hashlib.sha256(json.dumps(settings, separators=(",", ":"), ensure_ascii=False).encode())
    assets: dict[str, int] = {}
    try:
        for module in manifest["modules"]:
            _add(digest, module["name"], folder / "modules" / module["name"])
        for address in _addresses(folder / "assets"):
            assets[address] = _add(digest, address, folder / "assets" / address[1:])
    except (OSError, KeyError, TypeError) as error:
        raise BundleError(shown, f"{CHANGED} ({error})") from None
    if digest.hexdigest()[:16] != manifest["digest"]:
        raise BundleError(shown, f"{CHANGED}: its content's digest is not {manifest['digest']}")
    return assets


def _add(digest: Any, name: str, file: Path) -> int:
    content = file.read_bytes()
    digest.update(f"\0{name}\0{len(content)}\0".encode())
    digest.update(content)
    return len(content)


def _addresses(folder: Path) -> list[str]:
    """`/images/logo.svg`, in JavaScript's order of strings."""
    found = [
        f"/{Path(parent, name).relative_to(folder).as_posix()}"
        for parent, _, names in os.walk(folder)
        for name in names
    ]
    return sorted(found, key=lambda address: address.encode("utf-16-be"))


def _check_limits(manifest: Mapping[str, Any], assets: Mapping[str, int], paid: bool, shown: str) -> None:
    sizes = manifest["size"]
    found = list(exceeded(PAID if paid else FREE, compressed=sizes["gzip"], raw=sizes["raw"], assets=assets))
    if not found:
        return
    if not paid and all(excess.paid_allows for excess in found):
        fix = "pulumi config set workersPaid true (with Workers Paid in the account), or a smaller bundle"
    else:
        fix = f"make it smaller in the app, then {BUILD}"
    raise BundleError(shown, "; ".join(excess.rule for excess in found), fix)


def _put(given: Path, place: Path, manifest: Mapping[str, Any]) -> None:
    """Copy it to its place, whole or not at all; what is there and right stays."""
    if place.is_dir():
        try:
            _verified(place, _manifest(place, place.name), place.name)
            return
        except BundleError:
            shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_name(f"{place.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        for folder in ("modules", "assets"):
            shutil.copytree(given / folder, fresh / folder)
        shutil.copy2(given / "manifest.json", fresh)
        try:
            fresh.rename(place)
        except OSError:
            if not place.is_dir():  # else another process was quicker, with the same content
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _bundle(manifest: Mapping[str, Any], place: Path) -> Bundle:
    assets = manifest["assets"]
    config = dict(assets["config"])
    texts = {f"_{name}": str(config.pop(name)) for name in ("headers", "redirects") if name in config}
    return Bundle(
        folder=place,
        digest=manifest["digest"],
        main_module=manifest["main_module"],
        compatibility_date=manifest["compatibility_date"],
        compatibility_flags=tuple(manifest["compatibility_flags"]),
        modules=tuple(
            Module(module["name"], module["content_type"], (place / "modules" / module["name"]).as_posix())
            for module in manifest["modules"]
        ),
        assets_directory=(place / "assets").as_posix(),
        assets_binding=assets["binding"],
        assets_config=config,
        texts=texts,
        raw_bytes=manifest["size"]["raw"],
        compressed_bytes=manifest["size"]["gzip"],
        assets=assets["count"],
    )
