"""What looks like a secret is decided in two languages."""

from __future__ import annotations

import re
from pathlib import Path

import components.storefront.variables as rules

BUNDLE = Path(rules.__file__).parent / "worker/build/bundle.mjs"


def test_python_and_javascript_see_the_same_secrets() -> None:
    """A form of token that only one of them knew went into the bundle, and was refused in the stack's file."""
    text = BUNDLE.read_text()
    for name in ("SECRET_NAME", "PUBLIC_NAME", "SECRET_VALUE"):
        found = re.search(rf"const {name} =\s*/(.*)/i?;\n", text)
        assert found and found[1].replace("\\/", "/") == getattr(rules, name).pattern, name
