"""The cloudflare plugin's configuration: whom it speaks to, and as whom."""

from __future__ import annotations

import pytest

from localcloud.plugins.base.values import UNKNOWN
from localcloud.plugins.cloudflare.config import read

HERE = "http://127.0.0.1:8471/client/v4"
TOKEN = "t" * 40


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_TOKEN", "API_KEY", "EMAIL", "BASE_URL"):
        monkeypatch.delenv(f"CLOUDFLARE_{name}", raising=False)


def problems(**config: object) -> dict[str, str]:
    return {failure.property: failure.reason for failure in read(dict(config))[1]}


@pytest.mark.parametrize("endpoint", [HERE, HERE + "/", "https://localhost/client/v4", "http://[::1]:1/client/v4"])
def test_an_endpoint_on_this_machine_is_fine(endpoint: str) -> None:
    assert problems(apiToken=TOKEN, baseUrl=endpoint) == {}


@pytest.mark.parametrize(
    "endpoint",
    ["https://api.cloudflare.com/client/v4", "http://127.0.0.1.example.com/", "http://10.0.0.1/", "ftp://localhost/"],
)
def test_any_other_is_refused(endpoint: str) -> None:
    """A stand-in that reaches a real account would change it."""
    found = problems(apiToken=TOKEN, baseUrl=endpoint)
    assert set(found) == {"baseUrl"} and "http://127.0.0.1:8471/client/v4" in found["baseUrl"]


def test_no_endpoint_is_the_real_one_and_refused() -> None:
    assert "https://api.cloudflare.com/client/v4 is not on this machine" in problems(apiToken=TOKEN)["baseUrl"]


@pytest.mark.parametrize("token", ["short", "t" * 81, "t" * 39 + "!", "t" * 39 + " "])
def test_a_token_of_another_form_is_refused_without_being_shown(token: str) -> None:
    """The real provider refuses it before any call; and messages end up in logs."""
    reason = problems(apiToken=token, baseUrl=HERE)["apiToken"]
    assert "40 to 80" in reason and token not in reason


def test_credentials() -> None:
    assert read({"apiToken": TOKEN, "baseUrl": HERE})[0].headers == {"Authorization": f"Bearer {TOKEN}"}
    with_key = {"apiKey": "k" * 37, "email": "ops@example.com", "baseUrl": HERE}
    assert read(with_key)[0].headers == {"X-Auth-Key": "k" * 37, "X-Auth-Email": "ops@example.com"}
    assert set(problems(apiKey="k" * 37, baseUrl=HERE)) == {"email"}
    assert set(problems(apiKey="k", email="e", baseUrl=HERE)) == {"apiKey"}
    assert set(problems(apiKey="k" * 37, email="e", apiToken=TOKEN, baseUrl=HERE)) == {"apiToken"}
    assert set(problems(baseUrl=HERE)) == {"apiToken"}
    assert problems(apiToken=UNKNOWN, baseUrl=UNKNOWN) == {}, "a preview may not know them yet"


def test_the_environment_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", TOKEN)
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", HERE)
    config, failures = read({})
    assert failures == [] and config.endpoint == HERE and config.headers["Authorization"] == f"Bearer {TOKEN}"
    assert read({"apiToken": "u" * 40})[0].headers["Authorization"] == f"Bearer {'u' * 40}"
