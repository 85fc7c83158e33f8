"""Programs before the admin: the stack's own service token passes, everybody else meets the edge."""

from __future__ import annotations

import json

import pytest

from tests.e2e.store.checkout import Checkout

PAGE = {"Accept": "text/html"}


@pytest.mark.parametrize("output", ["adminUrl", "metricsUrl"])
def test_a_stranger_is_sent_to_the_login_or_refused(store: Checkout, output: str) -> None:
    """A page that a script can fetch is a page without a login, whatever a browser is shown."""
    wrong = {"CF-Access-Client-Id": "0123456789abcdef.access", "CF-Access-Client-Secret": "f" * 64}
    with store.client() as client:
        url = store.outputs()[output]
        page, program = client.get(url, headers=PAGE), client.get(url)
        mistaken = client.get(url, headers=wrong)
    for answer in (page, program):
        assert answer.status_code == 302 and "/cdn-cgi/access/login/" in answer.headers["location"]
    assert mistaken.status_code == 403
    assert not any("x-instance" in answer.headers for answer in (page, program, mistaken))


def test_the_service_token_passes(store: Checkout) -> None:
    """A deployment's check of the admin cannot read e-mail."""
    shown = json.loads(store.shell("pulumi stack output --json --show-secrets -s local").stdout)["accessServiceToken"]
    headers = {"CF-Access-Client-Id": shown["clientId"], "CF-Access-Client-Secret": shown["clientSecret"]}
    with store.client(headers=headers) as client:
        answer = client.get(store.outputs()["adminUrl"], follow_redirects=True)
    assert answer.status_code == 200 and answer.headers["x-instance"] == "local-medusa-1"
    assert "medusa" in answer.text.lower()
