"""Password verifiers as PostgreSQL stores them."""

from __future__ import annotations

import pytest

from components.database.bootstrap.postgres import identifier, literal, scram_verifier, verifier_matches

# RFC 7677, section 3: user "user", password "pencil", 4096 iterations, this salt. The RFC shows the exchange; its
# ServerSignature and ClientProof check against these keys.
SALT = bytes.fromhex("5b6d99689d123 58eeca04b141236fa81".replace(" ", ""))


def test_verifier_agrees_with_the_rfcs_exchange() -> None:
    """A verifier that PostgreSQL takes but computes otherwise locks the application out after a rotation."""
    import base64
    import hashlib
    import hmac

    verifier = scram_verifier("pencil", SALT)
    stored, server = (base64.b64decode(part) for part in verifier.split("$")[2].split(":"))
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    salt = base64.b64encode(SALT).decode()
    message = f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s={salt},i=4096,c=biws,r={nonce}".encode()
    signature = base64.b64encode(hmac.digest(server, message, "sha256")).decode()
    assert signature == "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    client_key = bytes(a ^ b for a, b in zip(proof, hmac.digest(stored, message, "sha256"), strict=True))
    assert hashlib.sha256(client_key).digest() == stored


def test_known_passwords_are_recognised() -> None:
    """Otherwise each run sets the password anew, and reports a change that is none."""
    verifier = scram_verifier("secret-one", b"0123456789abcdef")
    assert verifier_matches(verifier, "secret-one")
    assert not verifier_matches(verifier, "secret-two")


@pytest.mark.parametrize(
    "stored", ["", "-", "md5d41d8cd98f00b204e9800998ecf8427e", "SCRAM-SHA-256$x", "a$b$c", "a$b:c$d"]
)
def test_other_stored_values_match_nothing(stored: str) -> None:
    """An md5 password of an imported database must be replaced, not crash the run."""
    assert not verifier_matches(stored, "secret-one")


def test_names_are_quoted() -> None:
    """medusa-staging without quotes is a subtraction."""
    assert identifier("medusa-staging") == '"medusa-staging"'
    assert identifier('a"b') == '"a""b"'
    assert literal("it's") == "'it''s'"
