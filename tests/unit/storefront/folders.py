"""Bundles on disk: raw ones as wrangler leaves them, composed ones as the composition writes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

JAVASCRIPT = "application/javascript+module"
WORKER = 'import "./storefront/worker.js";\nexport default { fetch: () => new Response("héllo") };\n'


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def composed(
    folder: Path,
    modules: Mapping[str, str] | None = None,
    assets: Mapping[str, str | bytes] | None = None,
    **changes: Any,
) -> Path:
    """A composed folder; `changes` go into its manifest before the digest is taken."""
    modules = modules or {"index.js": WORKER, "storefront/worker.js": "export default {};\n"}
    assets = {"hello.txt": "hello", "images/ü.svg": "<svg/>"} if assets is None else assets
    raw = sum(len(content.encode()) for content in modules.values())
    settings: dict[str, Any] = {
        "main_module": "index.js",
        "compatibility_date": "2026-04-01",
        "compatibility_flags": ["nodejs_compat", "global_fetch_strictly_public"],
        "modules": [
            {"name": name, "content_type": JAVASCRIPT, "size": len(content.encode())}
            for name, content in modules.items()
        ],
        "assets": {
            "directory": "assets",
            "binding": "ASSETS",
            "count": len(assets),
            "size": 0,
            "config": {"html_handling": "none", "headers": "/*\n  X-Robots-Tag: noindex\n"},
        },
        "size": {"raw": raw, "gzip": raw},
    } | changes
    digest = hashlib.sha256(json.dumps(settings, separators=(",", ":"), ensure_ascii=False).encode())
    contents = {name: content.encode() for name, content in modules.items()}
    contents |= {
        f"/{name}": content if isinstance(content, bytes) else content.encode()
        for name, content in sorted(assets.items())
    }
    for name, content in contents.items():
        digest.update(b"\0" + name.encode() + b"\0" + str(len(content)).encode() + b"\0" + content)
    write(folder, {f"modules/{name}": content for name, content in modules.items()})
    write(folder, {f"assets/{name}": content for name, content in assets.items()})
    write(folder, {"manifest.json": json.dumps(settings | {"digest": digest.hexdigest()[:16]}, indent=2) + "\n"})
    return folder
