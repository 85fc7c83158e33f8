"""wrangler, unmodified, with what `. scripts/env` tells it: what people and pipelines type."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from tests.contract.storefront.conftest import installed
from tests.e2e.store.checkout import ROOT, Checkout, Ran

PACKAGE = ROOT / "tests" / "contract" / "cloudflare" / "wrangler"


class Wrangler:
    """The command in a folder of an app of somebody else's, which has the storefront's name in its configuration."""

    def __init__(self, store: Checkout, folder: Path, **config: object) -> None:
        self.store = store
        self.folder = folder
        self.binary = installed(PACKAGE) / ".bin" / "wrangler"
        script = store.outputs()["storefrontWorker"]
        base = {"name": script, "main": "index.js", "compatibility_date": "2026-01-01", "send_metrics": False}
        (folder / "wrangler.json").write_text(json.dumps({**base, **config}))

    def code(self, text: str) -> None:
        """What the app answers."""
        (self.folder / "index.js").write_text(f"export default {{ fetch: () => new Response({json.dumps(text)}) }}")

    def run(self, *words: str) -> Ran:
        line = f"cd {shlex.quote(str(self.folder))} && CI=1 NO_COLOR=1 {self.binary} {shlex.join(words)}"
        return self.store.shell(line, timeout=120)
