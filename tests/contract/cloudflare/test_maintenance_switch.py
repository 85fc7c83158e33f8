"""`store maintenance` against the embedded Cloudflare: the switch is what the API keeps, byte for byte."""

from __future__ import annotations

import pytest

from scripts.operator.cloudflare import Api
from scripts.operator.errors import OperatorError
from scripts.operator.maintenance import switch
from tests.contract.cloudflare.serving import Served


def test_what_is_written_is_read_again(api: Served) -> None:
    """A value that looks like JSON was read as the API's own envelope, and the store was said to be open."""
    api.http.base_url = f"{api.url.removesuffix('/client/v4')}/client/v4"
    cloud = Api(api.http, api.account, switch.PERMISSION)
    namespace = cloud.ask("POST", "/storage/kv/namespaces", json={"title": "switches"})["id"]
    assert switch.read(cloud, namespace) is None
    for value in ('{"until": "2090-05-01T14:30:00Z", "message": "Über Nacht."}', "2090-05-01T14:30:00Z", "off"):
        switch.write(cloud, namespace, value)
        assert switch.read(cloud, namespace) == value
    with pytest.raises(OperatorError, match="namespace not found"):
        switch.read(cloud, "0" * 32)
