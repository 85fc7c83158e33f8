"""Property values on their way between engine and plugin."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.plugins.base.diff import compare, equal
from localcloud.plugins.base.naming import unique_name
from localcloud.plugins.base.values import (
    OUTPUT_SIGNATURE,
    RESOURCE_SIGNATURE,
    SECRET_SIGNATURE,
    SIGNATURE,
    UNKNOWN,
    Archive,
    Asset,
    Secret,
    decode,
    encode,
    is_unknown,
)

leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20) | st.just(UNKNOWN)
assets = st.builds(lambda text: Asset(hash="h", text=text), st.text(max_size=5))
values = st.recursive(
    leaves | assets,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc_", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


def without_nones(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nones(item) for name, item in value.items() if item is not None}
    return [without_nones(item) for item in value] if isinstance(value, list) else value


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), values, max_size=4))
def test_what_is_encoded_comes_back(properties: dict[str, Any]) -> None:
    """A value that changed on the way would be a difference at every update."""
    assert decode(encode(properties)) == without_nones(properties)


@given(values)
def test_a_value_is_equal_to_itself_unless_it_is_unknown(value: Any) -> None:
    assert equal(value, value) != is_unknown(value)


def test_secrets_outputs_and_references_give_what_is_inside() -> None:
    wire = encode(
        {
            "secret": {SIGNATURE: SECRET_SIGNATURE, "value": "s"},
            "output": {SIGNATURE: OUTPUT_SIGNATURE, "value": 5, "secret": True},
            "unknown": {SIGNATURE: OUTPUT_SIGNATURE},
            "reference": {SIGNATURE: RESOURCE_SIGNATURE, "urn": "u", "id": "i"},
        }
    )
    assert decode(wire) == {"secret": "s", "output": 5, "unknown": UNKNOWN, "reference": "i"}


def test_a_secret_is_signed() -> None:
    assert encode({"a": Secret("x")}).fields["a"].struct_value.fields[SIGNATURE].string_value == SECRET_SIGNATURE


def test_the_empty_fields_of_an_asset_are_no_sources() -> None:
    """The engine sends all of them; a path asset taken for an empty text would empty the file over there."""
    asset = {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "hash": "h", "text": "", "path": "/a", "uri": ""}
    archive = {SIGNATURE: "0def7320c3a5731c473e5ecbe6d01bc7", "hash": "h", "path": "/a", "uri": "", "assets": {}}
    assert decode(encode({"a": asset, "b": archive})) == {
        "a": Asset(hash="h", path="/a"),
        "b": Archive(hash="h", path="/a"),
    }


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": True}, {"p.a": "update"}),
        ({"a": 1}, {"a": 1.0}, {}),
        ({"a": None}, {}, {}),
        ({}, {"b": "x"}, {"p.b": "add"}),
        ({"b": "x"}, {}, {"p.b": "delete"}),
        ({"a-b": 1}, {"a-b": 2}, {'p["a-b"]': "update"}),
        ([1, 2], [1], {"p[1]": "delete"}),
        ([1], [1, 2], {"p[1]": "add"}),
        ([{"a": 1}], [{"a": 2}], {"p[0].a": "update"}),
        ("x", UNKNOWN, {"p": "update"}),
        (None, UNKNOWN, {"p": "add"}),
        (Asset(hash="1", path="/a"), Asset(hash="1", path="/b"), {}),
        (Asset(hash="1", path="/a"), Asset(hash="2", path="/a"), {"p": "update"}),
        (Asset(hash="1"), Archive(hash="1"), {"p": "update"}),
    ],
)
def test_differences_have_the_engines_paths(old: Any, new: Any, expected: dict[str, str]) -> None:
    assert compare("p", old, new) == expected


def test_a_made_up_name_is_the_same_in_preview_and_update() -> None:
    seed = bytes(range(32))
    assert unique_name("web", seed) == unique_name("web", seed) == "web-0001020"
    assert len(unique_name("x" * 300, seed)) == 255
    assert unique_name("web", b"") != unique_name("web", b"")


def test_a_plugin_starts_without_the_whole_sdk() -> None:
    """It would cost each plugin process a third of a second and twice the memory."""
    script = "import sys, localcloud.plugins.hcloud.provider; print('pulumi' in sys.modules, 'asyncssh' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["False", "False"]


def test_the_sdk_can_still_be_imported_afterwards() -> None:
    script = "import localcloud.plugins.base.protos, pulumi, pulumi_hcloud; pulumi.Output.from_input(1); print('fine')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "fine"
