"""Small parts of the plugins: durations, endpoints, globs, certificates, quoting."""

from __future__ import annotations

from email.message import Message
from pathlib import Path

import pytest

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.command.globs import compile_glob, select
from localcloud.plugins.command.output import quoted
from localcloud.plugins.hcloud.api import ApiError, _answer
from localcloud.plugins.hcloud.config import ENDPOINT, seconds
from localcloud.plugins.hcloud.resources.firewall import normal_cidrs
from localcloud.plugins.hcloud.resources.server import user_data_hash


@pytest.mark.parametrize(
    ("text", "expected"), [("500ms", 0.5), ("2s", 2), ("1m30s", 90), ("1.5s", 1.5), ("100us", 0.0001), ("1h", 3600)]
)
def test_durations_are_gos(text: str, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "5", "s", "5 s", "five", "-1s"])
def test_what_is_no_duration_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="500ms"):
        seconds(text)


@pytest.mark.parametrize(
    ("endpoint", "fine"),
    [
        ("http://127.0.0.1:8470/v1", True),
        ("http://127.9.9.9/v1", True),
        ("http://localhost:8470/v1", True),
        ("http://[::1]:8470/v1", True),
        ("https://api.hetzner.cloud/v1", False),
        ("http://localhost.example.com/v1", False),
        ("http://127.0.0.1@example.com/v1", False),
        ("http://127.0.0.1:8470@example.com/v1", False),
        ("http://127.0.0.1\\@example.com/v1", False),
        ("http://example.com#@127.0.0.1/v1", False),
        ("http://example.com/?@127.0.0.1", False),
        ("http://[::ffff:203.0.113.1]/v1", False),
        ("http://[::1", False),
        ("http://127.0.0.1:99999/v1", False),
        ("http://127.0.0.1:port/v1", False),
        ("http://198.18.0.1/v1", False),
        ("http://0.0.0.0/v1", False),
        ("127.0.0.1:8470", False),
        ("", False),
    ],
)
def test_only_loopback_is_served(endpoint: str, fine: bool) -> None:
    """A real account must never be reached through a stand-in."""
    assert (ENDPOINT.refusal(endpoint) is None) == fine


def test_a_redirect_is_an_error_and_is_not_followed() -> None:
    """Read as an empty answer it ended in a KeyError; followed, it would carry the token away."""
    headers = Message()
    headers["Location"] = "https://api.hetzner.cloud/v1/servers"
    with pytest.raises(ApiError, match="status code 302"):
        _answer(302, headers, b"")


def test_a_refusal_shows_no_password() -> None:
    said = ENDPOINT.refusal("https://somebody:hunter2@api.example.com/v1") or ""
    assert "https://api.example.com/v1 is not on this machine" in said and "hunter2" not in said


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("*.txt", "a.txt", True),
        ("*.txt", "a/b.txt", False),
        ("**.txt", "a/b.txt", True),
        ("a/**", "a/b/c", True),
        ("a/?", "a/b", True),
        ("a?b", "a/b", False),
        ("[ab].c", "a.c", True),
        ("[!ab].c", "a.c", False),
        ("{x,y}/*", "y/z", True),
        ("a.c", "abc", False),
        ("\\*", "*", True),
    ],
)
def test_globs_are_the_providers(glob: str, path: str, matches: bool) -> None:
    assert bool(compile_glob(glob).fullmatch(path)) == matches


@pytest.mark.parametrize("glob", ["[a", "{a,b"])
def test_a_glob_that_does_not_end_is_named(glob: str) -> None:
    with pytest.raises(ProviderError, match="without"):
        compile_glob(glob)


def test_later_rules_win(tmp_path: Path) -> None:
    for name in ("keep.js", "secret.js", "other.css"):
        (tmp_path / name).write_text("")
    assert select(str(tmp_path), ["**.js", "!secret*"]) == ["keep.js"]
    assert select(str(tmp_path), ["!secret*", "**.js"]) == ["keep.js", "secret.js"]


def test_user_data_is_kept_as_the_provider_keeps_it() -> None:
    """base64 of SHA-1: another form would replace every server once the real plugin takes over."""
    assert user_data_hash("hello") == "qvTGHdzF6KLavt4PO0gs2a6pQ00="


def test_ranges_are_written_as_the_api_writes_them() -> None:
    assert normal_cidrs(["10.0.0.1", "2001:DB8:0::/48", "::/0"]) == ["10.0.0.1/32", "2001:db8::/48", "::/0"]


def test_a_command_is_quoted_on_one_line() -> None:
    assert quoted('a "b"\nc\'') == '"a \\"b\\"\\nc\'"'
