"""A provider whose settings change has to be told, in the update that changes them."""

from __future__ import annotations

import pytest
from pulumi.runtime.proto import provider_pb2

from localcloud.plugins.base.provider import Provider
from localcloud.plugins.base.values import encode

NONE, SOME = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME


@pytest.mark.parametrize(
    ("endpoint", "changes"), [("http://127.0.0.1:8470/v1", NONE), ("http://127.0.0.1:8471/v1", SOME)]
)
def test_a_changed_endpoint_is_a_change(endpoint: str, changes: int) -> None:
    """The update after a change of endpoint still asked the old one, and the token was refused there."""
    request = provider_pb2.DiffRequest(
        olds=encode({"endpoint": "http://127.0.0.1:8470/v1"}), news=encode({"endpoint": endpoint})
    )
    assert Provider.DiffConfig(None, request, None).changes == changes  # type: ignore[arg-type]
